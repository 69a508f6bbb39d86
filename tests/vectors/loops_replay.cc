#include "tests/vectors/loops_replay.h"

#include <algorithm>
#include <regex>
#include <stdexcept>

#include <fmt/format.h>

#include "api/json_text.h"
#include "api/times.h"
#include "controllers/registry.h"
#include "pilothouse/flags/controller_manager.h"
#include "pilothouse/time_zones.h"
#include "tests/sim/signing.h"

namespace ph::vectors {
namespace {

constexpr const char* kHome = "recorded";
constexpr const char* kManagerStarts = "now the manager is started";
constexpr const char* kAutoscaler = "horizontal-pod-autoscaler-controller";

// What the recorder did not look at: the server's own book of the addresses of services, what pods and queues were said to use,
// and how pods rank.
constexpr std::string_view kUnseenKinds[] = {"IPAddress",     "PodMetrics",   "ExternalMetricValue",
                                             "PriorityClass", "StorageClass", "ResourceClaimTemplate"};

// What other loops of the recorded manager had put into every namespace.
struct Furniture {
  const char* loop;
  const char* object;
};
constexpr Furniture kFurniture[] = {
    {"serviceaccount-controller", R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}})"},
    {"root-ca-certificate-publisher-controller",
     R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kube-root-ca.crt"},"data":{"ca.crt":"of the recording"}})"},
};

// Loops that a scenario need not name: they look after whatever there is of their kinds, and where they are told to have been at work
// (by a request of theirs, or an event) they were.
struct Bystander {
  const char* loop;
  const char* trace;
};
constexpr Bystander kBystanders[] = {
    {"persistentvolume-binder-controller", R"("persistent-volume-binder )"},
    {"persistentvolume-binder-controller", R"("from":"persistentvolume-controller")"},
    {"persistentvolumeclaim-protection-controller", R"("pvc-protection-controller )"},
    // It was not asked for, and its requests are not told from the manager's.
    {"serviceaccount-token-controller", R"("legacy-service-account-token-cleaner )"},
};

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

controllers::Options options_of(const Json& scenario) {
  pilothouse::ControllerManagerOptions options;
  daemon::FlagSet flags("kube-controller-manager");
  pilothouse::add_flags(flags, options);
  for (const Json& flag : scenario.value("flags", Json::array())) {
    // Said beside it: whose flag it was, besides the manager's.
    const std::string text = flag;
    try {
      flags.parse(std::vector<std::string>{text.substr(0, text.find(" ("))});
    } catch (const std::exception& error) {
      throw std::invalid_argument(error.what());
    }
  }
  apply_gates(options);
  options.controllers.time_zone_file = pilothouse::read_time_zone;
  options.controllers.root_ca = "of the recording";
  return options.controllers;
}

// Custom kinds that scenarios use, without schemas: group, version, kind, plural, namespaced.
struct CustomKind {
  const char *group, *version, *kind, *plural;
  bool namespaced;
};
constexpr CustomKind kCustomKinds[] = {
    {"example.com", "v1", "Widget", "widgets", true},
    {"example.com", "v1", "ClusterWidget", "clusterwidgets", false},
    {"metrics.k8s.io", "v1beta1", "PodMetrics", "pods", true},
    {"external.metrics.k8s.io", "v1beta1", "ExternalMetricValue", "queue", true},
};

Json definition_of(const CustomKind& kind) {
  const Json schema = {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
  const std::string plural = kind.plural, name = kind.kind;
  return {
      {"apiVersion", "apiextensions.k8s.io/v1"},
      {"kind", "CustomResourceDefinition"},
      {"metadata",
       {{"name", plural + "." + kind.group}, {"annotations", {{"api-approved.kubernetes.io", "unapproved, for a recording"}}}}},
      {"spec",
       {{"group", kind.group},
        {"names", {{"kind", name}, {"plural", plural}, {"listKind", name + "List"}}},
        {"scope", kind.namespaced ? "Namespaced" : "Cluster"},
        {"versions",
         {{{"name", kind.version}, {"served", true}, {"storage", true}, {"schema", {{"openAPIV3Schema", schema}}}}}}}}};
}

std::string tidied(const std::string& text) { return text.empty() || text.ends_with('\n') ? text : text + "\n"; }

Duration duration_of(const std::string& text) { return api::parse_duration(text).value_or(1s); }

// Of a replica set or a controller revision: what its hash is of, the hash, and its name without it.
struct Hashed {
  std::string hash, of;
};
std::optional<Hashed> hashed(const std::string& key, const Json& object) {
  const std::string kind = key.substr(0, key.find('/'));
  if (kind != "ReplicaSet" && kind != "ControllerRevision") return std::nullopt;
  const Json labels = object["metadata"].value("labels", Json::object());
  std::string hash;
  for (const char* label : {"pod-template-hash", "controller-revision-hash", "controller.kubernetes.io/hash"}) {
    if (labels.contains(label)) hash = labels[label];
  }
  if (hash.empty()) return std::nullopt;
  std::string of =
      key + " " + (kind == "ReplicaSet" ? object["spec"].value("template", Json()) : object.value("data", Json())).dump();
  replace_all(of, hash, "{hash}");
  return Hashed{hash, of};
}

// "subject CN=bob, O=devs; subjectAltName=DNS:n1": what was asked for is told in words.
void make_signing_request(Json& body) {
  constexpr std::string_view kSubject = "subject ", kNames = "; subjectAltName=";
  if (!body.is_object() || body.value("kind", "") != "CertificateSigningRequest") return;
  const std::string told = body["spec"].value("request", "");
  if (!told.starts_with(kSubject)) return;
  const std::size_t names = std::min(told.find(kNames), told.size());
  const std::string alt_names = names < told.size() ? told.substr(names + kNames.size()) : "";
  std::string encoded;
  api::append_base64(sim::signing_request(told.substr(kSubject.size(), names - kSubject.size()), alt_names), encoded);
  body["spec"]["request"] = encoded;
}

// What only one of the recorder's two runs had was left out: managers may be.
bool is_same(const Json& recorded, Json got) {
  if (!recorded.contains("managers") && got.is_object()) got.erase("managers");
  Bindings none;
  return matches(recorded, got, none);
}

Json without_count(Json event) {
  event.erase("count");
  return event;
}

// Pairs each recorded one with a different one of ours; what is left of either.
std::string compare_unordered(std::vector<Json> recorded, std::vector<Json> got) {
  Bindings none;
  std::erase_if(recorded, [&](const Json& each) {
    const auto found = std::ranges::find_if(got, [&](const Json& other) { return matches(each, other, none); });
    if (found == got.end()) return false;
    got.erase(found);
    return true;
  });
  std::string out;
  for (const Json& each : recorded) out += "missing: " + each.dump() + "\n";
  for (const Json& each : got) out += "too much: " + each.dump() + "\n";
  return out;
}

}  // namespace

LoopsReplay::LoopsReplay(const Json& scenario) : scenario_(scenario) {
  std::string loops;
  for (const Json& name : scenario["controllers"]) {
    if (controllers::find_loop(name.get<std::string>())) {
      loops += (loops.empty() ? "" : ",") + name.get<std::string>();
    } else {
      absent_.push_back(name);
    }
  }
  if (!absent_.empty()) return;
  const std::string told = scenario.dump();
  for (const Bystander& each : kBystanders) {
    const bool is_needed = loops.find(each.loop) == std::string::npos && told.find(each.trace) != std::string::npos;
    if (is_needed && controllers::find_loop(each.loop)) loops += fmt::format(",{}", each.loop);
  }
  sim::Setup setup = sim::loops(loops);
  if (told.find(kManagerStarts) != std::string::npos) setup.later();
  const controllers::Options options = options_of(scenario);
  setup.access().without_admission({"ServiceAccount"}).services_in("10.96.0.0/16,fd00:96::/112").options(options);
  // An autoscaler is looked at once in a period: where the recorder waited for that it is waited for, too.
  if (is_run(kAutoscaler)) patience_ = std::clamp<Duration>(options.autoscaler.sync_period + 500ms, patience_, 2500ms);
  cluster_ = std::make_unique<sim::Cluster>(setup);
}

bool LoopsReplay::is_run(std::string_view loop) const {
  const Json& loops = scenario_["controllers"];
  return std::any_of(loops.begin(), loops.end(), [&](const Json& each) { return each == std::string(loop); });
}

// What pods use could be asked for wherever somebody might ask, be there any or none.
bool LoopsReplay::is_served(const std::string& group, const std::string& version) const {
  if (group.ends_with("metrics.k8s.io") && is_run(kAutoscaler)) return true;
  return scenario_.dump().find(group + "/" + version) != std::string::npos;
}

void LoopsReplay::prepare() {
  const auto day = api::parse_rfc3339(scenario_["recordedAt"].get<std::string>() + "T10:00:00Z");
  cluster_->advance(1s);
  if (day) cluster_->jump_clock(*day - cluster_->now());
  state_ = std::make_unique<LoopsState>(*cluster_, kHome);
  for (const char* name : {"user", "kubelet", "kube-scheduler", "metrics-stub"})
    users_[name] = std::make_unique<ClusterCalls>(*cluster_, name);
  ClusterCalls& user = *users_["user"];
  Json space = {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", kHome}}}};
  if (scenario_.contains("namespaceLabels")) space["metadata"]["labels"] = scenario_["namespaceLabels"];
  create_whole(user, space);
  for (const Furniture& each : kFurniture) {
    if (is_run(each.loop)) continue;  // puts it there itself
    Json object = Json::parse(each.object);
    object["metadata"]["namespace"] = kHome;
    create_whole(user, object);
  }
  bool has_custom_kinds = false;
  for (const CustomKind& kind : kCustomKinds) {
    if (!is_served(std::string(kind.group), kind.version)) continue;
    // Refused where there are none yet: then the requests that need it disagree.
    user.send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition_of(kind));
    has_custom_kinds = true;
  }
  // They had been there for long; loops look for kinds every 30 s.
  if (has_custom_kinds) cluster_->advance(31s);
  for (const Json& object : scenario_.value("cluster", Json::array())) create_whole(user, Json::parse(filled(object.dump())));
  cluster_->run_until_quiet(10s, 1500ms);
  baseline_ = state_->objects();
  state_->take_events();
}

Outcome LoopsReplay::play() {
  prepare();
  Outcome out = Outcome::agrees(2);
  const std::string loop = scenario_["loop"];
  int number = 0;
  for (const Json& step : scenario_["steps"]) {
    ++number;
    const std::string label = fmt::format("step {} of {} ({}):\n", number, scenario_["steps"].size(), step.value("label", ""));
    for (const auto& [key, object] : step.value("set", Json::object()).items()) expected_[key] = object;
    for (const Json& key : step.value("gone", Json::array())) {
      expected_.erase(key.get<std::string>());
      gone_.insert(key);
    }
    const std::string answers = carry_out(step);
    if (!answers.empty()) return Outcome::differs(0, loop + ": another answer", label + answers);
    settle();
    learn_hashes();
    learn_minute();
    meet_names(step);
    decide_names();
    if (const std::string differs = compare_state(); !differs.empty()) {
      const std::string first = differs.substr(0, differs.find('\n'));
      return Outcome::differs(0, loop + ": " + kind_of_difference(first), label + differs);
    }
    const std::string events = compare_events(step);
    if (events.empty() || !step.value("quiet", true)) continue;
    out.level = 1;
    out.kinds.push_back(loop + ": events");
    out.shown += label + events;
  }
  return out;
}

// -- What is done

std::string LoopsReplay::carry_out(const Json& step) {
  std::string out;
  for (const Json& operation : step.value("do", Json::array())) {
    if (operation.contains("verb")) {
      out += send(operation);
    } else {
      pass(operation, step);
    }
  }
  return out;
}

void LoopsReplay::pass(const Json& operation, const Json& step) {
  if (operation.contains("note")) return heed(filled(operation["note"]));
  if (operation.contains("sleep")) return cluster_->advance(duration_of(operation["sleep"]));
  if (!operation.contains("until")) return;
  // Said in words: until it is as it was.
  const Time end = cluster_->now() + duration_of(operation["atMost"]);
  const GeneratedNames before = names_;
  const auto addresses = addresses_;
  while (cluster_->now() < end) {
    cluster_->advance(500ms);
    learn_hashes();
    learn_minute();
    meet_names(step);
    decide_names();
    const bool is_so = compare_state().empty();
    names_ = before;
    addresses_ = addresses;
    if (is_so) return;
  }
}

// What a scenario says in words.
void LoopsReplay::heed(const std::string& note) {
  static const std::regex kMade("namespace ([a-z0-9-]+) is made");
  std::smatch found;
  if (std::regex_match(note, found, kMade)) {
    create_whole(*users_["user"], {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", found.str(1)}}}});
  } else if (note.starts_with(kManagerStarts)) {
    cluster_->restart_loops();
  } else {
    throw std::runtime_error("nobody knows how to follow: " + note);
  }
}

void LoopsReplay::settle() {
  std::uint64_t writes = state_->writes();
  Duration quiet = 0s;
  for (int i = 0; i < 100 && quiet < patience_; ++i) {
    cluster_->advance(100ms);
    quiet = state_->writes() == writes ? quiet + 100ms : 0s;
    writes = state_->writes();
  }
}

std::string LoopsReplay::send(const Json& operation) {
  const auto user = users_.find(operation.value("as", "user"));
  if (user == users_.end()) return "nobody here is " + operation["as"].get<std::string>() + "\n";
  const std::string path = filled(operation["path"]);
  const std::string type = operation.value("contentType", "application/json");
  Json body;
  if (operation.contains("body")) {
    body = operation["body"].is_string() ? Json(filled(operation["body"])) : Json::parse(filled(operation["body"].dump()));
  }
  make_signing_request(body);
  const CallAnswer answer = user->second->send(operation["verb"], path, body, type);
  const bool same_reason =
      !operation.contains("reason") || (answer.body.is_object() && answer.body.value("reason", Json()) == operation["reason"]);
  if (answer.code == operation["code"] && same_reason) return {};
  return fmt::format("{} {}: recorded {}, got {} {}\n", operation["verb"].get<std::string>(), path, operation["code"].get<int>(),
                     answer.code, shortened(answer.body.is_object() ? answer.body.value("message", "") : "", 300));
}

// `{ns}`, generated names, UIDs, addresses and times.
std::string LoopsReplay::filled(std::string text) {
  static const std::regex kUid(R"(uid\(([^)]*)\))"), kIp(R"(ip\([^)]*\))"), kNow(R"(@now(s\.micro|[+-]\d+s)?)");
  std::smatch found;
  while (std::regex_search(text, found, kIp)) text.replace(found.position(), found.length(), address(found.str()));
  replace_all(text, "{ns}", kHome);
  // What was made in this step is not met yet: somebody asks for it all the same.
  for (const std::string& name : generated_names_in(text)) {
    const std::string taken = names_.take(name);
    if (!taken.empty()) replace_all(text, name, taken);
  }
  for (const auto& [ours, recorded] : hashes_) replace_all(text, recorded, ours);
  while (std::regex_search(text, found, kUid)) {
    const std::string uid = state_->uid_of(found[1]);
    text.replace(found.position(), found.length(), uid.empty() ? "00000000-0000-0000-0000-000000000000" : uid);
  }
  while (std::regex_search(text, found, kNow)) {
    const std::string more = found[1];
    const Time now = cluster_->now();
    const std::string time = more == "s.micro" ? api::rfc3339_micro(now)
                                               : api::rfc3339(more.empty() ? now : now + std::chrono::seconds(std::stoi(more)));
    text.replace(found.position(), found.length(), time);
  }
  return text;
}

std::string LoopsReplay::address(const std::string& of) {
  const auto [entry, is_new] = addresses_.try_emplace(of);
  if (is_new) entry->second = fmt::format("10.77.{}.{}", addresses_.size() / 250, addresses_.size() % 250 + 1);
  return entry->second;
}

// -- Names

void LoopsReplay::learn_hashes() {
  std::map<std::string, std::string> recorded_hashes;  // by what they are of
  for (const auto& [key, object] : expected_) {
    if (const auto found = hashed(here(key), Json::parse(here(object.dump())))) recorded_hashes.emplace(found->of, found->hash);
  }
  for (const auto& [key, object] : state_->objects()) {
    const auto found = hashed(key, object);
    if (!found || hashes_.contains(found->hash)) continue;
    const auto recorded = recorded_hashes.find(found->of);
    if (recorded != recorded_hashes.end()) hashes_[found->hash] = recorded->second;
  }
}

void LoopsReplay::learn_minute() {
  static const std::regex kOfACronJob(R"(Job/.*-(\d{8}))");
  for (const auto& [key, object] : state_->objects()) {
    std::smatch found;
    if (minute_.empty() && std::regex_match(key, found, kOfACronJob)) minute_ = found[1];
  }
}

std::string LoopsReplay::with_hashes_told(std::string text) const {
  for (const auto& [ours, recorded] : hashes_) replace_all(text, ours, recorded);
  return text;
}

void LoopsReplay::meet_names(const Json& step) {
  // What requests name was met before.
  Json told = {
      {"set", step.value("set", Json())}, {"events", step.value("events", Json())}, {"gone", step.value("gone", Json())}};
  for (const std::string& name : generated_names_in(here(told.dump()))) names_.meet_recorded(name);
  for (const auto& [name, prefix] : state_->generated()) names_.meet_got(name, with_hashes_told(prefix));
  names_.end_step();
}

void LoopsReplay::decide_names() {
  std::map<std::string, Json> recorded_by_name, got_by_name;
  for (const auto& [key, object] : expected_) recorded_by_name[here(object["metadata"].value("name", ""))] = object;
  for (const auto& [key, object] : state_->objects()) got_by_name[object["metadata"].value("name", "")] = object;
  // Without their own names and addresses.
  static const std::regex kAddress(R"(10\.77\.\d+\.\d+)");
  const auto anonymous = [&](const std::map<std::string, Json>& in, const std::string& name, const std::string& told,
                             auto&& text_of) {
    const auto found = in.find(name);
    if (found == in.end()) return Json();
    std::string text = std::regex_replace(text_of(found->second.dump()), kAddress, "address");
    if (!told.empty()) replace_all(text, with_hashes_told(told), "{own}");
    replace_all(text, name.substr(0, name.find('{')) + "{?}", "{own}");
    return Json::parse(text);
  };
  const auto theirs = [&](const std::string& name) {
    return anonymous(recorded_by_name, name, names_.counterpart(name),
                     [&](const std::string& text) { return recorded_text(text); });
  };
  const auto ours = [&](const std::string& name) {
    Json out = anonymous(got_by_name, name, name,
                         [&](const std::string& text) { return with_hashes_told(state_->with_uids_told(text)); });
    return out;
  };
  const GeneratedNames before = names_;
  names_.decide(
      [&](const std::string& recorded_name, const std::string& got_name) {
        const Json recorded = theirs(recorded_name), got = ours(got_name);
        if (recorded.is_null() || got.is_null()) return recorded.is_null() == got.is_null();
        return is_same(recorded, got);
      },
      [&](const std::string& a, const std::string& b) { return theirs(a) == theirs(b); });
  move_addresses(before);
}

void LoopsReplay::move_addresses(const GeneratedNames& before) {
  std::map<std::string, std::string> by_object, moved;
  const auto name_in = [](const std::string& of) { return of.substr(3, of.size() - 4); };  // "ip(web-{1})"
  for (const auto& [of, address] : addresses_) by_object[before.counterpart(name_in(of))] = address;
  for (const auto& [of, address] : addresses_) {
    const std::string object = names_.counterpart(name_in(of));
    moved[of] = !object.empty() && by_object.contains(object) ? by_object[object] : address;
  }
  addresses_ = std::move(moved);
}

// -- Texts

std::string LoopsReplay::here(const std::string& text) const {
  std::string out = text;
  replace_all(out, "{ns}", kHome);
  if (!minute_.empty()) replace_all(out, "<minute>", minute_);
  for (const auto& [of, address] : addresses_) replace_all(out, of, address);
  for (const char* mask :
       {"<rv>", "<clusterIP>", "<data>", "<csr>", "<certificate>", "<minute>", "<nodePort>", "<input>", "{x}"}) {
    replace_all(out, mask, "<masked>");
  }
  return out;
}

std::string LoopsReplay::got_text(const std::string& text) const {
  return with_hashes_told(names_.got_text(state_->with_uids_told(text)));
}

Json LoopsReplay::got(const Json& document) const { return Json::parse(got_text(document.dump())); }

// -- Comparing

bool LoopsReplay::is_judged(const std::string& key) const {
  const std::string kind = key.substr(0, key.find('/'));
  for (const Json& omitted : scenario_.value("omittedKinds", Json::array())) {
    if (omitted == kind) return false;
  }
  if (key == std::string("Namespace/") + kHome) return false;
  if (std::ranges::find(kUnseenKinds, kind) != std::end(kUnseenKinds)) return false;
  const std::size_t space = key.find('@');
  if (space != std::string::npos && !key.substr(space + 1).starts_with(kHome)) return false;
  return state_->was_made(key);
}

LoopsReplay::Keyed LoopsReplay::expected_state() const {
  Keyed out;
  for (const auto& [key, object] : expected_) {
    Json told = recorded(object);
    sort_addresses(key.substr(0, key.find('/')), told);
    out.emplace_back(recorded_text(key), std::move(told));
  }
  std::ranges::sort(out);
  return out;
}

LoopsReplay::Keyed LoopsReplay::actual_state() const {
  std::set<std::string> wanted;
  for (const auto& [key, object] : expected_) wanted.insert(recorded_text(key));
  for (const std::string& key : gone_) wanted.insert(recorded_text(key));
  Keyed out;
  for (const auto& [key, object] : state_->objects()) {
    const std::string told = got_text(key);
    if (!wanted.contains(told)) {
      if (!is_judged(key)) continue;
      const auto before = baseline_.find(key);
      if (before != baseline_.end() && before->second == object) continue;
    }
    out.emplace_back(told, got(object));
  }
  std::ranges::sort(out);
  return out;
}

std::string LoopsReplay::compare_state() const {
  Keyed recorded = expected_state(), got = actual_state();
  Bindings none;
  // Equal ones of the same told key are interchangeable.
  std::erase_if(recorded, [&](const auto& each) {
    const auto found = std::ranges::find_if(
        got, [&](const auto& other) { return other.first == each.first && is_same(each.second, other.second); });
    if (found == got.end()) return false;
    got.erase(found);
    return true;
  });
  std::string out;
  for (const auto& [key, object] : recorded) {
    const auto found = std::ranges::find(got, key, &Keyed::value_type::first);
    if (found == got.end()) {
      out += fmt::format("{}: recorded {}, got nothing\n", key, shortened(object.dump(), 600));
      continue;
    }
    std::string differs = tidied(differences(object, found->second, none));
    for (std::size_t at = 0; at < differs.size(); at = differs.find('\n', at) + 1)
      out += key + " " + differs.substr(at, differs.find('\n', at) - at) + "\n";
    got.erase(found);
  }
  for (const auto& [key, object] : got) out += fmt::format("{}: recorded nothing, got {}\n", key, shortened(object.dump(), 600));
  return out;
}

std::string LoopsReplay::compare_events(const Json& step) {
  std::set<std::string> varying;
  for (const Json& each : step.value("eventsThatVary", Json::array())) varying.insert(recorded_text(each));
  const auto varies = [&](const Json& event) {
    return varying.contains(event["on"].get<std::string>() + " " + event["reason"].get<std::string>());
  };
  std::vector<Json> theirs, ours;
  for (const Json& event : step.value("events", Json::array())) theirs.push_back(recorded(event));
  for (const Json& event : state_->take_events()) ours.push_back(got(event));
  std::erase_if(theirs, varies);
  std::erase_if(ours, varies);
  // How often a thing was said that was said again and again hangs on the recorder's patience.
  if (!step.value("quiet", true)) {
    for (const Json& event : theirs) repeated_.insert(without_count(event));
  }
  for (std::vector<Json>* events : {&theirs, &ours}) {
    for (Json& event : *events) {
      if (Json uncounted = without_count(event); repeated_.contains(uncounted)) event = std::move(uncounted);
    }
  }
  return compare_unordered(std::move(theirs), std::move(ours));
}

}  // namespace ph::vectors
