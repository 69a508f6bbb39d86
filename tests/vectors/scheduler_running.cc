#include "tests/vectors/scheduler_running.h"

#include <algorithm>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "tests/vectors/scheduler_objects.h"

namespace ph::vectors {
namespace {

// How the extender of that address answers.
class RecordedExtender final : public Transport {
 public:
  RecordedExtender(std::string url, std::string refusal)
      : way_(url.substr(url.rfind('/') + 1)), dead_(url.find(":30998") != std::string::npos), refusal_(std::move(refusal)) {}

  Task<HttpResponse> send(HttpRequest request, bool) override {
    if (dead_) throw TransportError("dial tcp 127.0.0.1:30998: connect: connection refused");
    HttpResponse response;
    response.body.push_back(share(answer(request.target.substr(1), Json::parse(request.body), response.status)));
    co_return response;
  }

 private:
  std::string answer(const std::string& verb, const Json& question, int& status) const {
    if (way_ == "text") return "hello";
    if (way_ == "500" || (way_ == "prio500" && verb == "prioritize")) return status = 500, "";
    if (verb == "bind") return Json{{"Error", way_ == "bindfails" ? "will not bind" : ""}}.dump();
    if (way_ == "error") return Json{{"Error", "extender is out of order"}}.dump();
    if (way_ == "refuse") return Json{{"FailedNodes", all(question, refusal_)}}.dump();
    if (way_ == "unresolvable") return Json{{"FailedAndUnresolvableNodes", all(question, "never says extender")}}.dump();
    return Json{{"Nodes", question["Nodes"]}, {"NodeNames", question["NodeNames"]}}.dump();
  }
  static Json all(const Json& question, const std::string& reason) {
    Json out = Json::object();
    for (const Json& node : question["Nodes"]["items"]) out[node["metadata"]["name"].get<std::string>()] = reason;
    return out;
  }

  const std::string way_;
  const bool dead_;
  const std::string refusal_;
};

// Flags stand before it, in a comment.
std::string config_text(Json config) {
  if (config.is_null() || config.empty()) return {};
  std::string flags = "#";
  for (const std::string flag : config.value("_args", Json::array())) flags += " " + flag;
  config.erase("_args");
  config["apiVersion"] = "kubescheduler.config.k8s.io/v1";
  config["kind"] = "KubeSchedulerConfiguration";
  return flags + "\n" + std::regex_replace(config.dump(), std::regex(R"(\{EXTENDER\})"), "30615");
}

sim::Setup setup(const Json& config, const std::string& refusal, Metrics& metrics) {
  sim::Setup out = sim::no_loops();
  out.scheduler(config_text(config)).counted_by(metrics);
  // As the rows' apiserver was: a priority is taken as it is written, say.
  out.access().without_admission(
      {"ServiceAccount", "Priority", "DefaultTolerationSeconds", "TaintNodesByCondition", "StorageObjectInUseProtection"});
  out.extenders(
      [refusal](const scheduler::ExtenderSpec& spec) { return std::make_unique<RecordedExtender>(spec.url_prefix, refusal); });
  return out;
}

Json with_version(Json object) {
  for (const OtherKind& kind : kOtherKinds) {
    if (object.value("kind", "") == kind.kind) object["apiVersion"] = kind.api_version;
  }
  return object;
}

}  // namespace

RunningScheduler::RunningScheduler(const Json& config, const std::string& refusal)
    : cluster_(setup(config, refusal, metrics_)), user_(cluster_, "user") {
  cluster_.advance(1s);
}

bool RunningScheduler::take(const Json& step) {
  const std::string verb = step[0];
  if (verb == "sleep") return pass(step[1]), true;
  const Json object = with_version(step[1]);
  const std::string path = path_of(object);
  if (path.empty()) return false;
  const char* merge = "application/merge-patch+json";
  if (verb == "create") create_whole(user_, object);
  if (verb == "patch") user_.send("PATCH", path, step[2], merge);
  if (verb == "patchStatus") user_.send("PATCH", path + "/status", step[2], merge);
  if (verb == "resize") user_.send("PATCH", path + "/resize", step[2], "application/strategic-merge-patch+json");
  if (verb == "delete") user_.send("DELETE", path, {{"gracePeriodSeconds", step.size() > 2 ? step[2] : Json(0)}});
  if (verb == "bind") {
    user_.send("POST", path + "/binding",
               {{"apiVersion", "v1"},
                {"kind", "Binding"},
                {"metadata", step[1]["metadata"]},
                {"target", {{"kind", "Node"}, {"name", step[2]}}}});
  }
  return true;
}

void RunningScheduler::pass(double seconds) {
  cluster_.advance(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)));
}

void RunningScheduler::pass_until(Steady moment) {
  if (moment > now()) cluster_.advance(moment - now());
}

void RunningScheduler::pass_to_phase(Duration after_a_whole_second) {
  const Duration ahead = (after_a_whole_second - now().time_since_epoch()) % 1s;
  cluster_.advance(ahead < Duration::zero() ? ahead + 1s : ahead);
}

Steady RunningScheduler::now() { return cluster_.executor().clock().steady(); }

Json RunningScheduler::pods() {
  Json out = Json::object();
  const Json all = user_.send("GET", "/api/v1/pods").body;
  for (const Json& pod : all.value("items", Json::array())) {
    const std::string name = pod["metadata"]["name"];
    uids_[pod["metadata"]["uid"]] = name;
    Json one = Json::object();
    for (Json condition : pod["status"].value("conditions", Json::array())) {
      condition.erase("lastProbeTime");
      condition.erase("lastTransitionTime");
      one["conditions"].push_back(condition);
    }
    if (pod["status"].contains("nominatedNodeName")) one["nominatedNodeName"] = pod["status"]["nominatedNodeName"];
    if (pod["spec"].contains("nodeName")) one["nodeName"] = pod["spec"]["nodeName"];
    if (pod["metadata"].contains("deletionTimestamp")) one["terminating"] = true;
    out[name] = one;
  }
  return uids_masked(out);
}

Json RunningScheduler::events() {
  Json items = user_.send("GET", "/apis/events.k8s.io/v1/events").body.value("items", Json::array());
  sort_list(items, [](const Json& event) { return std::stoul(event["metadata"]["resourceVersion"].get<std::string>()); });
  Json out = Json::array();
  for (const Json& event : items) {
    Json one = {{"regarding", event["regarding"].value("kind", "") + "/" + event["regarding"].value("name", "")}};
    for (const char* name : {"type", "reason", "action", "reportingController", "note"}) {
      if (event.contains(name)) one[name] = event[name];
    }
    out.push_back(one);
  }
  return uids_masked(out);
}

Json RunningScheduler::get(const Json& named) { return uids_masked(user_.send("GET", path_of(with_version(named))).body); }

Json RunningScheduler::uids_masked(const Json& document) {
  std::string text = document.dump();
  for (const auto& [uid, name] : uids_) {
    for (std::size_t at = text.find(uid); at != std::string::npos; at = text.find(uid, at))
      text.replace(at, uid.size(), "{uid:" + name + "}");
  }
  return Json::parse(text);
}

// "event=NodeAdd,queue=active" → value
std::map<std::string, double> RunningScheduler::metric(const std::string& name) {
  std::map<std::string, double> out;
  std::istringstream lines(cluster_.scrape());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + " ")) out[""] = std::stod(line.substr(name.size()));
    if (!line.starts_with(name + "{")) continue;
    const std::size_t end = line.rfind('}');
    std::string labels = line.substr(name.size() + 1, end - name.size() - 1);
    std::erase(labels, '"');
    out[labels] = std::stod(line.substr(end + 1));
  }
  return out;
}

// Those whose pods are still being bound count, as they do where they are recorded: when they begin.
int RunningScheduler::attempts() { return static_cast<int>(metric("scheduler_scheduling_algorithm_duration_seconds_count")[""]); }

std::map<std::string, int> RunningScheduler::moves() {
  std::map<std::string, int> out;
  for (const auto& [labels, value] : metric("scheduler_queue_incoming_pods_total")) {
    static const std::regex event("event=([^,]*)");
    std::smatch found;
    if (std::regex_search(labels, found, event) && labels.find("gated") == std::string::npos)
      out[found[1]] += static_cast<int>(value);
  }
  return out;
}

}  // namespace ph::vectors
