// Priority: a pod gets the number and the preemption policy its priority class stands for, and there is one default class.
// Upstream: plugin/pkg/admission/priority
#include <fmt/format.h>

#include "api/codec.h"
#include "api/kinds.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/decoded.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Pod;
using scheduling::v1::PriorityClass;

constexpr const char* kPreempt = "PreemptLowerPriority";

struct Rank {
  std::string class_name;
  std::int32_t value = 0;
  std::string preemption_policy = kPreempt;
};

Rank rank_of(const PriorityClass& priority) {
  return {priority.metadata().name(), priority.value(),
          priority.preemption_policy().empty() ? kPreempt : priority.preemption_policy()};
}

class Priority final : public AdmissionPlugin {
 public:
  explicit Priority(ObjectReader& reader) : classes_(reader) {}
  std::string_view name() const override { return "Priority"; }

  void admit(AdmissionRequest& request) override {
    if (!is_for(request, "", "pods") || !request.object) return;
    Pod& pod = request.object->as<Pod>();
    if (request.operation == "UPDATE") keep(request.old_object->as<Pod>(), *pod.mutable_spec());
    if (request.operation == "CREATE") apply(request, pod);
  }

  void validate(const AdmissionRequest& request) override {
    if (!is_for(request, "scheduling.k8s.io", "priorityclasses") || !request.object) return;
    const auto& priority = request.object->as<PriorityClass>();
    if (!priority.global_default()) return;
    const std::shared_ptr<const PriorityClass> other = default_class();
    if (!other || other->metadata().name() == priority.metadata().name()) return;
    throw refuse(request, fmt::format("PriorityClass {} is already marked as default. Only one default can exist",
                                      other->metadata().name()));
  }

 private:
  // What a manifest without them is replaced with is what was computed for it when it came.
  static void keep(const Pod& old, core::v1::PodSpec& spec) {
    const auto& before = old.spec();
    if (!spec.has_priority() && before.has_priority()) spec.set_priority(before.priority());
    if (!spec.has_preemption_policy() && before.has_preemption_policy()) spec.set_preemption_policy(before.preemption_policy());
  }

  void apply(const AdmissionRequest& request, Pod& pod) {
    auto* spec = pod.mutable_spec();
    const Rank rank = rank_for(request, pod);
    if (spec->priority_class_name().empty()) spec->set_priority_class_name(rank.class_name);
    if (spec->has_priority() && spec->priority() != rank.value) {
      throw refuse(request, fmt::format("the integer value of priority ({}) must not be provided in pod spec; priority "
                                        "admission controller computed {} from the given PriorityClass name",
                                        spec->priority(), rank.value));
    }
    spec->set_priority(rank.value);
    if (spec->has_preemption_policy() && spec->preemption_policy() != rank.preemption_policy) {
      throw refuse(request, fmt::format("the string value of PreemptionPolicy ({}) must not be provided in pod spec; priority "
                                        "admission controller computed {} from the given PriorityClass name",
                                        spec->preemption_policy(), rank.preemption_policy));
    }
    spec->set_preemption_policy(rank.preemption_policy);
  }

  Rank rank_for(const AdmissionRequest& request, const Pod& pod) {
    const std::string& name = pod.spec().priority_class_name();
    if (name.empty()) {
      const std::shared_ptr<const PriorityClass> priority = default_class();
      return priority ? rank_of(*priority) : Rank{};
    }
    const auto priority = classes_.find({{}, name});
    if (!priority) throw refuse(request, fmt::format("no PriorityClass with name {} was found", name));
    return rank_of(*priority);
  }

  // Of several the one of the lowest value.
  std::shared_ptr<const PriorityClass> default_class() {
    WatchCache& cache = classes_.cache();
    if (default_of_ == cache.version()) return default_;
    default_ = nullptr;
    for (const EntryRef& entry : *cache.snapshot().entries) {
      auto priority = Decoded<PriorityClass>::decode(*entry);
      if (!priority->global_default()) continue;
      if (!default_ || priority->value() < default_->value()) default_ = std::move(priority);
    }
    default_of_ = cache.version();
    return default_;
  }

  Decoded<PriorityClass> classes_;
  // The default class, and the version of the classes of which it is.
  std::shared_ptr<const PriorityClass> default_;
  std::optional<std::uint64_t> default_of_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> priority(const AdmissionWorld& world) { return std::make_unique<Priority>(world.reader); }

}  // namespace ph::apiserver::admission
