#include "controllers/certificate_cleaner/plan.h"

#include "api/certificates.h"
#include "api/times.h"

namespace ph::controllers::certificate_cleaner {
namespace {

using certificates::v1::CertificateSigningRequest;

constexpr Duration kDecided = 1h, kUndecided = 24h;

bool is_older(const meta::v1::Time& since, Duration than, Time now) {
  return !api::is_zero(since) && now - api::to_time(since) > than;
}

bool has_condition_older(const CertificateSigningRequest& request, std::string_view type, Duration than, Time now) {
  for (const auto& condition : request.status().conditions()) {
    if (condition.type() == type && is_older(condition.last_update_time(), than, now)) return true;
  }
  return false;
}

}  // namespace

const char* text(Why why) {
  switch (why) {
    case Why::Stays: return "stays";
    case Why::Issued: return "approved and issued for an hour";
    case Why::Denied: return "denied for an hour";
    case Why::Failed: return "failed for an hour";
    case Why::Pending: return "pending for a day";
    case Why::Unissued: return "approved and not issued for a day";
    case Why::Expired: return "its certificate has expired";
  }
  return "";
}

Why judge(const CertificateSigningRequest& request, std::optional<Time> certificate_ends, Time now) {
  const bool is_issued = !request.status().certificate().empty();
  if (is_issued && has_condition_older(request, api::kApproved, kDecided, now)) return Why::Issued;
  if (has_condition_older(request, api::kDenied, kDecided, now)) return Why::Denied;
  if (has_condition_older(request, api::kFailed, kDecided, now)) return Why::Failed;
  if (request.status().conditions().empty() && is_older(request.metadata().creation_timestamp(), kUndecided, now))
    return Why::Pending;
  if (!is_issued && has_condition_older(request, api::kApproved, kUndecided, now)) return Why::Unissued;
  bool is_approved = false;
  for (const auto& condition : request.status().conditions()) is_approved |= condition.type() == api::kApproved;
  if (is_issued && is_approved && certificate_ends && *certificate_ends < now) return Why::Expired;
  return Why::Stays;
}

}  // namespace ph::controllers::certificate_cleaner
