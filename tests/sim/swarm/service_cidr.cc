// service-cidr-controller: ranges within each other that come and go, and addresses that services take of them and give back.
#include <fmt/format.h>

#include <algorithm>

#include "api/addresses.h"
#include "api/times.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using networking::v1::IPAddress;
using networking::v1::ServiceCIDR;

constexpr const char* kFinalizer = "networking.k8s.io/service-cidr-finalizer";

bool has_finalizer(const ServiceCIDR& range) {
  const auto& all = range.metadata().finalizers();
  return std::ranges::find(all, kFinalizer) != all.end();
}
bool leaves(const ServiceCIDR& range) { return range.metadata().has_deletion_timestamp(); }

class ServiceCidrs final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("service-cidr-controller"); }
  // Without late requests: a finalizer that goes later than anybody waits for is one that nobody has judged.
  Faults faults() const override { return all(); }

  void begin() override {
    addresses_.follow(cluster(), [this](const auto& key, const auto* before, const auto*, const auto&) {
      if (!before) given_[key] = steady();
    });
    ranges_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!before || (after && leaves(*after) && !leaves(*before))) changed_ = steady();
      if (!write.author.ends_with(":service-cidrs-controller")) return;
      if (!before) return judge().never(key + " was made by the loop");
      if (after && has_finalizer(*after)) return;
      judge_end(key, *before);
    });
    for (int i = draw().between(1, 4); i > 0; --i) make_range();
  }

  void act() override {
    switch (draw().between(0, 6)) {
      case 0: return make_range();
      case 1: remove_one(ranges_); return;
      case 2:
      case 3: return make_address();
      case 4: remove_one(addresses_); return;
      case 5: edit_one<ServiceCIDR>(ranges_, [](ServiceCIDR& range) { range.mutable_status()->clear_conditions(); }); return;
      default: cluster().advance(draw().up_to(20s));
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, range] : ranges_.all()) {
      const std::string says = ready(range);
      if (!has_finalizer(range)) out.push_back(key + " has no finalizer");
      if (!leaves(range) && says != "True") out.push_back(fmt::format("{} is ready: \"{}\"", key, says));
      if (leaves(range) && !needed_by(range)) out.push_back(key + " is still there, and nobody needs it");
      if (leaves(range) && says != "False") out.push_back(fmt::format("{} waits, and is ready: \"{}\"", key, says));
    }
    return out;
  }

 private:
  static std::string ready(const ServiceCIDR& range) {
    for (const auto& condition : range.status().conditions()) {
      if (condition.type() == "Ready") return condition.status();
    }
    return {};
  }
  static bool contains(const ServiceCIDR& range, const std::string& address) {
    for (const std::string& cidr : range.spec().cidrs()) {
      if (api::read_address_range(cidr)->contains(*api::read_address(address))) return true;
    }
    return false;
  }
  // An address that is of no other range which stays; null: none.
  const std::string* needed_by(const ServiceCIDR& range) const {
    for (const auto& [address, object] : addresses_.all()) {
      if (!contains(range, address)) continue;
      bool is_of_another = false;
      for (const auto& [key, other] : ranges_.all())
        is_of_another |= other.metadata().name() != range.metadata().name() && !leaves(other) && contains(other, address);
      if (!is_of_another) return &address;
    }
    return nullptr;
  }

  void judge_end(const std::string& key, const ServiceCIDR& range) {
    judge().reached("ranges let go");
    if (!leaves(range)) return judge().never(key + " lost its finalizer and is not deleted");
    if (latest() < api::to_time(range.metadata().deletion_timestamp()) + 10s - 1s) judge().never(key + " went too early");
    const std::string* address = needed_by(range);
    // What was given a moment ago, or has lost its other range then, the cache may not show yet.
    const Duration age = cache_age_most() + request_most();
    if (address && steady() - given_[*address] > age && steady() - changed_ > age)
      judge().never(fmt::format("{} went, and left {}", key, *address));
  }

  void make_range() {
    static const char* const kRanges[] = {"172.30.0.0/16", "172.30.0.0/20", "172.30.0.0/24", "172.30.0.128/25", "172.31.0.0/24"};
    ServiceCIDR range;
    const int number = draw().between(0, 4);
    range.mutable_metadata()->set_name(fmt::format("range-{}", number));
    range.mutable_spec()->add_cidrs(kRanges[number]);
    if (draw().chance(0.3)) range.mutable_spec()->add_cidrs(fmt::format("fd00:{}::/112", 1 + number % 2));
    attempt([&] { cluster().create(range); });
  }
  void make_address() {
    IPAddress address;
    address.mutable_metadata()->set_name(draw().chance(0.8) ? fmt::format("172.30.0.{}", draw().between(1, 254))
                                                            : fmt::format("fd00:{}::7", draw().between(1, 2)));
    auto& labels = *address.mutable_metadata()->mutable_labels();
    const bool is_v6 = address.metadata().name().find(':') != std::string::npos;
    labels["ipaddress.kubernetes.io/ip-family"] = is_v6 ? "IPv6" : "IPv4";
    labels["ipaddress.kubernetes.io/managed-by"] = "ipallocator.k8s.io";
    auto& parent = *address.mutable_spec()->mutable_parent_ref();
    parent.set_resource("services");
    parent.set_namespace_("default");
    parent.set_name("web");
    attempt([&] { cluster().create(address); });
  }

  Shadow<ServiceCIDR> ranges_;
  Shadow<IPAddress> addresses_;
  std::map<std::string, Steady> given_;
  Steady changed_{};  // when a range was last made or deleted
};

}  // namespace

std::unique_ptr<Swarm> service_cidr() { return std::make_unique<ServiceCidrs>(); }

}  // namespace ph::sim::swarm
