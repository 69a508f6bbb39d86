// Upstream: component-helpers/scheduling/corev1
#include "scheduler/framework/node_selector.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/sorted.h"

namespace ph::scheduler {

using core::v1::Node, core::v1::NodeSelector, core::v1::NodeSelectorRequirement, core::v1::NodeSelectorTerm,
    core::v1::Pod, core::v1::Taint, core::v1::Toleration;

namespace {

std::optional<std::int64_t> to_int(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

const std::string* find(const google::protobuf::Map<std::string, std::string>& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

// -- NodeTerm

NodeTerm::NodeTerm(const NodeSelectorTerm& term) {
  for (const auto& requirement : term.match_expressions()) add(requirement, false);
  for (const auto& requirement : term.match_fields()) add(requirement, true);
}

void NodeTerm::fail(std::string error) {
  broken_ = true;
  if (error_.empty()) error_ = std::move(error);
}

void NodeTerm::add(const NodeSelectorRequirement& requirement, bool field) {
  static constexpr std::pair<std::string_view, Op> kOps[] = {{"In", Op::In},         {"NotIn", Op::NotIn},
                                                             {"Exists", Op::Exists}, {"DoesNotExist", Op::DoesNotExist},
                                                             {"Gt", Op::Gt},         {"Lt", Op::Lt}};
  const auto known = std::ranges::find(kOps, requirement.operator_(), [](const auto& op) { return op.first; });
  if (known == std::end(kOps))
    return fail(fmt::format("\"{}\" is not a valid node selector operator", requirement.operator_()));

  Requirement out{requirement.key(), known->second, {requirement.values().begin(), requirement.values().end()}};
  if (field) {
    if (out.op != Op::In && out.op != Op::NotIn) {
      return fail(fmt::format("\"{}\" is not a valid node selector operator", requirement.operator_()));
    }
    if (out.values.size() != 1) return fail("must have one element");
    fields_.push_back(std::move(out));
    return;
  }
  if ((out.op == Op::In || out.op == Op::NotIn) && out.values.empty()) {
    return fail("for 'in', 'notin' operators, values set can't be empty");
  }
  if ((out.op == Op::Exists || out.op == Op::DoesNotExist) && !out.values.empty()) {
    return fail("values set must be empty for exists and does not exist");
  }
  if (out.op == Op::Gt || out.op == Op::Lt) {
    if (out.values.size() != 1) return fail("for 'Gt', 'Lt' operators, exactly one value is required");
    const auto bound = to_int(out.values.front());
    if (!bound) return fail("for 'Gt', 'Lt' operators, the value must be an integer");
    out.bound = *bound;
  }
  expressions_.push_back(std::move(out));
}

bool NodeTerm::holds(const Requirement& requirement, const std::string* value) {
  const auto listed = [&] { return std::ranges::find(requirement.values, *value) != requirement.values.end(); };
  const auto number = [&] { return value ? to_int(*value) : std::nullopt; };
  switch (requirement.op) {
    case Op::In:
      return value && listed();
    case Op::NotIn:
      return !value || !listed();
    case Op::Exists:
      return value;
    case Op::DoesNotExist:
      return !value;
    case Op::Gt:
      return number() && *number() > requirement.bound;
    case Op::Lt:
      return number() && *number() < requirement.bound;
  }
  return false;
}

bool NodeTerm::matches(const Node& node) const {
  if (broken_ || empty()) return false;
  const auto label = [&](const Requirement& requirement) {
    return holds(requirement, find(node.metadata().labels(), requirement.key));
  };
  // metadata.name is the only field there is.
  const auto field = [&](const Requirement& requirement) {
    return holds(requirement, requirement.key == "metadata.name" ? &node.metadata().name() : nullptr);
  };
  return std::ranges::all_of(expressions_, label) && std::ranges::all_of(fields_, field);
}

std::optional<std::set<std::string, std::less<>>> NodeTerm::names() const {
  std::optional<std::set<std::string, std::less<>>> out;
  for (const Requirement& requirement : fields_) {
    if (requirement.key != "metadata.name" || requirement.op != Op::In) continue;
    const std::set<std::string, std::less<>> these(requirement.values.begin(), requirement.values.end());
    if (!out) {
      out = these;
    } else {
      std::erase_if(*out, [&](const std::string& name) { return !these.contains(name); });
    }
  }
  return out;
}

// -- NodeTerms, RequiredNodes, PreferredNodes

NodeTerms::NodeTerms(const NodeSelector& selector) {
  for (const auto& term : selector.node_selector_terms()) terms_.emplace_back(term);
}

bool NodeTerms::matches(const Node& node) const {
  return std::ranges::any_of(terms_, [&](const NodeTerm& term) { return term.matches(node); });
}

std::string NodeTerms::error() const {
  for (const NodeTerm& term : terms_) {
    if (!term.error().empty()) return term.error();
  }
  return {};
}

RequiredNodes::RequiredNodes(const Pod& pod) {
  for (const auto* label : sorted(pod.spec().node_selector())) labels_.emplace_back(label->first, label->second);
  const auto& affinity = pod.spec().affinity();
  if (affinity.has_node_affinity() &&
      affinity.node_affinity().has_required_during_scheduling_ignored_during_execution()) {
    affinity_.emplace(affinity.node_affinity().required_during_scheduling_ignored_during_execution());
  }
}

bool RequiredNodes::matches(const Node& node) const {
  for (const auto& [key, value] : labels_) {
    const std::string* found = find(node.metadata().labels(), key);
    if (!found || *found != value) return false;
  }
  return !affinity_ || affinity_->matches(node);
}

PreferredNodes::PreferredNodes(const Terms& terms) {
  for (const auto& term : terms) {
    NodeTerm preference(term.preference());
    if (term.weight() != 0 && !preference.empty()) terms_.emplace_back(term.weight(), std::move(preference));
  }
}

std::int64_t PreferredNodes::score(const Node& node) const {
  std::int64_t sum = 0;
  for (const auto& [weight, term] : terms_) sum += term.matches(node) ? weight : 0;
  return sum;
}

std::string PreferredNodes::error() const {
  for (const auto& [weight, term] : terms_) {
    if (!term.error().empty()) return term.error();
  }
  return {};
}

// -- Tolerations

bool tolerates(const Toleration& toleration, const Taint& taint) {
  if (!toleration.effect().empty() && toleration.effect() != taint.effect()) return false;
  if (!toleration.key().empty() && toleration.key() != taint.key()) return false;
  if (toleration.operator_().empty() || toleration.operator_() == "Equal") return toleration.value() == taint.value();
  return toleration.operator_() == "Exists";
}

bool tolerates(const Pod& pod, const Taint& taint) {
  return std::ranges::any_of(pod.spec().tolerations(), [&](const Toleration& t) { return tolerates(t, taint); });
}

}  // namespace ph::scheduler
