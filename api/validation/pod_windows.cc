// What pods of an operating system may say, and what they say to Windows.
#include <fmt/format.h>

#include "api/validation/pod_parts.h"

namespace ph::api {

using namespace core::v1;

namespace {

// Each container of a pod, in upstream's order: `visit(container, its path)`.
template <class Visit>
void for_each_container(const PodSpec& spec, const Path& path, Visit visit) {
  for (int i = 0; i < spec.init_containers_size(); ++i) visit(spec.init_containers(i), path.member("initContainers").index(i));
  for (int i = 0; i < spec.containers_size(); ++i) visit(spec.containers(i), path.member("containers").index(i));
  for (int i = 0; i < spec.ephemeral_containers_size(); ++i) {
    visit(spec.ephemeral_containers(i).ephemeral_container_common(), path.member("ephemeralContainers").index(i));
  }
}

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Up to fifteen characters, none of them reserved, and no period first.
bool is_netbios_name(std::string_view domain) {
  constexpr std::string_view kReserved = "\\/:*?\"<>|";
  return !domain.empty() && domain.size() <= 15 && domain.front() != '.' && domain.find_first_of(kReserved) == domain.npos;
}

// At least two labels of letters, digits and dashes.
bool is_dns_domain(std::string_view domain) {
  std::size_t labels = 0;
  for (std::size_t from = 0; from <= domain.size(); ++labels) {
    const std::size_t dot = std::min(domain.find('.', from), domain.size());
    const std::string_view label = domain.substr(from, dot - from);
    if (label.empty() || !is_alnum(label.front()) || !is_alnum(label.back())) return false;
    if (!std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-'; })) return false;
    from = dot + 1;
  }
  return labels > 1;
}

void check_domain(std::string_view domain, std::string_view name, const Path& path, Errors& errors) {
  constexpr std::size_t kDomainMax = 256;
  if (domain.size() >= kDomainMax)
    errors.invalid_text(path, name, fmt::format("runAsUserName's Domain length must be under {} characters", kDomainMax));
  if (!is_netbios_name(domain) && !is_dns_domain(domain))
    errors.invalid_text(path, name, "runAsUserName's Domain doesn't match the NetBios nor the DNS format");
}

void check_user(std::string_view user, std::string_view name, const Path& path, Errors& errors) {
  constexpr std::size_t kUserMax = 104;
  constexpr std::string_view kReserved = "\"/\\:;|=,+*?<>@[]";
  if (user.empty()) {
    errors.invalid_text(path, name, "runAsUserName's User cannot be empty");
  } else if (user.size() > kUserMax) {
    errors.invalid_text(path, name, fmt::format("runAsUserName's User length must not be longer than {} characters", kUserMax));
  }
  if (!user.empty() && user.find_first_not_of(". ") == user.npos)
    errors.invalid_text(path, name, "runAsUserName's User cannot contain only periods or spaces");
  if (user.find_first_of(kReserved) != user.npos)
    errors.invalid_text(path, name, fmt::format("runAsUserName's User cannot contain the following characters: {}", kReserved));
}

// DOMAIN\user, or user.
void check_user_name(std::string_view name, const Path& path, Errors& errors) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (name.empty()) return errors.invalid_text(path, name, "runAsUserName cannot be an empty string");
  if (std::ranges::any_of(name, is_control))
    return errors.invalid_text(path, name, "runAsUserName cannot contain control characters");
  const auto backslash = name.find('\\');
  if (backslash != name.rfind('\\'))
    return errors.invalid_text(path, name, "runAsUserName cannot contain more than one backslash");
  if (backslash != name.npos) check_domain(name.substr(0, backslash), name, path, errors);
  check_user(backslash == name.npos ? name : name.substr(backslash + 1), name, path, errors);
}

// Members of either kind of security context that mean nothing on Windows.
template <class Context>
void refuse_shared(const Context& context, const Path& path, const std::function<void(bool, const Path&)>& refuse) {
  refuse(context.has_app_armor_profile(), path.member("appArmorProfile"));
  refuse(context.has_se_linux_options(), path.member("seLinuxOptions"));
}

void check_windows_pod(const PodSpec& spec, const Path& path, const std::function<void(bool, const Path&)>& refuse) {
  const PodSecurityContext& context = spec.security_context();
  const Path at = path.member("securityContext");
  refuse_shared(context, at, refuse);
  refuse(spec.has_host_users(), path.member("hostUsers"));
  refuse(spec.host_pid(), path.member("hostPID"));
  refuse(spec.host_ipc(), path.member("hostIPC"));
  refuse(context.has_seccomp_profile(), at.member("seccompProfile"));
  refuse(context.has_fs_group(), at.member("fsGroup"));
  refuse(context.has_fs_group_change_policy(), at.member("fsGroupChangePolicy"));
  refuse(!context.sysctls().empty(), at.member("sysctls"));
  refuse(spec.has_share_process_namespace(), path.member("shareProcessNamespace"));
  refuse(context.has_run_as_user(), at.member("runAsUser"));
  refuse(context.has_run_as_group(), at.member("runAsGroup"));
  refuse(!context.supplemental_groups().empty(), at.member("supplementalGroups"));
  refuse(context.has_supplemental_groups_policy(), at.member("supplementalGroupsPolicy"));
  refuse(context.has_se_linux_change_policy(), at.member("seLinuxChangePolicy"));
}

}  // namespace

void check_windows_options(const WindowsSecurityContextOptions& options, const Path& path, Errors& errors) {
  constexpr std::size_t kCredentialsMax = 64;  // KiB
  if (options.has_gmsa_credential_spec_name())
    check_subdomain(options.gmsa_credential_spec_name(), path.member("gmsaCredentialSpecName"), errors);
  if (options.has_gmsa_credential_spec()) {
    const std::string& spec = options.gmsa_credential_spec();
    const Path at = path.member("gmsaCredentialSpec");
    if (spec.empty()) {
      errors.invalid_text(at, spec, "gmsaCredentialSpec cannot be an empty string");
    } else if (spec.size() > kCredentialsMax * 1024) {
      errors.invalid_text(at, spec, fmt::format("gmsaCredentialSpec size must be under {} KiB", kCredentialsMax));
    }
  }
  if (options.has_run_as_user_name()) check_user_name(options.run_as_user_name(), path.member("runAsUserName"), errors);
}

void check_linux(const PodSpec& spec, const Path& path, Errors& errors) {
  constexpr std::string_view kNotHere = "windows options cannot be set for a linux pod";
  const auto refuse = [&](bool set, const Path& context) {
    if (set) errors.forbidden(context.member("windowsOptions"), kNotHere);
  };
  refuse(spec.security_context().has_windows_options(), path.member("securityContext"));
  for_each_container(spec, path, [&](const auto& container, const Path& at) {
    refuse(container.security_context().has_windows_options(), at.member("securityContext"));
  });
}

void check_windows(const PodSpec& spec, const Path& path, Errors& errors) {
  const std::function<void(bool, const Path&)> refuse = [&](bool set, const Path& at) {
    if (set) errors.forbidden(at, "cannot be set for a windows pod");
  };
  if (spec.has_resources()) errors.forbidden(path.member("resources"), "may not be set for a windows pod");
  check_windows_pod(spec, path, refuse);
  for_each_container(spec, path, [&](const auto& container, const Path& where) {
    const SecurityContext& context = container.security_context();
    const Path at = where.member("securityContext");
    refuse_shared(context, at, refuse);
    refuse(context.has_seccomp_profile(), at.member("seccompProfile"));
    refuse(context.has_capabilities(), at.member("capabilities"));
    refuse(context.has_read_only_root_filesystem(), at.member("readOnlyRootFilesystem"));
    refuse(context.has_privileged(), at.member("privileged"));
    refuse(context.has_allow_privilege_escalation(), at.member("allowPrivilegeEscalation"));
    refuse(context.has_proc_mount(), at.member("procMount"));
    refuse(context.has_run_as_user(), at.member("runAsUser"));
    refuse(context.has_run_as_group(), at.member("runAsGroup"));
  });
}

void check_host_processes(const PodSpec& spec, const Path& path, Errors& errors) {
  const WindowsSecurityContextOptions& of_pod = spec.security_context().windows_options();
  int containers = 0, host_processes = 0;
  for_each_container(spec, path, [&](const auto& container, const Path& at) {
    const WindowsSecurityContextOptions& own = container.security_context().windows_options();
    ++containers;
    if (of_pod.has_host_process() && own.has_host_process() && of_pod.host_process() != own.host_process()) {
      errors.invalid(at.member("securityContext").member("windowsOptions").member("hostProcess"),
                     own.host_process() ? "true" : "false",
                     fmt::format("pod hostProcess value must be identical if both are specified, was {}", of_pod.host_process()));
    }
    host_processes += own.has_host_process() ? own.host_process() : of_pod.host_process();
  });
  if (host_processes == 0) return;
  if (host_processes != containers) {
    errors.invalid_text(path, "",
                        "If pod contains any hostProcess containers then all containers must be HostProcess containers");
  }
  if (!spec.host_network())
    errors.invalid(path.member("hostNetwork"), "false", "hostNetwork must be true if pod contains any hostProcess containers");
}

}  // namespace ph::api
