// Defaults that pods and pod templates share.
#include "api/defaults/defaults.h"

#include "api/quantity.h"
#include "api/sorted.h"

namespace ph::api {

using namespace core::v1;

void round_up(ResourceMap& resources) {
  for (auto& [name, quantity] : in_any_order(resources)) {
    const auto parsed = Quantity::parse(quantity.string());
    if (!parsed) continue;
    const Quantity rounded = parsed->rounded_up_to_milli();
    if (rounded != *parsed) quantity.set_string(rounded.text());
  }
}

namespace {

// Whether `text` is lower-case words joined by single separators (., _, __, -…), as parts of an image's path are.
bool is_path_component(std::string_view text) {
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || !word(text.front()) || !word(text.back())) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (word(text[i])) continue;
    std::size_t end = i;
    while (!word(text[end])) ++end;
    const std::string_view separator = text.substr(i, end - i);
    const bool fits = separator == "." || separator == "_" || separator == "__" || separator.find_first_not_of('-') == text.npos;
    if (!fits) return false;
    i = end;
  }
  return true;
}

bool looks_like_registry(std::string_view part) {
  return part.find_first_of(".:") != part.npos || part == "localhost" ||
         std::ranges::any_of(part, [](char c) { return c >= 'A' && c <= 'Z'; });
}

// Image names that do not parse have no tag at all.
bool is_image_name(std::string_view name) {
  if (const auto slash = name.find('/'); slash != name.npos && looks_like_registry(name.substr(0, slash))) {
    name.remove_prefix(slash + 1);
  }
  while (true) {
    const auto slash = name.find('/');
    if (!is_path_component(name.substr(0, slash))) return false;
    if (slash == name.npos) return true;
    name.remove_prefix(slash + 1);
  }
}

}  // namespace

std::string_view pull_policy_of(std::string_view image) {
  const auto at = image.find('@');
  std::string_view name = image.substr(0, at);
  std::string_view tag;
  const auto colon = name.rfind(':');
  if (colon != name.npos && name.find('/', colon) == name.npos) {
    tag = name.substr(colon + 1);
    name = name.substr(0, colon);
  }
  if (!is_image_name(name)) return "IfNotPresent";
  const bool latest = tag == "latest" || (tag.empty() && at == image.npos);
  return latest ? "Always" : "IfNotPresent";
}

namespace {

void default_http_get(HTTPGetAction& action) {
  if (action.path().empty()) action.set_path("/");
  if (action.scheme().empty()) action.set_scheme("HTTP");
}

void default_probe(Probe& probe) {
  if (probe.timeout_seconds() == 0) probe.set_timeout_seconds(1);
  if (probe.period_seconds() == 0) probe.set_period_seconds(10);
  if (probe.success_threshold() == 0) probe.set_success_threshold(1);
  if (probe.failure_threshold() == 0) probe.set_failure_threshold(3);
  ProbeHandler& handler = *probe.mutable_handler();
  if (handler.has_http_get()) default_http_get(*handler.mutable_http_get());
  if (handler.has_grpc() && !handler.grpc().has_service()) handler.mutable_grpc()->set_service("");
}

void default_env(EnvVar& variable) {
  if (!variable.has_value_from()) return;
  EnvVarSource& from = *variable.mutable_value_from();
  if (from.has_field_ref() && from.field_ref().api_version().empty()) from.mutable_field_ref()->set_api_version("v1");
  if (from.has_file_key_ref() && !from.file_key_ref().has_optional()) from.mutable_file_key_ref()->set_optional(false);
}

void default_lifecycle(Lifecycle& lifecycle) {
  if (lifecycle.has_post_start() && lifecycle.post_start().has_http_get()) {
    default_http_get(*lifecycle.mutable_post_start()->mutable_http_get());
  }
  if (lifecycle.has_pre_stop() && lifecycle.pre_stop().has_http_get()) {
    default_http_get(*lifecycle.mutable_pre_stop()->mutable_http_get());
  }
}

// Containers of any of the three sorts: they share their members but no type.
template <class C>
void default_container(C& container) {
  if (container.image_pull_policy().empty()) container.set_image_pull_policy(std::string(pull_policy_of(container.image())));
  if (container.termination_message_path().empty()) container.set_termination_message_path("/dev/termination-log");
  if (container.termination_message_policy().empty()) container.set_termination_message_policy("File");
  for (ContainerPort& port : *container.mutable_ports()) {
    if (port.protocol().empty()) port.set_protocol("TCP");
  }
  for (EnvVar& variable : *container.mutable_env()) default_env(variable);
  round_up(*container.mutable_resources()->mutable_limits());
  round_up(*container.mutable_resources()->mutable_requests());
  if (container.has_liveness_probe()) default_probe(*container.mutable_liveness_probe());
  if (container.has_readiness_probe()) default_probe(*container.mutable_readiness_probe());
  if (container.has_startup_probe()) default_probe(*container.mutable_startup_probe());
  if (container.has_lifecycle()) default_lifecycle(*container.mutable_lifecycle());
}

}  // namespace

void default_pod_spec(PodSpec& spec) {
  if (spec.dns_policy().empty()) spec.set_dns_policy("ClusterFirst");
  if (spec.restart_policy().empty()) spec.set_restart_policy("Always");
  if (!spec.has_security_context()) spec.mutable_security_context();
  if (!spec.has_termination_grace_period_seconds()) spec.set_termination_grace_period_seconds(30);
  if (spec.scheduler_name().empty()) spec.set_scheduler_name("default-scheduler");
  // serviceAccount is the old name of serviceAccountName; both are always shown.
  if (spec.service_account_name().empty()) spec.set_service_account_name(spec.service_account());
  spec.set_service_account(spec.service_account_name());
  for (Volume& volume : *spec.mutable_volumes()) default_volume(volume);
  for (Container& container : *spec.mutable_init_containers()) default_container(container);
  for (Container& container : *spec.mutable_containers()) default_container(container);
  for (EphemeralContainer& container : *spec.mutable_ephemeral_containers()) {
    default_container(*container.mutable_ephemeral_container_common());
  }
  round_up(*spec.mutable_overhead());
  if (spec.has_resources()) {
    round_up(*spec.mutable_resources()->mutable_limits());
    round_up(*spec.mutable_resources()->mutable_requests());
  }
}

}  // namespace ph::api
