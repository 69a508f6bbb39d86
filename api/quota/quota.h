// What quotas count: which objects a quota is about, what each uses of it, and whether more fits. Pure; the loop resourcequota and the
// admission plugin ResourceQuota share it. Reference: "Resource Quotas" in the Kubernetes documentation; upstream: pkg/quota/v1.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/pod_resources.h"
#include "base/time.h"
#include "core/v1.pb.h"

namespace ph::api::quota {

using core::v1::ResourceQuota;
using core::v1::ScopedResourceSelectorRequirement;
using QuantityMap = google::protobuf::Map<std::string, meta::v1::Quantity>;

// The objects of one resource, as a quota sees them.
class Counted {
 public:
  virtual ~Counted() = default;

  // "count/deployments.apps", whatever the resource.
  const std::string& count_name() const { return count_name_; }
  // Whether an amount of that name is counted of these objects: "count/pods", "requests.cpu".
  virtual bool counts(std::string_view name) const;
  // What an object uses. `now` tells which pods should have gone.
  virtual ResourceAmounts usage(const google::protobuf::Message& object, Time now) const;
  // Whether the object is within a scope. What knows no scopes is in none.
  virtual bool in_scope(const ScopedResourceSelectorRequirement& scope, const google::protobuf::Message& object) const;
  // What an object has to say of its own use, where the quota has these names; empty: all that is needed.
  virtual std::string missing(const google::protobuf::Message& object, const std::vector<std::string>& names) const;
  // Whether an update may change what is used, or (`part`: "resize") one of a sub-resource.
  virtual bool grows_by_update(std::string_view part) const;

 protected:
  // `alias`: the old name of the count, "" where there is none.
  Counted(std::string count_name, std::string alias) : count_name_(std::move(count_name)), alias_(std::move(alias)) {}
  friend std::unique_ptr<Counted> counted(std::string_view group, std::string_view plural);

 private:
  std::string count_name_, alias_;
};

// Of any resource; pods, services, claims of volumes and of devices have more to them than their number.
std::unique_ptr<Counted> counted(std::string_view group, std::string_view plural);
// Whether a resource's objects have nothing but their number.
bool is_only_numbered(std::string_view group, std::string_view plural);

// The scopes of a quota, in either form.
std::vector<ScopedResourceSelectorRequirement> scopes_of(const ResourceQuota& quota);
// Whether an object is in all of them.
bool is_in_scopes(const ResourceQuota& quota, const Counted& counted, const google::protobuf::Message& object);

// Whether a pod uses what it asks for: it has not ended, and is not past its grace.
bool pod_counts(const core::v1::Pod& pod, Time now);
bool pod_counts(std::string_view phase, std::optional<Time> deletion, std::optional<std::int64_t> grace_seconds, Time now);

// Names of `amounts` that `counted` counts, in order.
std::vector<std::string> names_in(const QuantityMap& amounts, const Counted& counted);

// Sets amounts as they are written.
void set_amounts(QuantityMap* out, const ResourceAmounts& amounts);

// "a=1,b=2", "a,b": as messages show them.
std::string text_of(const ResourceAmounts& amounts);
std::string text_of(std::span<const std::string> names);

// What a quota makes of a change of `delta`.
struct Charge {
  std::string refusal;  // why it does not fit, in upstream's words; empty: it does
  bool changes = false;
  ResourceAmounts used;  // afterwards
};
Charge charge(const ResourceQuota& quota, const ResourceAmounts& delta);

}  // namespace ph::api::quota
