// endpoint: services whose selectors and ports change, pods that come, go, fail and are relabelled, Endpoints that users delete, and
// Endpoints that are nobody's business but theirs.
#include <fmt/format.h>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/kubelet.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Endpoints, core::v1::Pod, core::v1::Service;

const std::vector<std::string> kApps{"red", "green", "blue"};
constexpr const char* kManagedBy = "endpoints.kubernetes.io/managed-by";

bool is_of_the_loop(const Endpoints& endpoints) { return endpoints.metadata().labels().contains(kManagedBy); }

std::string label(const google::protobuf::Map<std::string, std::string>& labels, const char* name) {
  const auto found = labels.find(name);
  return found == labels.end() ? std::string() : found->second;
}

class EndpointsOfServices final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("endpoint"); }
  Faults faults() const override { return two_managers(120s); }

  void begin() override {
    services_.follow(cluster());
    pods_.follow(cluster());
    endpoints_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(":endpoint-controller")) return;
      judge().reached(!after ? "Endpoints deleted by the loop" : before ? "Endpoints changed" : "Endpoints made");
      if (before && !after && !is_of_the_loop(*before)) judge().never(key + " was deleted, and is somebody else's");
      if (key.starts_with("default/hand-")) judge().never(key + " was written, and is somebody else's");
    });
    kubelet_.enter(cluster(), draw(), pods_, false);
    for (int i = draw().between(1, 4); i > 0; --i) make_service();
    for (int i = draw().between(1, 8); i > 0; --i) make_pod();
  }

  void act() override {
    switch (draw().between(0, 12)) {
      case 0: return make_service();
      case 1: return edit_service();
      case 2: remove_one(services_); return;
      case 3:
      case 4: return make_pod();
      case 5: return relabel();
      case 6: return delete_pod();
      case 7: remove_one(endpoints_); return;
      case 8: return make_by_hand();
      default:
        for (int i = draw().between(1, 6); i > 0; --i) kubelet_.step();
    }
  }

  void settle() override { kubelet_.settle(); }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, service] : services_.all()) {
      if (const std::string has = text_of(key), should = text_for(service); has != should) {
        out.push_back(fmt::format("{} has the addresses {}, and should have {}", key, has, should));
      }
    }
    for (const auto& [key, endpoints] : endpoints_.all()) {
      if (is_of_the_loop(endpoints) && !services_.find(key)) out.push_back(key + " is still there, and its service is gone");
    }
    return out;
  }

 private:
  // "+address:port" of ready ones, "-address:port" of others.
  std::string text_of(const std::string& key) const {
    const Endpoints* endpoints = endpoints_.find(key);
    if (!endpoints) return "none";
    std::vector<std::string> out;
    for (const auto& subset : endpoints->subsets()) {
      for (const auto& port : subset.ports()) {
        for (const auto& address : subset.addresses()) out.push_back(fmt::format("+{}:{}", address.ip(), port.port()));
        for (const auto& address : subset.not_ready_addresses()) out.push_back(fmt::format("-{}:{}", address.ip(), port.port()));
      }
    }
    std::ranges::sort(out);
    return fmt::format("{}", fmt::join(out, " "));
  }

  std::string text_for(const Service& service) const {
    std::vector<std::string> out;
    for (const auto& [key, pod] : pods_.all()) {
      const std::string app = label(service.spec().selector(), "app");
      if (label(pod.metadata().labels(), "app") != app || !is_active(pod) || pod.status().pod_ip().empty()) continue;
      for (const auto& port : service.spec().ports()) {
        const int number = port.target_port().int_val() != 0 ? port.target_port().int_val() : port.port();
        out.push_back(fmt::format("{}{}:{}", is_ready(pod) ? '+' : '-', pod.status().pod_ip(), number));
      }
    }
    std::ranges::sort(out);
    return fmt::format("{}", fmt::join(out, " "));
  }

  // -- The workload
  void make_service() {
    Service service = sim::make_service(fmt::format("default/service-{}", draw().between(0, 3)));
    (*service.mutable_spec()->mutable_selector())["app"] = draw().of(kApps);
    attempt([&] { cluster().create(service); });
  }
  void edit_service() {
    edit_one<Service>(services_, [this](Service& service) {
      if (draw().chance(0.5)) (*service.mutable_spec()->mutable_selector())["app"] = draw().of(kApps);
      else service.mutable_spec()->mutable_ports(0)->mutable_target_port()->set_int_val(draw().between(8000, 8003));
    });
  }
  void make_pod() {
    Pod pod = sim::make_pod(fmt::format("default/pod-{}", draw().between(0, 14)));
    (*pod.mutable_metadata()->mutable_labels())["app"] = draw().of(kApps);
    attempt([&] { cluster().create(pod); });
  }
  void relabel() {
    edit_one<Pod>(pods_, [this](Pod& pod) { (*pod.mutable_metadata()->mutable_labels())["app"] = draw().of(kApps); });
  }
  void delete_pod() {
    informers::DeleteOptions options;
    if (draw().chance(0.3)) options.grace_seconds = 0;
    remove_one(pods_, options);
  }
  void make_by_hand() {
    Endpoints mine;
    mine.mutable_metadata()->set_namespace_("default");
    mine.mutable_metadata()->set_name(fmt::format("hand-{}", draw().between(0, 2)));
    mine.add_subsets()->add_addresses()->set_ip("192.0.2.1");
    attempt([&] { cluster().create(mine); });
  }

  Shadow<Service> services_;
  Shadow<Pod> pods_;
  Shadow<Endpoints> endpoints_;
  Kubelet kubelet_;
};

}  // namespace

std::unique_ptr<Swarm> endpoints() { return std::make_unique<EndpointsOfServices>(); }

}  // namespace ph::sim::swarm
