#include "api/quota/quota.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/codec.h"
#include "api/quota/kinds.h"
#include "api/sorted.h"
#include "api/times.h"

namespace ph::api::quota {
namespace {

struct Alias {
  std::string_view group, plural;
};
// Counted before there was "count/…", under their own names.
constexpr Alias kAliased[] = {{"", "configmaps"}, {"", "replicationcontrollers"}, {"", "resourcequotas"}, {"", "secrets"}};

std::string count_name(std::string_view group, std::string_view plural) {
  return group.empty() ? fmt::format("count/{}", plural) : fmt::format("count/{}.{}", plural, group);
}

ResourceAmounts amounts_in(const QuantityMap& map, const auto& names) {
  ResourceAmounts out;
  for (const auto& name : names) {
    const auto found = map.find(std::string(name));
    if (found == map.end()) continue;
    out.emplace(name, Quantity::parse(found->second.string()).value_or(Quantity()));
  }
  return out;
}

}  // namespace

bool Counted::counts(std::string_view name) const { return name == count_name_ || (!alias_.empty() && name == alias_); }

ResourceAmounts Counted::usage(const google::protobuf::Message&, Time) const {
  ResourceAmounts out{{count_name_, Quantity::of(1)}};
  if (!alias_.empty()) out.emplace(alias_, Quantity::of(1));
  return out;
}

bool Counted::in_scope(const ScopedResourceSelectorRequirement&, const google::protobuf::Message&) const { return false; }

std::string Counted::missing(const google::protobuf::Message&, const std::vector<std::string>&) const { return {}; }

bool Counted::grows_by_update(std::string_view) const { return false; }

std::unique_ptr<Counted> counted(std::string_view group, std::string_view plural) {
  std::string name = count_name(group, plural);
  if (group.empty() && plural == "pods") return counted_pods(std::move(name));
  if (group.empty() && plural == "services") return counted_services(std::move(name));
  if (group.empty() && plural == "persistentvolumeclaims") return counted_volume_claims(std::move(name));
  if (group == "resource.k8s.io" && plural == "resourceclaims") return counted_device_claims(std::move(name));
  const bool is_aliased =
      std::ranges::any_of(kAliased, [&](const Alias& alias) { return alias.group == group && alias.plural == plural; });
  return std::unique_ptr<Counted>(new Counted(std::move(name), is_aliased ? std::string(plural) : std::string()));
}

bool is_only_numbered(std::string_view group, std::string_view plural) {
  if (group.empty()) return plural != "pods" && plural != "services" && plural != "persistentvolumeclaims";
  return group != "resource.k8s.io" || plural != "resourceclaims";
}

std::vector<ScopedResourceSelectorRequirement> scopes_of(const ResourceQuota& quota) {
  std::vector<ScopedResourceSelectorRequirement> out;
  for (const std::string& scope : quota.spec().scopes()) {
    out.emplace_back().set_scope_name(scope);
    out.back().set_operator_("Exists");
  }
  const auto& more = quota.spec().scope_selector().match_expressions();
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

bool is_in_scopes(const ResourceQuota& quota, const Counted& counted, const google::protobuf::Message& object) {
  return std::ranges::all_of(scopes_of(quota), [&](const auto& scope) { return counted.in_scope(scope, object); });
}

bool pod_counts(std::string_view phase, std::optional<Time> deletion, std::optional<std::int64_t> grace_seconds, Time now) {
  if (phase == "Failed" || phase == "Succeeded") return false;
  return !deletion || !grace_seconds || now <= *deletion + std::chrono::seconds(*grace_seconds);
}

bool pod_counts(const core::v1::Pod& pod, Time now) {
  const auto& metadata = pod.metadata();
  std::optional<Time> deletion;
  std::optional<std::int64_t> grace;
  if (metadata.has_deletion_timestamp()) deletion = to_time(metadata.deletion_timestamp());
  if (metadata.has_deletion_grace_period_seconds()) grace = metadata.deletion_grace_period_seconds();
  return pod_counts(pod.status().phase(), deletion, grace, now);
}

std::vector<std::string> names_in(const QuantityMap& amounts, const Counted& counted) {
  std::vector<std::string> out;
  for (const auto* entry : sorted(amounts)) {
    if (counted.counts(entry->first)) out.push_back(entry->first);
  }
  return out;
}

void set_amounts(QuantityMap* out, const ResourceAmounts& amounts) {
  out->clear();
  for (const auto& [name, amount] : amounts) (*out)[name].set_string(amount.text());
}

std::string text_of(const ResourceAmounts& amounts) {
  std::vector<std::string> each;
  for (const auto& [name, amount] : amounts) each.push_back(name + "=" + amount.text());
  return fmt::format("{}", fmt::join(each, ","));
}

std::string text_of(std::span<const std::string> names) { return fmt::format("{}", fmt::join(names, ",")); }

Charge charge(const ResourceQuota& quota, const ResourceAmounts& delta) {
  const QuantityMap& hard = quota.status().hard();
  Charge out;
  out.used = amounts_of(quota.status().used());
  std::vector<std::string> exceeded;
  ResourceAmounts asked;
  for (const auto& [name, amount] : delta) {
    const auto limit = hard.find(name);
    if (limit == hard.end()) continue;
    asked.emplace(name, amount);
    Quantity& used = out.used[name];
    used += amount;
    const auto most = Quantity::parse(limit->second.string());
    if (most && used > *most) exceeded.push_back(name);
  }
  out.changes = !asked.empty();
  if (exceeded.empty()) return out;
  ResourceAmounts requested;
  for (const std::string& name : exceeded) requested.emplace(name, asked.at(name));
  out.refusal =
      fmt::format("exceeded quota: {}, requested: {}, used: {}, limited: {}", quota.metadata().name(), text_of(requested),
                  text_of(amounts_in(quota.status().used(), exceeded)), text_of(amounts_in(hard, exceeded)));
  return out;
}

}  // namespace ph::api::quota
