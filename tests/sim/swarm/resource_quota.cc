// resourcequota: quotas that come, go and change their limits, config maps and pods made by the dozen, pods that end. Admission charges
// them, the loop counts and gives back.
#include <fmt/format.h>

#include "api/pod_resources.h"
#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::ConfigMap, core::v1::Pod, core::v1::ResourceQuota;

constexpr const char* kLoop = ":resourcequota-controller";
const std::vector<std::string> kNames{"configmaps", "pods", "requests.cpu", "count/pods"};

std::int64_t amount(const google::protobuf::Map<std::string, meta::v1::Quantity>& amounts, const std::string& name) {
  const auto found = amounts.find(name);
  return found == amounts.end() ? -1 : api::Quantity::parse(found->second.string()).value_or(api::Quantity()).milli_value();
}

class ResourceQuotas final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("resourcequota").access().without_admission({"ServiceAccount"}); }
  Faults faults() const override { return two_managers(120s); }

  void begin() override {
    quotas_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      note_limits(key, before, after);
      if (!write.author.ends_with(kLoop)) return;
      if (!before || !after) return judge().never(key + " was made or deleted by the loop");
      if (before->spec().SerializeAsString().size() != after->spec().SerializeAsString().size())
        judge().never(key + " was changed");
      for (const std::string& name : kNames) {
        const auto was = amount(before->status().used(), name), is = amount(after->status().used(), name);
        if (was >= 0 && is >= 0 && is < was) judge().reached("quotas given back to");
        if (was >= 0 && is > was) judge().reached("quotas that used more than was charged");
        check(key, *after, name, "tells of less than there is");
      }
    });
    maps_.follow(cluster(), [this](const auto&, const auto* before, const auto* after, const auto&) {
      if (!before && after) made("configmaps");
    });
    pods_.follow(cluster(), [this](const auto&, const auto* before, const auto* after, const auto&) {
      if (!before && after) made("pods");
    });
    for (int i = draw().between(1, 3); i > 0; --i) make_quota();
  }

  void act() override {
    switch (draw().between(0, 11)) {
      case 0: return make_quota();
      case 1: return edit_quota();
      case 2: remove_one(quotas_); return;
      case 3:
      case 4: remove_one(maps_); return;
      case 5: remove_one(pods_, now()); return;
      case 6: return finish_pod();
      case 7:
      case 8:
        for (int i = draw().between(1, 5); i > 0; --i) make_map();
        return;
      case 9:
      case 10:
        for (int i = draw().between(1, 5); i > 0; --i) make_pod();
        return;
      default: cluster().advance(draw().up_to(100s));
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, quota] : quotas_.all()) {
      for (const std::string& name : kNames) {
        const std::int64_t limit = amount(quota.spec().hard(), name);
        if (amount(quota.status().hard(), name) != limit) out.push_back(fmt::format("{} has another limit of {}", key, name));
        const std::int64_t used = amount(quota.status().used(), name), actual = limit < 0 ? -1 : there_is(name);
        if (used != actual) out.push_back(fmt::format("{} says {} of {}, there are {}", key, used, name, actual));
      }
    }
    return out;
  }

 private:
  static informers::DeleteOptions now() {
    informers::DeleteOptions out;
    out.grace_seconds = 0;
    return out;
  }

  // In thousandths.
  std::int64_t there_is(const std::string& name) const {
    std::int64_t out = 0;
    if (name == "configmaps") {
      for (const auto& [key, map] : maps_.all()) out += map.metadata().namespace_() == "default" ? 1000 : 0;
      return out;
    }
    for (const auto& [key, pod] : pods_.all()) {
      const bool ended = pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed";
      if (name == "count/pods") out += 1000;
      if (ended) continue;
      if (name == "pods") out += 1000;
      const auto& requests = pod.spec().containers(0).resources().requests();
      if (name == "requests.cpu") out += std::max<std::int64_t>(0, amount(requests, "cpu"));
    }
    return out;
  }

  // Since when the status limits a name: what was made before was charged to nobody, and is counted once the loop has looked again.
  void note_limits(const std::string& key, const ResourceQuota* before, const ResourceQuota* after) {
    for (const std::string& name : kNames) {
      const bool was = before && before->status().hard().contains(name), is = after && after->status().hard().contains(name);
      const bool is_another = before && after && before->metadata().uid() != after->metadata().uid();
      if (is && (!was || is_another)) since_[{key, name}] = steady();
      if (!is) since_.erase({key, name});
    }
  }
  bool is_counted(const std::string& key, const std::string& name) {
    const auto since = since_.find({key, name});
    // An hour of patience where somebody may be cut off; else what the caches and requests of this seed take.
    return since != since_.end() && alone() && steady() - since->second > 2 * cache_age_most() + 4 * request_most() + 2min;
  }

  void check(const std::string& key, const ResourceQuota& quota, const std::string& name, const char* what) {
    const std::int64_t used = amount(quota.status().used(), name);
    if (used < 0 || !is_counted(key, name)) return;
    if (used < there_is(name)) judge().never(fmt::format("{} {}: {} of {} {}", key, what, used, there_is(name), name));
  }

  // No more are made than all quotas allow.
  void made(const std::string& name) {
    for (const auto& [key, quota] : quotas_.all()) {
      const std::int64_t limit = amount(quota.status().hard(), name);
      if (limit < 0 || !is_counted(key, name)) continue;
      judge().reached("objects made within a quota");
      if (there_is(name) > limit)
        judge().never(fmt::format("{}: there are {} {}, and {} are allowed", key, there_is(name), name, limit));
    }
  }

  void fill(google::protobuf::Map<std::string, meta::v1::Quantity>& hard) {
    hard.clear();
    for (const std::string& name : kNames) {
      if (draw().chance(0.4)) continue;
      const int most = draw().between(0, 12);
      hard[name].set_string(name == "requests.cpu" ? fmt::format("{}m", most * 200) : std::to_string(most));
    }
  }
  void make_quota() {
    ResourceQuota quota;
    quota.mutable_metadata()->set_namespace_("default");
    quota.mutable_metadata()->set_name(fmt::format("q{}", draw().between(0, 2)));
    fill(*quota.mutable_spec()->mutable_hard());
    attempt([&] { cluster().create(quota); });
  }
  void edit_quota() {
    edit_one<ResourceQuota>(quotas_, [&](ResourceQuota& quota) { fill(*quota.mutable_spec()->mutable_hard()); });
  }
  void make_map() {
    const bool made = attempt([&] { cluster().create(make_config_map(fmt::format("default/m{}", ++number_))); });
    if (!made) judge().reached("objects refused");
  }
  void make_pod() {
    Pod pod = sim::make_pod(fmt::format("default/p{}", ++number_));
    const std::string cpu = fmt::format("{}m", draw().between(1, 5) * 100);
    (*pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests())["cpu"].set_string(cpu);
    attempt([&] { cluster().create(pod); });
  }
  void finish_pod() {
    const auto keys = pods_.keys();
    if (keys.empty()) return;
    attempt([&] {
      Pod pod = cluster().get<Pod>(draw().of(keys));
      pod.mutable_status()->set_phase(draw().chance(0.5) ? "Succeeded" : "Failed");
      cluster().update_status(pod);
    });
  }

  Shadow<ResourceQuota> quotas_;
  Shadow<ConfigMap> maps_;
  Shadow<Pod> pods_;
  std::map<std::pair<std::string, std::string>, Steady> since_;
  int number_ = 0;
};

}  // namespace

std::unique_ptr<Swarm> resource_quota() { return std::make_unique<ResourceQuotas>(); }

}  // namespace ph::sim::swarm
