#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/names.h"
#include "api/sorted.h"
#include "api/warnings/labels.h"
#include "api/warnings/parts.h"

namespace ph::api {
namespace {

using core::v1::Container;
using core::v1::ContainerPort;
using core::v1::PodSpec;

constexpr std::string_view kAppArmor = "container.apparmor.security.beta.kubernetes.io/";
constexpr std::string_view kSeccompOfPod = "seccomp.security.alpha.kubernetes.io/pod";
constexpr std::string_view kSeccompOfContainer = "container.seccomp.security.alpha.kubernetes.io/";
constexpr const char* kMatchesNone = "a null labelSelector results in matching no pod";

std::size_t at(int i) { return static_cast<std::size_t>(i); }

void warn_of_annotations(const meta::v1::ObjectMeta& metadata, const Path& path, Warnings& out) {
  for (const auto* annotation : sorted(metadata.annotations())) {
    const std::string_view key = annotation->first;
    const char* text = nullptr;
    if (key.starts_with(kAppArmor)) text = "deprecated since v1.30; use the \"appArmorProfile\" field instead";
    if (key == kSeccompOfPod || key.starts_with(kSeccompOfContainer)) {
      text = "non-functional in v1.27+; use the \"seccompProfile\" field instead";
    }
    if (text) out.push_back(fmt::format("{}: {}", path.key(key).text(), text));
  }
}

// -- Where it may run

template <class Terms, class TermOf>
void warn_of_affinity_terms(const Terms& terms, const Path& path, TermOf term_of, Warnings& out) {
  for (int i = 0; i < terms.size(); ++i) {
    const auto [term, at_term] = term_of(terms[i], path.index(at(i)));
    if (!term->has_label_selector()) out.push_back(fmt::format("{}: {}", at_term.member("labelSelector").text(), kMatchesNone));
  }
}

template <class Affinity>
void warn_of_pod_affinity(const Affinity& affinity, const Path& path, Warnings& out) {
  warn_of_affinity_terms(
      affinity.required_during_scheduling_ignored_during_execution(),
      path.member("requiredDuringSchedulingIgnoredDuringExecution"),
      [](const auto& term, const Path& here) { return std::pair(&term, here); }, out);
  warn_of_affinity_terms(
      affinity.preferred_during_scheduling_ignored_during_execution(),
      path.member("preferredDuringSchedulingIgnoredDuringExecution"),
      [](const auto& weighted, const Path& here) {
        return std::pair(&weighted.pod_affinity_term(), here.member("podAffinityTerm"));
      },
      out);
}

void warn_of_placement(const PodSpec& spec, const Path& path, Warnings& out) {
  for (const auto* label : sorted(spec.node_selector()))
    warn_of_label(label->first, path.member("nodeSelector").key(label->first), out);
  const Path affinity = path.member("affinity"), of_nodes = affinity.member("nodeAffinity");
  const auto& nodes = spec.affinity().node_affinity();
  warn_of_terms(nodes.required_during_scheduling_ignored_during_execution(),
                of_nodes.member("requiredDuringSchedulingIgnoredDuringExecution"), out);
  const auto& preferred = nodes.preferred_during_scheduling_ignored_during_execution();
  for (int i = 0; i < preferred.size(); ++i) {
    warn_of_terms(preferred[i].preference(),
                  of_nodes.member("preferredDuringSchedulingIgnoredDuringExecution").index(at(i)).member("preference"), out);
  }
  warn_of_pod_affinity(spec.affinity().pod_affinity(), affinity.member("podAffinity"), out);
  warn_of_pod_affinity(spec.affinity().pod_anti_affinity(), affinity.member("podAntiAffinity"), out);
  for (int i = 0; i < spec.topology_spread_constraints_size(); ++i) {
    const auto& constraint = spec.topology_spread_constraints(i);
    const Path here = path.member("topologySpreadConstraints").index(at(i));
    if (const std::string_view text = deprecation_of(constraint.topology_key()); !text.empty()) {
      out.push_back(fmt::format("{}: {} is {}", here.member("topologyKey").text(), constraint.topology_key(), text));
    }
    if (!constraint.has_label_selector()) out.push_back(fmt::format("{}: {}", here.member("labelSelector").text(), kMatchesNone));
  }
}

// -- Containers

// Ports of all containers so far.
struct Ports {
  struct Place {
    Path path;
    const ContainerPort* port;
  };
  std::map<std::pair<int, std::string_view>, std::vector<Place>> known;
};

// How two definitions of a port and protocol are at odds; null: they are not.
const char* clash(const ContainerPort& a, const ContainerPort& b) {
  if (a.host_ip() == b.host_ip() && a.host_port() == b.host_port()) return "duplicate";
  if (a.host_port() == 0 || b.host_port() == 0) return "overlapping";
  const bool one_is_of_all = a.host_ip().empty() != b.host_ip().empty();
  return a.host_port() == b.host_port() && one_is_of_all ? "dangerously ambiguous" : nullptr;
}

void warn_of_ports(const Container& container, const Path& path, Ports& ports, Warnings& out) {
  for (int i = 0; i < container.ports_size(); ++i) {
    const ContainerPort& port = container.ports(i);
    const Path here = path.member("ports").index(at(i));
    if (!port.host_ip().empty() && port.host_port() == 0) {
      out.push_back(fmt::format("{}: hostIP set without hostPort: {{Name:{} HostPort:{} ContainerPort:{} Protocol:{} HostIP:{}}}",
                                here.text(), port.name(), port.host_port(), port.container_port(), port.protocol(),
                                port.host_ip()));
    }
    auto& others = ports.known[{port.container_port(), port.protocol()}];
    for (const Ports::Place& other : others) {
      if (const char* how = clash(port, *other.port)) {
        out.push_back(fmt::format("{}: {} port definition with {}", here.text(), how, other.path.text()));
      }
    }
    others.push_back({here, &port});
  }
}

void warn_of_environment(const Container& container, const Path& path, Warnings& out) {
  std::map<std::string_view, int> seen;
  for (int i = 0; i < container.env_size(); ++i) {
    const std::string& name = container.env(i).name();
    if (seen.emplace(name, i).second) continue;
    out.push_back(fmt::format("{}: hides previous definition of \"{}\", which may be dropped when using apply",
                              path.member("env").index(at(i)).text(), name));
  }
}

void warn_of_containers(const PodSpec& spec, const Path& path, Warnings& out) {
  Ports ports;
  const auto warn = [&](const auto& containers, const char* name) {
    for (int i = 0; i < containers.size(); ++i) {
      const Container& container = containers[i];
      const Path here = path.member(name).index(at(i)), resources = here.member("resources");
      warn_of_fractions(container.resources().limits(), resources.member("limits"), {"memory", "ephemeral-storage"}, out);
      warn_of_fractions(container.resources().requests(), resources.member("requests"), {"memory", "ephemeral-storage"}, out);
      warn_of_environment(container, here, out);
      warn_of_ports(container, here, ports, out);
    }
  };
  warn(spec.init_containers(), "initContainers");
  warn(spec.containers(), "containers");
}

// -- Volumes

// Files that would take each other's place: one path is another, or lies within it.
void warn_of_overlaps(std::vector<std::string_view> paths, const std::string& volume, Warnings& out) {
  for (std::size_t i = 1; i < paths.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      const auto within = [](std::string_view inner, std::string_view outer) {
        return inner.starts_with(outer) && (inner.size() == outer.size() || inner[outer.size()] == '/');
      };
      if (!within(paths[i], paths[k]) && !within(paths[k], paths[i])) continue;
      out.push_back(fmt::format("{}: overlapping paths: \"{}\" with \"{}\"", volume, paths[i], paths[k]));
    }
  }
}

template <class Items>
std::vector<std::string_view> paths_of(const Items& items) {
  std::vector<std::string_view> out;
  for (const auto& item : items) out.push_back(item.path());
  return out;
}

bool is_sourceless(const core::v1::VolumeProjection& source) {
  return !source.has_secret() && !source.has_downward_api() && !source.has_config_map() && !source.has_service_account_token() &&
         !source.has_cluster_trust_bundle() && !source.has_pod_certificate();
}

void warn_of_volumes(const PodSpec& spec, const Path& path, Warnings& out) {
  for (int i = 0; i < spec.volumes_size(); ++i) {
    const core::v1::Volume& volume = spec.volumes(i);
    const core::v1::VolumeSource& source = volume.volume_source();
    warn_of_source(source, path.member("volumes").index(at(i)), out);
    if (source.has_config_map()) {
      warn_of_overlaps(
          paths_of(source.config_map().items()),
          fmt::format("volume \"{}\" (ConfigMap \"{}\")", volume.name(), source.config_map().local_object_reference().name()),
          out);
    }
    if (source.has_secret()) {
      warn_of_overlaps(paths_of(source.secret().items()),
                       fmt::format("volume \"{}\" (Secret \"{}\")", volume.name(), source.secret().secret_name()), out);
    }
    if (source.has_downward_api()) {
      warn_of_overlaps(paths_of(source.downward_api().items()), fmt::format("volume \"{}\" (DownwardAPI)", volume.name()), out);
    }
    if (std::ranges::any_of(source.projected().sources(), is_sourceless)) {
      out.push_back(fmt::format("volume \"{}\" (Projected) has no sources provided", volume.name()));
    }
  }
}

// Its containers are called after it.
void warn_of_name(const meta::v1::ObjectMeta& metadata, std::string_view use, Warnings& out) {
  if (const auto wrong = check_dns1123_label(metadata.name()); !wrong.empty()) {
    out.push_back(fmt::format(
        "metadata.name: this is used in {}, which can result in surprising behavior; a DNS label is recommended: [{}]", use,
        fmt::join(wrong, " ")));
  }
}

Warnings of_template(const core::v1::PodTemplateSpec& from, const Path& path) {
  Warnings out;
  warn_of_pod(from.metadata(), from.spec(), &path, out);
  return out;
}

template <class Workload>
Warnings of_workload(const Workload& workload) {
  return of_template(workload.spec().template_(), Path("spec").member("template"));
}

template <class Workload>
Warnings of_named_workload(const Workload& workload) {
  Warnings out;
  warn_of_name(workload.metadata(), "Pod names and hostnames", out);
  std::ranges::move(of_workload(workload), std::back_inserter(out));
  return out;
}

}  // namespace

void warn_of_pod(const meta::v1::ObjectMeta& metadata, const PodSpec& spec, const Path* path, Warnings& out) {
  const auto within = [path](std::string_view name) { return path ? path->member(name) : Path(name); };
  const Path at_spec = within("spec");
  warn_of_placement(spec, at_spec, out);
  warn_of_annotations(metadata, within("metadata").member("annotations"), out);
  for (int i = 0; i < spec.image_pull_secrets_size(); ++i) {
    if (!spec.image_pull_secrets(i).name().empty()) continue;
    out.push_back(
        fmt::format("{}: invalid empty name \"\"", at_spec.member("imagePullSecrets").index(at(i)).member("name").text()));
  }
  warn_of_volumes(spec, at_spec, out);
  warn_of_fractions(spec.overhead(), at_spec.member("overhead"), {"memory", "ephemeral-storage"}, out);
  warn_of_containers(spec, at_spec, out);
}

Warnings warnings_of(const core::v1::Pod& pod) {
  Warnings out;
  warn_of_name(pod.metadata(), "the Pod's hostname", out);
  warn_of_pod(pod.metadata(), pod.spec(), nullptr, out);
  return out;
}

Warnings warnings_of(const core::v1::PodTemplate& object) { return of_template(object.template_(), Path("template")); }
Warnings warnings_of(const core::v1::ReplicationController& object) { return of_named_workload(object); }
Warnings warnings_of(const apps::v1::DaemonSet& object) { return of_workload(object); }
Warnings warnings_of(const apps::v1::Deployment& object) { return of_named_workload(object); }
Warnings warnings_of(const apps::v1::ReplicaSet& object) { return of_named_workload(object); }
Warnings warnings_of(const batch::v1::Job& object) { return of_workload(object); }

Warnings warnings_of(const apps::v1::StatefulSet& object) {
  Warnings out = of_workload(object);
  const Path claims = Path("spec").member("volumeClaimTemplates");
  for (int i = 0; i < object.spec().volume_claim_templates_size(); ++i) {
    // Upstream leaves the "spec" of the claim out.
    warn_of_claim(object.spec().volume_claim_templates(i).spec(), claims.index(at(i)), out);
  }
  if (object.spec().has_revision_history_limit() && object.spec().revision_history_limit() < 0) {
    out.emplace_back("spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended");
  }
  return out;
}

Warnings warnings_of(const batch::v1::CronJob& object) {
  Warnings out;
  warn_of_name(object.metadata(), "Pod names and hostnames", out);
  const Path path = Path("spec").member("jobTemplate").member("spec").member("template");
  std::ranges::move(of_template(object.spec().job_template().spec().template_(), path), std::back_inserter(out));
  return out;
}

}  // namespace ph::api
