#include "scheduler/why/json.h"

#include <nlohmann/json.hpp>
#include <type_traits>

#include "api/codec.h"

namespace ph::scheduler::why {
namespace {

using Json = nlohmann::ordered_json;

template <class T, class Of>
concept Is = std::is_same_v<std::remove_const_t<T>, Of>;

// What there is of each part: said once, for those who write and those who read.
void members(auto& visit, Is<PodFacts> auto& it) {
  visit("namespace", it.namespace_name);
  visit("name", it.name);
  visit("uid", it.uid);
  visit("schedulerName", it.scheduler_name);
  visit("priority", it.priority);
  visit("node", it.node);
  visit("nominatedNode", it.nominated_node);
  visit("deleting", it.deleting);
  visit("imagined", it.imagined);
}

void members(auto& visit, Is<PluginVerdict> auto& it) {
  visit("plugin", it.plugin);
  visit("reasons", it.reasons);
  visit("code", it.code);
}

void members(auto& visit, Is<Refused> auto& it) {
  visit("verdicts", it.verdicts);
  visit("count", it.count);
  visit("nodes", it.nodes);
}

void members(auto& visit, Is<Need> auto& it) {
  visit("text", it.text);
  visit("resource", it.resource);
  visit("missing", it.missing);
}

void members(auto& visit, Is<NearMiss::Lacking> auto& it) {
  visit("plugin", it.plugin);
  visit("needs", it.needs);
}

void members(auto& visit, Is<NearMiss> auto& it) {
  visit("node", it.node);
  visit("lacking", it.lacking);
}

void members(auto& visit, Is<ScoredNode::Part> auto& it) {
  visit("raw", it.raw);
  visit("score", it.score);
  visit("weighted", it.weighted);
}

void members(auto& visit, Is<ScoredNode> auto& it) {
  visit("node", it.node);
  visit("total", it.total);
  visit("parts", it.parts);
}

void members(auto& visit, Is<Scores::Plugin> auto& it) {
  visit("name", it.name);
  visit("weight", it.weight);
}

void members(auto& visit, Is<Scores> auto& it) {
  visit("plugins", it.plugins);
  visit("nodes", it.nodes);
}

void members(auto& visit, Is<Victim> auto& it) {
  visit("pod", it.pod);
  visit("priority", it.priority);
}

void members(auto& visit, Is<Robbed> auto& it) {
  visit("node", it.node);
  visit("victims", it.victims);
  visit("violations", it.violations);
}

void members(auto& visit, Is<Preemption> auto& it) {
  visit("whyNot", it.why_not);
  visit("promising", it.promising);
  visit("tried", it.tried);
  visit("nodes", it.nodes);
  visit("reasons", it.reasons);
}

void members(auto& visit, Is<Waiting> auto& it) {
  visit("place", it.place);
  visit("attempts", it.attempts);
  visit("retryIn", it.retry_in);
  visit("wokenBy", it.woken_by);
}

void members(auto& visit, Is<LastAttempt> auto& it) {
  visit("at", it.at);
  visit("message", it.message);
}

void members(auto& visit, Is<Explanation> auto& it) {
  visit("pod", it.pod);
  visit("state", it.state);
  visit("message", it.message);
  visit("changes", it.changes);
  visit("notes", it.notes);
  visit("nodes", it.nodes);
  visit("fitting", it.fitting);
  visit("chosen", it.chosen);
  visit("chosenFor", it.chosen_for);
  visit("preFilter", it.pre_filter);
  visit("refused", it.refused);
  visit("fits", it.fits);
  visit("nearest", it.nearest);
  visit.maybe("scores", it.scores);
  visit.maybe("preemption", it.preemption);
  visit.maybe("waiting", it.waiting);
  visit.maybe("lastAttempt", it.last_attempt);
}

template <class T>
concept Plain = std::is_arithmetic_v<T> || std::is_same_v<T, std::string>;

struct Writer {
  Json out = Json::object();

  template <class T>
    requires Plain<T>
  void operator()(const char* name, const T& value) {
    if (value != T()) out[name] = value;
  }
  template <class T>
    requires(!Plain<T>)
  void operator()(const char* name, const T& value) {
    out[name] = object(value);
  }
  void operator()(const char* name, const std::vector<std::string>& values) {
    if (!values.empty()) out[name] = values;
  }
  void operator()(const char* name, const std::map<std::string, std::uint64_t>& values) {
    if (!values.empty()) out[name] = values;
  }
  template <class T>
  void operator()(const char* name, const std::vector<T>& values) {
    if (values.empty()) return;
    Json list = Json::array();
    for (const T& value : values) list.push_back(object(value));
    out[name] = std::move(list);
  }
  template <class T>
  void maybe(const char* name, const std::vector<T>& values) {
    if (!values.empty()) out[name] = object(values.front());
  }
  template <class T>
  static Json object(const T& value) {
    Writer inner;
    members(inner, value);
    return std::move(inner.out);
  }
};

struct Reader {
  const Json& in;

  const Json* find(const char* name) const {
    const auto found = in.find(name);
    return found == in.end() ? nullptr : &*found;
  }
  template <class T>
    requires Plain<T>
  void operator()(const char* name, T& value) const {
    if (const Json* found = find(name)) value = found->get<T>();
  }
  template <class T>
    requires(!Plain<T>)
  void operator()(const char* name, T& value) const {
    if (const Json* found = find(name)) read(*found, value);
  }
  void operator()(const char* name, std::vector<std::string>& values) const {
    if (const Json* found = find(name)) values = found->get<std::vector<std::string>>();
  }
  void operator()(const char* name, std::map<std::string, std::uint64_t>& values) const {
    if (const Json* found = find(name)) values = found->get<std::map<std::string, std::uint64_t>>();
  }
  template <class T>
  void operator()(const char* name, std::vector<T>& values) const {
    const Json* found = find(name);
    if (!found) return;
    for (const Json& each : *found) read(each, values.emplace_back());
  }
  template <class T>
  void maybe(const char* name, std::vector<T>& values) const {
    if (const Json* found = find(name)) read(*found, values.emplace_back());
  }
  template <class T>
  static void read(const Json& from, T& value) {
    if (!from.is_object()) throw api::DecodeError("this is no explanation of a pod");
    Reader inner{from};
    members(inner, value);
  }
};

}  // namespace

std::string to_json(const Explanation& explanation) {
  // Names of nodes are ASCII; what else there is was valid when it was stored.
  return Writer::object(explanation).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Explanation from_json(std::string_view text) {
  try {
    Explanation out;
    Reader::read(Json::parse(text), out);
    return out;
  } catch (const nlohmann::json::exception& error) {
    throw api::DecodeError(error.what());
  }
}

}  // namespace ph::scheduler::why
