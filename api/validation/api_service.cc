// apiregistration.k8s.io/v1 APIService.
#include <fmt/format.h>

#include "api/validation/validation.h"
#include "api/validation/webhooks.h"

namespace ph::api {

using namespace apiregistration::v1;

namespace {

constexpr std::int32_t kGroupPriorityMax = 20'000, kVersionPriorityMax = 1000;

// The name is made of what the object is about.
void check_own_name(const APIServiceSpec& spec, const std::string& name, const Path& path, Errors& errors) {
  const std::string wanted = spec.version() + "." + spec.group();
  if (name.empty() || name == wanted || !check_path_segment(name).empty()) return;
  errors.invalid_text(path, name, fmt::format("must be `spec.version+\".\"+spec.group`: {}", quote(wanted)));
}

// What is served by this server itself needs no certificates.
void check_local(const APIServiceSpec& spec, const Path& path, Errors& errors) {
  if (!spec.ca_bundle().empty()) {
    errors.invalid_text(path.member("caBundle"), fmt::format("{} bytes", spec.ca_bundle().size()),
                        "local APIServices may not have a caBundle");
  }
  if (spec.insecure_skip_tls_verify()) {
    errors.invalid(path.member("insecureSkipTLSVerify"), "true", "local APIServices may not have insecureSkipTLSVerify");
  }
}

void check_remote(const APIServiceSpec& spec, const Path& path, Errors& errors) {
  const Path service = path.member("service");
  if (spec.service().namespace_().empty()) errors.required(service.member("namespace"));
  if (spec.service().name().empty()) errors.required(service.member("name"));
  check_webhook_port(spec.service().port(), service.member("port"), errors);
  if (spec.insecure_skip_tls_verify() && !spec.ca_bundle().empty()) {
    errors.invalid(path.member("insecureSkipTLSVerify"), "true", "may not be true if caBundle is present");
  }
}

}  // namespace

void validate(const APIService& object, Errors& errors) {
  const APIServiceSpec& spec = object.spec();
  const Path path("spec"), metadata("metadata");
  check_own_name(spec, object.metadata().generate_name(), metadata.member("generateName"), errors);
  check_own_name(spec, object.metadata().name(), metadata.member("name"), errors);
  // The core group: upstream has no other way to say which it is.
  if (!spec.group().empty()) check_subdomain(spec.group(), path.member("group"), errors);
  else if (spec.version() != "v1")
    errors.required(path.member("group"), "only v1 may have an empty group and it better be legacy kube");
  errors.invalid_each(path.member("version"), spec.version(), check_dns1035_label(spec.version()));
  if (spec.group_priority_minimum() <= 0 || spec.group_priority_minimum() > kGroupPriorityMax) {
    errors.invalid(path.member("groupPriorityMinimum"), spec.group_priority_minimum(),
                   fmt::format("must be positive and less than {}", kGroupPriorityMax));
  }
  if (spec.version_priority() <= 0 || spec.version_priority() > kVersionPriorityMax) {
    errors.invalid(path.member("versionPriority"), spec.version_priority(),
                   fmt::format("must be positive and less than {}", kVersionPriorityMax));
  }
  if (spec.has_service()) check_remote(spec, path, errors);
  else check_local(spec, path, errors);
}

void validate_update(const APIService& now, const APIService&, Errors& errors) { validate(now, errors); }

}  // namespace ph::api
