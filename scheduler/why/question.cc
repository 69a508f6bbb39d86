#include "scheduler/why/question.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/yaml_document.h"

namespace ph::scheduler::why {
namespace {

using core::v1::Node, core::v1::Pod;

[[noreturn]] void refuse(std::string text) { throw api::bad_request(std::move(text)); }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Damaged escapes stay as they are.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

struct Split {
  std::string before, after;
  bool found = false;
};
Split split(std::string_view text, char mark) {
  const auto at = text.find(mark);
  if (at == text.npos) return {std::string(text), {}, false};
  return {std::string(text.substr(0, at)), std::string(text.substr(at + 1)), true};
}

int number(std::string_view name, std::string_view text, int most) {
  int out = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), out);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || out < 0 || out > most) {
    refuse(fmt::format("{}: \"{}\" is no number from 0 to {}", name, text, most));
  }
  return out;
}

// NODE:REST
Split of_node(std::string_view name, std::string_view value, std::string_view form) {
  Split out = split(value, ':');
  if (!out.found || out.before.empty() || out.after.empty()) refuse(fmt::format("{}: \"{}\" is not {}", name, value, form));
  return out;
}

Edits::Label label_of(std::string_view value) {
  constexpr std::string_view kForm = "NODE:KEY=VALUE or NODE:KEY-";
  const Split parts = of_node("label", value, kForm);
  if (const Split pair = split(parts.after, '='); pair.found && !pair.before.empty()) {
    return {parts.before, pair.before, pair.after};
  }
  if (!parts.after.ends_with('-') || parts.after.size() == 1) refuse(fmt::format("label: \"{}\" is not {}", value, kForm));
  return {parts.before, parts.after.substr(0, parts.after.size() - 1), std::nullopt};
}

Edits::Taint taint_of(std::string_view value) {
  constexpr std::string_view kForm = "NODE:KEY[=VALUE]:EFFECT, NODE:KEY- or NODE:KEY:EFFECT-";
  const Split parts = of_node("taint", value, kForm);
  Edits::Taint out{.node = parts.before, .taint = {}, .away = parts.after.ends_with('-')};
  const Split effect = split(out.away ? parts.after.substr(0, parts.after.size() - 1) : parts.after, ':');
  const Split pair = split(effect.before, '=');
  const bool known = effect.after == "NoSchedule" || effect.after == "PreferNoSchedule" || effect.after == "NoExecute";
  if (pair.before.empty() || (!known && (!out.away || effect.found)))
    refuse(fmt::format("taint: \"{}\" is not {}", value, kForm));
  out.taint.set_key(pair.before);
  out.taint.set_value(pair.after);
  out.taint.set_effect(effect.after);
  return out;
}

void take_parameter(Question& out, const std::string& name, const std::string& value) {
  constexpr int kToldMost = 1000;
  if (name == "pod") {
    out.pod = ObjectKey::parse(value);
    if (out.pod.namespace_name.empty() || out.pod.name.empty()) refuse(fmt::format("pod: \"{}\" is not NAMESPACE/NAME", value));
  } else if (name == "addNodes") {
    const Split parts = split(value, ':');
    if (!parts.found || parts.after.empty()) refuse(fmt::format("addNodes: \"{}\" is not COUNT:NODE", value));
    out.edits.added.push_back({number(name, parts.before, kAddedNodesMost), parts.after});
  } else if (name == "drain" || name == "uncordon") {
    if (value.empty()) refuse(fmt::format("{}: which node?", name));
    (name == "drain" ? out.edits.drained : out.edits.uncordoned).push_back(value);
  } else if (name == "label") {
    out.edits.labels.push_back(label_of(value));
  } else if (name == "taint") {
    out.edits.taints.push_back(taint_of(value));
  } else if (name == "runnersUp") {
    out.runners_up = static_cast<std::size_t>(number(name, value, kToldMost));
  } else if (name == "nearest") {
    out.nearest = static_cast<std::size_t>(number(name, value, kToldMost));
  } else {
    refuse(fmt::format("there is no parameter \"{}\": pod, addNodes, drain, uncordon, label, taint, runnersUp, nearest", name));
  }
}

// -- The body

template <class T>
void read(const nlohmann::json& document, T& into) {
  try {
    api::from_json(document, into);
  } catch (const api::DecodeError& error) {
    refuse(error.what());
  }
}

void take_object(Question& out, const nlohmann::json& document) {
  const auto kind = document.find("kind");
  const std::string name = kind != document.end() && kind->is_string() ? kind->get<std::string>() : "";
  if (name == "Pod") {
    if (out.given) refuse("the body holds more than one pod");
    auto pod = std::make_shared<Pod>();
    read(document, *pod);
    auto& metadata = *pod->mutable_metadata();
    if (metadata.namespace_().empty()) metadata.set_namespace_("default");
    if (metadata.name().empty()) metadata.set_name(metadata.generate_name() + "imagined");
    metadata.set_uid("imagined");  // no pod's
    out.given = std::move(pod);
  } else if (name == "Node") {
    Node node;
    read(document, node);
    if (node.metadata().name().empty()) refuse("a node of the body has no name");
    if (static_cast<int>(out.edits.nodes.size()) >= kAddedNodesMost) refuse("the body holds too many nodes");
    out.edits.nodes.push_back(std::move(node));
  } else if (name == "List") {
    const auto items = document.find("items");
    if (items == document.end() || !items->is_array()) return;
    for (const nlohmann::json& item : *items) {
      if (item.value("kind", "") == "List") refuse("a List in a List");
      take_object(out, item);
    }
  } else {
    refuse(fmt::format("the body holds a \"{}\": a Pod, a Node or a List of them is wanted", name));
  }
}

}  // namespace

Question question_of(std::string_view query, std::string_view body) {
  Question out;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const Split pair = split(query.substr(0, end), '=');
    if (!pair.before.empty()) take_parameter(out, decoded(pair.before), decoded(pair.after));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  if (!body.empty()) {
    try {
      take_object(out, api::yaml_document(body));
    } catch (const api::DecodeError& error) {
      refuse(error.what());
    } catch (const nlohmann::json::exception& error) {
      refuse(error.what());
    }
  }
  if (out.given && !out.pod.name.empty()) refuse("there is a pod in the query, and one in the body: which is meant?");
  if (!out.given && out.pod.name.empty()) refuse("which pod? pod=NAMESPACE/NAME, or one in the body");
  if (out.given) out.pod = key_of(*out.given);
  return out;
}

}  // namespace ph::scheduler::why
