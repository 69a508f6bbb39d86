#include "informers/discovery.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/kinds.h"

namespace ph::informers {
namespace {

using api::GroupVersionKind;
using api::Resource;

constexpr const char* kAccept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

std::string group_version(const std::string& group, const std::string& version) {
  return GroupVersionKind{group, version, {}}.api_version();
}

bool is_aggregated(const Client::Document& document) {
  return document.media_type.find("as=APIGroupDiscoveryList") != std::string::npos;
}

Resource resource_of(const std::string& group, const std::string& version, const apidiscovery::v2::APIResourceDiscovery& from) {
  Resource out;
  out.kind = {group, version, from.response_kind().kind()};
  out.plural = from.resource();
  out.singular = from.singular_resource();
  out.namespaced = from.scope() == "Namespaced";
  out.verbs.assign(from.verbs().begin(), from.verbs().end());
  return out;
}

Resource resource_of(const std::string& group, const std::string& version, const meta::v1::APIResource& from) {
  Resource out;
  out.kind = {group, version, from.kind()};
  out.plural = from.name();
  out.singular = from.singular_name();
  out.namespaced = from.namespaced();
  out.verbs.assign(from.verbs().items().begin(), from.verbs().items().end());
  return out;
}

bool same(const Resource& a, const Resource& b) {
  return a.kind == b.kind && a.plural == b.plural && a.namespaced == b.namespaced && a.verbs == b.verbs;
}

}  // namespace

std::string Discovery::complaint() const {
  if (failures.empty()) return {};
  std::vector<std::string> each;
  for (const auto& [name, why] : failures) each.push_back(name + ": " + why);
  return fmt::format("unable to retrieve the complete list of server APIs: {}", fmt::join(each, ", "));
}

Task<std::shared_ptr<const Discovery>> Discoverer::look() {
  Pieces pieces = co_await look_at("/api");
  Pieces more = co_await look_at("/apis");
  std::ranges::move(more, std::back_inserter(pieces));
  co_return put_together(pieces);
}

// A document as it is now, valid until the caller waits again.
Task<const Client::Document*> Discoverer::read(std::string path) {
  const auto before = read_.find(path);
  std::string tag = before == read_.end() ? std::string() : before->second.tag;
  Client::Document document = co_await client_.get_document(path, kAccept, std::move(tag));
  if (!document.same) read_.insert_or_assign(path, std::move(document));
  co_return &read_.at(path);
}

Task<Discoverer::Pieces> Discoverer::look_at(std::string root) {
  const Client::Document* document = co_await read(root);
  if (!is_aggregated(*document)) co_return co_await look_at_each(root, document->body);
  apidiscovery::v2::APIGroupDiscoveryList list;
  api::decode_json(document->body, list);
  Pieces out;
  for (const auto& group : list.items()) {
    const std::string& name = group.metadata().name();
    for (const auto& version : group.versions()) {
      Piece& piece = out.emplace_back(Piece{name, version.version(), {}, {}});
      if (version.freshness() == "Stale") {
        piece.failure = "stale GroupVersion discovery: " + group_version(name, version.version());
        continue;
      }
      for (const auto& resource : version.resources()) piece.resources.push_back(resource_of(name, version.version(), resource));
    }
  }
  co_return out;
}

// `groups`: the document at `root`, APIVersions of the core group or an APIGroupList.
Task<Discoverer::Pieces> Discoverer::look_at_each(std::string root, std::string groups) {
  Pieces out;
  if (root == "/api") {
    meta::v1::APIVersions core;
    api::decode_json(groups, core);
    for (const std::string& version : core.versions()) out.push_back(co_await look_at_one(root + "/" + version, {}, version));
    co_return out;
  }
  meta::v1::APIGroupList list;
  api::decode_json(groups, list);
  for (const meta::v1::APIGroup& group : list.groups()) {
    std::vector<std::string> versions;
    for (const auto& version : group.versions()) versions.push_back(version.version());
    const auto preferred = std::ranges::find(versions, group.preferred_version().version());
    if (preferred != versions.end()) std::rotate(versions.begin(), preferred, preferred + 1);
    for (const std::string& version : versions) {
      out.push_back(co_await look_at_one(root + "/" + group.name() + "/" + version, group.name(), version));
    }
  }
  co_return out;
}

Task<Discoverer::Piece> Discoverer::look_at_one(std::string path, std::string group, std::string version) {
  Piece out{group, version, {}, {}};
  try {
    const Client::Document* document = co_await read(path);
    meta::v1::APIResourceList list;
    api::decode_json(document->body, list);
    for (const auto& resource : list.resources()) {
      const bool is_part = resource.name().find('/') != std::string::npos;
      if (!is_part) out.resources.push_back(resource_of(group, version, resource));
    }
  } catch (const api::ApiError& error) {
    out.failure = error.what();
  }
  co_return out;
}

std::shared_ptr<const Discovery> Discoverer::put_together(const Pieces& pieces) {
  auto out = std::make_shared<Discovery>();
  std::map<std::pair<std::string, std::string>, Discovery::Offer> offers;
  for (const Piece& piece : pieces) {
    if (!piece.failure.empty()) out->failures.emplace(group_version(piece.group, piece.version), piece.failure);
    for (const Resource& resource : piece.resources) {
      Discovery::Offer& offer = offers[{piece.group, resource.plural}];
      if (!resource.kind.kind.empty()) offer.names.push_back(resource.kind);
      if (offer.resource) continue;
      const auto known = known_.find({piece.group, resource.plural});
      const bool is_known = known != known_.end() && same(*known->second, resource);
      offer.resource = is_known ? known->second : std::make_shared<const Resource>(resource);
    }
  }
  known_.clear();
  for (auto& [name, offer] : offers) {
    known_.emplace(name, offer.resource);
    out->offers.push_back(std::move(offer));
  }
  return out;
}

}  // namespace ph::informers
