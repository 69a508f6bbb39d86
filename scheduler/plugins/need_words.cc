#include "scheduler/plugins/need_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "api/codec.h"
#include "api/node_selector.h"
#include "api/quantity.h"
#include "api/selector.h"
#include "api/sorted.h"

namespace ph::scheduler {

using api::Quantity;
using core::v1::Node, core::v1::NodeSelectorRequirement, core::v1::NodeSelectorTerm;

std::string amount_text(std::string_view resource, std::int64_t amount) {
  if (resource == "cpu") return Quantity::of_milli(amount).text();
  const bool bytes = resource == "memory" || resource == "ephemeral-storage" || resource.starts_with("hugepages-");
  return Quantity::of(amount, bytes ? Quantity::Format::BinarySI : Quantity::Format::DecimalSI).text();
}

Need more_of(std::string_view resource, std::int64_t wanted, std::int64_t capacity, std::int64_t taken) {
  const std::string missing = amount_text(resource, wanted - (capacity - taken));
  std::string text =
      fmt::format("{} more {}: the pod asks for {}, {} of {} are free", missing, resource, amount_text(resource, wanted),
                  amount_text(resource, std::max<std::int64_t>(capacity - taken, 0)), amount_text(resource, capacity));
  if (wanted > capacity) text += "; the whole node is too small";
  return {.text = std::move(text), .resource = std::string(resource), .missing = missing};
}

std::string taint_text(const core::v1::Taint& taint) {
  return fmt::format("{}{}{}:{}", taint.key(), taint.value().empty() ? "" : "=", taint.value(), taint.effect());
}

std::string selector_text(const meta::v1::LabelSelector& selector) {
  try {
    const std::string text = api::LabelSelector::from(selector).text();
    return text.empty() ? "all pods" : text;
  } catch (const api::DecodeError&) {
    return "a selector that means nothing";
  }
}

std::string label_text(const Node& node, const std::string& key) {
  const auto found = node.metadata().labels().find(key);
  return found == node.metadata().labels().end() ? fmt::format("no label {}", key) : fmt::format("{}={}", key, found->second);
}

namespace {

std::string requirement_text(const NodeSelectorRequirement& one) {
  if (one.values().empty()) return fmt::format("{} {}", one.key(), one.operator_());
  return fmt::format("{} {} [{}]", one.key(), one.operator_(), fmt::join(one.values(), " "));
}

bool holds(const NodeSelectorRequirement& one, bool field, const Node& node) {
  NodeSelectorTerm alone;
  *(field ? alone.add_match_fields() : alone.add_match_expressions()) = one;
  return api::NodeTerm(alone).matches(node);
}

std::vector<Need> missing_of(const NodeSelectorTerm& term, const Node& node) {
  std::vector<Need> out;
  for (const NodeSelectorRequirement& one : term.match_expressions()) {
    if (holds(one, false, node)) continue;
    out.push_back({fmt::format("a label that meets {}: the node has {}", requirement_text(one), label_text(node, one.key()))});
  }
  for (const NodeSelectorRequirement& one : term.match_fields()) {
    if (!holds(one, true, node)) out.push_back({fmt::format("a node whose {}", requirement_text(one))});
  }
  if (out.empty()) out.push_back({"a node affinity term that says something"});
  return out;
}

}  // namespace

std::vector<Need> missing_labels(const core::v1::PodSpec& pod, const Node& node) {
  std::vector<Need> out;
  for (const auto* label : sorted(pod.node_selector())) {
    const auto found = node.metadata().labels().find(label->first);
    if (found != node.metadata().labels().end() && found->second == label->second) continue;
    out.push_back({fmt::format("the label {}={}: the node has {}", label->first, label->second, label_text(node, label->first))});
  }
  const auto& affinity = pod.affinity().node_affinity();
  if (!affinity.has_required_during_scheduling_ignored_during_execution()) return out;
  const auto& required = affinity.required_during_scheduling_ignored_during_execution();
  if (api::NodeTerms(required).matches(node)) return out;
  std::vector<Need> least;
  for (const NodeSelectorTerm& term : required.node_selector_terms()) {
    std::vector<Need> missing = missing_of(term, node);
    if (least.empty() || missing.size() < least.size()) least = std::move(missing);
  }
  std::ranges::move(least, std::back_inserter(out));
  return out;
}

}  // namespace ph::scheduler
