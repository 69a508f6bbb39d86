// kube-scheduler's verdicts and scores of every node, whom it preempts, and its hints: parts of a cycle, asked by themselves.
#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "tests/vectors/play.h"
#include "tests/vectors/scheduler_cycle.h"
#include "tests/vectors/scheduler_objects.h"

namespace ph::vectors {
namespace {

using core::v1::Node, core::v1::Pod;
using scheduler::Profile, scheduler::SchedulerPod;

std::string name_of(const Json& row) { return row.at("name"); }
std::string theme_of(const Json& row) { return row.at("tags").at(0); }

Json members(const Json& document, std::initializer_list<const char*> names) {
  Json out = Json::object();
  for (const char* name : names) {
    if (document.contains(name)) out[name] = document[name];
  }
  return out;
}

Json with_sorted_reasons(Json result) {
  if (result.contains("rejected")) {
    for (Json& verdict : result["rejected"]) sort_list(verdict["reasons"]);
  }
  if (result.contains("preFilter")) sort_list(result["preFilter"]["reasons"]);
  return result;
}

// Which plugin's word it is that differs.
std::string plugin_at_fault(const Json& recorded, const Json& got) {
  if (recorded.contains("preFilter")) return recorded["preFilter"]["plugin"];
  for (const auto& [node, verdict] : recorded.value("rejected", Json::object()).items()) {
    const Json ours = got.value("rejected", Json::object()).value(node, Json());
    if (ours != verdict) return verdict["plugin"];
  }
  for (const auto& [node, verdict] : got.value("rejected", Json::object()).items()) {
    if (!recorded.value("rejected", Json::object()).contains(node)) return verdict["plugin"].get<std::string>() + " too strict";
  }
  return "PreFilter";
}

bool is_absent(const std::string& plugin) { return scheduler::is_upstream_plugin(plugin) && !scheduler::find_plugin(plugin); }

Outcome not_served(const std::string& plugin, int level, const std::string& differs) {
  Outcome out = Outcome::not_served(plugin);
  out.level = level;
  out.shown = differs;
  return out;
}

// Level 1 when the verdicts agree.
Outcome judge_verdicts(const Json& recorded, const Json& got) {
  Bindings none;
  const auto judged = {"feasible", "rejected", "preFilter"};
  const std::string differs = differences(with_sorted_reasons(members(recorded, judged)), members(got, judged), none);
  if (differs.empty()) return Outcome::agrees(1);
  const std::string plugin = plugin_at_fault(with_sorted_reasons(recorded), got);
  if (is_absent(plugin)) return not_served(plugin, 0, differs);
  return Outcome::differs(0, "verdict of " + plugin, differs);
}

class FilterScorePlayer final : public Player {
 public:
  Outcome play(const Json& row) override {
    std::optional<Cycle> cycle;
    try {
      cycle.emplace(row, configuration_of(row));
    } catch (const std::exception& error) {
      return Outcome::not_served(std::string("configuration: ") + error.what());
    }
    const Json& recorded = row["result"];
    const Json got = cycle->verdicts();
    if (Outcome out = judge_verdicts(recorded, got); out.level == 0) return out;
    Bindings none;
    std::string differs;
    if (recorded.contains("totals")) {
      differs = differences(recorded["totals"], got.value("totals", Json::object()), none);
      if (!differs.empty()) return judge_scores(recorded, differs);
    }
    return judge_choice(recorded, cycle->choose());
  }

 private:
  static Outcome judge_scores(const Json& recorded, const std::string& differs) {
    for (const auto& [node, scores] : recorded["scores"].items()) {
      for (const auto& [plugin, score] : scores.items()) {
        if (is_absent(plugin) && score[1] != 0) return not_served(plugin, 1, differs);
      }
    }
    return Outcome::differs(1, "scores", "totals " + differs + "recorded scores " + recorded["scores"].dump() + "\n");
  }

  static Outcome judge_choice(const Json& recorded, const Cycle::Choice& choice) {
    if (recorded.contains("best")) {
      const std::string suggested = recorded.value("suggested", "");
      const bool good = suggested.empty() ? std::ranges::find(recorded["best"], Json(choice.node)) != recorded["best"].end()
                                          : choice.node == suggested;
      if (good) return Outcome::agrees(3);
      return Outcome::differs(2, "choice",
                              fmt::format("recorded {}, got {} {}\n", recorded["best"].dump(), choice.node, choice.message));
    }
    std::string shown;
    if (recorded.value("message", "") != choice.message) {
      shown += fmt::format("recorded {}\ngot      {}\n", recorded.value("message", ""), choice.message);
    }
    if (Json(choice.plugins) != recorded["unschedulablePlugins"]) {
      shown += fmt::format("plugins recorded {}, got {}\n", recorded["unschedulablePlugins"].dump(), Json(choice.plugins).dump());
    }
    if (shown.empty()) return Outcome::agrees(3);
    // The part after the first sentence is preemption's.
    if (is_absent("DefaultPreemption") && recorded["message"].get<std::string>().starts_with(choice.message)) {
      return not_served("DefaultPreemption", 2, shown);
    }
    return Outcome::differs(2, "message", shown);
  }
};

TEST(Scheduler, FilterScore) {
  FilterScorePlayer player;
  play({.name = "scheduler/filter_score", .levels = {"verdicts", "scores", "whole"}, .row_name = name_of, .group = theme_of},
       player);
}

// -- Preemption

class PreemptionPlayer final : public Player {
 public:
  Outcome play(const Json& row) override {
    std::optional<Cycle> cycle;
    try {
      cycle.emplace(row, configuration_of(row));
    } catch (const std::exception& error) {
      return Outcome::not_served(std::string("configuration: ") + error.what());
    }
    const Json &recorded = row["result"], &expected = recorded["postFilter"];
    if (Outcome out = judge_verdicts(recorded, cycle->verdicts()); out.level == 0) return out;
    const std::optional<Json> got = cycle->preempt();
    if (!got) return not_served("DefaultPreemption", 1, expected.dump() + "\n");
    const std::string node = got->value("nominatedNodeName", "");
    const std::string shown = fmt::format("recorded {}\ngot      {}\n", expected.dump(), got->dump());
    if (!is_good_choice(expected, node)) return Outcome::differs(1, "choice", shown);
    // Of nodes that are as good as each other any may be taken; the victims are told for one.
    const Json victims = expected.value("candidates", Json::object()).value(node, Json::object()).value("pods", Json::array());
    if (expected.value("nominatedNodeName", "") == node &&
        sorted(expected.value("deleted", Json::array())) != sorted((*got)["deleted"])) {
      return Outcome::differs(1, "victims", shown);
    }
    for (const Json& pod : (*got)["deleted"]) {
      if (std::ranges::find(victims, pod) == victims.end()) return Outcome::differs(1, "a victim too much", shown);
    }
    const Cycle::Choice choice = cycle->choose();
    if (Json(choice.message) == recorded["message"]) return Outcome::agrees(3);
    return Outcome::differs(2, "message",
                            fmt::format("recorded {}\ngot      {}\n", recorded["message"].get<std::string>(), choice.message));
  }

 private:
  static bool is_good_choice(const Json& expected, const std::string& node) {
    const Json choices = expected.value("choices", Json::array());
    return choices.empty() ? node.empty() : std::ranges::find(choices, Json(node)) != choices.end();
  }
  static Json sorted(Json list) { return sort_list(list), list; }
};

TEST(Scheduler, Preemption) {
  PreemptionPlayer player;
  play({.name = "scheduler/preemption", .levels = {"verdicts", "victims", "whole"}, .row_name = name_of, .group = theme_of},
       player);
}

// -- Hints

class HintsPlayer final : public Player {
 public:
  Outcome play(const Json& row) override {
    std::optional<IdleScheduler> idle;
    try {
      idle.emplace(row, configuration_of(row), IdleScheduler::Uids::Recorded);
    } catch (const std::exception& error) {
      return Outcome::not_served(std::string("configuration: ") + error.what());
    }
    const Json& change = row["change"];
    const std::string kind = change["kind"];
    waiting_ = decoded<Pod>(completed_pod(kind == "OwnPod" ? change["new"] : row["pod"]));
    const Profile* profile = idle->profile(waiting_);
    const Json got = kind == "Node"          ? node_events(change, *profile)
                     : kind == "AssignedPod" ? pod_events(change, *profile)
                     : kind == "OwnPod"      ? own_events(change, *profile)
                                             : other_events(kind, change, *profile);
    return judge(row["events"], got);
  }

 private:
  static Outcome judge(const Json& recorded, const Json& got) {
    Bindings none;
    const std::string differs = differences(recorded, got, none);
    if (differs.empty()) return Outcome::agrees(2);
    const auto names = [](const Json& events) {
      Json out = Json::array();
      for (const Json& event : events) out.push_back(event["event"]);
      return out;
    };
    if (names(recorded) != names(got))
      return Outcome::differs(0, fmt::format("events {} are {}", names(recorded).dump(), names(got).dump()), differs);
    for (std::size_t i = 0; i < got.size(); ++i) {
      const Json theirs = recorded[i].value("hints", Json::object()), ours = got[i].value("hints", Json::object());
      for (const auto& [plugin, hint] : theirs.items()) {
        if (ours.value(plugin, Json()) == hint) continue;
        Outcome out =
            is_absent(plugin)
                ? Outcome::not_served(plugin)
                : Outcome::differs(1, fmt::format("hint of {} for {}", plugin, recorded[i]["event"].get<std::string>()), {});
        out.level = 1;
        out.shown = differs;
        return out;
      }
    }
    return Outcome::differs(1, "a plugin too much", differs);
  }

  template <class Changes>
  Json events(const scheduler::ClusterEvents& happened, const Profile& profile, const Changes& change_of) const {
    Json out = Json::array();
    for (int i = 0; i < scheduler::kClusterEvents; ++i) {
      const auto event = static_cast<scheduler::ClusterEvent>(i);
      if (!happened.has(event)) continue;
      scheduler::ClusterChange change = change_of();
      change.event = event;
      Json hints = Json::object();
      for (const std::string& name : plugins_of(profile)) {
        if ((profile.woken_by(event) & profile.bit_of(name)) == 0) continue;
        hints[name] = profile.hint(name, change, waiting_) == scheduler::QueueingHint::Queue ? "Queue" : "QueueSkip";
      }
      out.push_back({{"event", scheduler::to_string(event)}, {"hints", std::move(hints)}});
    }
    return out;
  }

  // Those that reject pods.
  static std::set<std::string> plugins_of(const Profile& profile) {
    std::set<std::string> out;
    using scheduler::Point;
    for (const Point point :
         {Point::PreEnqueue, Point::PreFilter, Point::Filter, Point::PostFilter, Point::Reserve, Point::Permit}) {
      const auto found = profile.spec().points.find(point);
      if (found != profile.spec().points.end()) out.insert(found->second.begin(), found->second.end());
    }
    return out;
  }

  Json node_events(const Json& change, const Profile& profile) const {
    using scheduler::ClusterEvent;
    const auto node = [&](const char* name) -> scheduler::NodeRef {
      return change.contains(name) ? std::make_shared<const Node>(decoded<Node>(completed(change[name]))) : nullptr;
    };
    const auto before = node("old"), after = node("new");
    const scheduler::ClusterEvents happened = !before  ? scheduler::ClusterEvents{ClusterEvent::NodeAdded}
                                              : !after ? scheduler::ClusterEvents{ClusterEvent::NodeDeleted}
                                                       : scheduler::events_of(*before, *after);
    return events(happened, profile,
                  [&] { return scheduler::ClusterChange{.event = {}, .node_before = before, .node_after = after}; });
  }

  Json pod_events(const Json& change, const Profile& profile) const {
    using scheduler::ClusterEvent;
    const auto pod = [&](const char* name) -> scheduler::PodRef {
      return change.contains(name) ? scheduler::make_pod_info(decoded<Pod>(completed_pod(change[name]))) : nullptr;
    };
    const auto before = pod("old"), after = pod("new");
    const scheduler::ClusterEvents happened = !before  ? scheduler::ClusterEvents{ClusterEvent::AssignedPodAdded}
                                              : !after ? scheduler::ClusterEvents{ClusterEvent::AssignedPodDeleted}
                                                       : scheduler::events_of(*before, *after);
    return events(happened, profile,
                  [&] { return scheduler::ClusterChange{.event = {}, .pod_before = before, .pod_after = after}; });
  }

  Json other_events(const std::string& kind, const Json& change, const Profile& profile) const {
    using enum scheduler::ClusterEvent;
    if (kind == "PersistentVolume") return other_events<core::v1::PersistentVolume>(change, profile, PersistentVolumeAdded);
    if (kind == "PersistentVolumeClaim") {
      return other_events<core::v1::PersistentVolumeClaim>(change, profile, PersistentVolumeClaimAdded);
    }
    if (kind == "StorageClass") return other_events<storage::v1::StorageClass>(change, profile, StorageClassAdded);
    if (kind == "CSINode") return other_events<storage::v1::CSINode>(change, profile, CsiNodeAdded);
    if (kind == "CSIDriver") return other_events<storage::v1::CSIDriver>(change, profile, CsiDriverAdded);
    if (kind == "CSIStorageCapacity") {
      return other_events<storage::v1::CSIStorageCapacity>(change, profile, CsiStorageCapacityAdded);
    }
    if (kind == "VolumeAttachment") return other_events<storage::v1::VolumeAttachment>(change, profile, VolumeAttachmentAdded);
    if (kind == "ResourceClaim") return other_events<resources::v1::ResourceClaim>(change, profile, ResourceClaimAdded);
    if (kind == "ResourceSlice") return other_events<resources::v1::ResourceSlice>(change, profile, ResourceSliceAdded);
    if (kind == "DeviceClass") return other_events<resources::v1::DeviceClass>(change, profile, DeviceClassAdded);
    return Json::array();
  }

  // The events of a kind follow each other: added, changed, deleted.
  template <class T>
  Json other_events(const Json& change, const Profile& profile, scheduler::ClusterEvent added) const {
    const auto object = [&](const char* name) -> scheduler::AnyObject {
      return change.contains(name) ? std::make_shared<const T>(decoded<T>(completed(change[name]))) : nullptr;
    };
    const auto before = object("old"), after = object("new");
    const int step = !before ? 0 : after ? 1 : 2;
    const auto event = static_cast<scheduler::ClusterEvent>(static_cast<int>(added) + step);
    return events({event}, profile,
                  [&] { return scheduler::ClusterChange{.event = {}, .object_before = before, .object_after = after}; });
  }

  Json own_events(const Json& change, const Profile& profile) const {
    const auto before = SchedulerPod::of(decoded<Pod>(completed_pod(change["old"])));
    const auto after = SchedulerPod::of(decoded<Pod>(completed_pod(change["new"])));
    // One that has a node is as any other that has one.
    const scheduler::ClusterEvents happened =
        after->info->assigned() ? scheduler::events_of(*before->info, *after->info) : scheduler::events_of(*before, *after);
    return events(happened, profile, [&] {
      return scheduler::ClusterChange{.event = {},
                                      .pod_before = before->info,
                                      .pod_after = after->info,
                                      .waiting_before = before->pending(),
                                      .waiting_after = after->pending()};
    });
  }

  Pod waiting_;
};

TEST(Scheduler, Hints) {
  HintsPlayer player;
  play({.name = "scheduler/hints", .levels = {"events", "hints"}, .row_name = name_of, .group = theme_of}, player);
}

}  // namespace
}  // namespace ph::vectors
