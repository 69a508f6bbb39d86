// Deployments, daemon sets, stateful sets and jobs: what their controllers rely on from the first moment.
#include "api/kinds.h"
#include "api/sorted.h"
#include "api/value.h"
#include "apiserver/registry/resource_rules.h"
#include "apiserver/server.h"

namespace ph::apiserver {
namespace {

using apps::v1::DaemonSet;
using apps::v1::Deployment;
using apps::v1::StatefulSet;
using batch::v1::Job;
using Labels = google::protobuf::Map<std::string, std::string>;

bool same(const Labels& a, const Labels& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [key, value] : in_any_order(a)) {
    const auto found = b.find(key);
    if (found == b.end() || found->second != value) return false;
  }
  return true;
}

class DeploymentRules final : public ResourceRules {
 public:
  void prepare_status(WriteContext&, api::Object& object, const api::Object& old) override {
    auto& metadata = *object.as<Deployment>().mutable_metadata();
    *metadata.mutable_labels() = old.as<Deployment>().metadata().labels();
  }
  bool raises_generation(const api::Object& object, const api::Object& old) override {
    return !same(object.as<Deployment>().metadata().annotations(), old.as<Deployment>().metadata().annotations());
  }
};

// The count of template changes, from before controller revisions; it lives on as an annotation.
class DaemonSetRules final : public ResourceRules {
 public:
  void prepare_create(WriteContext&, api::Object& object) override { set(object.as<DaemonSet>(), 1); }

  void prepare_update(WriteContext&, api::Object& object, const api::Object& old) override {
    const DaemonSet& before = old.as<DaemonSet>();
    DaemonSet& after = object.as<DaemonSet>();
    const bool changed = !api::Value::equal(object.value().at_path("spec.template"), old.value().at_path("spec.template"));
    set(after, count(before) + (changed ? 1 : 0));
  }

 private:
  static constexpr const char* kAnnotation = "deprecated.daemonset.template.generation";
  static void set(DaemonSet& object, long count) {
    (*object.mutable_metadata()->mutable_annotations())[kAnnotation] = std::to_string(count);
  }
  static long count(const DaemonSet& object) {
    const auto found = object.metadata().annotations().find(kAnnotation);
    return found == object.metadata().annotations().end() ? 0 : std::strtol(found->second.c_str(), nullptr, 10);
  }
};

// A field behind a gate: dropped while the gate is off, unless the object has it from when it was on; one while it is on and says
// nothing.
class StatefulSetRules final : public ResourceRules {
 public:
  explicit StatefulSetRules(bool max_unavailable) : max_unavailable_(max_unavailable) {}

  void prepare_create(WriteContext&, api::Object& object) override { apply(object.as<StatefulSet>(), false); }
  void prepare_update(WriteContext&, api::Object& object, const api::Object& old) override {
    apply(object.as<StatefulSet>(), old.as<StatefulSet>().spec().update_strategy().rolling_update().has_max_unavailable());
  }

 private:
  void apply(StatefulSet& set, bool had_one) const {
    auto& strategy = *set.mutable_spec()->mutable_update_strategy();
    if (strategy.type() != "RollingUpdate" || !strategy.has_rolling_update()) return;
    auto& rolling = *strategy.mutable_rolling_update();
    if (max_unavailable_ && !rolling.has_max_unavailable()) rolling.mutable_max_unavailable()->set_int_val(1);
    if (!max_unavailable_ && !had_one) rolling.clear_max_unavailable();
  }
  const bool max_unavailable_;
};

// A job selects the pods that carry its UID, unless its maker took that on himself.
class JobRules final : public ResourceRules {
 public:
  void prepare_create(WriteContext&, api::Object& object) override {
    Job& job = object.as<Job>();
    if (job.spec().manual_selector()) return;
    auto& labels = *job.mutable_spec()->mutable_template_()->mutable_metadata()->mutable_labels();
    // Labels that defaulting took from the template follow it.
    const bool follow = same(labels, job.metadata().labels());
    const std::string& uid = job.metadata().uid();
    const std::string& name = job.metadata().name();
    for (const auto& [key, value] : {std::pair("controller-uid", uid), std::pair("batch.kubernetes.io/controller-uid", uid),
                                     std::pair("job-name", name), std::pair("batch.kubernetes.io/job-name", name)}) {
      if (!labels.contains(key)) labels[key] = value;  // another value is refused
    }
    if (follow) *job.mutable_metadata()->mutable_labels() = labels;
    auto& selected = *job.mutable_spec()->mutable_selector()->mutable_match_labels();
    if (!selected.contains("batch.kubernetes.io/controller-uid")) selected["batch.kubernetes.io/controller-uid"] = uid;
  }
};

class EndpointSliceRules final : public ResourceRules {
 public:
  bool raises_generation(const api::Object& object, const api::Object& old) override {
    using discovery::v1::EndpointSlice;
    return !same(object.as<EndpointSlice>().metadata().labels(), old.as<EndpointSlice>().metadata().labels());
  }
};

class LeaseRules final : public ResourceRules {
 public:
  // Heartbeats: nobody asks what they were.
  bool last_value_only(const ObjectKey& key) override { return key.namespace_name == "kube-node-lease"; }
};

}  // namespace

std::unique_ptr<ResourceRules> deployments(const ServerOptions&) { return std::make_unique<DeploymentRules>(); }
std::unique_ptr<ResourceRules> daemon_sets(const ServerOptions&) { return std::make_unique<DaemonSetRules>(); }
std::unique_ptr<ResourceRules> stateful_sets(const ServerOptions& options) {
  return std::make_unique<StatefulSetRules>(options.stateful_set_max_unavailable);
}
std::unique_ptr<ResourceRules> jobs(const ServerOptions&) { return std::make_unique<JobRules>(); }
std::unique_ptr<ResourceRules> endpoint_slices(const ServerOptions&) { return std::make_unique<EndpointSliceRules>(); }
std::unique_ptr<ResourceRules> leases(const ServerOptions&) { return std::make_unique<LeaseRules>(); }

}  // namespace ph::apiserver
