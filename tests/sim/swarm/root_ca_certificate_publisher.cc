// root-ca-cert-publisher: namespaces come and begin to end; its ConfigMaps are deleted, edited, and made by others.
#include <fmt/format.h>

#include "controllers/runtime/options.h"
#include "tests/sim/builders.h"
#include "tests/sim/swarm/shadow.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::ConfigMap;
using core::v1::Namespace;

constexpr const char* kAuthority = "the authority";
constexpr const char* kWords = "kubernetes.io/description";

class RootCaMaps final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("root-ca-cert-publisher").options({.root_ca = kAuthority}); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    spaces_.follow(cluster());
    maps_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(":root-ca-cert-publisher")) return;
      if (!key.ends_with("/kube-root-ca.crt")) judge().never(key + " was written by the loop");
      if (!after) return judge().never(key + " was deleted by the loop");
      if (!is_right(*after)) judge().never(key + " was written wrong");
      if (before && is_right(*before)) judge().never(key + " was written though it was right");
      if (before && own_of(*before) != own_of(*after)) judge().never("what somebody had added to " + key + " is lost");
      judge().reached(before ? "maps set back" : "maps made");
    });
  }

  void act() override {
    const std::string space = fmt::format("space-{}", draw().between(0, 7));
    const std::string key = space + (draw().chance(0.8) ? "/kube-root-ca.crt" : "/other");
    switch (draw().between(0, 6)) {
      case 0:
      case 1: attempt([&] { cluster().create(make_namespace(space)); }); return;
      case 2: attempt([&] { cluster().remove<Namespace>(space); }); return;
      case 3: attempt([&] { cluster().remove<ConfigMap>(key); }); return;
      case 4: attempt([&] { cluster().create(make_config_map(key)); }); return;
      default: attempt([&] { cluster().edit<ConfigMap>(key, [this](ConfigMap& map) { scribble(map); }); });
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [name, space] : spaces_.all()) {
      if (space.metadata().has_deletion_timestamp()) continue;
      const ConfigMap* map = maps_.find(name + "/kube-root-ca.crt");
      if (!map) out.push_back(name + " has no authority");
      if (map && !is_right(*map)) out.push_back(name + " has another authority");
    }
    return out;
  }

 private:
  static bool is_right(const ConfigMap& map) {
    const auto words = map.metadata().annotations().find(kWords);
    return words != map.metadata().annotations().end() && !words->second.empty() && map.data().size() == 1 &&
           map.data().contains("ca.crt") && map.data().at("ca.crt") == kAuthority;
  }
  static std::string own_of(const ConfigMap& map) {
    const auto mine = map.metadata().annotations().find("mine");
    const auto bytes = map.binary_data().find("bytes");
    return (mine == map.metadata().annotations().end() ? "" : mine->second) + "/" +
           (bytes == map.binary_data().end() ? "" : bytes->second);
  }

  void scribble(ConfigMap& map) {
    if (draw().chance(0.5)) (*map.mutable_data())["ca.crt"] = fmt::format("authority {}", draw().between(0, 3));
    if (draw().chance(0.3)) (*map.mutable_data())["more"] = "y";
    if (draw().chance(0.3)) map.mutable_data()->erase("ca.crt");
    if (draw().chance(0.3)) map.mutable_metadata()->mutable_annotations()->erase(kWords);
    if (draw().chance(0.3)) (*map.mutable_metadata()->mutable_annotations())["mine"] = fmt::format("{}", draw().between(0, 9));
    if (draw().chance(0.3)) (*map.mutable_binary_data())["bytes"] = fmt::format("{}", draw().between(0, 9));
  }

  Shadow<Namespace> spaces_;
  Shadow<ConfigMap> maps_;
};

}  // namespace

std::unique_ptr<Swarm> root_ca_certificate_publisher() { return std::make_unique<RootCaMaps>(); }

}  // namespace ph::sim::swarm
