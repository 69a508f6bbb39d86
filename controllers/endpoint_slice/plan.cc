#include "controllers/endpoint_slice/plan.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "api/sorted.h"
#include "controllers/common/same.h"
#include "controllers/common/services.h"

namespace ph::controllers::endpoint_slice {
namespace {

using core::v1::Service;
using discovery::v1::Endpoint;
using discovery::v1::EndpointPort;
using discovery::v1::EndpointSlice;

template <class A, class B>
bool same_ports(const A& a, const B& b) {
  return std::ranges::equal(a, b, says_same);
}

bool is_reserved(std::string_view label) {
  return label == kServiceLabel || label == kManagedByLabel || label == kHeadlessLabel ||
         label == "endpoints.kubernetes.io/managed-by";
}

void set_labels(const Service& service, EndpointSlice* slice) {
  auto& labels = *slice->mutable_metadata()->mutable_labels();
  labels.clear();
  for (const auto* label : sorted(service.metadata().labels())) {
    if (!is_reserved(label->first)) labels[label->first] = label->second;
  }
  labels[kServiceLabel] = service.metadata().name();
  labels[kManagedByLabel] = kManagedBy;
  if (service.spec().cluster_ip() == "None") labels[kHeadlessLabel] = "";
}

EndpointSlice new_slice(const Service& service, std::string_view address_type, const std::vector<EndpointPort>& ports) {
  EndpointSlice slice;
  slice.mutable_metadata()->set_namespace_(service.metadata().namespace_());
  slice.mutable_metadata()->set_generate_name(service.metadata().name() + "-");
  auto* owner = slice.mutable_metadata()->add_owner_references();
  owner->set_api_version("v1");
  owner->set_kind("Service");
  owner->set_name(service.metadata().name());
  owner->set_uid(service.metadata().uid());
  owner->set_controller(true);
  owner->set_block_owner_deletion(true);
  set_labels(service, &slice);
  slice.set_address_type(std::string(address_type));
  for (const EndpointPort& port : ports) *slice.add_ports() = port;
  return slice;
}

// A slice that exists: what it was and what it is to be.
struct Draft {
  EndpointSlice before, after;
  bool changed() const { return !says_same(before, after); }
};

// Works on the slices of one list of ports.
class GroupWork {
 public:
  GroupWork(const Service& service, Group group, std::vector<Draft*> drafts, int max)
      : service_(service), group_(std::move(group)), drafts_(std::move(drafts)), max_(max) {}

  void run(std::string_view address_type, std::vector<EndpointSlice>& create) {
    for (const Endpoint& endpoint : group_.endpoints) wanted_.emplace(endpoint.target_ref().uid(), &endpoint);
    for (Draft* draft : drafts_) keep_what_stays(draft);
    // Slices that are written anyway first, the fullest of them before others: they cost nothing more.
    std::ranges::sort(drafts_, std::ranges::less{}, [](const Draft* draft) {
      return std::pair<int, std::string_view>(-draft->after.endpoints_size(), draft->before.metadata().name());
    });
    for (Draft* draft : drafts_) {
      if (draft->changed() && draft->after.endpoints_size() > 0) fill(&draft->after);
    }
    while (!wanted_.empty()) {
      Draft* const other = one_for_the_rest();
      fill(other ? &other->after : &create.emplace_back(new_slice(service_, address_type, group_.ports)));
    }
  }

 private:
  void keep_what_stays(Draft* draft) {
    draft->after.clear_endpoints();
    for (const Endpoint& endpoint : draft->before.endpoints()) {
      const auto found = wanted_.find(endpoint.target_ref().uid());
      if (found == wanted_.end()) continue;
      Endpoint& kept = *draft->after.add_endpoints();
      kept = *found->second;
      keep_hints(endpoint, kept);
      wanted_.erase(found);
    }
  }

  static void keep_hints(const Endpoint& before, Endpoint& after) {
    if (!before.has_hints()) return;
    *after.mutable_hints() = before.hints();
    if (!says_same(before, after)) after.clear_hints();
  }

  // The fullest slice that is not written yet and has room for all that is left; null: there is none.
  Draft* one_for_the_rest() const {
    const int left = static_cast<int>(wanted_.size());
    const auto found = std::ranges::find_if(
        drafts_, [&](const Draft* draft) { return !draft->changed() && draft->after.endpoints_size() + left <= max_; });
    return left < max_ && found != drafts_.end() ? *found : nullptr;
  }

  void fill(EndpointSlice* slice) {
    // In the pods' order, not that of their UIDs.
    for (const Endpoint& endpoint : group_.endpoints) {
      if (slice->endpoints_size() >= max_) return;
      const auto found = wanted_.find(endpoint.target_ref().uid());
      if (found == wanted_.end()) continue;
      *slice->add_endpoints() = endpoint;
      wanted_.erase(found);
    }
  }

  const Service& service_;
  Group group_;
  std::vector<Draft*> drafts_;
  int max_;
  std::map<std::string, const Endpoint*, std::less<>> wanted_;  // not in a slice yet
};

// `made` takes the name of a slice that would go.
EndpointSlice in_place_of(const EndpointSlice& before, EndpointSlice made) {
  auto& metadata = *made.mutable_metadata();
  metadata.set_name(before.metadata().name());
  metadata.set_uid(before.metadata().uid());
  metadata.set_resource_version(before.metadata().resource_version());
  return made;
}

}  // namespace

Plan reconcile(const Service& service, std::string_view address_type, std::vector<Group> groups,
               std::vector<EndpointSlice> existing, int max_per_slice) {
  Plan plan;
  std::vector<Draft> drafts;
  for (EndpointSlice& slice : existing) {
    Draft& draft = drafts.emplace_back(Draft{slice, slice});
    set_labels(service, &draft.after);
  }
  std::vector<bool> used(drafts.size());
  for (Group& group : groups) {
    std::vector<Draft*> mine;
    for (std::size_t i = 0; i < drafts.size(); ++i) {
      if (used[i] || !same_ports(drafts[i].before.ports(), group.ports)) continue;
      used[i] = true;
      mine.push_back(&drafts[i]);
    }
    GroupWork(service, std::move(group), std::move(mine), max_per_slice).run(address_type, plan.create);
  }
  // Slices of ports nobody has any more are emptied like those whose endpoints went.
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    if (!used[i]) drafts[i].after.clear_endpoints();
  }

  std::vector<Draft*> emptied;
  for (Draft& draft : drafts) {
    if (draft.after.endpoints_size() == 0) emptied.push_back(&draft);
    else (draft.changed() ? plan.update : plan.unchanged).push_back(std::move(draft.after));
  }
  const bool needs_placeholder = plan.create.empty() && emptied.size() == drafts.size();
  if (needs_placeholder && emptied.empty()) plan.create.push_back(new_slice(service, address_type, {}));
  for (std::size_t i = 0; i < emptied.size(); ++i) {
    Draft& draft = *emptied[i];
    if (needs_placeholder && i == 0) {
      draft.after.clear_ports();
      (draft.changed() ? plan.update : plan.unchanged).push_back(std::move(draft.after));
    } else if (!plan.create.empty()) {
      plan.update.push_back(in_place_of(draft.before, std::move(plan.create.back())));
      plan.create.pop_back();
    } else {
      plan.remove.push_back(std::move(draft.before));
    }
  }
  return plan;
}

}  // namespace ph::controllers::endpoint_slice
