// Services, and claims of volumes and devices, in quotas.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "api/kinds.h"
#include "api/quota/kinds.h"

namespace ph::api::quota {
namespace {

using core::v1::PersistentVolumeClaim, core::v1::Service;
using resources::v1::ResourceClaim;

class CountedServices final : public Counted {
 public:
  explicit CountedServices(std::string count_name) : Counted(std::move(count_name), "services") {}

  bool counts(std::string_view name) const override {
    return Counted::counts(name) || name == "services.nodeports" || name == "services.loadbalancers";
  }

  ResourceAmounts usage(const google::protobuf::Message& object, Time now) const override {
    const auto& spec = static_cast<const Service&>(object).spec();
    const bool is_balanced = spec.type() == "LoadBalancer";
    std::int64_t node_ports = 0;
    if (is_balanced && spec.has_allocate_load_balancer_node_ports() && !spec.allocate_load_balancer_node_ports()) {
      node_ports = std::ranges::count_if(spec.ports(), [](const auto& port) { return port.node_port() != 0; });
    } else if (is_balanced || spec.type() == "NodePort") {
      node_ports = spec.ports_size();
    }
    ResourceAmounts out = Counted::usage(object, now);
    out.emplace("services.nodeports", Quantity::of(node_ports));
    out.emplace("services.loadbalancers", Quantity::of(is_balanced));
    return out;
  }

  bool grows_by_update(std::string_view part) const override { return part.empty(); }
};

constexpr std::string_view kByClass = ".storageclass.storage.k8s.io/";
constexpr const char* kOldClass = "volume.beta.kubernetes.io/storage-class";

std::string class_of(const PersistentVolumeClaim& claim) {
  const auto& annotations = claim.metadata().annotations();
  const auto old = annotations.find(kOldClass);
  return old != annotations.end() ? old->second : claim.spec().storage_class_name();
}

// In whole bytes: what is asked for, or given already, whichever is more.
std::optional<Quantity> storage_of(const PersistentVolumeClaim& claim) {
  const auto whole = [](const Quantity& amount) {
    const Quantity rounded = Quantity::of(amount.value(), amount.format());
    return rounded == amount ? amount : rounded;
  };
  const ResourceAmounts asked = amounts_of(claim.spec().resources().requests()),
                        given = amounts_of(claim.status().allocated_resources());
  const auto request = asked.find("storage");
  if (request == asked.end()) return std::nullopt;
  const Quantity out = whole(request->second);
  const auto allocated = given.find("storage");
  return allocated != given.end() && allocated->second > out ? whole(allocated->second) : out;
}

class CountedVolumeClaims final : public Counted {
 public:
  explicit CountedVolumeClaims(std::string count_name) : Counted(std::move(count_name), "persistentvolumeclaims") {}

  bool counts(std::string_view name) const override {
    if (Counted::counts(name) || name == "requests.storage") return true;
    const auto at = name.find(kByClass);
    if (at == name.npos) return false;
    const std::string_view what = name.substr(at + kByClass.size());
    return what == "persistentvolumeclaims" || what == "requests.storage";
  }

  ResourceAmounts usage(const google::protobuf::Message& object, Time now) const override {
    const auto& claim = static_cast<const PersistentVolumeClaim&>(object);
    const std::string of_class = class_of(claim);
    ResourceAmounts out = Counted::usage(object, now);
    if (!of_class.empty()) out.emplace(fmt::format("{}{}persistentvolumeclaims", of_class, kByClass), Quantity::of(1));
    const std::optional<Quantity> storage = storage_of(claim);
    if (!storage) return out;
    out.emplace("requests.storage", *storage);
    if (!of_class.empty()) out.emplace(fmt::format("{}{}requests.storage", of_class, kByClass), *storage);
    return out;
  }

  // The class of attributes that is asked for, the present one and the one it is being changed to.
  bool in_scope(const ScopedResourceSelectorRequirement& scope, const google::protobuf::Message& object) const override {
    if (scope.scope_name() != "VolumeAttributesClass") return false;
    const auto& claim = static_cast<const PersistentVolumeClaim&>(object);
    std::vector<std::string_view> names;
    for (const std::string* name :
         {&claim.spec().volume_attributes_class_name(), &claim.status().current_volume_attributes_class_name(),
          &claim.status().modify_volume_status().target_volume_attributes_class_name()}) {
      if (!name->empty()) names.push_back(*name);
    }
    if (names.empty()) return holds_of_name(scope, {});
    return std::ranges::any_of(names, [&](std::string_view name) { return holds_of_name(scope, name); });
  }

  bool grows_by_update(std::string_view part) const override { return part.empty(); }
};

constexpr std::string_view kDevices = ".deviceclass.resource.k8s.io/devices";
// A request for all devices is for as many as an allocation holds.
constexpr std::int64_t kAllDevices = 32;

class CountedDeviceClaims final : public Counted {
 public:
  explicit CountedDeviceClaims(std::string count_name) : Counted(std::move(count_name), {}) {}

  bool counts(std::string_view name) const override { return Counted::counts(name) || name.ends_with(kDevices); }

  ResourceAmounts usage(const google::protobuf::Message& object, Time now) const override {
    ResourceAmounts out = Counted::usage(object, now);
    for (const auto& request : static_cast<const ResourceClaim&>(object).spec().devices().requests()) {
      std::map<std::string, std::int64_t> most;  // of the alternatives, by class
      const auto offer = [&](const auto& one) {
        std::int64_t& number = most[one.device_class_name()];
        number = std::max(number, one.allocation_mode() == "All" ? kAllDevices : one.count());
      };
      for (const auto& alternative : request.first_available()) offer(alternative);
      if (request.first_available().empty() && request.has_exactly()) offer(request.exactly());
      for (const auto& [name, number] : most) out[name + std::string(kDevices)] += Quantity::of(number);
    }
    return out;
  }

  bool grows_by_update(std::string_view part) const override { return part.empty(); }
};

}  // namespace

std::unique_ptr<Counted> counted_services(std::string count_name) {
  return std::make_unique<CountedServices>(std::move(count_name));
}
std::unique_ptr<Counted> counted_volume_claims(std::string count_name) {
  return std::make_unique<CountedVolumeClaims>(std::move(count_name));
}
std::unique_ptr<Counted> counted_device_claims(std::string count_name) {
  return std::make_unique<CountedDeviceClaims>(std::move(count_name));
}

}  // namespace ph::api::quota
