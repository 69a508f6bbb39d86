#include "controllers/resource_claim/pod_claims.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "controllers/common/ownership.h"
#include "informers/pod_asks.h"

namespace ph::controllers::resource_claim {

using nlohmann::json;

namespace {

// A name has 63 characters; the server adds five, and there is a hyphen before them.
constexpr std::size_t kBaseMost = 57;

// Both halves are still to be known: where they are too long, each gives up a part of its own length.
std::string base_of_name(const std::string& pod, const std::string& entry) {
  const std::size_t length = pod.size() + 1 + entry.size();
  if (length <= kBaseMost) return pod + "-" + entry;
  return pod.substr(0, pod.size() * kBaseMost / length) + "-" + entry.substr(0, entry.size() * kBaseMost / length);
}

std::string key_in(const PodView& pod, const std::string& name) { return std::string(pod.namespace_name.view()) + "/" + name; }

}  // namespace

std::vector<PodClaim> pod_claims(const PodView& pod) {
  if (!informers::asks_for_devices(pod)) return {};
  const core::v1::Pod asked = informers::asked_of(pod);
  std::vector<PodClaim> out;
  for (const auto& each : asked.spec().resource_claims()) {
    PodClaim entry{.name = each.name(), .from = each.resource_claim_template_name(), .claim = each.resource_claim_name()};
    const auto& all = asked.status().resource_claim_statuses();
    const auto said = std::ranges::find_if(all, [&](const auto& status) { return status.name() == each.name(); });
    if (!entry.from.empty() && said != all.end()) {
      entry.is_needless = !said->has_resource_claim_name();
      entry.claim = said->resource_claim_name();
    }
    out.push_back(std::move(entry));
  }
  return out;
}

std::vector<std::string> claim_keys(const PodView& pod) {
  std::vector<std::string> out;
  for (const PodClaim& entry : pod_claims(pod)) {
    if (!entry.claim.empty()) out.push_back(key_in(pod, entry.claim));
  }
  if (!informers::asks_for_devices(pod)) return out;
  const core::v1::Pod asked = informers::asked_of(pod);
  const std::string& extended = asked.status().extended_resource_claim_status().resource_claim_name();
  if (!extended.empty()) out.push_back(key_in(pod, extended));
  return out;
}

std::vector<std::string> template_keys(const PodView& pod) {
  std::vector<std::string> out;
  for (const PodClaim& entry : pod_claims(pod)) {
    if (!entry.from.empty()) out.push_back(key_in(pod, entry.from));
  }
  return out;
}

bool is_done(const PodView& pod) { return pod.finished() || (pod.deletion && pod.node_name.empty()); }

bool is_controlled_by(const Claim& claim, const PodView& pod) { return controller_uid(claim) == pod.uid; }

std::string made_for(const Claim& claim) {
  const auto found = claim.metadata().annotations().find(kPodClaimName);
  return found == claim.metadata().annotations().end() ? std::string() : found->second;
}

Claim claim_from_template(const PodView& pod, const PodClaim& entry, const Template& from) {
  Claim out;
  auto& metadata = *out.mutable_metadata();
  metadata.set_namespace_(std::string(pod.namespace_name.view()));
  metadata.set_generate_name(base_of_name(pod.name, entry.name) + "-");
  *metadata.mutable_labels() = from.spec().metadata().labels();
  *metadata.mutable_annotations() = from.spec().metadata().annotations();
  (*metadata.mutable_annotations())[kPodClaimName] = entry.name;
  auto& owner = *metadata.add_owner_references();
  owner.set_api_version("v1");
  owner.set_kind("Pod");
  owner.set_name(pod.name);
  owner.set_uid(pod.uid);
  owner.set_controller(true);
  *out.mutable_spec() = from.spec().spec();
  return out;
}

std::string status_document(const PodView& pod, const std::map<std::string, std::string>& made) {
  json statuses = json::array();
  for (const PodClaim& entry : pod_claims(pod)) {
    if (entry.from.empty()) continue;
    const auto found = made.find(entry.name);
    const std::string& name = found == made.end() ? entry.claim : found->second;
    if (name.empty() && !entry.is_needless) continue;
    statuses.push_back({{"name", entry.name}});
    if (!name.empty()) statuses.back()["resourceClaimName"] = name;
  }
  return json{{"apiVersion", "v1"},
              {"kind", "Pod"},
              {"metadata", {{"name", pod.name}, {"namespace", pod.namespace_name.view()}, {"uid", pod.uid}}},
              {"status", {{"resourceClaimStatuses", std::move(statuses)}}}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace ph::controllers::resource_claim
