#include "pilothouse/flow_graph.h"

#include <algorithm>
#include <map>
#include <memory>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "daemon/program.h"
#include "pilothouse/asking.h"
#include "pilothouse/version.h"
#include "scheduler/cluster/cache.h"
#include "scheduler/config/configuration.h"
#include "scheduler/flow/graph_check.h"
#include "scheduler/flow/planner.h"

namespace ph::pilothouse {

using core::v1::Node, core::v1::Pod;
using daemon::FlagError;
using nlohmann::json;
using namespace scheduler;

namespace {

constexpr const char* kAsItComes = R"(
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: flow-scheduler
  plugins: {multiPoint: {enabled: [{name: FlowPlacement}]}}
)";

bool places_by_flow(const ProfileSpec& spec) {
  return std::ranges::any_of(
      spec.points, [](const auto& point) { return std::ranges::find(point.second, "FlowPlacement") != point.second.end(); });
}

ProfileSpec profile_of(const std::string& configuration, const std::string& name) {
  const Configuration all = Configuration::parse(configuration.empty() ? kAsItComes : configuration);
  for (const ProfileSpec& spec : all.profiles) {
    if (name.empty() ? places_by_flow(spec) : spec.scheduler_name == name) {
      if (!places_by_flow(spec)) throw FlagError(fmt::format("profile {} does not place by flow", name));
      return spec;
    }
  }
  throw FlagError(name.empty() ? "no profile places by flow" : fmt::format("there is no profile {}", name));
}

template <class T>
T decoded(const json& object) {
  T out;
  api::decode_json(object.dump(), out);
  return out;
}

// Once each, and before what is made of it.
void take(const json& object, Cache& cache, std::vector<Pod>& waiting) {
  const std::string kind = object.is_object() ? object.value("kind", "") : "";
  if (kind == "Node") {
    cache.put_node(std::make_shared<const Node>(decoded<Node>(object)));
  } else if (kind == "Pod") {
    Pod pod = decoded<Pod>(object);
    if (pod.metadata().namespace_().empty()) pod.mutable_metadata()->set_namespace_("default");
    if (pod.metadata().uid().empty()) pod.mutable_metadata()->set_uid(pod.metadata().namespace_() + "/" + pod.metadata().name());
    PodRef info = make_pod_info(pod);
    if (info->finished || info->deleting) return;
    if (info->assigned()) {
      cache.put_pod(std::move(info));
    } else {
      waiting.push_back(std::move(pod));
    }
  }
}

std::vector<QueuedRef> queued(const std::vector<Pod>& pods, const Profile& profile) {
  std::vector<QueuedRef> out;
  for (const Pod& pod : pods) {
    const std::string& name = pod.spec().scheduler_name();
    if ((name.empty() ? "default-scheduler" : name) != profile.scheduler_name() || pod.spec().scheduling_gates_size() > 0)
      continue;
    auto one = std::make_shared<QueuedPod>();
    one->pod = std::make_shared<const Pod>(pod);
    one->info = make_pod_info(pod);
    one->profile = &profile;
    one->place = QueuedPod::Place::InFlight;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

std::string flow_graph(const std::vector<json>& objects, const std::string& configuration, const std::string& scheduler_name) {
  Cache cache;
  std::vector<Pod> waiting;
  for (const json& object : objects) take(object, cache, waiting);
  Snapshot snapshot;
  cache.update(snapshot);
  const Nominator nominated;
  const Profile profile(profile_of(configuration, scheduler_name), {.snapshot = &snapshot});
  flow::Planner planner(profile, flow::make_race(flow::Turns::kOneAfterAnother));

  std::vector<QueuedRef> pods = queued(waiting, profile);
  flow::Gangs gangs;
  for (const QueuedRef& pod : pods) {
    if (const auto claim = flow::gang_of(*pod->info); claim && claim->least > 0) {
      flow::Gang& gang = gangs.try_emplace(claim->key, flow::Gang{.rank = gangs.size()}).first->second;
      gang.least = std::max(gang.least, claim->least);
    }
  }
  std::vector<flow::Group> groups = planner.group(pods, gangs);
  planner.plan(groups, gangs, {snapshot, cache.changes(), nominated}, {});
  std::map<std::string, std::string, std::less<>> titles;
  for (const flow::Group& group : groups) titles.emplace(group.key, group.pods.front()->info->name);
  const std::vector<std::string> names = planner.network().names(titles);
  std::ostringstream out;
  flow::write_graph(out, planner.network().network(),
                    [&names](flow::NodeIndex node) { return names[static_cast<std::size_t>(node)]; });
  return out.str();
}

// -- The program

void add_flags(daemon::FlagSet& flags, FlowGraphOptions& options) {
  flags.section("What there is");
  flags.add_array("filename", options.files,
                  "A file (- is standard input) with nodes and pods, in a list or one after the other");
  flags.shorthand('f', "filename");
  flags.section("Which profile");
  flags.add("config", options.config, "A KubeSchedulerConfiguration file; without it a profile flow-scheduler as it comes");
  flags.add("scheduler-name", options.scheduler_name, "The profile; else the first that places by flow");
}

namespace {

int run(const FlowGraphOptions& options) {
  if (options.files.empty())
    throw FlagError("of which nodes and pods? `kubectl get nodes,pods -A -o yaml | pilothouse flow-graph -f -`");
  std::vector<json> objects;
  for (const std::string& file : options.files) {
    for (json& document : documents(content_of(file))) {
      const bool list = document.is_object() && document.value("kind", "").ends_with("List");
      if (!list) {
        objects.push_back(std::move(document));
        continue;
      }
      for (json& item : document["items"]) objects.push_back(std::move(item));
    }
  }
  fmt::print("{}",
             flow_graph(objects, options.config.empty() ? std::string() : content_of(options.config), options.scheduler_name));
  return 0;
}

}  // namespace

int flow_graph_program(const std::string& program, std::span<const std::string> args) {
  FlowGraphOptions options;
  daemon::FlagSet flags(program);
  add_flags(flags, options);
  return daemon::run_program(program, kVersion, flags, args, [&] { return run(options); });
}

}  // namespace ph::pilothouse
