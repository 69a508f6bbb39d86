#include "controllers/attach_detach/plan.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace ph::controllers::attach_detach {
namespace {

constexpr std::string_view kOutOfService = "node.kubernetes.io/out-of-service";

bool uses(const NodeView* node, const std::string& unique_name) {
  return node && std::ranges::find(node->volumes_in_use, unique_name) != node->volumes_in_use.end();
}
bool is_out_of_service(const NodeView* node) {
  return node && std::ranges::any_of(node->taints, [](const auto& taint) { return taint.key() == kOutOfService; });
}
bool is_told(const NodeView& node, const std::string& unique_name) {
  return std::ranges::any_of(node.volumes_attached, [&](const auto& each) { return each.first == unique_name; });
}
bool is_deleting(const Existing& existing) { return existing.attachment->metadata().has_deletion_timestamp(); }

const Existing* existing_of(const Facts& facts, const std::string& unique_name) {
  const auto found = std::ranges::find_if(
      facts.existing, [&](const Existing& each) { return each.volume && each.volume->unique_name() == unique_name; });
  return found == facts.existing.end() ? nullptr : &*found;
}
bool is_wanted(const Facts& facts, const Existing& existing) {
  return existing.volume && std::ranges::any_of(facts.wanted, [&](const Wanted& each) {
           return each.volume.unique_name() == existing.volume->unique_name();
         });
}

// A node that does not say what it uses is taken at its word of before, until it has had its time.
void judge_unwanted(const Facts& facts, const Existing& existing, Plan& plan) {
  const NodeView* node = facts.node.get();
  const std::string name = existing.volume ? existing.volume->unique_name() : std::string();
  const bool is_late = existing.unwanted_for > kForceAfter, is_out = is_out_of_service(node);
  const bool is_healthy = node && node->ready;
  const bool is_forced = is_late && facts.may_force && !is_healthy;
  if (!uses(node, name) || is_forced || is_out) {
    plan.detach.push_back({.attachment = existing.attachment, .unique_name = name, .asks_node = node && !is_late && !is_out});
    return;
  }
  if (existing.attachment->status().attached()) plan.told.emplace_back(name, "");
  if (is_late || !facts.may_force) return;
  const Duration left = kForceAfter - existing.unwanted_for + 1ms;
  plan.look_again = plan.look_again == Duration::zero() ? left : std::min(plan.look_again, left);
}

void judge_wanted(const Facts& facts, const Wanted& wanted, Plan& plan) {
  const std::string name = wanted.volume.unique_name();
  const Existing* existing = existing_of(facts, name);
  if (!existing) {
    if (!facts.node || !facts.node->is_attached_to) return;
    (wanted.is_elsewhere && !wanted.volume.is_shared ? plan.refused : plan.attach).push_back(wanted);
  } else if (!is_deleting(*existing)) {
    const bool is_attached = existing->attachment->status().attached();
    if (is_attached) plan.told.emplace_back(name, "");
    if (is_attached && facts.node && !is_told(*facts.node, name)) plan.attached.push_back(wanted);
    if (!is_attached) plan.waiting.push_back(wanted);
  }
}

// In the order in which the node has them, with what others have put there.
void order_as_told(const NodeView* node, Plan& plan) {
  if (!node) return;
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& each : node->volumes_attached) {
    const auto stays = std::ranges::find_if(plan.told, [&](const auto& told) { return told.first == each.first; });
    if (stays == plan.told.end() && each.first.starts_with(kCsiPrefix)) continue;
    out.push_back(each);
    if (stays != plan.told.end()) plan.told.erase(stays);
  }
  std::ranges::sort(plan.told);
  out.insert(out.end(), plan.told.begin(), plan.told.end());
  plan.told = std::move(out);
}

std::string about(std::string_view what, const Wanted& wanted, std::string_view more) {
  return fmt::format("{} for volume \"{}\" {}", what, wanted.volume.name, more);
}

}  // namespace

Plan plan(const Facts& facts) {
  Plan out;
  // Its kubelet does it.
  if (facts.node && !facts.node->is_attached_to) return out.told = facts.node->volumes_attached, out;
  for (const Wanted& wanted : facts.wanted) judge_wanted(facts, wanted, out);
  for (const Existing& existing : facts.existing) {
    if (!is_deleting(existing) && !is_wanted(facts, existing)) judge_unwanted(facts, existing, out);
  }
  order_as_told(facts.node.get(), out);
  return out;
}

std::string told_patch(const std::string& uid, const std::vector<std::pair<std::string, std::string>>& told) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [name, path] : told) list.push_back({{"name", name}, {"devicePath", path}});
  if (list.empty()) list = nullptr;
  return nlohmann::json{{"metadata", {{"uid", uid}}}, {"status", {{"volumesAttached", std::move(list)}}}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string attached_text(const Wanted& wanted) { return about("AttachVolume.Attach succeeded", wanted, ""); }

std::string failed_text(const Wanted& wanted, const std::string& why) {
  return about("AttachVolume.Attach failed", wanted, ": " + why);
}

std::string late_text(const Wanted& wanted) {
  return failed_text(wanted, fmt::format("timed out waiting for external-attacher of {} CSI driver to attach volume {}",
                                         wanted.volume.driver, wanted.volume.handle));
}

std::string elsewhere_text(const Wanted& wanted, const PodView& pod) {
  std::vector<std::string_view> names;
  std::size_t others = 0;
  for (const Ref<PodView>& each : wanted.pods_elsewhere) {
    if (each->namespace_name == pod.namespace_name) names.push_back(each->name);
    else ++others;
  }
  const std::string in_others = fmt::format("{} pod(s) in different namespaces", others);
  std::string why = "Volume is already exclusively attached to one node and can't be attached to another";
  if (!names.empty()) {
    why = fmt::format("Volume is already used by pod(s) {}", fmt::join(names, ", "));
    if (others > 0) why += " and " + in_others;
  } else if (others > 0) {
    why = "Volume is already used by " + in_others;
  }
  return about("Multi-Attach error", wanted, why);
}

}  // namespace ph::controllers::attach_detach
