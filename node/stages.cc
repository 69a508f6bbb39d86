#include "node/stages.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/validation/quote.h"
#include "api/yaml_document.h"
#include "api/yaml_duplicates.h"

namespace ph::node {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kVersion = "hollow.pilothouse.dev/v1alpha1";
constexpr std::string_view kKind = "Stages";
constexpr int kDevicesMax = 128;  // of a ResourceSlice
constexpr std::string_view kStageAsk = "stage";

// Reads a document and gathers what is wrong with it.
class Reading {
 public:
  void wrong(const std::string& path, std::string_view why) { problems_.push_back(fmt::format("{}: {}", path, why)); }
  const std::vector<std::string>& problems() const { return problems_; }

  // Its members are no others than these; false: it is no object.
  bool is_object(const Json& value, const std::string& path, std::initializer_list<std::string_view> members) {
    if (!value.is_object()) return wrong(path, "must be an object"), false;
    for (const auto& [name, member] : value.items()) {
      if (std::ranges::find(members, name) == members.end()) wrong(join(path, name), "unknown member");
    }
    return true;
  }

  // The items of a list that may be missing.
  std::vector<Json> items(const Json& object, const char* name, const std::string& path) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return {};
    if (!found->is_array()) return wrong(join(path, name), "must be a list"), std::vector<Json>();
    return found->get<std::vector<Json>>();
  }

  // A scalar as it is written; nothing when it is missing, or none.
  std::optional<std::string> text(const Json& object, const char* name, const std::string& path) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return std::nullopt;
    if (found->is_string()) return found->get<std::string>();
    if (found->is_number()) return found->dump();
    wrong(join(path, name), "must be a text or a number");
    return std::nullopt;
  }

  // What `parse` makes of it; what it throws is wrong with it.
  template <class Parse>
  auto parsed(const Json& object, const char* name, const std::string& path, Parse parse)
      -> std::optional<decltype(parse(std::string()))> {
    const auto given = text(object, name, path);
    if (!given) return std::nullopt;
    try {
      return parse(*given);
    } catch (const AskError& error) {
      wrong(join(path, name), error.what());
    }
    return std::nullopt;
  }

  std::optional<api::LabelSelector> selector(const Json& object, const std::string& path) {
    const auto found = object.find("selector");
    if (found == object.end()) return std::nullopt;
    try {
      meta::v1::LabelSelector selector;
      if (!found->is_null()) api::from_json(*found, selector, {.unknown = api::Unknown::Strict});
      return api::LabelSelector::from(selector);
    } catch (const api::DecodeError& error) {
      wrong(join(path, "selector"), error.what());
    }
    return std::nullopt;
  }

  static std::string join(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
  }

 private:
  std::vector<std::string> problems_;
};

int parse_count(const std::string& text) {
  const bool number = !text.empty() && text.size() < 4 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  const int count = number ? std::stoi(text) : 0;
  if (count < 1 || count > kDevicesMax) throw AskError(fmt::format("must be between 1 and {}", kDevicesMax));
  return count;
}

void read_behaviour(Reading& reading, const Json& object, const std::string& path, Behaviour& out) {
  if (!object.is_object()) return reading.wrong(path, "must be an object");
  for (const auto& [name, value] : object.items()) {
    const auto text = reading.text(object, name.c_str(), path);
    if (!text) continue;
    try {
      if (!out.set(name, *text)) reading.wrong(Reading::join(path, name), "unknown member");
    } catch (const AskError& error) {
      reading.wrong(Reading::join(path, name), error.what());
    }
  }
}

PodStage read_pod_stage(Reading& reading, const Json& object, const std::string& path) {
  PodStage out;
  if (!reading.is_object(object, path, {"name", "namespaces", "selector", "does"})) return out;
  out.name = reading.text(object, "name", path).value_or("");
  for (const Json& each : reading.items(object, "namespaces", path)) {
    if (!each.is_string()) reading.wrong(Reading::join(path, "namespaces"), "must be names");
    if (each.is_string()) out.namespaces.push_back(each.get<std::string>());
  }
  out.selector = reading.selector(object, path);
  if (const auto does = object.find("does"); does != object.end()) {
    read_behaviour(reading, *does, Reading::join(path, "does"), out.does);
  } else {
    reading.wrong(Reading::join(path, "does"), "is missing");
  }
  if (out.name.empty() && !out.selector && out.namespaces.empty())
    reading.wrong(path, "is for nobody: it has neither a name, nor namespaces, nor a selector");
  return out;
}

DeviceStage read_devices(Reading& reading, const Json& object, const std::string& path) {
  DeviceStage out;
  if (!reading.is_object(object, path, {"driver", "name", "count", "device"})) return out;
  out.driver = reading.text(object, "driver", path).value_or("");
  if (out.driver.empty()) reading.wrong(Reading::join(path, "driver"), "is missing");
  out.name = reading.text(object, "name", path).value_or(out.name);
  out.count = reading.parsed(object, "count", path, parse_count).value_or(1);
  const auto device = object.find("device");
  if (device == object.end()) return out;
  try {
    api::from_json(*device, out.device, {.unknown = api::Unknown::Strict});
  } catch (const api::DecodeError& error) {
    reading.wrong(Reading::join(path, "device"), error.what());
  }
  return out;
}

NodeStage read_node_stage(Reading& reading, const Json& object, const std::string& path) {
  NodeStage out;
  if (!reading.is_object(object, path, {"name", "selector", "problem", "after", "lasts", "devices"})) return out;
  out.name = reading.text(object, "name", path).value_or("");
  if (!object.contains("selector")) reading.wrong(Reading::join(path, "selector"), "is missing; {} is for all nodes");
  out.selector = reading.selector(object, path).value_or(api::LabelSelector::nothing());
  out.problems = reading.parsed(object, "problem", path, parse_problems).value_or(0);
  out.after = reading.parsed(object, "after", path, parse_span).value_or(Duration::zero());
  out.lasts = reading.parsed(object, "lasts", path, parse_span);
  const std::vector<Json> devices = reading.items(object, "devices", path);
  for (std::size_t i = 0; i < devices.size(); ++i)
    out.devices.push_back(read_devices(reading, devices[i], fmt::format("{}.devices[{}]", path, i)));
  if (out.problems == 0 && out.devices.empty()) reading.wrong(path, "asks for nothing: it has neither a problem nor devices");
  if (out.problems == 0 && (out.after > Duration::zero() || out.lasts))
    reading.wrong(path, "after and lasts are of a problem, and there is none");
  return out;
}

void check_names(Reading& reading, const std::vector<PodStage>& stages) {
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const std::string& name = stages[i].name;
    const bool twice = !name.empty() && std::ranges::any_of(stages.begin(), stages.begin() + static_cast<std::ptrdiff_t>(i),
                                                            [&](const PodStage& other) { return other.name == name; });
    if (twice) reading.wrong(fmt::format("pods[{}].name", i), fmt::format("{} is the name of another stage", api::quote(name)));
  }
}

Json document_of(std::string_view text) {
  try {
    if (const auto twice = api::yaml_duplicates(text); !twice.empty())
      throw StagesError(fmt::format("{}", fmt::join(twice, "\n")));
    return api::yaml_document(text);
  } catch (const api::DecodeError& error) {
    throw StagesError(error.what());
  }
}

bool takes(const PodStage& stage, const HollowPod& pod, std::string_view named) {
  if (!named.empty() && stage.name == named) return true;
  if (!stage.selector && stage.namespaces.empty()) return false;
  const bool lives_there = stage.namespaces.empty() || std::ranges::any_of(stage.namespaces, [&](const std::string& each) {
                             return pod.namespace_name == each;
                           });
  if (!lives_there || !stage.selector) return lives_there;
  return stage.selector->matches([&](std::string_view key) { return informers::find_label(pod.labels, key); });
}

void shape(HollowContainer& container, const Behaviour& does) {
  if (does.ready_after) container.ready_after = *does.ready_after;
  if (does.runs_for) container.run.takes = *does.runs_for;
  if (does.runs_for || does.exit_code) container.run.exit_code = does.exit_code.value_or(container.run.exit_code.value_or(0));
  container.restarts_max = does.restarts;
  if (!does.pull_takes && !does.pull_failures) return;
  Pull pull{.takes = does.pull_takes.value_or(Duration::zero()), .failures = does.pull_failures.value_or(0), .error = {}};
  if (pull.failures == Behaviour::kAlways) pull.failures.reset();
  pull.error = does.pull_error.value_or(fmt::format(
      "failed to pull and unpack image \"{0}\": failed to resolve reference \"{0}\": not found", container.image.view()));
  container.pull = std::make_shared<const Pull>(std::move(pull));
}

}  // namespace

Stages Stages::parse(std::string_view text) {
  const Json document = document_of(text);
  Reading reading;
  Stages out;
  if (reading.is_object(document, "stages", {"apiVersion", "kind", "pods", "nodes"})) {
    if (document.value("apiVersion", Json()) != kVersion) reading.wrong("apiVersion", fmt::format("must be {}", kVersion));
    if (document.value("kind", Json()) != kKind) reading.wrong("kind", fmt::format("must be {}", kKind));
    const std::vector<Json> pods = reading.items(document, "pods", {}), nodes = reading.items(document, "nodes", {});
    for (std::size_t i = 0; i < pods.size(); ++i)
      out.pods_.push_back(read_pod_stage(reading, pods[i], fmt::format("pods[{}]", i)));
    for (std::size_t i = 0; i < nodes.size(); ++i)
      out.nodes_.push_back(read_node_stage(reading, nodes[i], fmt::format("nodes[{}]", i)));
    check_names(reading, out.pods_);
  }
  if (!reading.problems().empty()) throw StagesError(fmt::format("{}", fmt::join(reading.problems(), "\n")));
  return out;
}

Behaviour Stages::behaviour_of(const HollowPod& pod, std::vector<std::string>* wrong) const {
  Behaviour out;
  const std::string_view named = informers::find_label(pod.asks, kStageAsk).value_or("");
  bool found = named.empty();
  for (const PodStage& stage : pods_) {
    if (!takes(stage, pod, named)) continue;
    found |= stage.name == named;
    out.override_by(stage.does);
  }
  const auto complain = [&](std::string_view annotation, std::string_view why) {
    if (wrong) wrong->push_back(fmt::format("{}{}: {}", kAskPrefix, annotation, why));
  };
  if (!found) complain(kStageAsk, fmt::format("there is no stage {}", api::quote(named)));
  for (const auto& [annotation, text] : pod.asks) {
    if (annotation == kStageAsk) continue;
    try {
      if (!out.set_asked(annotation, text)) complain(annotation, "there is nothing of that name to ask for");
    } catch (const AskError& error) {
      complain(annotation, error.what());
    }
  }
  return out;
}

std::shared_ptr<const HollowPod> Stages::shaped(std::shared_ptr<const HollowPod> pod) const {
  if (pods_.empty() && pod->asks.empty()) return pod;
  const Behaviour does = behaviour_of(*pod);
  if (does == Behaviour()) return pod;
  auto out = std::make_shared<HollowPod>(*pod);
  out->does = std::make_shared<const Behaviour>(does);
  for (HollowContainer& container : out->containers) shape(container, does);
  return out;
}

std::vector<const NodeStage*> Stages::of_node(const google::protobuf::Map<std::string, std::string>& labels) const {
  std::vector<const NodeStage*> out;
  for (const NodeStage& stage : nodes_) {
    if (stage.selector.matches_map(labels)) out.push_back(&stage);
  }
  return out;
}

}  // namespace ph::node
