#include "api/patch/scale_owners.h"

#include <algorithm>
#include <utility>

#include "api/patch/owners.h"

namespace ph::api {

namespace {

constexpr std::string_view kReplicas = "spec.replicas";  // of a scale

FieldPath path_of(std::string_view dotted) {
  FieldPath out;
  while (!dotted.empty()) {
    const auto dot = std::min(dotted.find('.'), dotted.size());
    out.push_back(PathElement::field(dotted.substr(0, dot)));
    dotted.remove_prefix(std::min(dot + 1, dotted.size()));
  }
  return out;
}

FieldSet set_of(const FieldPath& path) {
  FieldSet out;
  out.insert(path);
  return out;
}

// Versions differ: what the scale's is, is none of the workload's.
bool is_same_but_version(const Owner& a, const Owner& b) {
  return a.entry.manager() == b.entry.manager() && a.entry.operation() == b.entry.operation() &&
         a.entry.subresource() == b.entry.subresource();
}

}  // namespace

void owners_to_scale(const meta::v1::ObjectMeta& workload, std::string_view replicas, meta::v1::ObjectMeta& scale) {
  const FieldPath from = path_of(replicas);
  Owners out;
  for (Owner& owner : read_owners(workload.managed_fields()).value_or(Owners())) {
    if (!owner.fields.has(from)) continue;
    owner.fields = set_of(path_of(kReplicas));
    owner.entry.set_api_version("autoscaling/v1");
    out.push_back(std::move(owner));
  }
  write_owners(std::move(out), *scale.mutable_managed_fields());
}

void owners_from_scale(const meta::v1::ObjectMeta& scale, std::string_view replicas, std::string_view api_version,
                       meta::v1::ObjectMeta& workload) {
  const FieldPath to = path_of(replicas), from = path_of(kReplicas);
  Owners owners = read_owners(workload.managed_fields()).value_or(Owners());
  Owners scaling = read_owners(scale.managed_fields()).value_or(Owners());
  std::erase_if(scaling, [&](const Owner& owner) { return !owner.fields.has(from); });
  for (Owner& owner : owners) {
    if (!owner.fields.has(to)) continue;
    const auto same = std::ranges::find_if(scaling, [&](const Owner& one) { return is_same_but_version(one, owner); });
    if (same == scaling.end()) {
      owner.fields.remove(set_of(to));
    } else {
      scaling.erase(same);
    }
  }
  drop_empty(owners);
  for (Owner& owner : scaling) {
    owner.entry.set_api_version(std::string(api_version));
    owner.entry.clear_time();
    owner_for(owners, owner.entry).fields.add(set_of(to));
  }
  write_owners(std::move(owners), *workload.mutable_managed_fields());
}

}  // namespace ph::api
