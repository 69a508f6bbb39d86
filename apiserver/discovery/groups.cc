#include "apiserver/discovery/groups.h"

namespace ph::apiserver {

using api::GroupVersionKind;
using api::Resource;
using api::Subresource;

namespace {

// Of built-in resources group and version are told where they are others than the resource's, of custom ones always.
void set_kind(const Resource& resource, const GroupVersionKind& from, meta::v1::GroupVersionKind* to) {
  to->set_kind(from.kind);
  if (!resource.owner && from.group == resource.kind.group && from.version == resource.kind.version) return;
  to->set_group(from.group);
  to->set_version(from.version);
}

void add_resource(const Resource& from, meta::v1::APIResource* to) {
  to->set_name(from.plural);
  to->set_singular_name(from.singular);
  to->set_namespaced(from.namespaced);
  to->set_kind(from.kind.kind);
  for (const auto& verb : from.verbs) to->mutable_verbs()->add_items(verb);
  for (const auto& name : from.short_names) to->add_short_names(name);
  for (const auto& category : from.categories) to->add_categories(category);
  to->set_storage_version_hash(from.storage_version_hash);
}

void add_subresource(const Resource& parent, const Subresource& from, meta::v1::APIResource* to) {
  to->set_name(parent.plural + "/" + from.name);
  to->set_namespaced(parent.namespaced);
  if (from.kind.group != parent.kind.group || from.kind.version != parent.kind.version) {
    to->set_group(from.kind.group);
    to->set_version(from.kind.version);
  }
  to->set_kind(from.kind.kind);
  for (const auto& verb : from.verbs) to->mutable_verbs()->add_items(verb);
}

void add_discovery(const Resource& from, apidiscovery::v2::APIResourceDiscovery* to) {
  to->set_resource(from.plural);
  set_kind(from, from.kind, to->mutable_response_kind());
  to->set_scope(from.namespaced ? "Namespaced" : "Cluster");
  to->set_singular_resource(from.singular);
  for (const auto& verb : from.verbs) to->add_verbs(verb);
  for (const auto& name : from.short_names) to->add_short_names(name);
  for (const auto& category : from.categories) to->add_categories(category);
  for (const Subresource& sub : from.subresources) {
    auto* out = to->add_subresources();
    out->set_subresource(sub.name);
    set_kind(from, sub.kind, out->mutable_response_kind());
    for (const auto& verb : sub.verbs) out->add_verbs(verb);
  }
}

void add_version(const Resource& from, meta::v1::APIGroup* to) {
  for (const auto& known : to->versions()) {
    if (known.version() == from.kind.version) return;
  }
  auto* version = to->add_versions();
  version->set_group_version(from.kind.api_version());
  version->set_version(from.kind.version);
  if (to->versions_size() == 1) *to->mutable_preferred_version() = *version;
}

}  // namespace

meta::v1::APIVersions core_versions(const std::string& server_address) {
  meta::v1::APIVersions out;
  out.add_versions("v1");
  if (!server_address.empty()) {
    auto* address = out.add_server_address_by_client_cidrs();
    address->set_client_cidr("0.0.0.0/0");
    address->set_server_address(server_address);
  }
  return out;
}

meta::v1::APIGroup group(Resources resources, std::string_view name) {
  meta::v1::APIGroup out;
  for (const Resource& resource : resources) {
    if (resource.kind.group != name) continue;
    out.set_name(resource.kind.group);
    add_version(resource, &out);
  }
  return out;
}

meta::v1::APIGroupList group_list(Resources resources) {
  meta::v1::APIGroupList out;
  for (const Resource& resource : resources) {
    if (resource.kind.group.empty()) continue;
    const bool known = std::ranges::any_of(out.groups(), [&](const auto& g) { return g.name() == resource.kind.group; });
    if (!known) *out.add_groups() = group(resources, resource.kind.group);
  }
  return out;
}

meta::v1::APIResourceList resource_list(Resources resources, std::string_view group, std::string_view version) {
  meta::v1::APIResourceList out;
  bool is_custom = false;
  for (const Resource& resource : resources) {
    if (resource.kind.group != group || resource.kind.version != version) continue;
    is_custom |= resource.owner != nullptr;
    out.set_group_version(resource.kind.api_version());
    add_resource(resource, out.add_resources());
    for (const Subresource& sub : resource.subresources) add_subresource(resource, sub, out.add_resources());
  }
  // Of custom ones the parts follow their resource as they were declared.
  if (!is_custom) std::ranges::sort(*out.mutable_resources(), {}, [](const auto& r) -> const std::string& { return r.name(); });
  return out;
}

apidiscovery::v2::APIGroupDiscoveryList aggregated(Resources resources, bool core) {
  apidiscovery::v2::APIGroupDiscoveryList out;
  for (const Resource& resource : resources) {
    if (resource.kind.group.empty() != core) continue;
    auto group = std::ranges::find(*out.mutable_items(), resource.kind.group,
                                   [](const auto& item) -> const std::string& { return item.metadata().name(); });
    auto* item = group != out.mutable_items()->end() ? &*group : out.add_items();
    item->mutable_metadata()->set_name(resource.kind.group);
    auto version = std::ranges::find(*item->mutable_versions(), resource.kind.version,
                                     [](const auto& v) -> const std::string& { return v.version(); });
    auto* entry = version != item->mutable_versions()->end() ? &*version : item->add_versions();
    entry->set_version(resource.kind.version);
    entry->set_freshness("Current");
    add_discovery(resource, entry->add_resources());
  }
  return out;
}

}  // namespace ph::apiserver
