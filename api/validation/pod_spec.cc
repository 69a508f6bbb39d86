// The spec of a pod or pod template, part by part.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/codec.h"
#include "api/selector.h"
#include "api/validation/pod_parts.h"

namespace ph::api {

using namespace core::v1;

namespace {

constexpr std::int64_t kInt32Max = 2147483647;
constexpr std::size_t kHostnameMax = 64;  // of Linux

void check_restart_policy(const PodSpec& spec, const Path& path, Errors& errors) {
  if (spec.restart_policy().empty()) return errors.required(path.member("restartPolicy"));
  check_one_of(spec.restart_policy(), {"Always", "OnFailure", "Never"}, path.member("restartPolicy"), errors);
}

void check_dns_policy(const PodSpec& spec, const Path& path, Errors& errors) {
  if (spec.dns_policy().empty()) return errors.required(path.member("dnsPolicy"));
  check_one_of(spec.dns_policy(), {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"}, path.member("dnsPolicy"),
               errors);
}

// `pod`: its name; empty in templates.
void check_resource_claims(const PodSpec& spec, const std::string& pod, const Path& path, Errors& errors) {
  std::set<std::string_view> names;
  for (int i = 0; i < spec.resource_claims_size(); ++i) {
    const PodResourceClaim& claim = spec.resource_claims(i);
    const Path at = path.index(i);
    if (claim.name().empty()) {
      errors.required(at.member("name"));
    } else if (!names.insert(claim.name()).second) {
      errors.duplicate(at.member("name"), claim.name());
    } else if (const auto complaints = check_dns1123_label(claim.name()); !complaints.empty()) {
      errors.invalid_each(at.member("name"), claim.name(), complaints);
    } else if (!pod.empty() && claim.has_resource_claim_template_name()) {
      check_subdomain(fmt::format("{}-{}", pod, claim.name()), at.member("name"), errors);
    }
    if (claim.has_resource_claim_name() && claim.has_resource_claim_template_name()) {
      errors.invalid_message(at, claim, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified");
    } else if (!claim.has_resource_claim_name() && !claim.has_resource_claim_template_name()) {
      errors.invalid_message(at, claim, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
    }
    if (claim.has_resource_claim_name()) check_subdomain(claim.resource_claim_name(), at.member("resourceClaimName"), errors);
    if (claim.has_resource_claim_template_name())
      check_subdomain(claim.resource_claim_template_name(), at.member("resourceClaimTemplateName"), errors);
  }
}

void check_gates(const PodSpec& spec, const Path& path, Errors& errors) {
  for (int i = 0; i < spec.readiness_gates_size(); ++i) {
    check_qualified(spec.readiness_gates(i).condition_type(), path.member("readinessGates").index(i).member("conditionType"),
                    errors);
  }
  std::set<std::string_view> names;
  for (int i = 0; i < spec.scheduling_gates_size(); ++i) {
    const std::string& name = spec.scheduling_gates(i).name();
    const Path at = path.member("schedulingGates").index(i);
    check_qualified(name, at, errors);
    if (!names.insert(name).second) errors.duplicate(at, name);
  }
}

void check_names(const PodSpec& spec, const Path& path, Errors& errors) {
  if (!spec.service_account_name().empty())
    check_subdomain(spec.service_account_name(), path.member("serviceAccountName"), errors);
  if (!spec.node_name().empty()) check_subdomain(spec.node_name(), path.member("nodeName"), errors);
  if (spec.has_active_deadline_seconds() && (spec.active_deadline_seconds() < 1 || spec.active_deadline_seconds() > kInt32Max)) {
    errors.invalid(path.member("activeDeadlineSeconds"), spec.active_deadline_seconds(),
                   fmt::format("must be between 1 and {}, inclusive", kInt32Max));
  }
  if (!spec.hostname().empty()) check_label(spec.hostname(), path.member("hostname"), errors);
  if (!spec.subdomain().empty()) check_label(spec.subdomain(), path.member("subdomain"), errors);
  if (spec.has_hostname_override()) {
    const Path at = path.member("hostnameOverride");
    if (spec.hostname_override().size() > kHostnameMax) errors.too_long(at, kHostnameMax);
    check_subdomain(spec.hostname_override(), at, errors);
    if (spec.set_hostname_as_fqdn()) errors.forbidden(at, "may not be specified when setHostnameAsFQDN is true");
    if (spec.host_network()) errors.forbidden(at, "may not be specified when hostNetwork is true");
  }
}

void check_host_aliases(const PodSpec& spec, const Path& path, Errors& errors) {
  for (int i = 0; i < spec.host_aliases_size(); ++i) {
    const HostAlias& alias = spec.host_aliases(i);
    check_ip_text(alias.ip(), path.index(i).member("ip"), errors);
    for (int h = 0; h < alias.hostnames_size(); ++h)
      check_subdomain(alias.hostnames(h), path.index(i).member("hostnames").index(h), errors);
  }
}

void check_classes(const PodSpec& spec, const Path& path, Errors& errors) {
  if (!spec.priority_class_name().empty()) check_subdomain(spec.priority_class_name(), path.member("priorityClassName"), errors);
  if (spec.has_runtime_class_name()) check_subdomain(spec.runtime_class_name(), path.member("runtimeClassName"), errors);
  if (spec.has_preemption_policy()) {
    if (spec.preemption_policy().empty()) {
      errors.required(path.member("preemptionPolicy"));
    } else {
      check_one_of(spec.preemption_policy(), {"PreemptLowerPriority", "Never"}, path.member("preemptionPolicy"), errors);
    }
  }
  for (const auto* overhead : sorted(spec.overhead())) {
    const Path at = path.member("overhead").key(overhead->first);
    check_container_resource_name(overhead->first, at, errors);
    check_resource_value(overhead->first, overhead->second, at, errors);
  }
  if (!spec.has_os()) return;
  if (spec.os().name().empty()) {
    errors.required(path.member("os").member("name"));
  } else if (spec.os().name() == "linux") {
    check_linux(spec, path, errors);
  } else if (spec.os().name() == "windows") {
    check_windows(spec, path, errors);
  } else {
    errors.not_supported(path.member("os"), spec.os().name(), {"linux", "windows"});
  }
}

// A zone of DNS, in which underscores occur.
void check_search(std::string_view zone, const Path& path, Errors& errors) {
  constexpr std::size_t kZoneMax = 253;
  if (zone.size() > kZoneMax) errors.invalid_text(path, zone, fmt::format("must be no more than {} characters", kZoneMax));
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const auto is_label = [&](std::string_view label) {
    if (label.starts_with('_')) label.remove_prefix(1);
    if (label.empty() || !is_word(label.front()) || !is_word(label.back())) return false;
    return std::ranges::all_of(label, [&](char c) { return is_word(c) || c == '-' || c == '_'; });
  };
  for (std::size_t from = 0; from <= zone.size();) {
    const std::size_t dot = std::min(zone.find('.', from), zone.size());
    if (!is_label(zone.substr(from, dot - from))) {
      return errors.invalid_text(path, zone,
                                 "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or "
                                 "'.', and must start and "
                                 "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
                                 "'_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')");
    }
    from = dot + 1;
  }
}

}  // namespace

void check_dns_config(const PodSpec& spec, const Path& path, Errors& errors) {
  constexpr int kServersMax = 3, kSearchesMax = 32;
  constexpr std::size_t kSearchBytesMax = 2048;
  const PodDNSConfig& config = spec.dns_config();
  if (spec.dns_policy() == "None") {
    if (!spec.has_dns_config()) return errors.required(path, "must provide `dnsConfig` when `dnsPolicy` is None");
    if (config.nameservers().empty()) {
      return errors.required(path.member("nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None");
    }
  }
  if (config.nameservers_size() > kServersMax) {
    errors.invalid(path.member("nameservers"), json_of(config.nameservers()),
                   fmt::format("must not have more than {} nameservers", kServersMax));
  }
  for (int i = 0; i < config.nameservers_size(); ++i)
    check_ip_text(config.nameservers(i), path.member("nameservers").index(i), errors);

  const Path searches = path.member("searches");
  if (config.searches_size() > kSearchesMax) {
    errors.invalid(searches, json_of(config.searches()), fmt::format("must not have more than {} search paths", kSearchesMax));
  }
  if (fmt::format("{}", fmt::join(config.searches(), " ")).size() > kSearchBytesMax) {
    errors.invalid(searches, json_of(config.searches()),
                   fmt::format("must not have more than {} characters (including spaces) in the search list", kSearchBytesMax));
  }
  for (int i = 0; i < config.searches_size(); ++i) {
    // A trailing dot is allowed, a lone one is the root.
    std::string_view search = config.searches(i);
    if (search == ".") continue;
    if (search.ends_with('.')) search.remove_suffix(1);
    check_search(search, searches.index(i), errors);
  }
  for (int i = 0; i < config.options_size(); ++i) {
    if (config.options(i).name().empty()) errors.required(path.member("options").index(i), "must not be empty");
  }
}

void check_pod_spec(const PodSpec& spec, const meta::v1::ObjectMeta& metadata, const Path& path, const PodOptions& options,
                    Errors& errors) {
  const std::string pod = options.in_template ? std::string() : metadata.name();
  check_restart_policy(spec, path, errors);
  const Volumes volumes = check_volumes(spec, pod, path.member("volumes"), errors);
  check_resource_claims(spec, pod, path.member("resourceClaims"), errors);

  ContainerContext context{.pod = spec, .volumes = volumes, .grace_seconds = spec.termination_grace_period_seconds()};
  for (const PodResourceClaim& claim : spec.resource_claims()) {
    if (!claim.name().empty()) context.claims.insert(claim.name());
  }
  if (spec.has_resources()) check_pod_resources(spec, context.claims, path.member("resources"), errors);
  check_containers(context, path.member("containers"), errors);
  check_init_containers(context, path.member("initContainers"), errors);
  check_ephemeral_containers(context, path.member("ephemeralContainers"), errors);

  check_dns_policy(spec, path, errors);
  check_labels(spec.node_selector(), path.member("nodeSelector"), errors);
  check_pod_security(spec, options, path, errors);
  if (spec.has_affinity()) check_affinity(spec.affinity(), path.member("affinity"), errors);
  check_dns_config(spec, path.member("dnsConfig"), errors);
  check_gates(spec, path, errors);
  check_topology_spread(spec, path.member("topologySpreadConstraints"), errors);
  check_host_processes(spec, path, errors);
  check_host_users(spec, path, errors);
  check_names(spec, path, errors);
  check_tolerations(spec.tolerations(), path.member("tolerations"), errors);
  check_host_aliases(spec, path.member("hostAliases"), errors);
  check_classes(spec, path, errors);
}

void check_pod_template(const PodTemplateSpec& pod_template, const Path& path, Errors& errors) {
  const auto& annotations = pod_template.metadata().annotations();
  check_labels(pod_template.metadata().labels(), path.member("labels"), errors);
  check_annotations(annotations, path.member("annotations"), errors);
  check_pod_annotations(annotations, pod_template.spec(), path.member("annotations"), errors);
  check_pod_spec(pod_template.spec(), pod_template.metadata(), path.member("spec"), {.in_template = true}, errors);
  if (!pod_template.spec().ephemeral_containers().empty()) {
    errors.forbidden(path.member("spec").member("ephemeralContainers"), "ephemeral containers not allowed in pod template");
  }
}

std::string json_of(const StringMap& map) {
  std::vector<std::string> members;
  for (const auto* entry : sorted(map)) members.push_back(fmt::format("{}:{}", quote(entry->first), quote(entry->second)));
  return members.empty() ? "null" : fmt::format("{{{}}}", fmt::join(members, ","));
}

void check_selected_template(const PodTemplateSpec& pod_template, const LabelSelector& selector, std::string_view owner,
                             const Path& path, Errors& errors) {
  if (!selector.empty() && !selector.matches_map(pod_template.metadata().labels())) {
    errors.invalid(path.member("metadata").member("labels"), json_of(pod_template.metadata().labels()),
                   "`selector` does not match template `labels`");
  }
  check_pod_template(pod_template, path, errors);
  const PodSpec& spec = pod_template.spec();
  if (spec.restart_policy() != "Always")
    errors.not_supported(path.member("spec").member("restartPolicy"), spec.restart_policy(), {"Always"});
  if (spec.has_active_deadline_seconds()) {
    errors.forbidden(path.member("spec").member("activeDeadlineSeconds"),
                     fmt::format("activeDeadlineSeconds in {} is not Supported", owner));
  }
}

std::optional<LabelSelector> parsed(const meta::v1::LabelSelector& selector) {
  try {
    return LabelSelector::from(selector);
  } catch (const DecodeError&) {
    return std::nullopt;
  }
}

}  // namespace ph::api
