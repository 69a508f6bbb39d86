// networking.k8s.io/v1 Ingress.
#include <fmt/format.h>

#include "api/addresses.h"
#include "api/validation/ingress_parts.h"

namespace ph::api {

using namespace networking::v1;

namespace {

constexpr const char* kClassAnnotation = "kubernetes.io/ingress.class";
constexpr std::string_view kNoAddress = "must be a DNS name, not an IP address";

// What was stored before these rules came may stay as it is.
struct Allowed {
  bool bad_secret_names = false, bad_rules_of_wildcards = false;
};

void check_service_backend(const IngressServiceBackend& service, const Path& backend, Errors& errors) {
  const Path path = backend.member("service"), port = path.member("port");
  if (service.name().empty()) errors.required(path.member("name"));
  else check_label(service.name(), path.member("name"), errors);
  const bool has_name = !service.port().name().empty(), has_number = service.port().number() != 0;
  if (has_name && has_number) {
    errors.invalid_text(backend, "", "cannot set both port name & port number");
  } else if (has_name) {
    errors.invalid_each(port.member("name"), service.port().name(), check_port_name(service.port().name()));
  } else if (has_number) {
    check_port(service.port().number(), port.member("number"), errors);
  } else {
    errors.required(backend, "port name or number is required");
  }
}

void check_backend(const IngressBackend& backend, const Path& path, Errors& errors) {
  if (backend.has_resource() && backend.has_service()) {
    errors.invalid_text(path, "", "cannot set both resource and service backends");
  } else if (backend.has_resource()) {
    check_typed_reference(backend.resource(), path.member("resource"), errors);
  } else if (backend.has_service()) {
    check_service_backend(backend.service(), path, errors);
  } else {
    errors.invalid_text(path, "", "resource or service backend is required");
  }
}

// A path that is matched element by element has one way to be written.
void check_plain_path(const std::string& text, const Path& path, Errors& errors) {
  for (const std::string_view part : {"//", "/./", "/../", "%2f", "%2F"}) {
    if (text.find(part) != text.npos) errors.invalid_text(path, text, fmt::format("must not contain '{}'", part));
  }
  for (const std::string_view end : {"/..", "/."}) {
    if (text.ends_with(end)) errors.invalid_text(path, text, fmt::format("cannot end with '{}'", end));
  }
}

void check_path(const HTTPIngressPath& it, const Path& at, Errors& errors) {
  if (!it.has_path_type()) return errors.required(at.member("pathType"), "pathType must be specified");
  const Path path = at.member("path");
  const bool plain = it.path_type() == "Exact" || it.path_type() == "Prefix";
  if (plain || it.path_type() == "ImplementationSpecific") {
    const bool may_be_absent = !plain && it.path().empty();
    if (!it.path().starts_with('/') && !may_be_absent) errors.invalid_text(path, it.path(), "must be an absolute path");
    if (plain) check_plain_path(it.path(), path, errors);
  } else {
    errors.not_supported(at.member("pathType"), it.path_type(), {"Exact", "ImplementationSpecific", "Prefix"});
  }
  check_backend(it.backend(), at.member("backend"), errors);
}

void check_rule_value(const IngressRuleValue& value, const Path& path, Errors& errors) {
  if (!value.has_http()) return;
  const Path paths = path.member("http").member("paths");
  if (value.http().paths().empty()) errors.required(paths);
  for (int i = 0; i < value.http().paths_size(); ++i)
    check_path(value.http().paths(i), paths.index(static_cast<std::size_t>(i)), errors);
}

bool has_wildcard(const IngressRule& rule) { return rule.host().find('*') != std::string::npos; }

void check_rule(const IngressRule& rule, const Allowed& allowed, const Path& path, Errors& errors) {
  if (!rule.host().empty()) {
    if (read_address(rule.host())) errors.invalid_text(path.member("host"), rule.host(), kNoAddress);
    check_wildcard_host(rule.host(), path.member("host"), errors);
  }
  if (!has_wildcard(rule) || !allowed.bad_rules_of_wildcards) check_rule_value(rule.ingress_rule_value(), path, errors);
}

void check_tls(const IngressTLS& tls, const Allowed& allowed, const Path& path, Errors& errors) {
  for (int i = 0; i < tls.hosts_size(); ++i) {
    check_wildcard_host(tls.hosts(i), path.member("hosts").index(static_cast<std::size_t>(i)), errors);
  }
  if (allowed.bad_secret_names || tls.secret_name().empty()) return;
  check_subdomain(tls.secret_name(), path.member("secretName"), errors);
}

void check_spec(const IngressSpec& spec, const Allowed& allowed, Errors& errors) {
  const Path path("spec");
  if (spec.rules().empty() && !spec.has_default_backend()) {
    errors.invalid(path, "null", "either `defaultBackend` or `rules` must be specified");
  }
  if (spec.has_default_backend()) check_backend(spec.default_backend(), path.member("defaultBackend"), errors);
  for (int i = 0; i < spec.rules_size(); ++i) {
    check_rule(spec.rules(i), allowed, path.member("rules").index(static_cast<std::size_t>(i)), errors);
  }
  for (int i = 0; i < spec.tls_size(); ++i)
    check_tls(spec.tls(i), allowed, path.member("tls").index(static_cast<std::size_t>(i)), errors);
  if (spec.has_ingress_class_name()) check_subdomain(spec.ingress_class_name(), path.member("ingressClassName"), errors);
}

Allowed stored_before(const IngressSpec& old) {
  Allowed out;
  out.bad_secret_names = std::ranges::any_of(old.tls(), [](const IngressTLS& tls) {
    return !tls.secret_name().empty() && !check_dns1123_subdomain(tls.secret_name()).empty();
  });
  out.bad_rules_of_wildcards = std::ranges::any_of(old.rules(), [](const IngressRule& rule) {
    Errors errors;
    if (has_wildcard(rule)) check_rule_value(rule.ingress_rule_value(), Path(), errors);
    return !errors.empty();
  });
  return out;
}

}  // namespace

void validate(const Ingress& ingress, Errors& errors) {
  check_spec(ingress.spec(), {}, errors);
  const auto annotation = ingress.metadata().annotations().find(kClassAnnotation);
  if (annotation == ingress.metadata().annotations().end() || !ingress.spec().has_ingress_class_name()) return;
  if (annotation->second == ingress.spec().ingress_class_name()) return;
  errors.invalid_text(Path("annotations").member(kClassAnnotation), annotation->second,
                      "must match `ingressClassName` when both are specified");
}

void validate_update(const Ingress& now, const Ingress& old, Errors& errors) {
  check_spec(now.spec(), stored_before(old.spec()), errors);
}

void validate_status(const Ingress& now, const Ingress&, Errors& errors) {
  const Path path = Path("status").member("loadBalancer").member("ingress");
  const auto& ingress = now.status().load_balancer().ingress();
  for (int i = 0; i < ingress.size(); ++i) {
    const Path at = path.index(static_cast<std::size_t>(i)), hostname = at.member("hostname");
    if (!ingress[i].ip().empty()) check_ip_text(ingress[i].ip(), at.member("ip"), errors);
    if (ingress[i].hostname().empty()) continue;
    check_subdomain(ingress[i].hostname(), hostname, errors);
    if (read_address(ingress[i].hostname())) errors.invalid_text(hostname, ingress[i].hostname(), kNoAddress);
  }
}

}  // namespace ph::api
