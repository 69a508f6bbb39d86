// What a pod has to do, and to leave, to be restricted. Fields of Linux are not asked for of pods that say they are of Windows.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/value.h"
#include "api/views.h"
#include "apiserver/admission/pod_security/checks.h"

namespace ph::apiserver::pod_security {
namespace {

using Found = std::optional<Violation>;

// The JSON name of what a volume is, where that is not allowed; empty: it is.
std::string restricted_type(const core::v1::VolumeSource& source) {
  if (source.has_config_map() || source.has_csi() || source.has_downward_api() || source.has_empty_dir() ||
      source.has_ephemeral() || source.has_persistent_volume_claim() || source.has_projected() || source.has_secret()) {
    return {};
  }
  // Upstream's list of what there is ends before the volumes that are images.
  if (source.has_image()) return "unknown";
  const api::Value value = api::Value::of(static_cast<const google::protobuf::Message&>(source));
  const auto members = api::members_of(value);
  for (std::size_t i = 0; i < value.schema().fields.size(); ++i) {
    if (members[i]) return value.schema().fields[i].name;
  }
  return "unknown";
}

}  // namespace

Found privilege_escalation(const Subject& of) {
  Names names;
  of.each_container([&](const auto& container) {
    const auto& context = container.security_context();
    if (!context.has_allow_privilege_escalation() || context.allow_privilege_escalation()) names.push_back(container.name());
  });
  if (names.empty()) return {};
  return Violation{"allowPrivilegeEscalation != false",
                   containers(names) + " must set securityContext.allowPrivilegeEscalation=false"};
}

Found privilege_escalation_25(const Subject& of) {
  if (of.is_of_windows()) return {};
  return privilege_escalation(of);
}

Found capabilities_restricted(const Subject& of) {
  Names keep, add;
  std::set<std::string> added;
  of.each_container([&](const auto& container) {
    const auto& capabilities = container.security_context().capabilities();
    bool drops_all = false, adds = false;
    for (const std::string& each : capabilities.drop()) drops_all |= each == "ALL";
    for (const std::string& each : capabilities.add()) {
      if (each == "NET_BIND_SERVICE") continue;
      adds = true;
      added.insert(each);
    }
    if (!drops_all) keep.push_back(container.name());
    if (adds) add.push_back(container.name());
  });
  Names out;
  if (!keep.empty()) out.push_back(containers(keep) + " must set securityContext.capabilities.drop=[\"ALL\"]");
  if (!add.empty()) {
    out.push_back(fmt::format("{} must not include {} in securityContext.capabilities.add", containers(add), in_quotes(added)));
  }
  if (out.empty()) return {};
  return Violation{"unrestricted capabilities", fmt::format("{}", fmt::join(out, "; "))};
}

Found capabilities_restricted_25(const Subject& of) {
  if (of.is_of_windows()) return {};
  return capabilities_restricted(of);
}

Found proc_mount_restricted(const Subject& of) { return proc_mount(of); }

Found restricted_volumes(const Subject& of) {
  Names names;
  std::set<std::string> types;
  for (const auto& volume : of.spec.volumes()) {
    const std::string type = restricted_type(volume.volume_source());
    if (type.empty()) continue;
    names.push_back(volume.name());
    types.insert(type);
  }
  if (names.empty()) return {};
  return Violation{"restricted volume types",
                   fmt::format("{} {} {} {} {}", one_or_more("volume", "volumes", names.size()), in_quotes(names),
                               one_or_more("uses", "use", names.size()),
                               one_or_more("restricted volume type", "restricted volume types", types.size()), in_quotes(types))};
}

Found run_as_non_root(const Subject& of) {
  const auto& pod = of.spec.security_context();
  Setters setters;
  setters.pod = pod.has_run_as_non_root() && !pod.run_as_non_root();
  Names silent;
  of.each_container([&](const auto& container) {
    const auto& context = container.security_context();
    if (!context.has_run_as_non_root()) {
      if (!pod.run_as_non_root()) silent.push_back(container.name());
    } else if (!context.run_as_non_root()) {
      setters.names.push_back(container.name());
    }
  });
  const std::string reason = "runAsNonRoot != true";
  if (setters.any()) return Violation{reason, setters.text() + " must not set securityContext.runAsNonRoot=false"};
  if (silent.empty()) return {};
  return Violation{reason, fmt::format("pod or {} must set securityContext.runAsNonRoot=true", containers(silent))};
}

Found run_as_non_root_35(const Subject& of) {
  if (of.has_users_of_its_own()) return {};
  return run_as_non_root(of);
}

Found run_as_user(const Subject& of) {
  Setters setters;
  const auto is_root = [](const auto& context) { return context.has_run_as_user() && context.run_as_user() == 0; };
  setters.pod = is_root(of.spec.security_context());
  of.each_container([&](const auto& container) {
    if (is_root(container.security_context())) setters.names.push_back(container.name());
  });
  if (!setters.any()) return {};
  return Violation{"runAsUser=0", setters.text() + " must not set runAsUser=0"};
}

Found run_as_user_35(const Subject& of) {
  if (of.has_users_of_its_own()) return {};
  return run_as_user(of);
}

Found seccomp_restricted(const Subject& of) {
  if (auto bad = seccomp_baseline(of); bad) return bad;
  if (of.spec.security_context().has_seccomp_profile()) return {};
  Names silent;
  of.each_container([&](const auto& container) {
    if (!container.security_context().has_seccomp_profile()) silent.push_back(container.name());
  });
  if (silent.empty()) return {};
  return Violation{"seccompProfile",
                   fmt::format("pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
                               containers(silent))};
}

Found seccomp_restricted_25(const Subject& of) {
  if (of.is_of_windows()) return {};
  return seccomp_restricted(of);
}

}  // namespace ph::apiserver::pod_security
