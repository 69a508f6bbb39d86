// PodSecurity: pods, and templates of pods, are held against the standards that the labels of their namespace demand: what breaks
// the enforced one is refused, of the others the client is told. Upstream: plugin/pkg/admission/security/podsecurity.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/error_text.h"
#include "api/kinds.h"
#include "api/validation/quote.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/pod_security/configuration.h"
#include "apiserver/cache/cache.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Namespace, core::v1::Pod, core::v1::PodSpec, core::v1::PodTemplateSpec;
using meta::v1::ObjectMeta;
using pod_security::Level, pod_security::Policy, pod_security::Standard, pod_security::Violations;

// Of more pods that a stricter namespace already has no more are looked at.
constexpr std::size_t kMostPods = 3000;

// -- What has a pod within it

template <class T>
const PodTemplateSpec& within_spec(const api::Object& object) {
  return object.as<T>().spec().template_();
}
const PodTemplateSpec& within_cron_job(const api::Object& object) {
  return object.as<batch::v1::CronJob>().spec().job_template().spec().template_();
}
const PodTemplateSpec& within_template(const api::Object& object) { return object.as<core::v1::PodTemplate>().template_(); }

struct Owner {
  std::string_view group, plural;
  const PodTemplateSpec& (*pod_within)(const api::Object&);
};
constexpr Owner kOwners[] = {
    {"", "replicationcontrollers", within_spec<core::v1::ReplicationController>},
    {"", "podtemplates", within_template},
    {"apps", "replicasets", within_spec<apps::v1::ReplicaSet>},
    {"apps", "deployments", within_spec<apps::v1::Deployment>},
    {"apps", "statefulsets", within_spec<apps::v1::StatefulSet>},
    {"apps", "daemonsets", within_spec<apps::v1::DaemonSet>},
    {"batch", "jobs", within_spec<batch::v1::Job>},
    {"batch", "cronjobs", within_cron_job},
};

const PodTemplateSpec* template_of(const AdmissionRequest& request) {
  for (const Owner& owner : kOwners) {
    if (is_for(request, owner.group, owner.plural)) return &owner.pod_within(*request.object);
  }
  return nullptr;
}

// -- Updates of pods that matter

std::string annotation(const Pod& pod, const std::string& key) {
  const auto found = pod.metadata().annotations().find(key);
  return found == pod.metadata().annotations().end() ? std::string() : found->second;
}

template <class Container>
bool differs(const Container& a, const Container& b, const Pod& pod, const Pod& old) {
  const auto changed = [&](const char* prefix) {
    return annotation(pod, prefix + a.name()) != annotation(old, prefix + a.name());
  };
  return a.image() != b.image() || changed("container.seccomp.security.alpha.kubernetes.io/") ||
         changed("container.apparmor.security.beta.kubernetes.io/");
}

template <class Containers>
bool differ(const Containers& list, const Containers& before, const Pod& pod, const Pod& old) {
  if (list.size() != before.size()) return true;
  for (int i = 0; i < list.size(); ++i) {
    if (differs(list[i], before[i], pod, old)) return true;
  }
  return false;
}

bool ephemeral_containers_differ(const Pod& pod, const Pod& old) {
  for (const auto& each : pod.spec().ephemeral_containers()) {
    const auto& container = each.ephemeral_container_common();
    const auto& list = old.spec().ephemeral_containers();
    const auto before =
        std::ranges::find(list, container.name(), [](const auto& e) { return e.ephemeral_container_common().name(); });
    if (before == list.end() || differs(container, before->ephemeral_container_common(), pod, old)) return true;
  }
  return false;
}

bool is_significant(const Pod& pod, const Pod& old) {
  const std::string of_pod = "seccomp.security.alpha.kubernetes.io/pod";
  return annotation(pod, of_pod) != annotation(old, of_pod) ||
         differ(pod.spec().containers(), old.spec().containers(), pod, old) ||
         differ(pod.spec().init_containers(), old.spec().init_containers(), pod, old) || ephemeral_containers_differ(pod, old);
}

// -- The plugin

class PodSecurity final : public AdmissionPlugin {
 public:
  PodSecurity(ObjectReader& reader, pod_security::Configuration configuration)
      : reader_(reader),
        configuration_(std::move(configuration)),
        demands_by_default_(!is_privileged(configuration_.defaults.enforce) || !is_privileged(configuration_.defaults.warn)) {}
  std::string_view name() const override { return "PodSecurity"; }

  void validate(const AdmissionRequest& request) override {
    if (!request.object) return;
    if (is_for(request, "", "namespaces")) return judge_labels(request);
    if (is_of(request, "", "pods")) return judge_pod(request);
    const PodTemplateSpec* within = template_of(request);
    if (!within || is_exempt(request) || is_exempt(within->spec())) return;
    if (const auto policy = policy_in(request.key.namespace_name); policy) {
      tell(request, policy->warn, pod_security::violations(policy->warn, within->metadata(), within->spec()));
    }
  }

 private:
  static bool is_privileged(const Standard& standard) { return standard.level == Level::Privileged; }

  // By the namespace or the user; by the class of the pod's runtime.
  bool is_exempt(const AdmissionRequest& request) const {
    return configuration_.namespaces.contains(request.key.namespace_name) ||
           configuration_.usernames.contains(request.user->name);
  }
  bool is_exempt(const PodSpec& spec) const {
    return spec.has_runtime_class_name() && configuration_.runtime_classes.contains(spec.runtime_class_name());
  }

  Policy policy_of(const google::protobuf::Map<std::string, std::string>& labels,
                   std::vector<api::FieldError>* problems = nullptr) const {
    return pod_security::policy_of(labels, problems, configuration_.defaults);
  }

  // Nothing: the namespace demands nothing, as most.
  std::optional<Policy> policy_in(const std::string& namespace_name) {
    const EntryRef entry = reader_.cache(*reader_.resource(api::schema_of<Namespace>()))->find(namespace_name);
    if (!entry) return std::nullopt;
    google::protobuf::Map<std::string, std::string> labels;
    for (const auto& [key, value] : api::labels_of(api::open_envelope(*entry->protobuf).raw)) {
      if (key.starts_with("pod-security.kubernetes.io/")) labels[key] = value;
    }
    if (labels.empty() && !demands_by_default_) return std::nullopt;
    return policy_of(labels);
  }

  void judge_pod(const AdmissionRequest& request) {
    const std::string& part = request.subresource;
    if (!part.empty() && part != "ephemeralcontainers" && part != "resize") return;
    if (is_exempt(request)) return;
    const auto policy = policy_in(request.key.namespace_name);
    if (!policy) return;
    const Pod& pod = request.object->as<Pod>();
    if (request.operation == "UPDATE" && !is_significant(pod, request.old_object->as<Pod>())) return;
    if (is_exempt(pod.spec())) return;
    const Violations broken = pod_security::violations(policy->enforce, pod.metadata(), pod.spec());
    if (!broken.empty()) {
      throw refuse(request, fmt::format("violates PodSecurity {}: {}", api::quote(policy->enforce.text()),
                                        pod_security::details_of(broken)));
    }
    tell(request, policy->warn, pod_security::violations(policy->warn, pod.metadata(), pod.spec()));
  }

  static void tell(const AdmissionRequest& request, const Standard& standard, const Violations& broken) {
    if (broken.empty() || !request.warnings) return;
    request.warnings->push_back(
        fmt::format("would violate PodSecurity {}: {}", api::quote(standard.text()), pod_security::details_of(broken)));
  }

  void judge_labels(const AdmissionRequest& request) {
    const auto& wanted = request.object->as<Namespace>();
    std::vector<api::FieldError> problems, old_problems;
    const Policy policy = policy_of(wanted.metadata().labels(), &problems);
    const bool exempt = configuration_.namespaces.contains(wanted.metadata().name());
    if (request.operation == "CREATE") {
      if (!problems.empty()) throw api::invalid("Namespace", wanted.metadata().name(), problems);
      if (exempt) tell_of_exemption(request, wanted, policy);
      return;
    }
    if (request.operation != "UPDATE") return;
    const Policy old = policy_of(request.old_object->metadata().labels(), &old_problems);
    if (!problems.empty() && api::text_of(problems) != api::text_of(old_problems)) {
      throw api::invalid("Namespace", wanted.metadata().name(), problems);
    }
    const bool laxer = policy.enforce.minor == old.enforce.minor && policy.enforce.level <= old.enforce.level;
    if (policy.enforce.level == Level::Privileged || laxer) return;
    if (exempt) return tell_of_exemption(request, wanted, policy);
    tell_of_pods(request, wanted.metadata().name(), policy.enforce);
  }

  // What its labels demand means nothing there. Told are the modes that they name.
  void tell_of_exemption(const AdmissionRequest& request, const Namespace& exempt, const Policy& policy) const {
    const Policy& defaults = configuration_.defaults;
    const bool same = policy.enforce == defaults.enforce && policy.audit == defaults.audit && policy.warn == defaults.warn;
    const bool free = is_privileged(policy.enforce) && is_privileged(policy.audit) && is_privileged(policy.warn);
    if (same || free || !request.warnings) return;
    std::vector<std::string> modes;
    const auto add = [&](const std::string& mode, const Standard& standard) {
      const auto& labels = exempt.metadata().labels();
      const std::string label = "pod-security.kubernetes.io/" + mode;
      const bool named = labels.contains(label) || labels.contains(label + "-version");
      if (named && !is_privileged(standard)) modes.push_back(fmt::format("{}={}", mode, standard.text()));
    };
    add("enforce", policy.enforce);
    add("audit", policy.audit);
    add("warn", policy.warn);
    request.warnings->push_back(fmt::format("namespace {} is exempt from Pod Security, and the policy ({}) will be ignored",
                                            api::quote(exempt.metadata().name()), fmt::join(modes, ", ")));
  }

  // What runs already goes on, whatever it breaks.
  void tell_of_pods(const AdmissionRequest& request, const std::string& namespace_name, const Standard& standard) {
    if (!request.warnings) return;
    struct Pods {
      std::string first;
      std::size_t number = 0;
    };
    std::map<std::string, Pods> breaking;  // by what they break
    const std::string prefix = namespace_name + "/";
    const Snapshot snapshot = reader_.cache(*reader_.resource(api::schema_of<Pod>()))->snapshot();
    std::size_t total = 0;
    for (auto at = snapshot.entries->lower_bound(prefix); at != snapshot.entries->end() && (*at)->key.starts_with(prefix); ++at) {
      if (++total > kMostPods) continue;
      Pod pod;
      api::decode_envelope(*(*at)->protobuf, pod);
      if (is_exempt(pod.spec())) continue;
      const Violations broken = pod_security::violations(standard, pod.metadata(), pod.spec());
      if (broken.empty()) continue;
      Pods& pods = breaking[pod_security::reasons_of(broken)];
      if (pods.number++ == 0) pods.first = pod.metadata().name();
    }
    if (total > kMostPods) {
      request.warnings->push_back(
          fmt::format("new PodSecurity enforce level only checked against the first {} of {} existing pods", kMostPods, total));
    }
    if (breaking.empty()) return;
    request.warnings->push_back(fmt::format("existing pods in namespace {} violate the new PodSecurity enforce level {}",
                                            api::quote(namespace_name), api::quote(standard.text())));
    std::vector<std::string> lines;
    for (const auto& [what, pods] : breaking) {
      const std::size_t others = pods.number - 1;
      const std::string more = others == 0   ? ""
                               : others == 1 ? " (and 1 other pod)"
                                             : fmt::format(" (and {} other pods)", others);
      lines.push_back(fmt::format("{}{}: {}", pods.first, more, what));
    }
    std::ranges::sort(lines);
    request.warnings->insert(request.warnings->end(), lines.begin(), lines.end());
  }

  ObjectReader& reader_;
  const pod_security::Configuration configuration_;
  const bool demands_by_default_;  // of namespaces without labels; what is only written down nobody writes down
};

}  // namespace

std::unique_ptr<AdmissionPlugin> pod_security(const AdmissionWorld& world) {
  return std::make_unique<PodSecurity>(world.reader,
                                       pod_security::read_configuration(configuration_of(world.configurations, "PodSecurity")));
}

}  // namespace ph::apiserver::admission
