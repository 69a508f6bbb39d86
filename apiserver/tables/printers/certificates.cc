// The rows of certificate signing requests and runtime classes.
#include "api/certificates.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/times.h"
#include "apiserver/tables/printers/cells.h"

namespace ph::apiserver {

using certificates::v1::CertificateSigningRequest;

namespace {

constexpr Column kRequestColumns[] = {{"Name", "string", "name"},      {"Age", "string"},
                                      {"SignerName", "string"},        {"Requestor", "string"},
                                      {"RequestedDuration", "string"}, {"Condition", "string"}};

std::string condition_text(const CertificateSigningRequest& request) {
  const auto has = [&](std::string_view type) {
    return std::ranges::any_of(request.status().conditions(), [&](const auto& condition) { return condition.type() == type; });
  };
  std::string out = has(api::kDenied) ? "Denied" : has(api::kApproved) ? "Approved" : "Pending";
  if (has(api::kFailed)) out += ",Failed";
  if (!request.status().certificate().empty()) out += ",Issued";
  return out;
}

void print_request(const CertificateSigningRequest& request, Time now, Row& row) {
  const auto& spec = request.spec();
  row.cells = {
      request.metadata().name(),
      age(request.metadata().creation_timestamp(), now),
      or_text(spec.signer_name(), kNone),
      spec.username(),
      spec.has_expiration_seconds() ? api::human_duration(std::chrono::seconds(spec.expiration_seconds())) : std::string(kNone),
      condition_text(request)};
}

constexpr Column kRuntimeClassColumns[] = {{"Name", "string", "name"}, {"Handler", "string"}, {"Age", "string"}};

void print_runtime_class(const node::v1::RuntimeClass& object, Time now, Row& row) {
  row.cells = {object.metadata().name(), object.handler(), age(object.metadata().creation_timestamp(), now)};
}

}  // namespace

extern const Printer kCertificateSigningRequestPrinter = printer_of<CertificateSigningRequest, print_request>(kRequestColumns);
extern const Printer kRuntimeClassPrinter = printer_of<node::v1::RuntimeClass, print_runtime_class>(kRuntimeClassColumns);

}  // namespace ph::apiserver
