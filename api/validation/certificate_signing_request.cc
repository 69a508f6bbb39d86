// certificates.k8s.io/v1 CertificateSigningRequest: its texts. Whether the bytes in them are what they should be is looked at by
// apiserver/registry/certificate_signing_requests.cc.
#include <fmt/format.h>

#include "api/certificates.h"
#include "api/json_text.h"
#include "api/pem.h"
#include "api/validation/validation.h"

namespace ph::api {

using namespace certificates::v1;

namespace {

using Conditions = google::protobuf::RepeatedPtrField<CertificateSigningRequestCondition>;

constexpr std::int32_t kSecondsMin = 600;
constexpr std::size_t kDomainMax = 253,
                      kSignerMax = 571;  // a subdomain, and what names a signer of one namespace and name behind it

const std::vector<std::string> kUsages = {"any",
                                          "cert sign",
                                          "client auth",
                                          "code signing",
                                          "content commitment",
                                          "crl sign",
                                          "data encipherment",
                                          "decipher only",
                                          "digital signature",
                                          "email protection",
                                          "encipher only",
                                          "ipsec end system",
                                          "ipsec tunnel",
                                          "ipsec user",
                                          "key agreement",
                                          "key encipherment",
                                          "microsoft sgc",
                                          "netscape sgc",
                                          "ocsp signing",
                                          "s/mime",
                                          "server auth",
                                          "signing",
                                          "timestamping"};

// -- What is asked for

void check_request(const std::string& request, const Path& path, Errors& errors) {
  std::string_view rest = request;
  const auto block = next_pem_block(rest);
  if (block && block->type == "CERTIFICATE REQUEST") return;
  std::string shown;
  append_base64(request, shown);
  errors.invalid(path, request.empty() ? "null" : quote(shown), "PEM block type must be CERTIFICATE REQUEST");
}

void check_usages(const google::protobuf::RepeatedPtrField<std::string>& usages, const Path& path, Errors& errors) {
  if (usages.empty()) errors.required(path);
  for (int i = 0; i < usages.size(); ++i) {
    const bool known = std::ranges::find(kUsages, usages[i]) != kUsages.end();
    if (!known) errors.not_supported(path.index(static_cast<std::size_t>(i)), usages[i], kUsages);
  }
  std::set<std::string_view> seen;
  for (int i = 0; i < usages.size(); ++i) {
    if (!seen.insert(usages[i]).second) errors.duplicate(path.index(static_cast<std::size_t>(i)), usages[i]);
  }
}

using NameCheck = std::vector<std::string> (*)(std::string_view);

// Each of the parts between dots. Returns how many there are.
std::size_t check_parts(const std::string& text, NameCheck check, const Path& path, Errors& errors) {
  std::size_t count = 0;
  for (std::size_t begin = 0; begin <= text.size(); ++count) {
    const auto end = std::min(text.find('.', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    for (const std::string& complaint : check(part)) {
      errors.invalid_text(path, text, fmt::format("validating label {}: {}", quote(part), complaint));
    }
    begin = end + 1;
  }
  return count;
}

void check_signer(const std::string& signer, const Path& path, Errors& errors) {
  if (signer.empty()) return errors.required(path);
  const auto slash = signer.find('/');
  if (slash == signer.npos || signer.find('/', slash + 1) != signer.npos) {
    return errors.invalid_text(path, signer, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
  }
  const std::string domain = signer.substr(0, slash), name = signer.substr(slash + 1);
  if (domain.size() > kDomainMax) errors.too_long(path, kDomainMax);
  if (check_parts(domain, check_dns1123_label, path, errors) < 2) {
    errors.invalid_text(path, domain, "should be a domain with at least two segments separated by dots");
  }
  check_parts(name, check_dns1123_subdomain, path, errors);
  if (signer.size() > kSignerMax) errors.too_long(path, kSignerMax);
}

void check_spec(const CertificateSigningRequestSpec& spec, Errors& errors) {
  const Path path("spec"), seconds = path.member("expirationSeconds");
  check_request(spec.request(), path.member("request"), errors);
  check_usages(spec.usages(), path.member("usages"), errors);
  if (spec.signer_name() == "kubernetes.io/legacy-unknown") {
    errors.invalid_text(path.member("signerName"), spec.signer_name(),
                        "the legacy signerName is not allowed via this API version");
  } else {
    check_signer(spec.signer_name(), path.member("signerName"), errors);
  }
  if (spec.has_expiration_seconds() && spec.expiration_seconds() < kSecondsMin) {
    errors.invalid(seconds, spec.expiration_seconds(), "may not specify a duration less than 600 seconds (10 minutes)");
  }
}

// -- What has come of it

void check_status_value(const CertificateSigningRequestCondition& it, const Path& path, Errors& errors) {
  const bool only_true = it.type() == kApproved || it.type() == kDenied || it.type() == kFailed;
  if (it.status().empty()) errors.required(path);
  else if (only_true) check_one_of(it.status(), {"True"}, path, errors);
  else check_one_of(it.status(), {"False", "True", "Unknown"}, path, errors);
}

std::vector<const CertificateSigningRequestCondition*> of_type(const Conditions& conditions, std::string_view type) {
  std::vector<const CertificateSigningRequestCondition*> out;
  for (const auto& it : conditions) {
    if (it.type() == type) out.push_back(&it);
  }
  return out;
}

bool has_both(const Conditions& conditions) {
  return !of_type(conditions, kApproved).empty() && !of_type(conditions, kDenied).empty();
}

bool has_duplicates(const Conditions& conditions) {
  std::set<std::string_view> seen;
  return std::ranges::any_of(conditions, [&](const auto& it) { return !seen.insert(it.type()).second; });
}

// What was stored before is no reason to refuse what leaves it.
void check_conditions(const Conditions& now, const Conditions& old, const Path& path, Errors& errors) {
  const bool may_be_unnamed = !of_type(old, "").empty(), may_be_both = has_both(old), may_be_twice = has_duplicates(old);
  std::set<std::string_view> seen;
  for (int i = 0; i < now.size(); ++i) {
    const Path at = path.index(static_cast<std::size_t>(i)), type = at.member("type");
    if (now[i].type().empty() && !may_be_unnamed) errors.required(type);
    check_status_value(now[i], at.member("status"), errors);
    const bool contradicts =
        (now[i].type() == kApproved && seen.contains(kDenied)) || (now[i].type() == kDenied && seen.contains(kApproved));
    if (contradicts && !may_be_both)
      errors.invalid_text(type, now[i].type(), "Approved and Denied conditions are mutually exclusive");
    if (!seen.insert(now[i].type()).second && !may_be_twice) errors.duplicate(type, now[i].type());
  }
}

void check_none_removed(const Conditions& now, const Conditions& old, const Path& path, Errors& errors) {
  for (const std::string_view type : {kApproved, kDenied, kFailed}) {
    if (of_type(now, type).size() >= of_type(old, type).size()) continue;
    errors.forbidden(path, fmt::format("updates may not remove a condition of type \"{}\"", type));
  }
}

// Only who asks at the door for it decides.
void check_verdict_kept(const Conditions& now, const Conditions& old, const Path& path, Errors& errors) {
  for (const std::string_view type : {kApproved, kDenied}) {
    const auto wanted = of_type(now, type), before = of_type(old, type);
    if (wanted.size() > before.size())
      errors.forbidden(path, fmt::format("updates may not add a condition of type \"{}\"", type));
    if (wanted.size() != before.size()) continue;
    const bool kept = std::ranges::equal(wanted, before, [](const auto* a, const auto* b) { return same(*a, *b); });
    if (!kept) errors.forbidden(path, fmt::format("updates may not modify a condition of type \"{}\"", type));
  }
}

// What is wrong with the text of a certificate; empty when nothing is.
std::string certificate_error(std::string_view text) {
  bool any = false;
  while (const auto block = next_pem_block(text)) {
    if (block->type != "CERTIFICATE") return fmt::format("only CERTIFICATE PEM blocks are allowed, found {}", quote(block->type));
    if (block->has_headers) return "no PEM block headers are permitted";
    if (block->bytes.empty()) return "found CERTIFICATE PEM block containing 0 certificates";
    any = true;
  }
  return any ? "" : "must contain at least one CERTIFICATE PEM block";
}

void check_certificate(const std::string& now, const std::string& old, const Path& path, Errors& errors) {
  if (now == old) return;
  if (const std::string why = now.empty() ? "" : certificate_error(now); !why.empty())
    errors.invalid_text(path, "<certificate data>", why);
  if (!old.empty()) errors.forbidden(path, "updates may not modify existing certificate content");
}

}  // namespace

void validate(const CertificateSigningRequest& object, Errors& errors) {
  check_spec(object.spec(), errors);
  check_conditions(object.status().conditions(), {}, Path("status").member("conditions"), errors);
}

// Nothing but metadata changes.
void validate_update(const CertificateSigningRequest&, const CertificateSigningRequest&, Errors&) {}

void validate_status(const CertificateSigningRequest& now, const CertificateSigningRequest& old, Errors& errors) {
  const Path path("status"), conditions = path.member("conditions");
  const Conditions &wanted = now.status().conditions(), &before = old.status().conditions();
  check_conditions(wanted, before, conditions, errors);
  check_none_removed(wanted, before, conditions, errors);
  check_verdict_kept(wanted, before, conditions, errors);
  check_certificate(now.status().certificate(), old.status().certificate(), path.member("certificate"), errors);
}

void validate_approval(const CertificateSigningRequest& now, const CertificateSigningRequest& old, Errors& errors) {
  const Path conditions = Path("status").member("conditions");
  check_conditions(now.status().conditions(), old.status().conditions(), conditions, errors);
  check_none_removed(now.status().conditions(), old.status().conditions(), conditions, errors);
}

}  // namespace ph::api
