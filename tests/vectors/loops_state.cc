#include "tests/vectors/loops_state.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/schema.h"

namespace ph::vectors {
namespace {

bool erase_if_is(Json& object, const char* name, const Json& value) {
  const auto found = object.find(name);
  if (found == object.end() || *found != value) return false;
  object.erase(found);
  return true;
}

bool is_not_ready_for_a_while(const Json& toleration) {
  const std::string key = toleration.value("key", "");
  return toleration.value("tolerationSeconds", 0) == 300 &&
         (key == "node.kubernetes.io/not-ready" || key == "node.kubernetes.io/unreachable");
}

// Without what the server writes into any pod.
void strip_pod_spec(Json& spec) {
  for (const char* list : {"containers", "initContainers", "ephemeralContainers"}) {
    if (!spec.contains(list)) continue;
    for (Json& container : spec[list]) {
      for (const char* name : {"terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy"}) container.erase(name);
      erase_if_is(container, "resources", Json::object());
    }
  }
  erase_if_is(spec, "terminationGracePeriodSeconds", 30);
  erase_if_is(spec, "dnsPolicy", "ClusterFirst");
  erase_if_is(spec, "securityContext", Json::object());
  erase_if_is(spec, "schedulerName", "default-scheduler");
  erase_if_is(spec, "priority", 0);
  erase_if_is(spec, "enableServiceLinks", true);
  erase_if_is(spec, "preemptionPolicy", "PreemptLowerPriority");
  if (!spec.contains("tolerations")) return;
  Json kept = Json::array();
  for (const Json& toleration : spec["tolerations"]) {
    if (!is_not_ready_for_a_while(toleration)) kept.push_back(toleration);
  }
  if (kept.empty()) {
    spec.erase("tolerations");
  } else {
    spec["tolerations"] = kept;
  }
}

void strip_templates(Json& document) {
  if (!document.is_structured()) return;
  if (document.is_object() && document.contains("containers") && document["containers"].is_array())
    return strip_pod_spec(document);
  for (Json& each : document) strip_templates(each);
}

Json managers_of(const Json& fields) {
  std::set<std::string> out;
  for (const Json& entry : fields) {
    const std::string subresource = entry.value("subresource", "");
    out.insert(entry.value("manager", "") + " " + entry.value("operation", "") + (subresource.empty() ? "" : " " + subresource));
  }
  return out;
}

}  // namespace

void sort_addresses(const std::string& kind, Json& object) {
  const auto is_list = [&](const char* name) { return object.contains(name) && object[name].is_array(); };
  if (kind == "EndpointSlice" && is_list("endpoints")) {
    sort_list(object["endpoints"], [](const Json& each) { return each.value("addresses", Json()).dump(); });
  }
  if (kind == "Endpoints" && is_list("subsets")) {
    for (Json& subset : object["subsets"]) {
      for (Json& list : subset) sort_list(list);
    }
    sort_list(object["subsets"], [](const Json& each) { return each.value("ports", Json()).dump() + each.dump(); });
  }
}

LoopsState::LoopsState(sim::Cluster& cluster, std::string home) : home_(std::move(home)) {
  cluster.on_write([this](const sim::Cluster::Write& write) { note(write); });
}

void LoopsState::note(const sim::Cluster::Write& write) {
  writes_ += write.kind.kind != "Lease";
  if (write.object.empty()) {
    const auto found = keys_.find(write.key);
    if (found == keys_.end()) return;
    objects_.erase(found->second);
    keys_.erase(found);
    return;
  }
  const api::Schema* schema = api::Scheme::builtin().find(write.kind);
  std::string text;
  if (schema) api::transcode_to_json(*schema, write.object, true, text, api::Within::AsServed);
  else text = write.object;  // of a custom kind
  Json object = Json::parse(text, nullptr, false);
  if (!object.is_object()) return;
  const Json& metadata = object["metadata"];
  const std::string kind = write.kind.kind, name = metadata.value("name", ""), space = metadata.value("namespace", "");
  if (kind == "Event") return note_event(object);
  if (kind == "Lease") return;
  const std::string key = kind + "/" + name + (space.empty() || space == home_ ? "" : "@" + space);
  const std::string uid = metadata.value("uid", "");
  if (!uids_.contains(uid)) {
    auto& same_key = uids_by_key_[key];
    same_key.push_back(uid);
    uids_[uid] = kind + "/" + name + (same_key.size() > 1 ? fmt::format("#{}", same_key.size()) : "");
  }
  const std::string prefix = metadata.value("generateName", "");
  // The server keeps no more of a prefix; a stateful set's pods have a name of their own beside it.
  constexpr std::size_t kPrefixMost = 58, kSuffix = 5;
  const std::string kept = prefix.substr(0, kPrefixMost);
  const bool is_generated = !kept.empty() && name.starts_with(kept) && name.size() == kept.size() + kSuffix;
  if (is_generated && (space.empty() || space.starts_with(home_))) generated_[name] = prefix;
  if (write.created) made_.insert(key);
  keys_[write.key] = key;
  objects_[key] = std::move(object);
}

void LoopsState::note_event(const Json& event) {
  const Json& about = event.value("involvedObject", Json::object());
  std::string from = event.value("source", Json::object()).value("component", "");
  if (from.empty()) from = event.value("reportingComponent", "");
  if (about.value("namespace", home_) != home_ && !about.value("namespace", "").starts_with(home_)) return;
  Json one = {{"on", about.value("kind", "") + "/" + about.value("name", "")},
              {"type", event.value("type", "")},
              {"reason", event.value("reason", "")},
              {"message", event.value("message", "")},
              {"count", event.value("count", 1)},
              {"from", from}};
  events_[event["metadata"].value("name", "")] = one;
}

std::vector<Json> LoopsState::take_events() {
  std::vector<Json> out;
  for (const auto& [name, event] : events_) out.push_back(event);
  events_.clear();
  return out;
}

std::map<std::string, Json> LoopsState::objects() const {
  std::map<std::string, Json> out;
  for (const auto& [key, object] : objects_) out[key] = as_recorded(key.substr(0, key.find('/')), object);
  return out;
}

std::string LoopsState::uid_of(const std::string& key) const {
  const auto found = uids_by_key_.find(key);
  return found == uids_by_key_.end() ? std::string() : found->second.back();
}

std::string LoopsState::with_uids_told(std::string text) const {
  std::string out;
  std::size_t done = 0;
  // 8-4-4-4-12 hexadecimal digits.
  for (std::size_t dash = text.find('-'); dash != std::string::npos; dash = text.find('-', dash + 1)) {
    if (dash < done + 8 || dash + 28 > text.size() || text[dash + 5] != '-' || text[dash + 10] != '-' || text[dash + 15] != '-')
      continue;
    const auto found = uids_.find(text.substr(dash - 8, 36));
    if (found == uids_.end()) continue;
    out += text.substr(done, dash - 8 - done) + "uid(" + found->second + ")";
    done = dash + 28;
    dash = done - 1;
  }
  return out + text.substr(done);
}

Json LoopsState::as_recorded(const std::string& kind, Json object) const {
  object.erase("apiVersion");
  object.erase("kind");
  Json& metadata = object["metadata"];
  if (metadata.contains("managedFields")) object["managers"] = managers_of(metadata["managedFields"]);
  for (const char* name : {"managedFields", "creationTimestamp", "resourceVersion"}) metadata.erase(name);
  erase_if_is(metadata, "namespace", home_);
  // A revision's data are what the loop has written.
  if (kind != "ControllerRevision") strip_templates(object);
  sort_addresses(kind, object);
  return object;
}

}  // namespace ph::vectors
