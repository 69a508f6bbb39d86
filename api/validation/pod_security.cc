// Security contexts of pods and containers, and what the host shares with them.
#include <fmt/format.h>

#include "api/validation/pod_parts.h"

namespace ph::api {

using namespace core::v1;

namespace {

constexpr std::int64_t kIdMax = 2147483647;

void check_id(std::int64_t id, const Path& path, Errors& errors) {
  if (id < 0 || id > kIdMax) errors.invalid(path, id, fmt::format("must be between 0 and {}, inclusive", kIdMax));
}

void check_seccomp(const SeccompProfile& profile, const Path& path, Errors& errors) {
  if (profile.type().empty()) {
    errors.required(path.member("type"), "type is required when seccompProfile is set");
  } else {
    check_one_of(profile.type(), {"Localhost", "RuntimeDefault", "Unconfined"}, path.member("type"), errors);
  }
  if (profile.type() == "Localhost") {
    if (!profile.has_localhost_profile()) {
      errors.required(path.member("localhostProfile"), "must be set when seccomp type is Localhost");
    } else {
      check_descending_path(profile.localhost_profile(), path.member("localhostProfile"), errors);
    }
  } else if (profile.has_localhost_profile()) {
    errors.invalid_message(path.member("localhostProfile"), profile, "can only be set when seccomp type is Localhost");
  }
}

void check_app_armor(const AppArmorProfile& profile, const Path& path, Errors& errors) {
  if (profile.type().empty()) {
    errors.required(path.member("type"), "type is required when appArmorProfile is set");
  } else {
    check_one_of(profile.type(), {"Localhost", "RuntimeDefault", "Unconfined"}, path.member("type"), errors);
  }
  if (profile.type() == "Localhost") {
    if (profile.localhost_profile().empty()) {
      errors.required(path.member("localhostProfile"), "must be set when AppArmor type is Localhost");
    } else if (profile.localhost_profile().size() > 4095) {
      errors.too_long(path.member("localhostProfile"), 4095);
    }
  } else if (profile.has_localhost_profile()) {
    errors.invalid_text(path.member("localhostProfile"), profile.localhost_profile(),
                        "can only be set when AppArmor type is Localhost");
  }
}

// Words of lower case, digits, - and _, joined by . or /.
bool is_sysctl_name(std::string_view name) {
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > 253 || !word(name.front()) || !word(name.back())) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool separator = c == '.' || c == '/';
    if (!word(c) && !separator && c != '-' && c != '_') return false;
    if (separator && (!word(name[i - 1]) || !word(name[i + 1]))) return false;
  }
  return true;
}

// What is not the pod's own but the host's.
void check_shared_sysctl(std::string name, const PodSpec& spec, const Path& path, Errors& errors) {
  const std::string given = name;
  std::ranges::replace(name, '/', '.');
  const std::string_view text = name;
  const bool of_ipc =
      text == "kernel.sem" || text.starts_with("kernel.shm") || text.starts_with("kernel.msg") || text.starts_with("fs.mqueue.");
  if (spec.host_network() && text.starts_with("net.")) {
    errors.invalid_text(path, given, "may not be specified when 'hostNetwork' is true");
  } else if (spec.host_ipc() && of_ipc) {
    errors.invalid_text(path, given, "may not be specified when 'hostIPC' is true");
  }
}

void check_sysctls(const PodSpec& spec, const Path& path, Errors& errors) {
  const auto& sysctls = spec.security_context().sysctls();
  std::set<std::string_view> names;
  for (int i = 0; i < sysctls.size(); ++i) {
    const Path at = path.index(i).member("name");
    if (sysctls[i].name().empty()) {
      errors.required(at);
    } else if (!is_sysctl_name(sysctls[i].name())) {
      errors.invalid_text(at, sysctls[i].name(),
                          "must have at most 253 characters and match regex "
                          "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
    } else if (!names.insert(sysctls[i].name()).second) {
      errors.duplicate(at, sysctls[i].name());
    }
    check_shared_sysctl(sysctls[i].name(), spec, at, errors);
  }
}

// A container's port on the host's network is the host's port. Templates may leave it out: their pods get it by default.
void check_host_network(const PodSpec& spec, bool in_template, const Path& path, Errors& errors) {
  if (!spec.host_network()) return;
  for (int c = 0; c < spec.containers_size(); ++c) {
    for (int p = 0; p < spec.containers(c).ports_size(); ++p) {
      const ContainerPort& port = spec.containers(c).ports(p);
      if (port.host_port() == port.container_port() || (in_template && port.host_port() == 0)) continue;
      errors.invalid(path.member("containers").index(c).member("ports").index(p).member("hostPort"), port.host_port(),
                     "must match `containerPort` when `hostNetwork` is true");
    }
  }
}

}  // namespace

void check_host_users(const PodSpec& spec, const Path& path, Errors& errors) {
  if (!spec.has_host_users() || spec.host_users()) return;
  const auto no = [&](bool set, std::string_view member) {
    if (set) errors.forbidden(path.member(member), "when `hostUsers` is false");
  };
  no(spec.host_network(), "hostNetwork");
  no(spec.host_pid(), "HostPID");  // so upstream spells these two here
  no(spec.host_ipc(), "HostIPC");
}

void check_security_context(const SecurityContext& context, bool host_users, const Path& path, Errors& errors) {
  if (context.has_run_as_user()) check_id(context.run_as_user(), path.member("runAsUser"), errors);
  if (context.has_run_as_group()) check_id(context.run_as_group(), path.member("runAsGroup"), errors);
  if (context.has_proc_mount()) {
    check_one_of(context.proc_mount(), {"Default", "Unmasked"}, path.member("procMount"), errors);
    if (host_users && context.proc_mount() == "Unmasked") {
      errors.invalid_text(path.member("procMount"), context.proc_mount(), "`hostUsers` must be false to use `Unmasked`");
    }
  }
  if (context.has_seccomp_profile()) check_seccomp(context.seccomp_profile(), path.member("seccompProfile"), errors);
  if (context.has_allow_privilege_escalation() && !context.allow_privilege_escalation()) {
    if (context.privileged()) {
      errors.invalid_message(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
    }
    for (const std::string& capability : context.capabilities().add()) {
      if (capability != "CAP_SYS_ADMIN") continue;
      errors.invalid_message(path, context,
                             "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
    }
  }
  if (context.has_windows_options()) check_windows_options(context.windows_options(), path.member("windowsOptions"), errors);
  if (context.has_app_armor_profile()) check_app_armor(context.app_armor_profile(), path.member("appArmorProfile"), errors);
}

void check_pod_security(const PodSpec& spec, const PodOptions& options, const Path& path, Errors& errors) {
  check_host_network(spec, options.in_template, path, errors);
  const PodSecurityContext& context = spec.security_context();
  const Path at = path.member("securityContext");
  if (context.has_fs_group()) check_id(context.fs_group(), at.member("fsGroup"), errors);
  if (context.has_run_as_user()) check_id(context.run_as_user(), at.member("runAsUser"), errors);
  if (context.has_run_as_group()) check_id(context.run_as_group(), at.member("runAsGroup"), errors);
  for (int i = 0; i < context.supplemental_groups_size(); ++i) {
    check_id(context.supplemental_groups(i), at.member("supplementalGroups").index(i), errors);
  }
  if (spec.host_pid() && spec.share_process_namespace()) {
    errors.invalid(at.member("shareProcessNamespace"), "true", "ShareProcessNamespace and HostPID cannot both be enabled");
  }
  check_sysctls(spec, at.member("sysctls"), errors);
  if (context.has_fs_group_change_policy()) {
    check_one_of(context.fs_group_change_policy(), {"Always", "OnRootMismatch"}, at.member("fsGroupChangePolicy"), errors);
  }
  if (context.has_seccomp_profile()) check_seccomp(context.seccomp_profile(), at.member("seccompProfile"), errors);
  if (context.has_app_armor_profile()) check_app_armor(context.app_armor_profile(), at.member("appArmorProfile"), errors);
  if (context.has_supplemental_groups_policy()) {
    check_one_of(context.supplemental_groups_policy(), {"Merge", "Strict"}, at.member("supplementalGroupsPolicy"), errors);
  }
  if (context.has_se_linux_change_policy()) {
    const Path policy = at.member("seLinuxChangePolicy");
    options.any_se_linux_policy ? check_one_of(context.se_linux_change_policy(), {"MountOption", "Recursive"}, policy, errors)
                                : check_one_of(context.se_linux_change_policy(), {"Recursive"}, policy, errors);
  }
  if (context.has_windows_options()) check_windows_options(context.windows_options(), at.member("windowsOptions"), errors);
}

}  // namespace ph::api
