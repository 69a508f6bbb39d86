#include "tests/vectors/scheduler_cycle.h"

#include <algorithm>

#include "apiserver/storage/memory.h"
#include "pilothouse/extenders.h"
#include "tests/vectors/scheduler_objects.h"

namespace ph::vectors {

using core::v1::Node, core::v1::Pod;
using scheduler::Configuration, scheduler::CycleState, scheduler::Diagnosis, scheduler::NodeInfo, scheduler::Profile,
    scheduler::Scheduler, scheduler::SchedulerPod, scheduler::Verdict;

namespace {

Json shown(const Verdict& verdict) {
  // In no fixed order upstream where they are of several resources.
  std::vector<std::string> reasons;
  for (const std::string_view reason : verdict.reasons()) reasons.emplace_back(reason);
  std::ranges::sort(reasons);
  return {{"plugin", verdict.plugin()}, {"code", scheduler::to_string(verdict.code())}, {"reasons", reasons}};
}

Identity everyone() { return {.name = "scheduler", .uid = {}, .groups = {"system:masters"}, .extra = {}}; }

}  // namespace

Configuration configuration_of(const Json& row) {
  if (!row.contains("config")) return Configuration::defaults();
  Json config = row["config"];
  config["apiVersion"] = "kubescheduler.config.k8s.io/v1";
  config["kind"] = "KubeSchedulerConfiguration";
  return Configuration::parse(config.dump());
}

IdleScheduler::IdleScheduler(const Json& row, Configuration configuration, Uids uids)
    : store_(apiserver::memory_store(executor_, executor_.clock())),
      server_(executor_, rng_, *store_, Log(),
              {.keep_kubernetes_service = false, .keep_api_services = false, .keep_flow_schemas = false}),
      scope_(executor_),
      transport_(in_process_transport(server_, executor_, everyone())),
      client_(*transport_, "kube-scheduler"),
      informers_(executor_, client_, rng_, {}),
      scheduler_({.executor = executor_,
                  .clock = executor_.clock(),
                  .rng = rng_,
                  .client = client_,
                  .informers = informers_,
                  .log = {},
                  .extender_transports =
                      [this](const scheduler::ExtenderSpec& spec) {
                        if (!io_) io_.emplace(1);
                        return pilothouse::extender_transports(*io_, executor_)(spec);
                      },
                  .objects = &objects_},
                 std::move(configuration)) {
  scope_.spawn(server_.start());
  executor_.drain();
  store_others(row["objects"]);
  // As a server lists them: what the first node to have an image says of it goes for all.
  Json nodes = row["objects"].value("nodes", Json::array());
  const auto name_of = [](const Json& node) { return node["metadata"]["name"].get<std::string>(); };
  std::sort(nodes.begin(), nodes.end(), [&](const Json& a, const Json& b) { return name_of(a) < name_of(b); });
  for (const Json& node : nodes) {
    scheduler_.cache().put_node(std::make_shared<const Node>(decoded<Node>(completed(node))));
  }
  for (const Json& pod : row["objects"].value("pods", Json::array())) put_pod(stored(pod));
  const Json pod = stored(row["pod"]);
  // One that names its node is there already, and so the recorder's scheduler counted it.
  if (!pod["spec"].value("nodeName", "").empty()) put_pod(pod);
  pod_ = decoded<Pod>(pod);
  if (uids == Uids::Recorded) uids_.clear();
  add_row_objects(row["objects"], uids_, objects_);
  Scheduler::warm(informers_, Configuration());
  executor_.drain();
}

IdleScheduler::~IdleScheduler() {
  scope_.cancel();
  executor_.clear();
}

// With the UID that the server has given it.
Json IdleScheduler::stored(Json pod) {
  pod = completed_pod(std::move(pod));
  pod["kind"] = "Pod";
  pod["apiVersion"] = "v1";
  const Json made = send("POST", "/api/v1/namespaces/" + pod["metadata"]["namespace"].get<std::string>() + "/pods", pod);
  if (made.contains("metadata") && made["metadata"].contains("uid")) {
    uids_[pod["metadata"]["uid"]] = made["metadata"]["uid"];
    pod["metadata"]["uid"] = made["metadata"]["uid"];
  }
  return pod;
}

void IdleScheduler::put_pod(const Json& document) {
  const auto pod = SchedulerPod::of(decoded<Pod>(document));
  if (pod->info->finished) return;
  if (pod->info->assigned()) return scheduler_.cache().put_pod(pod->info);
  if (const Profile* profile = scheduler_.profile(pod->info->scheduler_name.view())) scheduler_.queue().add(*pod, *profile);
}

// Kinds that are not served are left out: who needs them disagrees.
void IdleScheduler::store_others(const Json& objects) {
  store_object("v1", "Namespace", "namespaces", false,
               Json::parse(R"({"metadata":{"name":"default","labels":{"kubernetes.io/metadata.name":"default"}}})"));
  for (const OtherKind& kind : kOtherKinds) {
    if (kind.kind == std::string_view("Pod")) continue;
    for (const Json& object : objects.value(kind.list, Json::array())) {
      store_object(kind.api_version, kind.kind, kind.plural, kind.namespaced, object);
    }
  }
}

void IdleScheduler::store_object(const char* api_version, const char* kind, const char* plural, bool namespaced, Json object) {
  object["kind"] = kind;
  object["apiVersion"] = api_version;
  const std::string version = api_version;
  std::string path = (version.find('/') == std::string::npos ? "/api/" : "/apis/") + version;
  if (namespaced) path += "/namespaces/" + object["metadata"].value("namespace", "default");
  path += std::string("/") + plural;
  const Json made = send("POST", path, object);
  if (!object.contains("status") || !made.contains("metadata") || !made["metadata"].contains("resourceVersion")) return;
  object["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"];  // some kinds are not changed without one
  send("PUT", path + "/" + object["metadata"].value("name", "") + "/status", object);
}

Json IdleScheduler::send(const char* method, std::string path, const Json& body) {
  HttpRequest request;
  request.method = method;
  request.target = std::move(path);
  if (!body.is_null()) request.body = body.dump();
  request.headers.add("Content-Type", "application/json");
  const auto text = std::make_shared<std::string>();
  scope_.spawn([](Transport& transport, HttpRequest request, std::shared_ptr<std::string> text) -> Task<void> {
    const HttpResponse response = co_await transport.send(std::move(request), false);
    for (const SharedBytes& piece : response.render ? response.render() : response.body) *text += *piece;
  }(*transport_, std::move(request), text));
  executor_.drain();
  const Json answer = Json::parse(*text, nullptr, false);
  return answer.is_object() ? answer : Json::object();
}

std::set<std::string> IdleScheduler::living_pods() {
  std::set<std::string> out;
  const Json all = send("GET", "/api/v1/pods");
  for (const Json& pod : all.value("items", Json::array())) {
    if (!pod["metadata"].contains("deletionTimestamp")) out.insert(object_key(pod));
  }
  return out;
}

Cycle::Cycle(const Json& row, Configuration configuration)
    : scheduler_(row, std::move(configuration)),
      pod_(scheduler_.pod()),
      info_(scheduler::make_pod_info(pod_)),
      profile_(scheduler_.profile(pod_)) {
  scheduler_->cache().update(snapshot_);
}

Json Cycle::verdicts() {
  // Plugins look at the scheduler's own snapshot: a first placement brings it up to date.
  Diagnosis ignored;
  CycleState first(info_);
  scheduler_->place(*profile_, first, pod_, ignored);

  Json out = {{"feasible", Json::array()}};
  CycleState& state = state_.emplace(info_);
  const auto filtered = profile_->pre_filter(state, pod_, snapshot_.nodes());
  if (!filtered.verdict.success()) {
    out["preFilter"] = shown(filtered.verdict);
    rejections_.others = filtered.verdict;
    return out;
  }
  if (filtered.nodes) out["preFilterNodes"] = *filtered.nodes;
  std::vector<const NodeInfo*> feasible;
  std::set<std::string> names;
  for (const NodeInfo* node : snapshot_.nodes()) {
    if (filtered.nodes && !filtered.nodes->contains(node->name())) continue;
    Verdict verdict = profile_->filter(state, pod_, *node, scheduler_->queue().nominated());
    if (verdict.success()) {
      feasible.push_back(node);
      names.insert(node->name());
    } else {
      out["rejected"][node->name()] = shown(verdict);
      rejections_.nodes.push_back({node, std::move(verdict)});
    }
  }
  out["feasible"] = names;
  if (!feasible.empty()) add_scores(state, feasible, out);
  return out;
}

void Cycle::add_scores(CycleState& state, const std::vector<const NodeInfo*>& feasible, Json& out) {
  out["totals"] = Json::object();
  if (!profile_->pre_score(state, pod_, feasible).success()) return;
  for (const auto& score : profile_->score(state, pod_, feasible)) out["totals"][score.node->name()] = score.score;
}

std::optional<Json> Cycle::preempt() {
  if (!profile_->has_post_filters()) return std::nullopt;
  const std::set<std::string> before = scheduler_.living_pods();
  made_room_ = scheduler_.run(profile_->post_filter(*state_, pod_, rejections_));
  const std::set<std::string> after = scheduler_.living_pods();
  std::vector<std::string> deleted;
  std::ranges::set_difference(before, after, std::back_inserter(deleted));
  return Json{{"nominatedNodeName", made_room_->nominated_node.value_or("")},
              {"message", made_room_->verdict.message()},
              {"deleted", deleted}};
}

Cycle::Choice Cycle::choose() {
  CycleState state(info_);
  Diagnosis diagnosis;
  const auto placement = scheduler_->place(*profile_, state, pod_, diagnosis);
  Choice out;
  if (placement.node) {
    out.node = placement.node->name();
    return out;
  }
  if (!made_room_) preempt();
  if (made_room_) diagnosis.post_filter_message = made_room_->verdict.message();
  out.message = scheduler::fit_message(diagnosis);
  for (const std::string_view plugin : diagnosis.rejectors) out.plugins.emplace(plugin);
  return out;
}

}  // namespace ph::vectors
