// Upstream: component-helpers/scheduling/corev1
#include "api/node_selector.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "api/names.h"
#include "api/sorted.h"
#include "api/validation/quote.h"

namespace ph::api {

using core::v1::Node, core::v1::NodeSelector, core::v1::NodeSelectorRequirement, core::v1::NodeSelectorTerm, core::v1::PodSpec,
    core::v1::Taint, core::v1::Toleration;

namespace {

std::optional<std::int64_t> to_int(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::string list_of(const NodeSelectorRequirement& requirement) {
  if (requirement.values().empty()) return "null";
  std::vector<std::string> values;
  for (const std::string& value : requirement.values()) values.push_back(quote(value));
  return fmt::format("[{}]", fmt::join(values, ","));
}

template <class Ops>
std::string unsupported(std::string_view list, int index, const NodeSelectorRequirement& requirement, const Ops& ops) {
  std::vector<std::string> supported;
  for (const auto& [name, op] : ops) supported.push_back(quote(name));
  return fmt::format("{}[{}].operator: Unsupported value: {}: supported values: {}", list, index, quote(requirement.operator_()),
                     fmt::join(supported, ", "));
}

std::string_view name_of(const Node& node) { return node.metadata().name(); }
std::string_view name_of(const NodeTraits& node) { return node.name; }

std::optional<std::string_view> label_of(const Node& node, const std::string& key) {
  const auto found = node.metadata().labels().find(key);
  if (found == node.metadata().labels().end()) return std::nullopt;
  return found->second;
}
std::optional<std::string_view> label_of(const NodeTraits& node, const std::string& key) { return node.label(key); }

}  // namespace

// -- NodeTerm

NodeTerm::NodeTerm(const NodeSelectorTerm& term) {
  for (int i = 0; i < term.match_expressions_size(); ++i) add_expression(term.match_expressions(i), i);
  for (int i = 0; i < term.match_fields_size(); ++i) add_field(term.match_fields(i), i);
}

void NodeTerm::add_expression(const NodeSelectorRequirement& requirement, int index) {
  static constexpr std::pair<std::string_view, Op> kOps[] = {{"In", Op::In},         {"NotIn", Op::NotIn},
                                                             {"Exists", Op::Exists}, {"DoesNotExist", Op::DoesNotExist},
                                                             {"Gt", Op::Gt},         {"Lt", Op::Lt}};
  const auto known = std::ranges::find(kOps, requirement.operator_(), [](const auto& op) { return op.first; });
  if (known == std::end(kOps)) return errors_.push_back(unsupported("matchExpressions", index, requirement, kOps));

  Requirement out{requirement.key(), known->second, {requirement.values().begin(), requirement.values().end()}};
  const std::size_t errors_before = errors_.size();
  const auto invalid = [&](std::string_view field, std::string_view value, std::string_view why) {
    errors_.push_back(fmt::format("matchExpressions[{}].{}: Invalid value: {}: {}", index, field, value, why));
  };
  if (const auto wrong = check_qualified_name(out.key); !wrong.empty()) {
    invalid("key", quote(out.key), fmt::format("{}", fmt::join(wrong, "; ")));
  }
  const bool orders = out.op == Op::Gt || out.op == Op::Lt;
  const bool lists = out.op == Op::In || out.op == Op::NotIn;
  if (lists && out.values.empty())
    invalid("values", list_of(requirement), "for 'in', 'notin' operators, values set can't be empty");
  if (!lists && !orders && !out.values.empty()) {
    invalid("values", list_of(requirement), "values set must be empty for exists and does not exist");
  }
  if (orders && out.values.size() != 1) {
    invalid("values", list_of(requirement), "for 'Gt', 'Lt' operators, exactly one value is required");
  }
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    const std::string at = fmt::format("values[{}]", i);
    if (const auto bound = orders ? to_int(out.values[i]) : 0) {
      out.bound = *bound;
    } else {
      invalid(at, quote(out.values[i]), "for 'Gt', 'Lt' operators, the value must be an integer");
    }
    if (const auto wrong = check_label_value(out.values[i]); !wrong.empty()) {
      invalid(at, quote(out.values[i]), fmt::format("{}", fmt::join(wrong, "; ")));
    }
  }
  if (errors_.size() == errors_before) expressions_.push_back(std::move(out));
}

void NodeTerm::add_field(const NodeSelectorRequirement& requirement, int index) {
  static constexpr std::pair<std::string_view, Op> kOps[] = {{"In", Op::In}, {"NotIn", Op::NotIn}};
  const auto known = std::ranges::find(kOps, requirement.operator_(), [](const auto& op) { return op.first; });
  if (known == std::end(kOps)) return errors_.push_back(unsupported("matchFields", index, requirement, kOps));
  if (requirement.values_size() != 1) {
    return errors_.push_back(
        fmt::format("matchFields[{}].values: Invalid value: {}: must have one element", index, list_of(requirement)));
  }
  fields_.push_back({requirement.key(), known->second, {requirement.values(0)}});
}

bool NodeTerm::holds(const Requirement& requirement, std::optional<std::string_view> value) {
  const auto listed = [&] { return std::ranges::find(requirement.values, *value) != requirement.values.end(); };
  const auto number = [&] { return value ? to_int(*value) : std::nullopt; };
  switch (requirement.op) {
    case Op::In: return value && listed();
    case Op::NotIn: return !value || !listed();
    case Op::Exists: return value.has_value();
    case Op::DoesNotExist: return !value;
    case Op::Gt: return number() && *number() > requirement.bound;
    case Op::Lt: return number() && *number() < requirement.bound;
  }
  return false;
}

template <class N>
bool NodeTerm::all_hold(const N& node) const {
  if (!errors_.empty() || empty()) return false;
  const auto label = [&](const Requirement& requirement) { return holds(requirement, label_of(node, requirement.key)); };
  // metadata.name is the only field there is.
  const auto field = [&](const Requirement& requirement) {
    return holds(requirement, requirement.key == "metadata.name" ? std::optional(name_of(node)) : std::nullopt);
  };
  return std::ranges::all_of(expressions_, label) && std::ranges::all_of(fields_, field);
}

bool NodeTerm::matches(const Node& node) const { return all_hold(node); }
bool NodeTerm::matches(const NodeTraits& node) const { return all_hold(node); }

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

bool NodeTerms::matches(const NodeTraits& node) const {
  return std::ranges::any_of(terms_, [&](const NodeTerm& term) { return term.matches(node); });
}

TermErrors NodeTerms::errors(std::string_view path) const {
  TermErrors out;
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    for (const std::string& error : terms_[i].errors()) out.push_back(fmt::format("{}.nodeSelectorTerms[{}].{}", path, i, error));
  }
  return out;
}

RequiredNodes::RequiredNodes(const PodSpec& pod) {
  for (const auto* label : sorted(pod.node_selector())) labels_.emplace_back(label->first, label->second);
  const auto& affinity = pod.affinity();
  if (affinity.has_node_affinity() && affinity.node_affinity().has_required_during_scheduling_ignored_during_execution()) {
    affinity_.emplace(affinity.node_affinity().required_during_scheduling_ignored_during_execution());
  }
}

template <class N>
bool RequiredNodes::has_labels(const N& node) const {
  return std::ranges::all_of(labels_, [&](const auto& label) { return label_of(node, label.first) == label.second; });
}

bool RequiredNodes::matches(const Node& node) const { return has_labels(node) && (!affinity_ || affinity_->matches(node)); }

bool RequiredNodes::matches(const NodeTraits& node) const { return has_labels(node) && (!affinity_ || affinity_->matches(node)); }

bool RequiredNodes::unclear(const Node& node) const {
  const auto broken = [](const NodeTerm& term) { return !term.errors().empty(); };
  return affinity_ && std::ranges::any_of(affinity_->terms(), broken) && has_labels(node) && !affinity_->matches(node);
}

PreferredNodes::PreferredNodes(const Terms& terms) {
  for (int i = 0; i < terms.size(); ++i) {
    NodeTerm preference(terms[i].preference());
    if (terms[i].weight() != 0 && !preference.empty()) terms_.push_back({i, terms[i].weight(), std::move(preference)});
  }
}

std::int64_t PreferredNodes::score(const Node& node) const {
  std::int64_t sum = 0;
  for (const auto& [index, weight, term] : terms_) sum += term.matches(node) ? weight : 0;
  return sum;
}

TermErrors PreferredNodes::errors(std::string_view path) const {
  TermErrors out;
  for (const auto& [index, weight, term] : terms_) {
    for (const std::string& error : term.errors()) out.push_back(fmt::format("{}[{}].{}", path, index, error));
  }
  return out;
}

std::string one_text(const TermErrors& errors) {
  return errors.size() == 1 ? errors.front() : fmt::format("[{}]", fmt::join(errors, ", "));
}

// -- Tolerations

bool tolerates(const Toleration& toleration, const Taint& taint) {
  if (!toleration.effect().empty() && toleration.effect() != taint.effect()) return false;
  if (!toleration.key().empty() && toleration.key() != taint.key()) return false;
  if (toleration.operator_().empty() || toleration.operator_() == "Equal") return toleration.value() == taint.value();
  return toleration.operator_() == "Exists";
}

bool tolerates(const Tolerations& tolerations, const Taint& taint) {
  return std::ranges::any_of(tolerations, [&](const Toleration& t) { return tolerates(t, taint); });
}

}  // namespace ph::api
