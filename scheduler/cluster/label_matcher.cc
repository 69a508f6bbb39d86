#include "scheduler/cluster/label_matcher.h"

#include <algorithm>

#include "api/selector.h"

namespace ph::scheduler {

const Interned* find_label(LabelSpan labels, const Interned& key) {
  for (const Label& label : labels) {
    if (label.first == key) return &label.second;
  }
  return nullptr;
}

LabelMatcher LabelMatcher::nothing() {
  LabelMatcher out;
  out.nothing_ = true;
  return out;
}

LabelMatcher LabelMatcher::of(const meta::v1::LabelSelector& selector) {
  LabelMatcher out;
  for (const api::Requirement& one : api::LabelSelector::from(selector).requirements()) {
    Requirement& made = out.requirements_.emplace_back(Requirement{Interned(one.key), Op::In, {}});
    switch (one.op) {
      case api::Operator::NotIn:
      case api::Operator::NotEquals: made.op = Op::NotIn; break;
      case api::Operator::Exists: made.op = Op::Exists; break;
      case api::Operator::NotExists: made.op = Op::DoesNotExist; break;
      default: break;  // objects' selectors know no order
    }
    for (const std::string& value : one.values) made.values.emplace_back(value);
  }
  return out;
}

LabelMatcher LabelMatcher::of_labels(const google::protobuf::Map<std::string, std::string>& labels) {
  LabelMatcher out;
  for (const auto* label : sorted(labels)) out.require(Interned(label->first), Interned(label->second));
  return out;
}

LabelMatcher& LabelMatcher::require(Interned key, Interned value) {
  nothing_ = false;
  Requirement& made = requirements_.emplace_back(Requirement{std::move(key), Op::In, {}});
  made.values.push_back(std::move(value));
  return *this;
}

LabelMatcher& LabelMatcher::merge(const LabelMatcher& other) {
  if (other.nothing_) return *this;
  nothing_ = false;
  requirements_.insert(requirements_.end(), other.requirements_.begin(), other.requirements_.end());
  return *this;
}

bool LabelMatcher::holds(const Requirement& requirement, const Interned* value) {
  const auto listed = [&] { return std::ranges::find(requirement.values, *value) != requirement.values.end(); };
  switch (requirement.op) {
    case Op::In: return value && listed();
    case Op::NotIn: return !value || !listed();
    case Op::Exists: return value;
    case Op::DoesNotExist: return !value;
  }
  return false;
}

bool LabelMatcher::matches(LabelSpan labels) const {
  if (nothing_) return false;
  return std::ranges::all_of(requirements_, [&](const Requirement& one) { return holds(one, find_label(labels, one.key)); });
}

void LabelMatcher::describe(std::string& out) const {
  // Keys and values hold no such signs.
  out += nothing_ ? '-' : '+';
  for (const Requirement& one : requirements_) {
    out.append(one.key.view()).push_back(static_cast<char>('0' + static_cast<int>(one.op)));
    out.push_back('\n');
    for (const Interned& value : one.values) out.append(value.view()).push_back(',');
  }
  out.push_back(';');
}

}  // namespace ph::scheduler
