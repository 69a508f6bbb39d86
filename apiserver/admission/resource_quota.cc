// ResourceQuota: what is created, or grows, is charged to the quotas of its namespace, in the transaction that writes it; what does not
// fit is refused. What goes is given back by the loop resourcequota. Upstream: plugin/pkg/admission/resourcequota
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/patch/managed_fields.h"
#include "api/quota/quota.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/limited_resources.h"
#include "apiserver/cache/cache.h"
#include "apiserver/registry/resource_rules.h"

namespace ph::apiserver::admission {
namespace {

namespace quota = api::quota;
using quota::ResourceQuota;

// A quota as the cache has it.
struct Held {
  EntryRef entry;
  std::unique_ptr<ResourceQuota> quota;
};

class ResourceQuotas final : public AdmissionPlugin {
 public:
  explicit ResourceQuotas(LimitedResources limited) : limited_(std::move(limited)) {}
  std::string_view name() const override { return "ResourceQuota"; }

 protected:
  // The quotas are read anew in each round, and demanded to be as they were read: of many who create at once none is overlooked.
  void before_commit(const AdmissionRequest& request, WriteContext& write) override {
    if (!request.object || !request.resource->namespaced || !may_grow(request)) return;
    std::vector<Held> quotas = quotas_in(write.reader, request.key.namespace_name);
    if (quotas.empty() && limited_.empty()) return;
    const auto counted = quota::counted(request.resource->kind.group, request.resource->plural);
    if (request.operation == "UPDATE" && !counted->grows_by_update(request.subresource)) return;
    Coverage coverage(limited_, *counted, message_of(*request.object));
    for (const Held& held : quotas) coverage.add_scopes(*held.quota);
    std::erase_if(quotas, [&](const Held& held) { return !concerns(*held.quota, *counted, request); });
    for (const Held& held : quotas) {
      check(*held.quota, *counted, request);
      coverage.add_names(quota::names_in(held.quota->status().hard(), *counted));
    }
    if (quotas.empty() && limited_.empty()) return;
    const api::ResourceAmounts delta = change(*counted, request, write.now);
    if (delta.empty()) return;
    check_limits(coverage, *counted, request, write.now);
    if (quotas.empty()) return;
    // All that refuse are asked before one is charged.
    std::vector<quota::Charge> charges;
    for (const Held& held : quotas) {
      quota::Charge& charge = charges.emplace_back(quota::charge(*held.quota, delta));
      if (!charge.refusal.empty()) throw refuse(request, charge.refusal);
    }
    for (std::size_t i = 0; i < quotas.size(); ++i) {
      if (charges[i].changes) write_down(std::move(quotas[i]), charges[i], write);
    }
  }

 private:
  // Of sub-resources only the one by which pods are resized.
  static bool may_grow(const AdmissionRequest& request) {
    if (request.resource->plural == "events") return false;  // nobody counts them
    if (request.operation == "CREATE") return request.subresource.empty();
    if (request.operation != "UPDATE") return false;
    return request.subresource.empty() || (request.resource->plural == "pods" && request.subresource == "resize");
  }

  static std::vector<Held> quotas_in(ObjectReader& reader, const std::string& namespace_name) {
    const api::Resource& resource = *reader.resource(api::schema_of<ResourceQuota>());
    const Snapshot snapshot = reader.cache(resource)->snapshot();
    const std::string prefix = namespace_name + "/";
    std::vector<Held> out;
    for (auto at = snapshot.entries->lower_bound(prefix); at != snapshot.entries->end() && (*at)->key.starts_with(prefix); ++at) {
      auto quota = std::make_unique<ResourceQuota>();
      api::decode_envelope(*(*at)->protobuf, *quota);
      out.push_back({*at, std::move(quota)});
    }
    return out;
  }

  // It limits something of the object's, and the object is within its scopes.
  static bool concerns(const ResourceQuota& quota, const quota::Counted& counted, const AdmissionRequest& request) {
    if (quota::names_in(quota.status().hard(), counted).empty()) return false;
    return quota::is_in_scopes(quota, counted, message_of(*request.object));
  }

  static void check(const ResourceQuota& quota, const quota::Counted& counted, const AdmissionRequest& request) {
    const std::vector<std::string> names = quota::names_in(quota.status().hard(), counted);
    const std::string& name = quota.metadata().name();
    if (const std::string missing = counted.missing(message_of(*request.object), names); !missing.empty()) {
      throw refuse(request, fmt::format("failed quota: {}: {}", name, missing));
    }
    const auto is_known = [&](const std::string& each) { return quota.status().used().contains(each); };
    if (std::ranges::all_of(names, is_known)) return;
    throw refuse(request, fmt::format("status unknown for quota: {}, resources: {}", name, quota::text_of(names)));
  }

  // What is limited needs a quota that is about it.
  void check_limits(const Coverage& coverage, const quota::Counted& counted, const AdmissionRequest& request, Time now) const {
    if (limited_.empty()) return;
    const api::GroupVersionKind& kind = request.resource->kind;
    const api::ResourceAmounts usage = counted.usage(message_of(*request.object), now);
    const std::string names = coverage.uncovered_names(kind.group, request.resource->plural, usage);
    if (!names.empty()) throw refuse(request, names);
    if (const std::string scopes = coverage.uncovered_scopes(); !scopes.empty()) throw api::unforeseen(scopes);
  }

  static api::ResourceAmounts change(const quota::Counted& counted, const AdmissionRequest& request, Time now) {
    api::ResourceAmounts delta = counted.usage(message_of(*request.object), now);
    if (request.operation == "UPDATE" && request.old_object) {
      for (const auto& [name, amount] : counted.usage(message_of(*request.old_object), now)) delta[name] -= amount;
    }
    std::erase_if(delta, [](const auto& entry) { return entry.second.is_zero(); });
    return delta;
  }

  // Of a custom kind nothing is looked at: its objects are only numbered.
  static const google::protobuf::Message& message_of(const api::Object& object) {
    static const meta::v1::ObjectMeta none;
    const google::protobuf::Message* message = object.message();
    return message ? *message : none;
  }

  static void write_down(Held held, const quota::Charge& charge, WriteContext& write) {
    const api::Resource& resource = *write.reader.resource(api::schema_of<ResourceQuota>());
    const ObjectKey key = key_of(*held.quota);
    const api::Object before = api::Object::of(*held.quota);
    quota::set_amounts(held.quota->mutable_status()->mutable_used(), charge.used);
    api::Object after = api::Object::of(std::move(*held.quota));
    api::record_update(after, &before, {"kube-apiserver", "Update", "status"}, write.now);
    write.also_write(resource, key, held.entry.get(), std::move(after));
  }

  const LimitedResources limited_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> resource_quota(const AdmissionWorld& world) {
  return std::make_unique<ResourceQuotas>(read_limited_resources(configuration_of(world.configurations, "ResourceQuota")));
}

}  // namespace ph::apiserver::admission
