// endpointslicemirroring: Endpoints that users make, change, hide and delete, of services with and without a selector; slices that
// users change and delete, and slices of others.
#include <fmt/format.h>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Endpoints, core::v1::Service;
using discovery::v1::EndpointSlice;

constexpr const char* kSkip = "endpointslice.kubernetes.io/skip-mirror";
constexpr const char* kServiceName = "kubernetes.io/service-name";
constexpr const char* kManagedBy = "endpointslice.kubernetes.io/managed-by";

std::string label(const meta::v1::ObjectMeta& metadata, const char* name) {
  const auto found = metadata.labels().find(name);
  return found == metadata.labels().end() ? std::string() : found->second;
}
bool is_mirror(const EndpointSlice& slice) {
  return label(slice.metadata(), kManagedBy) == "endpointslicemirroring-controller.k8s.io";
}

class Mirroring final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("endpointslicemirroring"); }
  Faults faults() const override { return two_managers(120s); }

  void begin() override {
    services_.follow(cluster());
    endpoints_.follow(cluster());
    slices_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(":endpointslicemirroring-controller")) return;
      judge().reached(!after ? "slices deleted by the loop" : before ? "slices changed" : "slices made");
      if (!is_mirror(before ? *before : *after)) judge().never(key + " was written, and is somebody else's");
    });
    for (int i = draw().between(1, 4); i > 0; --i) {
      make_service();
      make_endpoints();
    }
  }

  void act() override {
    switch (draw().between(0, 9)) {
      case 0:
      case 1: return make_service();
      case 2:
      case 3: return make_endpoints();
      case 4: return edit_endpoints();
      case 5: return toggle_selector();
      case 6: remove_one(services_); return;
      case 7: remove_one(endpoints_); return;
      case 8: return edit_slice();
      default: return make_slice();
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    std::set<std::string> names;
    for (const auto& [key, endpoints] : endpoints_.all()) names.insert(key);
    for (const auto& [key, slice] : slices_.all()) {
      if (is_mirror(slice)) names.insert(slice.metadata().namespace_() + "/" + label(slice.metadata(), kServiceName));
    }
    for (const std::string& name : names) {
      if (const std::string has = text_of(name), should = text_for(name); has != should) {
        out.push_back(fmt::format("{} is mirrored as {}, and should be as {}", name, has, should));
      }
    }
    return out;
  }

 private:
  // "address:port", with "!" when it is not ready; in order.
  std::string text_of(const std::string& key) const {
    std::vector<std::string> out;
    for (const auto& [name, slice] : slices_.all()) {
      if (!is_mirror(slice) || slice.metadata().namespace_() + "/" + label(slice.metadata(), kServiceName) != key) continue;
      for (const auto& endpoint : slice.endpoints()) {
        for (const auto& port : slice.ports()) {
          out.push_back(fmt::format("{}:{}{}", endpoint.addresses(0), port.port(), endpoint.conditions().ready() ? "" : "!"));
        }
      }
    }
    std::ranges::sort(out);
    return fmt::format("{}", fmt::join(out, " "));
  }

  std::string text_for(const std::string& key) const {
    const Endpoints* endpoints = endpoints_.find(key);
    const Service* service = services_.find(key);
    if (!endpoints || !service || !service->spec().selector().empty() || label(endpoints->metadata(), kSkip) == "true") return {};
    std::vector<std::string> out;
    for (const auto& subset : endpoints->subsets()) {
      for (const auto& port : subset.ports()) {
        for (const auto& address : subset.addresses()) out.push_back(fmt::format("{}:{}", address.ip(), port.port()));
        for (const auto& address : subset.not_ready_addresses()) out.push_back(fmt::format("{}:{}!", address.ip(), port.port()));
      }
    }
    std::ranges::sort(out);
    return fmt::format("{}", fmt::join(out, " "));
  }

  // -- The workload
  std::string some_name() { return fmt::format("default/service-{}", draw().between(0, 3)); }
  void make_service() {
    Service service = sim::make_service(some_name());
    if (draw().chance(0.7)) service.mutable_spec()->clear_selector();
    attempt([&] { cluster().create(service); });
  }
  void toggle_selector() {
    edit_one<Service>(services_, [](Service& service) {
      if (service.spec().selector().empty()) (*service.mutable_spec()->mutable_selector())["app"] = "red";
      else service.mutable_spec()->clear_selector();
    });
  }
  // Each address in one subset only.
  void fill(Endpoints& endpoints) {
    endpoints.clear_subsets();
    int number = 0;
    for (int i = draw().between(0, 2); i > 0; --i) {
      auto& subset = *endpoints.add_subsets();
      for (int k = draw().between(1, 3); k > 0; --k) {
        const std::string ip = draw().chance(0.2) ? fmt::format("fd00::{}", ++number) : fmt::format("192.0.2.{}", ++number);
        (draw().chance(0.7) ? subset.add_addresses() : subset.add_not_ready_addresses())->set_ip(ip);
      }
      auto& port = *subset.add_ports();
      port.set_port(draw().between(80, 82));
      port.set_protocol("TCP");
    }
  }
  void make_endpoints() {
    Endpoints endpoints;
    const ObjectKey key = ObjectKey::parse(some_name());
    endpoints.mutable_metadata()->set_namespace_(key.namespace_name);
    endpoints.mutable_metadata()->set_name(key.name);
    fill(endpoints);
    attempt([&] { cluster().create(endpoints); });
  }
  void edit_endpoints() {
    edit_one<Endpoints>(endpoints_, [this](Endpoints& endpoints) {
      if (draw().chance(0.7)) return fill(endpoints);
      auto& labels = *endpoints.mutable_metadata()->mutable_labels();
      if (labels.erase(kSkip) == 0) labels[kSkip] = "true";
    });
  }
  void edit_slice() {
    if (draw().chance(0.5)) {
      remove_one(slices_);
      return;
    }
    edit_one<EndpointSlice>(slices_, [](EndpointSlice& slice) { slice.clear_endpoints(); });
  }
  void make_slice() {
    EndpointSlice slice;
    slice.mutable_metadata()->set_namespace_("default");
    slice.mutable_metadata()->set_name(fmt::format("other-{}", draw().between(0, 2)));
    (*slice.mutable_metadata()->mutable_labels())[kServiceName] = ObjectKey::parse(some_name()).name;
    slice.set_address_type("IPv4");
    attempt([&] { cluster().create(slice); });
  }

  Shadow<Service> services_;
  Shadow<Endpoints> endpoints_;
  Shadow<EndpointSlice> slices_;
};

}  // namespace

std::unique_ptr<Swarm> endpoint_slice_mirroring() { return std::make_unique<Mirroring>(); }

}  // namespace ph::sim::swarm
