#include "controllers/common/revision_history.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/json_text.h"
#include "api/patch/directives.h"
#include "controllers/common/name_hash.h"

namespace ph::controllers {
namespace {

using nlohmann::json;

// As Go writes a document that it has read: members in the order of their names, and every number a double.
void append_as_go(const json& value, std::string& out) {
  char before = value.is_object() ? '{' : '[';
  switch (value.type()) {
    case json::value_t::object:
      if (value.empty()) out.push_back(before);
      for (const auto& [key, member] : value.items()) {
        out.push_back(std::exchange(before, ','));
        api::append_json_string(key, out);
        out.push_back(':');
        append_as_go(member, out);
      }
      return out.push_back('}');
    case json::value_t::array:
      if (value.empty()) out.push_back(before);
      for (const json& element : value) {
        out.push_back(std::exchange(before, ','));
        append_as_go(element, out);
      }
      return out.push_back(']');
    case json::value_t::string: return api::append_json_string(value.get_ref<const std::string&>(), out);
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float: return api::append_json_double(value.get<double>(), out);
    case json::value_t::boolean: return void(out.append(value.get<bool>() ? "true" : "false"));
    default: return void(out.append("null"));
  }
}

// The template that data would bring back, as data; empty: it is no data of ours or upstream's.
std::string written_anew(const std::string& data) {
  const json patch = json::parse(data, nullptr, false);
  if (!patch.is_object() || patch.size() != 1 || !patch.contains("spec") || patch["spec"].size() != 1) return {};
  if (!patch["spec"].is_object() || !patch["spec"].contains("template")) return {};
  json pod_template = patch["spec"]["template"];
  if (!pod_template.is_object() || pod_template.value(std::string(api::kPatch), json()) != "replace") return {};
  pod_template.erase(std::string(api::kPatch));
  core::v1::PodTemplateSpec out;
  try {
    api::from_json(pod_template, out);
  } catch (const api::DecodeError&) {
    return {};
  }
  return revision_data(out);
}

auto order_of(const ControllerRevision& revision) {
  const auto& metadata = revision.metadata();
  return std::tuple(revision.revision(), metadata.creation_timestamp().seconds(), std::string_view(metadata.name()));
}

}  // namespace

std::string revision_data(const core::v1::PodTemplateSpec& from) {
  json pod_template = api::to_json(from);
  pod_template[std::string(api::kPatch)] = "replace";
  std::string out;
  append_as_go({{"spec", {{"template", std::move(pod_template)}}}}, out);
  return out;
}

bool has_data(const ControllerRevision& revision, std::string_view data) {
  const std::string& raw = revision.data().raw();
  return raw == data || (!raw.empty() && written_anew(raw) == data);
}

std::string revision_hash(std::string_view data, std::optional<std::int32_t> collisions) {
  std::uint32_t hash = 2166136261u;  // FNV-1
  const auto mix = [&hash](std::string_view bytes) {
    for (const unsigned char byte : bytes) hash = (hash * 16777619u) ^ byte;
  };
  mix(data);
  if (collisions) mix(std::to_string(*collisions));
  return spelled_hash(hash);
}

std::string revision_name(const std::string& owner, const std::string& hash) {
  constexpr std::size_t kPrefixMax = 223;
  return owner.substr(0, kPrefixMax) + "-" + hash;
}

ControllerRevision make_revision(const Owner& owner, const core::v1::PodTemplateSpec& from, std::string data,
                                 std::int64_t number) {
  ControllerRevision out;
  meta::v1::ObjectMeta& metadata = *out.mutable_metadata();
  metadata.set_namespace_(owner.key.namespace_name);
  *metadata.mutable_labels() = from.metadata().labels();
  *metadata.add_owner_references() = controller_reference(owner);
  out.mutable_data()->set_raw(std::move(data));
  out.set_revision(number);
  return out;
}

void sort_revisions(Revisions& revisions) {
  std::ranges::sort(revisions, {}, [](const Ref<ControllerRevision>& revision) { return order_of(*revision); });
}

std::int64_t next_number(const Revisions& revisions) {
  std::int64_t highest = 0;
  for (const auto& revision : revisions) highest = std::max<std::int64_t>(highest, revision->revision());
  return highest < std::numeric_limits<std::int64_t>::max() ? highest + 1 : highest;
}

Ref<ControllerRevision> newest_with(const Revisions& sorted, std::string_view data) {
  for (auto at = sorted.rbegin(); at != sorted.rend(); ++at) {
    if (has_data(**at, data)) return *at;
  }
  return nullptr;
}

Revisions oldest_unused(const Revisions& sorted, std::int64_t count,
                        const std::function<bool(const ControllerRevision&)>& in_use) {
  Revisions out;
  for (const auto& revision : sorted) {
    if (std::cmp_greater_equal(out.size(), std::max<std::int64_t>(count, 0))) break;
    if (!in_use(*revision)) out.push_back(revision);
  }
  return out;
}

Task<NewRevision> create_revision(Client& client, ControllerRevision revision) {
  Created<ControllerRevision> created = co_await client.try_create<ControllerRevision>(std::move(revision));
  if (created.made == Made::Yes) co_return NewRevision{.revision = std::move(created.object)};
  if (created.made != Made::Exists) throw *created.refusal;
  auto live = co_await client.find<ControllerRevision>(key_of(created.object));
  if (!live) throw *created.refusal;  // it has gone in between: the next attempt makes it
  if (!has_data(*live, created.object.data().raw()))
    co_return NewRevision{.revision = std::move(created.object), .collided = true};
  co_return NewRevision{.revision = std::move(*live), .existed = true};
}

Task<void> renumber_revision(Client& client, const ControllerRevision& revision, std::int64_t number) {
  // Data and name stay, so who has changed it meanwhile does not matter, as long as it is the same one.
  const json patch = {{"metadata", {{"uid", revision.metadata().uid()}}}, {"revision", number}};
  co_await client.patch<ControllerRevision>(key_of(revision), Patch::merge(patch.dump()));
}

Task<void> remove_revisions(Client& client, Revisions revisions) {
  for (const auto& revision : revisions) {
    DeleteOptions options;
    options.uid = revision->metadata().uid();
    co_await client.remove<ControllerRevision>(key_of(*revision), std::move(options));
  }
}

}  // namespace ph::controllers
