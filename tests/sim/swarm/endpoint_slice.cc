// endpointslice: services whose selectors and ports change, pods that come, go, fail and are relabelled, nodes that come and go, slices
// that users delete, services made again under a name whose old slices are still there.
#include <fmt/format.h>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/kubelet.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Pod;
using core::v1::Service;
using discovery::v1::Endpoint;
using discovery::v1::EndpointSlice;

const std::vector<std::string> kApps{"red", "green", "blue"};
const std::vector<std::string> kNodes{"node-0", "node-1", "node-2"};  // the kubelet's
constexpr const char* kLoop = ":endpointslice-controller";

std::string service_of(const EndpointSlice& slice) {
  const auto& labels = slice.metadata().labels();
  const auto found = labels.find("kubernetes.io/service-name");
  return slice.metadata().namespace_() + "/" + (found == labels.end() ? std::string() : found->second);
}

bool selects(const Service& service, const Pod& pod) {
  const auto wanted = service.spec().selector().find("app");
  const auto has = pod.metadata().labels().find("app");
  return wanted != service.spec().selector().end() && has != pod.metadata().labels().end() && wanted->second == has->second;
}

std::string ports_of(const EndpointSlice& slice) {
  std::string out;
  for (const auto& port : slice.ports()) out += fmt::format("{}:{};", port.name(), port.port());
  return out;
}

std::string text_of(const Endpoint& endpoint, const std::string& ports) {
  return fmt::format("{} {} {} ready={} serving={} terminating={} ports={}", endpoint.target_ref().name(),
                     endpoint.target_ref().uid(), endpoint.addresses(0), endpoint.conditions().ready(),
                     endpoint.conditions().serving(), endpoint.conditions().terminating(), ports);
}

class EndpointSlices final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("endpointslice"); }
  Faults faults() const override { return two_managers(120s); }

  void begin() override {
    nodes_.follow(cluster());
    services_.follow(cluster());
    pods_.follow(cluster());
    slices_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (after && after->endpoints_size() > 100) judge().never(key + " has more than 100 endpoints");
      if (!write.author.ends_with(kLoop)) return;
      if (!before) created(key, *after);
      if (!after) judge().reached("slices deleted by the loop");
    });
    kubelet_.enter(cluster(), draw(), pods_, false);
    make_nodes();
    for (int i = draw().between(1, 4); i > 0; --i) make_service();
    for (int i = draw().between(1, 8); i > 0; --i) make_pod();
  }

  void act() override {
    switch (draw().between(0, 12)) {
      case 12:
        if (draw().chance(0.5)) return make_nodes();
        return remove<core::v1::Node>(nodes_.keys());
      case 0: return make_service();
      case 1: return edit_service();
      case 2: return remove<Service>(services_.keys());
      case 3:
      case 4: return make_pod();
      case 5: return relabel();
      case 6: return delete_pod();
      case 7: return remove<EndpointSlice>(slices_.keys());
      default:
        for (int i = draw().between(1, 6); i > 0; --i) kubelet_.step();
    }
  }

  void settle() override {
    make_nodes();
    kubelet_.settle();
    // Nobody collects garbage here: the slices of services that are gone for good.
    for (const auto& [key, slice] : std::map(slices_.all())) {
      if (!services_.find(service_of(slice))) attempt([&] { cluster().remove<EndpointSlice>(key); });
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, service] : services_.all()) compare(key, service, out);
    return out;
  }

 private:
  // A slice is made only for endpoints no slice has yet, or where there is none at all.
  void created(const std::string& key, const EndpointSlice& slice) {
    judge().reached("slices made");
    if (!alone()) return;
    bool news = false;
    std::string other;
    for (const auto& [name, each] : slices_.all()) {
      if (name == key || service_of(each) != service_of(slice) || each.address_type() != slice.address_type()) continue;
      if (controller_of(each.metadata()) != controller_of(slice.metadata()) || each.metadata().has_deletion_timestamp()) continue;
      other = name;
    }
    for (const Endpoint& endpoint : slice.endpoints()) news = news || !is_known(key, slice, endpoint);
    if (!news && !other.empty()) judge().never(fmt::format("{} was made though {} has all it has", key, other));
  }

  bool is_known(const std::string& key, const EndpointSlice& slice, const Endpoint& endpoint) const {
    for (const auto& [name, each] : slices_.all()) {
      if (name == key || service_of(each) != service_of(slice) || ports_of(each) != ports_of(slice)) continue;
      if (controller_of(each.metadata()) != controller_of(slice.metadata())) continue;
      for (const Endpoint& known : each.endpoints()) {
        if (known.target_ref().uid() == endpoint.target_ref().uid()) return true;
      }
    }
    return false;
  }

  std::string ports_for(const Service& service) const {
    std::string out;
    for (const auto& port : service.spec().ports()) {
      out += fmt::format("{}:{};", port.name(), port.target_port().int_val() != 0 ? port.target_port().int_val() : port.port());
    }
    return out;
  }

  void compare(const std::string& key, const Service& service, std::vector<std::string>& out) const {
    std::vector<std::string> wanted, have;
    for (const auto& [name, pod] : pods_.all()) {
      const std::string& phase = pod.status().phase();
      if (!selects(service, pod) || pod.status().pod_ip().empty() || phase == "Failed" || phase == "Succeeded") continue;
      Endpoint endpoint;
      endpoint.add_addresses(pod.status().pod_ip());
      const bool ready = is_ready(pod), terminating = pod.metadata().has_deletion_timestamp();
      endpoint.mutable_conditions()->set_ready(ready && !terminating);
      endpoint.mutable_conditions()->set_serving(ready);
      endpoint.mutable_conditions()->set_terminating(terminating);
      endpoint.mutable_target_ref()->set_name(pod.metadata().name());
      endpoint.mutable_target_ref()->set_uid(pod.metadata().uid());
      wanted.push_back(text_of(endpoint, ports_for(service)));
    }
    int slices = 0;
    for (const auto& [name, slice] : slices_.all()) {
      if (service_of(slice) != key) continue;
      ++slices;
      if (controller_of(slice.metadata()) != service.metadata().uid())
        out.push_back(fmt::format("{} belongs to an earlier {}", name, key));
      for (const Endpoint& endpoint : slice.endpoints()) have.push_back(text_of(endpoint, ports_of(slice)));
    }
    std::ranges::sort(wanted);
    std::ranges::sort(have);
    if (slices == 0) out.push_back(key + " has no slice");
    if (wanted != have) {
      out.push_back(fmt::format("{} has the endpoints\n      {}\n    but should have\n      {}", key, fmt::join(have, "\n      "),
                                fmt::join(wanted, "\n      ")));
    }
  }

  // -- The workload
  void make_nodes() {
    for (const std::string& name : kNodes) {
      if (nodes_.find(name)) continue;
      core::v1::Node node;
      node.mutable_metadata()->set_name(name);
      attempt([&] { cluster().create(node); });
    }
  }
  template <class T>
  void remove(const std::vector<std::string>& keys) {
    if (keys.empty()) return;
    attempt([&] { cluster().remove<T>(draw().of(keys)); });
  }
  void make_service() {
    Service service = sim::make_service(fmt::format("default/service-{}", draw().between(0, 3)));
    (*service.mutable_spec()->mutable_selector())["app"] = draw().of(kApps);
    attempt([&] { cluster().create(service); });
  }
  void edit_service() {
    const auto keys = services_.keys();
    if (keys.empty()) return;
    attempt([&] {
      cluster().edit<Service>(draw().of(keys), [this](Service& service) {
        if (draw().chance(0.5)) {
          (*service.mutable_spec()->mutable_selector())["app"] = draw().of(kApps);
        } else {
          service.mutable_spec()->mutable_ports(0)->mutable_target_port()->set_int_val(draw().between(8000, 8003));
        }
      });
    });
  }
  void make_pod() {
    Pod pod = sim::make_pod(fmt::format("default/pod-{}", draw().between(0, 14)));
    (*pod.mutable_metadata()->mutable_labels())["app"] = draw().of(kApps);
    attempt([&] { cluster().create(pod); });
  }
  void relabel() {
    const auto keys = pods_.keys();
    if (keys.empty()) return;
    attempt([&] {
      cluster().edit<Pod>(draw().of(keys),
                          [this](Pod& pod) { (*pod.mutable_metadata()->mutable_labels())["app"] = draw().of(kApps); });
    });
  }
  void delete_pod() {
    const auto keys = pods_.keys();
    if (keys.empty()) return;
    informers::DeleteOptions options;
    if (draw().chance(0.3)) options.grace_seconds = 0;
    attempt([&] { cluster().remove<Pod>(draw().of(keys), options); });
  }

  Shadow<core::v1::Node> nodes_;
  Shadow<Service> services_;
  Shadow<Pod> pods_;
  Shadow<EndpointSlice> slices_;
  Kubelet kubelet_;
};

}  // namespace

std::unique_ptr<Swarm> endpoint_slice() { return std::make_unique<EndpointSlices>(); }

}  // namespace ph::sim::swarm
