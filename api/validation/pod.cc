// v1 Pod: a new one, and the status of one. What may change of it is in pod_update.cc.
#include <fmt/format.h>

#include "api/validation/pod_parts.h"

namespace ph::api {

using namespace core::v1;

namespace {

template <class T>
using List = google::protobuf::RepeatedPtrField<T>;

void check_transitions(const List<ContainerStatus>& now, const List<ContainerStatus>& old, std::string_view restart_policy,
                       const Path& path, Errors& errors) {
  if (restart_policy == "Always") return;
  for (const ContainerStatus& before : old) {
    if (!before.state().has_terminated()) continue;
    if (restart_policy == "OnFailure" && before.state().terminated().exit_code() != 0) continue;
    for (int i = 0; i < now.size(); ++i) {
      if (now[i].name() != before.name() || now[i].state().has_terminated()) continue;
      errors.forbidden(path.index(i).member("state"), "may not be transitioned to non-terminated state");
    }
  }
}

// A container with a restart policy or rules of its own may come back whatever the pod's policy is.
bool restarts_by_itself(const PodSpec& spec) {
  const auto own = [](const Container& c) { return c.has_restart_policy() || !c.restart_policy_rules().empty(); };
  return std::ranges::any_of(spec.containers(), own) || std::ranges::any_of(spec.init_containers(), own);
}

void check_pod_ips(const PodStatus& status, const Path& path, Errors& errors) {
  for (int i = 0; i < status.pod_ips_size(); ++i) check_ip_text(status.pod_ips(i).ip(), path.member("podIPs").index(i), errors);
  const auto six = [](const PodIP& one) { return one.ip().find(':') != std::string::npos; };
  const bool dual = status.pod_ips_size() == 2 && six(status.pod_ips(0)) != six(status.pod_ips(1));
  if (status.pod_ips_size() > 1 && !dual) {
    errors.invalid(path.member("podIPs"), std::to_string(status.pod_ips_size()),
                   "may specify no more than one IP for each IP family");
  }
  if (!status.host_ips().empty() && status.host_ips(0).ip() != status.host_ip()) {
    errors.invalid_text(path.member("hostIPs").index(0).member("ip"), status.host_ips(0).ip(), "must be equal to `hostIP`");
  }
}

// A token of an account needs one.
void check_tokens(const PodSpec& spec, const Path& path, Errors& errors) {
  if (!spec.service_account_name().empty()) return;
  for (int v = 0; v < spec.volumes_size(); ++v) {
    const auto& sources = spec.volumes(v).volume_source().projected().sources();
    for (int s = 0; s < sources.size(); ++s) {
      if (!sources[s].has_service_account_token()) continue;
      errors.forbidden(path.index(v).member("projected").member("sources").index(s).member("serviceAccountToken"),
                       "must not be specified when serviceAccountName is not set");
    }
  }
}

}  // namespace

void check_pod_whole(const Pod& pod, const PodOptions& options, Errors& errors) {
  const Path spec("spec");
  check_pod_annotations(pod.metadata().annotations(), pod.spec(), Path("metadata").member("annotations"), errors);
  check_pod_spec(pod.spec(), pod.metadata(), spec, options, errors);
  check_tokens(pod.spec(), spec.member("volumes"), errors);
  check_images_of_pod(pod.spec().containers(), spec.member("containers"), errors);
  check_images_of_pod(pod.spec().init_containers(), spec.member("initContainers"), errors);
}

void validate(const Pod& pod, Errors& errors) {
  check_pod_whole(pod, {}, errors);
  const Path spec("spec");
  if (!pod.spec().ephemeral_containers().empty()) errors.forbidden(spec.member("ephemeralContainers"), "cannot be set on create");
  if (!pod.spec().scheduling_gates().empty() && !pod.spec().node_name().empty()) {
    errors.forbidden(spec.member("nodeName"), "cannot be set until all schedulingGates have been cleared");
  }
}

void validate_status(const Pod& now, const Pod& old, Errors& errors) {
  const Path path("status");
  if (now.spec().node_name() != old.spec().node_name()) errors.forbidden(path.member("nodeName"), "may not be changed directly");
  if (!now.status().nominated_node_name().empty()) {
    check_subdomain(now.status().nominated_node_name(), path.member("nominatedNodeName"), errors);
  }
  if (!restarts_by_itself(now.spec())) {
    const std::string& policy = now.spec().restart_policy();
    check_transitions(now.status().container_statuses(), old.status().container_statuses(), policy,
                      path.member("containerStatuses"), errors);
    check_transitions(now.status().init_container_statuses(), old.status().init_container_statuses(),
                      policy == "Always" ? "OnFailure" : policy, path.member("initContainerStatuses"), errors);
  }
  check_pod_ips(now.status(), path, errors);
}

}  // namespace ph::api
