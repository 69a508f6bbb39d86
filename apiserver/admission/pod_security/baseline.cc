// What no pod may do but those that are privileged.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/sorted.h"
#include "api/validation/quote.h"
#include "apiserver/admission/pod_security/checks.h"

namespace ph::apiserver::pod_security {
namespace {

using Found = std::optional<Violation>;

bool starts_with(std::string_view text, std::string_view prefix) { return text.starts_with(prefix); }

// -- AppArmor
constexpr std::string_view kAppArmorOfOld = "container.apparmor.security.beta.kubernetes.io/";

bool is_good_profile(std::string_view type) { return type == "RuntimeDefault" || type == "Localhost"; }

bool is_good_app_armor_annotation(std::string_view value) {
  return value.empty() || value == "runtime/default" || starts_with(value, "localhost/");
}

// -- SELinux
Found judge_se_linux(const Subject& of, const std::set<std::string_view>& allowed) {
  Setters setters;
  std::set<std::string> types;
  bool user = false, role = false;
  const auto is_good = [&](const core::v1::SELinuxOptions& options) {
    const bool bad_type = !allowed.contains(options.type());
    if (bad_type) types.insert(options.type());
    user |= !options.user().empty();
    role |= !options.role().empty();
    return !bad_type && options.user().empty() && options.role().empty();
  };
  setters.pod = of.spec.security_context().has_se_linux_options() && !is_good(of.spec.security_context().se_linux_options());
  of.each_container([&](const auto& container) {
    const auto& context = container.security_context();
    if (context.has_se_linux_options() && !is_good(context.se_linux_options())) setters.names.push_back(container.name());
  });
  if (!setters.any()) return {};
  Names what;
  // Upstream tells of users and roles only where a type is wrong, too.
  if (!types.empty()) {
    what.push_back(fmt::format("{} {}", one_or_more("type", "types", types.size()), in_quotes(types)));
    if (user) what.push_back("user may not be set");
    if (role) what.push_back("role may not be set");
  }
  return Violation{"seLinuxOptions",
                   fmt::format("{} set forbidden securityContext.seLinuxOptions: {}", setters.text(), fmt::join(what, "; "))};
}

// -- Sysctls
constexpr std::string_view kSafeSysctls[] = {"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
                                             "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
                                             // v1.27
                                             "net.ipv4.ip_local_reserved_ports",
                                             // v1.29
                                             "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
                                             "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
                                             // v1.32
                                             "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"};

// `safe`: how many of the list.
Found judge_sysctls(const Subject& of, std::size_t safe) {
  Names bad;
  for (const auto& sysctl : of.spec.security_context().sysctls()) {
    const auto* end = kSafeSysctls + safe;
    if (std::find(kSafeSysctls, end, sysctl.name()) == end) bad.push_back(sysctl.name());
  }
  if (bad.empty()) return {};
  return Violation{"forbidden sysctls", fmt::format("{}", fmt::join(bad, ", "))};
}

// -- seccomp as it was
constexpr std::string_view kSeccompOfPod = "seccomp.security.alpha.kubernetes.io/pod";
constexpr std::string_view kSeccompOfContainer = "container.seccomp.security.alpha.kubernetes.io/";

bool is_good_seccomp_annotation(std::string_view value) {
  return value == "runtime/default" || value == "docker/default" || starts_with(value, "localhost/");
}

// -- Hosts of probes and hooks
template <class Handler>
void add_hosts(const Handler& handler, std::set<std::string>& out) {
  if (!handler.http_get().host().empty()) out.insert(handler.http_get().host());
  if (!handler.tcp_socket().host().empty()) out.insert(handler.tcp_socket().host());
}

template <class Container>
std::set<std::string> hosts_of(const Container& container) {
  std::set<std::string> out;
  add_hosts(container.liveness_probe().handler(), out);
  add_hosts(container.readiness_probe().handler(), out);
  add_hosts(container.startup_probe().handler(), out);
  add_hosts(container.lifecycle().post_start(), out);
  add_hosts(container.lifecycle().pre_stop(), out);
  return out;
}

}  // namespace

Found app_armor_profile(const Subject& of) {
  Names setters;
  std::set<std::string> values;
  const auto is_bad = [&](const auto& context) {
    const std::string& type = context.app_armor_profile().type();
    if (!context.has_app_armor_profile() || is_good_profile(type)) return false;
    values.insert(type);
    return true;
  };
  if (is_bad(of.spec.security_context())) setters.push_back("pod");
  Names names;
  of.each_container([&](const auto& container) {
    if (is_bad(container.security_context())) names.push_back(container.name());
  });
  if (!names.empty()) setters.push_back(containers(names));
  Names annotations;
  for (const auto* entry : sorted(of.metadata.annotations())) {
    if (!starts_with(entry->first, kAppArmorOfOld) || is_good_app_armor_annotation(entry->second)) continue;
    annotations.push_back(fmt::format("{}={}", entry->first, api::quote(entry->second)));
  }
  if (!annotations.empty()) setters.emplace_back(one_or_more("annotation", "annotations", annotations.size()));
  if (setters.empty()) return {};
  Names all(values.begin(), values.end());
  all.insert(all.end(), annotations.begin(), annotations.end());
  return Violation{std::string(one_or_more("forbidden AppArmor profile", "forbidden AppArmor profiles", all.size())),
                   fmt::format("{} must not set AppArmor profile type to {}", fmt::join(setters, " and "), in_quotes(all))};
}

Found capabilities_baseline(const Subject& of) {
  static const std::set<std::string_view> kAllowed{"AUDIT_WRITE", "CHOWN",  "DAC_OVERRIDE",     "FOWNER",  "FSETID",
                                                   "KILL",        "MKNOD",  "NET_BIND_SERVICE", "SETFCAP", "SETGID",
                                                   "SETPCAP",     "SETUID", "SYS_CHROOT"};
  Names names;
  std::set<std::string> added;
  of.each_container([&](const auto& container) {
    bool bad = false;
    for (const std::string& capability : container.security_context().capabilities().add()) {
      if (kAllowed.contains(capability)) continue;
      added.insert(capability);
      bad = true;
    }
    if (bad) names.push_back(container.name());
  });
  if (names.empty()) return {};
  return Violation{"non-default capabilities", fmt::format("{} must not include {} in securityContext.capabilities.add",
                                                           containers(names), in_quotes(added))};
}

Found host_namespaces(const Subject& of) {
  Names used;
  if (of.spec.host_network()) used.push_back("hostNetwork=true");
  if (of.spec.host_pid()) used.push_back("hostPID=true");
  if (of.spec.host_ipc()) used.push_back("hostIPC=true");
  if (used.empty()) return {};
  return Violation{"host namespaces", fmt::format("{}", fmt::join(used, ", "))};
}

Found host_path_volumes(const Subject& of) {
  Names names;
  for (const auto& volume : of.spec.volumes()) {
    if (volume.volume_source().has_host_path()) names.push_back(volume.name());
  }
  if (names.empty()) return {};
  return Violation{"hostPath volumes", fmt::format("{} {}", one_or_more("volume", "volumes", names.size()), in_quotes(names))};
}

Found host_ports(const Subject& of) {
  Names names;
  std::set<std::string> ports;  // in the order of their digits
  of.each_container([&](const auto& container) {
    bool bad = false;
    for (const auto& port : container.ports()) {
      if (port.host_port() == 0) continue;
      ports.insert(fmt::format("{}", port.host_port()));
      bad = true;
    }
    if (bad) names.push_back(container.name());
  });
  if (names.empty()) return {};
  return Violation{"hostPort", fmt::format("{} {} {} {}", containers(names), one_or_more("uses", "use", names.size()),
                                           one_or_more("hostPort", "hostPorts", ports.size()), fmt::join(ports, ", "))};
}

Found host_of_probes(const Subject& of) {
  std::set<std::string> names, hosts;
  of.each_container([&](const auto& container) {
    const std::set<std::string> own = hosts_of(container);
    if (own.empty()) return;
    names.insert(container.name());
    hosts.insert(own.begin(), own.end());
  });
  if (names.empty()) return {};
  return Violation{
      "probe or lifecycle host",
      fmt::format("{} {} {} {}", containers(Names(names.begin(), names.end())), one_or_more("uses", "use", names.size()),
                  one_or_more("probe or lifecycle host", "probe or lifecycle hosts", hosts.size()), in_quotes(hosts))};
}

Found privileged(const Subject& of) {
  Names names;
  of.each_container([&](const auto& container) {
    if (container.security_context().privileged()) names.push_back(container.name());
  });
  if (names.empty()) return {};
  return Violation{"privileged", containers(names) + " must not set securityContext.privileged=true"};
}

Found proc_mount(const Subject& of) {
  Names names;
  std::set<std::string> types;
  of.each_container([&](const auto& container) {
    const auto& context = container.security_context();
    if (!context.has_proc_mount() || context.proc_mount() == "Default") return;
    names.push_back(container.name());
    types.insert(context.proc_mount());
  });
  if (names.empty()) return {};
  return Violation{"procMount",
                   fmt::format("{} must not set securityContext.procMount to {}", containers(names), in_quotes(types))};
}

Found proc_mount_without_users(const Subject& of) {
  if (of.has_users_of_its_own()) return {};
  return proc_mount(of);
}

Found se_linux_options(const Subject& of) {
  return judge_se_linux(of, {"", "container_t", "container_init_t", "container_kvm_t"});
}

Found se_linux_options_31(const Subject& of) {
  return judge_se_linux(of, {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"});
}

Found seccomp_annotations(const Subject& of) {
  std::set<std::string> bad;
  const auto judge = [&](const std::string& key) {
    const auto found = of.metadata.annotations().find(key);
    if (found == of.metadata.annotations().end() || is_good_seccomp_annotation(found->second)) return;
    bad.insert(fmt::format("{}={}", key, api::quote(found->second)));
  };
  judge(std::string(kSeccompOfPod));
  of.each_container([&](const auto& container) { judge(fmt::format("{}{}", kSeccompOfContainer, container.name())); });
  if (bad.empty()) return {};
  return Violation{"seccompProfile",
                   fmt::format("forbidden {} {}", one_or_more("annotation", "annotations", bad.size()), fmt::join(bad, ", "))};
}

Found seccomp_baseline(const Subject& of) {
  Setters setters;
  std::set<std::string> types;
  const auto is_bad = [&](const auto& context) {
    const std::string& type = context.seccomp_profile().type();
    if (!context.has_seccomp_profile() || is_good_profile(type)) return false;
    types.insert(type);
    return true;
  };
  setters.pod = is_bad(of.spec.security_context());
  of.each_container([&](const auto& container) {
    if (is_bad(container.security_context())) setters.names.push_back(container.name());
  });
  if (!setters.any()) return {};
  return Violation{"seccompProfile",
                   fmt::format("{} must not set securityContext.seccompProfile.type to {}", setters.text(), in_quotes(types))};
}

Found sysctls(const Subject& of) { return judge_sysctls(of, 5); }
Found sysctls_27(const Subject& of) { return judge_sysctls(of, 6); }
Found sysctls_29(const Subject& of) { return judge_sysctls(of, 10); }
Found sysctls_32(const Subject& of) { return judge_sysctls(of, std::size(kSafeSysctls)); }

Found windows_host_process(const Subject& of) {
  Setters setters;
  const auto is_bad = [](const auto& context) { return context.windows_options().host_process(); };
  setters.pod = is_bad(of.spec.security_context());
  of.each_container([&](const auto& container) {
    if (is_bad(container.security_context())) setters.names.push_back(container.name());
  });
  if (!setters.any()) return {};
  return Violation{"hostProcess", setters.text() + " must not set securityContext.windowsOptions.hostProcess=true"};
}

}  // namespace ph::apiserver::pod_security
