// namespace: namespaces with contents of many kinds, some held by finalizers, pods that take their time to end, a custom kind whose
// definition comes and goes; deleted at any moment, with somebody still making things in them.
#include <fmt/format.h>

#include <algorithm>

#include "api/errors.h"
#include "api/schema.h"
#include "tests/sim/builders.h"
#include "tests/sim/custom.h"
#include "tests/sim/swarm/kubelet.h"

namespace ph::sim::swarm {
namespace {

using apiextensions::v1::CustomResourceDefinition;
using core::v1::Namespace;
using core::v1::Pod;
using core::v1::Secret;

constexpr const char* kLoop = ":namespace-controller";
constexpr const char* kFinalizer = "example.com/held";
const CustomKind kMaps{"", "configmaps", "ConfigMap"}, kWidgets;

// The namespace a store key is in; empty: none of the workload's.
std::string space_of(const std::string& key) {
  const auto at = key.find("/space-");
  if (at == std::string::npos || key.starts_with("/registry/namespaces/")) return {};
  const auto end = key.find('/', at + 1);
  return end == std::string::npos ? std::string() : key.substr(at + 1, end - at - 1);
}

class Namespaces final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("namespace,serviceaccount").access(); }
  Faults faults() const override { return two_managers(60s, 0.02); }

  void begin() override {
    spaces_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto&) {
      if (before && after && !before->metadata().has_deletion_timestamp() && after->metadata().has_deletion_timestamp()) {
        asked_.insert(after->metadata().uid());
      }
      if (!after) gone(key);
    });
    pods_.follow(cluster());
    cluster().on_write([this](const Cluster::Write& write) { changed(write); });
    kubelet_.enter(cluster(), draw(), pods_, false);
    if (draw().chance(0.5)) define();
    for (int i = 0; i < 3; ++i) make_space();
  }

  void act() override {
    switch (draw().between(0, 10)) {
      case 10: return draw().chance(0.7) ? define() : undefine();
      case 0: return make_space();
      case 1: attempt([&] { cluster().remove<Namespace>(some_space()); }); return;
      case 2:
        for (int i = 0; i < 3; ++i) kubelet_.step();
        return;
      case 3: return release();
      default:
        for (int i = draw().between(1, 3); i > 0; --i) make_content(some_space());
    }
  }

  void settle() override {
    kubelet_.settle();
    while (!held_.empty()) release();
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [name, space] : spaces_.all()) {
      if (asked_.contains(space.metadata().uid())) out.push_back(name + " is still there");
    }
    for (const auto& [space, keys] : contents_) {
      if (!spaces_.find(space)) out.push_back(fmt::format("{} outlived its namespace", *keys.begin()));
    }
    return out;
  }

 private:
  std::string some_space() { return fmt::format("space-{}", draw().between(0, 4)); }

  void changed(const Cluster::Write& write) {
    const std::string space = space_of(write.key);
    if (space.empty()) return;
    if (write.key.find("/widgets/") != std::string::npos && write.object.empty() && write.author.ends_with(kLoop)) {
      judge().reached("custom things taken");
    }
    if (!write.object.empty()) {
      contents_[space].insert(write.key);
    } else {
      const auto found = contents_.find(space);
      if (found != contents_.end()) found->second.erase(write.key);
      if (found != contents_.end() && found->second.empty()) contents_.erase(found);
    }
    const Namespace* around = spaces_.find(space);
    if (write.created && (!around || around->metadata().has_deletion_timestamp())) {
      judge().reached("things made in an ending namespace");
      judge().never(fmt::format("{} was made in a namespace that is on its way out or not there", write.key));
    }
    if (!write.author.ends_with(kLoop)) return;
    if (!around || !around->metadata().has_deletion_timestamp()) {
      // Of two managers one may be about to empty what the other has seen off, and a user made again.
      judge().reached("things taken from a namespace that lives");
      if (alone()) judge().never(fmt::format("{} was changed by the loop, and its namespace lives", write.key));
      return;
    }
    if (write.key.starts_with("/registry/pods/") || write.key.starts_with("/registry/events/")) return;
    // Pods use the rest while they end.
    for (const auto& [key, pod] : pods_.all()) {
      if (pod.metadata().namespace_() != space) continue;
      judge().never(fmt::format("{} was taken while the pod {} runs", write.key, key));
      return;
    }
  }

  void gone(const std::string& name) {
    judge().reached("namespaces gone");
    const auto found = contents_.find(name);
    if (found != contents_.end()) judge().never(fmt::format("the namespace {} went, and left {}", name, *found->second.begin()));
  }

  void make_space() {
    attempt([&] { cluster().create(make_namespace(some_space())); });
  }

  void make_content(const std::string& space) {
    const std::string key = fmt::format("{}/thing-{}", space, draw().between(0, 20));
    switch (draw().between(0, 7)) {
      case 0: attempt([&] { cluster().create(make_pod(key, fmt::format("node-{}", draw().between(0, 2)))); }); return;
      case 1: attempt([&] { cluster().create(make_service(key)); }); return;
      case 2: attempt([&] { cluster().create(make_deployment(key).replicas(1).object()); }); return;
      case 3: {
        Secret secret;
        secret.mutable_metadata()->set_namespace_(space);
        secret.mutable_metadata()->set_name(ObjectKey::parse(key).name);
        attempt([&] { cluster().create(secret); });
        return;
      }
      default: return make_metadata(draw().chance(0.5) ? kMaps : kWidgets, key);
    }
  }

  // What is but metadata, and maybe held.
  void make_metadata(const CustomKind& kind, const std::string& key) {
    meta::v1::ObjectMeta metadata = metadata_of(key);
    if (draw().chance(0.3)) metadata.add_finalizers(kFinalizer);
    bool made = false;
    attempt([&] {
      try {
        create_custom(cluster(), kind, metadata);
        made = true;
      } catch (const api::ApiError& error) {
        if (error.code() != 405) throw;  // the definition is on its way out
      }
    });
    if (made && metadata.finalizers_size() > 0) held_.emplace_back(&kind, key);
  }

  void define() {
    attempt([&] { cluster().create(make_definition(kWidgets)); });
  }
  void undefine() {
    const bool gone = attempt([&] { cluster().remove<CustomResourceDefinition>(kWidgets.name()); });
    if (gone) judge().reached("definitions deleted");
  }

  // Whoever holds an object lets go of it.
  void release() {
    if (held_.empty()) return;
    const std::size_t i = draw().rng().below(held_.size());
    const auto [kind, key] = held_[i];
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
    judge().reached("finalizers let go");
    attempt([&] { patch_custom(cluster(), *kind, key, R"({"metadata":{"finalizers":null}})"); });
  }

  Shadow<Namespace> spaces_;
  Shadow<Pod> pods_;
  Kubelet kubelet_;
  std::set<std::string> asked_;                            // UIDs of namespaces that users deleted
  std::map<std::string, std::set<std::string>> contents_;  // store keys by namespace
  std::vector<std::pair<const CustomKind*, std::string>> held_;
};

}  // namespace

std::unique_ptr<Swarm> namespace_swarm() { return std::make_unique<Namespaces>(); }

}  // namespace ph::sim::swarm
