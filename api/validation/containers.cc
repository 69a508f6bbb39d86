// Containers, init containers and ephemeral containers: names, images, ports, mounts. Their environment, probes and security
// contexts have files of their own.
#include <fmt/format.h>

#include "api/validation/pod_parts.h"

namespace ph::api {

using namespace core::v1;

namespace {

template <class T>
using List = google::protobuf::RepeatedPtrField<T>;

constexpr std::string_view kSpacesAround = "must not have leading or trailing whitespace";

bool has_spaces_around(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\n\v\f\r";
  return !text.empty() && (kSpaces.find(text.front()) != kSpaces.npos || kSpaces.find(text.back()) != kSpaces.npos);
}

void check_ports(const List<ContainerPort>& ports, const Path& path, Errors& errors) {
  std::set<std::string_view> names;
  for (int i = 0; i < ports.size(); ++i) {
    const ContainerPort& port = ports[i];
    const Path at = path.index(i);
    if (!port.name().empty()) {
      const auto complaints = check_port_name(port.name());
      errors.invalid_each(at.member("name"), port.name(), complaints);
      if (complaints.empty() && !names.insert(port.name()).second) errors.duplicate(at.member("name"), port.name());
    }
    if (port.container_port() == 0) {
      errors.required(at.member("containerPort"));
    } else {
      check_port(port.container_port(), at.member("containerPort"), errors);
    }
    if (port.host_port() != 0) check_port(port.host_port(), at.member("hostPort"), errors);
    if (port.protocol().empty()) {
      errors.required(at.member("protocol"));
    } else {
      check_one_of(port.protocol(), {"SCTP", "TCP", "UDP"}, at.member("protocol"), errors);
    }
  }
}

void check_propagation(const VolumeMount& mount, bool privileged, const Path& path, Errors& errors) {
  check_one_of(mount.mount_propagation(), {"Bidirectional", "HostToContainer", "None"}, path, errors);
  if (mount.mount_propagation() == "Bidirectional" && !privileged) {
    errors.forbidden(path, "Bidirectional mount propagation is available only to privileged containers");
  }
}

void check_recursive_read_only(const VolumeMount& mount, const Path& path, Errors& errors) {
  const std::string& value = mount.recursive_read_only();
  check_one_of(value, {"Disabled", "Enabled", "IfPossible"}, path, errors);
  if (value != "Enabled" && value != "IfPossible") return;
  if (!mount.read_only()) errors.forbidden(path, "may only be specified when readOnly is true");
  if (mount.has_mount_propagation() && mount.mount_propagation() != "None") {
    errors.forbidden(path, "may only be specified when mountPropagation is None or not specified");
  }
}

// Paths in the container, by volume; of two mounts of one volume the last one's.
using PathsByVolume = std::map<std::string_view, std::string_view>;

PathsByVolume paths_of(const List<VolumeMount>& mounts) {
  PathsByVolume out;
  for (const VolumeMount& mount : mounts) out[mount.name()] = mount.mount_path();
  return out;
}
PathsByVolume paths_of(const List<VolumeDevice>& devices) {
  PathsByVolume out;
  for (const VolumeDevice& device : devices) out[device.name()] = device.device_path();
  return out;
}
bool has_path(const PathsByVolume& paths, std::string_view path) {
  return std::ranges::any_of(paths, [&](const auto& one) { return one.second == path; });
}

template <class C>
void check_mounts(const C& container, const Volumes& volumes, const Path& path, Errors& errors) {
  const PathsByVolume devices = paths_of(container.volume_devices());
  std::set<std::string_view> mount_paths;
  for (int i = 0; i < container.volume_mounts_size(); ++i) {
    const VolumeMount& mount = container.volume_mounts(i);
    const Path at = path.index(i);
    if (mount.name().empty()) errors.required(at.member("name"));
    if (!volumes.contains(mount.name())) errors.not_found(at.member("name"), mount.name());
    if (mount.mount_path().empty()) errors.required(at.member("mountPath"));
    if (!mount_paths.insert(mount.mount_path()).second)
      errors.invalid_text(at.member("mountPath"), mount.mount_path(), "must be unique");
    if (devices.contains(mount.name()))
      errors.invalid_text(at.member("name"), mount.name(), "must not already exist in volumeDevices");
    if (has_path(devices, mount.mount_path()))
      errors.invalid_text(at.member("mountPath"), mount.mount_path(), "must not already exist as a path in volumeDevices");
    if (!mount.sub_path().empty()) check_descending_path(mount.sub_path(), path.member("subPath"), errors);
    if (!mount.sub_path_expr().empty()) {
      if (!mount.sub_path().empty()) {
        errors.invalid_text(at.member("subPathExpr"), mount.sub_path_expr(), "subPathExpr and subPath are mutually exclusive");
      }
      check_descending_path(mount.sub_path_expr(), path.member("subPathExpr"), errors);
    }
    if (mount.has_mount_propagation()) {
      check_propagation(mount, container.security_context().privileged(), path.member("mountPropagation"), errors);
    }
    if (mount.has_recursive_read_only()) check_recursive_read_only(mount, path.member("recursiveReadOnly"), errors);
  }
}

void check_device_volume(const VolumeDevice& device, const Volumes& volumes, const Path& path, Errors& errors) {
  const auto volume = volumes.find(device.name());
  if (volume == volumes.end()) return errors.not_found(path, device.name());
  if (volume->second->has_persistent_volume_claim() || volume->second->has_ephemeral()) return;
  errors.invalid_text(path, device.name(),
                      "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
}

void check_device_path(const std::string& text, std::set<std::string_view>& taken, const Path& path, Errors& errors) {
  if (text.empty()) errors.required(path);
  if (taken.contains(text)) errors.invalid_text(path, text, "must be unique");
  if (has_backsteps(text)) {
    errors.invalid_text(path, text, "can not contain backsteps ('..')");
  } else {
    taken.insert(text);
  }
}

template <class C>
void check_devices(const C& container, const Volumes& volumes, const Path& path, Errors& errors) {
  const PathsByVolume mounts = paths_of(container.volume_mounts());
  std::set<std::string_view> names, device_paths;
  for (int i = 0; i < container.volume_devices_size(); ++i) {
    const VolumeDevice& device = container.volume_devices(i);
    const Path at = path.index(i), name = at.member("name");
    if (device.name().empty()) errors.required(name);
    if (!device.name().empty() && !names.insert(device.name()).second) errors.invalid_text(name, device.name(), "must be unique");
    check_device_volume(device, volumes, name, errors);
    check_device_path(device.device_path(), device_paths, at.member("devicePath"), errors);
    if (mounts.contains(device.name())) errors.invalid_text(name, device.name(), "must not already exist in volumeMounts");
    if (has_path(mounts, device.device_path())) {
      errors.invalid_text(at.member("devicePath"), device.device_path(), "must not already exist as a path in volumeMounts");
    }
  }
}

void check_resize_policy(const List<ContainerResizePolicy>& policies, std::string_view restart_policy, const Path& path,
                         Errors& errors) {
  const auto one_of = [&](const std::string& value, std::initializer_list<std::string_view> supported) {
    value.empty() ? errors.required(path) : check_one_of(value, supported, path, errors);
  };
  std::set<std::string_view> resources;
  for (int i = 0; i < policies.size(); ++i) {
    const ContainerResizePolicy& policy = policies[i];
    if (!resources.insert(policy.resource_name()).second) errors.duplicate(path.index(i), policy.resource_name());
    one_of(policy.resource_name(), {"cpu", "memory"});
    one_of(policy.restart_policy(), {"NotRequired", "RestartContainer"});
    if (restart_policy == "Never" && policy.restart_policy() != "NotRequired") {
      errors.invalid_text(path, policy.restart_policy(), "must be 'NotRequired' when `restartPolicy` is 'Never'");
    }
  }
}

// Environment from a file: the file is in a volume of the pod that is empty when it starts.
void check_file_volumes(const List<EnvVar>& env, const Volumes& volumes, const Path& path, Errors& errors) {
  for (int i = 0; i < env.size(); ++i) {
    if (!env[i].value_from().has_file_key_ref()) continue;
    const std::string& name = env[i].value_from().file_key_ref().volume_name();
    if (volumes.contains(name)) continue;
    errors.not_found(path.index(i).member("valueFrom").member("fileKeyRef").member("volumeName"), name);
  }
}

bool host_users(const PodSpec& spec) { return !spec.has_host_users() || spec.host_users(); }

// Of all three sorts.
template <class C>
void check_common(const C& container, const ContainerContext& context, const Path& path, Errors& errors) {
  if (container.name().empty()) {
    errors.required(path.member("name"));
  } else {
    check_label(container.name(), path.member("name"), errors);
  }
  if (container.image().empty()) {
    errors.required(path.member("image"));
  }
  if (container.termination_message_policy().empty()) {
    errors.required(path.member("terminationMessagePolicy"));
  } else {
    check_one_of(container.termination_message_policy(), {"File", "FallbackToLogsOnError"},
                 path.member("terminationMessagePolicy"), errors);
  }
  check_ports(container.ports(), path.member("ports"), errors);
  check_env(container.env(), path.member("env"), errors);
  check_file_volumes(container.env(), context.volumes, path.member("env"), errors);
  check_env_from(container.env_from(), path.member("envFrom"), errors);
  check_mounts(container, context.volumes, path.member("volumeMounts"), errors);
  check_devices(container, context.volumes, path.member("volumeDevices"), errors);
  if (container.image_pull_policy().empty()) {
    errors.required(path.member("imagePullPolicy"));
  } else {
    check_one_of(container.image_pull_policy(), {"Always", "IfNotPresent", "Never"}, path.member("imagePullPolicy"), errors);
  }
  check_container_resources(container.resources(), context.claims, path.member("resources"), errors);
  check_resize_policy(container.resize_policy(), context.pod.restart_policy(), path.member("resizePolicy"), errors);
  if (container.has_security_context()) {
    check_security_context(container.security_context(), host_users(context.pod), path.member("securityContext"), errors);
  }
}

void check_probes(const Container& container, const ContainerContext& context, const Path& path, Errors& errors) {
  if (container.has_lifecycle()) check_lifecycle(container.lifecycle(), context.grace_seconds, path.member("lifecycle"), errors);
  if (container.has_liveness_probe()) {
    check_liveness(container.liveness_probe(), path.member("livenessProbe"), errors);
  }
  if (container.has_readiness_probe()) {
    check_readiness(container.readiness_probe(), path.member("readinessProbe"), errors);
  }
  if (container.has_startup_probe()) {
    check_liveness(container.startup_probe(), path.member("startupProbe"), errors);
  }
}

// `always`: also of a container that does not say when it is restarted.
void check_restart_rules(const Container& container, bool always, const Path& path, Errors& errors) {
  if (container.has_restart_policy()) {
    check_one_of(container.restart_policy(), {"Always", "Never", "OnFailure"}, path.member("restartPolicy"), errors);
  }
  const Path rules = path.member("restartPolicyRules");
  if (container.restart_policy_rules_size() > 0 && !container.has_restart_policy()) {
    errors.required(path.member("restartPolicy"), "must specify restartPolicy when restart rules are used");
    if (!always) return;
  }
  if (container.restart_policy_rules_size() > 20) errors.too_many(rules, container.restart_policy_rules_size(), 20);
  for (int i = 0; i < container.restart_policy_rules_size(); ++i) {
    const ContainerRestartRule& rule = container.restart_policy_rules(i);
    const Path at = rules.index(i);
    check_one_of(rule.action(), {"Restart", "RestartAllContainers"}, at.member("action"), errors);
    if (!rule.has_exit_codes()) {
      errors.required(at.member("exitCodes"), "must be specified");
      continue;
    }
    check_one_of(rule.exit_codes().operator_(), {"In", "NotIn"}, at.member("exitCodes").member("operator"), errors);
    if (rule.exit_codes().values_size() > 255)
      errors.too_many(at.member("exitCodes").member("values"), rule.exit_codes().values_size(), 255);
  }
}

// Of one or several containers; `taken` are the ports of those before. An init container runs alone.
void check_host_ports(const Container& container, std::set<std::string>& taken, const Path& path, Errors& errors) {
  for (int p = 0; p < container.ports_size(); ++p) {
    const ContainerPort& port = container.ports(p);
    if (port.host_port() == 0) continue;
    const std::string claim = fmt::format("{}/{}/{}", port.protocol(), port.host_ip(), port.host_port());
    if (!taken.insert(claim).second) errors.duplicate(path.member("ports").index(p).member("hostPort"), claim);
  }
}

}  // namespace

void check_containers(const ContainerContext& context, const Path& path, Errors& errors) {
  const auto& containers = context.pod.containers();
  if (containers.empty()) return errors.required(path);
  std::set<std::string_view> names;
  for (int i = 0; i < containers.size(); ++i) {
    const Path at = path.index(i);
    check_common(containers[i], context, at, errors);
    if (!names.insert(containers[i].name()).second) errors.duplicate(at.member("name"), containers[i].name());
    check_probes(containers[i], context, at, errors);
    check_restart_rules(containers[i], true, at, errors);
  }
  std::set<std::string> ports;
  for (int i = 0; i < containers.size(); ++i) check_host_ports(containers[i], ports, path.index(i), errors);
}

void check_images_of_pod(const List<Container>& containers, const Path& path, Errors& errors) {
  for (int i = 0; i < containers.size(); ++i) {
    if (has_spaces_around(containers[i].image()))
      errors.invalid_text(path.index(i).member("image"), containers[i].image(), kSpacesAround);
  }
}

void check_init_containers(const ContainerContext& context, const Path& path, Errors& errors) {
  std::set<std::string_view> names;
  for (const Container& container : context.pod.containers()) names.insert(container.name());
  const auto& containers = context.pod.init_containers();
  for (int i = 0; i < containers.size(); ++i) {
    const Container& container = containers[i];
    const Path at = path.index(i);
    check_common(container, context, at, errors);
    check_restart_rules(container, false, at, errors);
    if (!names.insert(container.name()).second) errors.duplicate(at.member("name"), container.name());
    if (container.restart_policy() == "Always") {
      check_probes(container, context, at, errors);
      continue;
    }
    constexpr std::string_view kOnlySidecars = "may not be set for init containers without restartPolicy=Always";
    if (container.has_lifecycle()) errors.forbidden(at.member("lifecycle"), kOnlySidecars);
    if (container.has_liveness_probe()) errors.forbidden(at.member("livenessProbe"), kOnlySidecars);
    if (container.has_readiness_probe()) errors.forbidden(at.member("readinessProbe"), kOnlySidecars);
    if (container.has_startup_probe()) errors.forbidden(at.member("startupProbe"), kOnlySidecars);
  }
  for (const Container& container : containers) {
    std::set<std::string> ports;
    check_host_ports(container, ports, path.index(0), errors);
  }
}

void check_ephemeral_containers(const ContainerContext& context, const Path& path, Errors& errors) {
  std::set<std::string_view> others, names;
  for (const Container& container : context.pod.containers()) others.insert(container.name());
  for (const Container& container : context.pod.init_containers()) others.insert(container.name());
  const auto& containers = context.pod.ephemeral_containers();
  for (int i = 0; i < containers.size(); ++i) {
    const EphemeralContainerCommon& container = containers[i].ephemeral_container_common();
    const Path at = path.index(i);
    check_common(container, context, at, errors);
    if (has_spaces_around(container.image())) errors.invalid_text(at.member("image"), container.image(), kSpacesAround);
    const bool fresh = names.insert(container.name()).second;
    if (!fresh || others.contains(container.name())) errors.duplicate(at.member("name"), container.name());
    const std::string& target = containers[i].target_container_name();
    if (!target.empty() && !others.contains(target)) errors.not_found(at.member("targetContainerName"), target);
    const auto no = [&](bool set, std::string_view member) {
      if (set) errors.forbidden(at.member(member), "cannot be set for an Ephemeral Container");
    };
    no(!container.ports().empty(), "ports");
    no(container.has_liveness_probe(), "livenessProbe");
    no(container.has_readiness_probe(), "readinessProbe");
    no(container.has_startup_probe(), "startupProbe");
    no(container.has_lifecycle(), "lifecycle");
    no(!container.resources().limits().empty() || !container.resources().requests().empty(), "resources");
    no(container.has_restart_policy(), "restartPolicy");
    for (int m = 0; m < container.volume_mounts_size(); ++m) {
      const VolumeMount& mount = container.volume_mounts(m);
      const Path where = at.member("volumeMounts").index(m);
      if (!mount.sub_path().empty()) errors.forbidden(where.member("subPath"), "cannot be set for an Ephemeral Container");
      if (!mount.sub_path_expr().empty())
        errors.forbidden(where.member("subPathExpr"), "cannot be set for an Ephemeral Container");
    }
  }
}

}  // namespace ph::api
