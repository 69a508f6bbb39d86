#include "apiserver/extensions/names.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/times.h"

namespace ph::apiserver {

using apiextensions::v1::CustomResourceDefinitionCondition;
using apiextensions::v1::CustomResourceDefinitionNames;

void TakenNames::add(const CustomResourceDefinitionNames& accepted) {
  for (const std::string& name : {accepted.plural(), accepted.singular()}) {
    if (!name.empty()) resources.insert(name);
  }
  resources.insert(accepted.short_names().begin(), accepted.short_names().end());
  for (const std::string& name : {accepted.kind(), accepted.list_kind()}) {
    if (!name.empty()) kinds.insert(name);
  }
}

const CustomResourceDefinitionCondition* find_condition(const CustomResourceDefinition& definition, std::string_view type) {
  const auto& conditions = definition.status().conditions();
  const auto found =
      std::ranges::find(conditions, type, [](const auto& condition) -> std::string_view { return condition.type(); });
  return found == conditions.end() ? nullptr : &*found;
}

bool is_true(const CustomResourceDefinition& definition, std::string_view type) {
  const CustomResourceDefinitionCondition* found = find_condition(definition, type);
  return found != nullptr && found->status() == "True";
}

bool set_condition(CustomResourceDefinition& definition, std::string_view type, bool status, std::string_view reason,
                   std::string_view message, Time now) {
  const CustomResourceDefinitionCondition* found = find_condition(definition, type);
  const std::string_view text = status ? "True" : "False";
  if (found && found->status() == text && found->reason() == reason && found->message() == message) return false;
  auto* condition = found ? const_cast<CustomResourceDefinitionCondition*>(found) : definition.mutable_status()->add_conditions();
  if (condition->status() != text) api::set_time(condition->mutable_last_transition_time(), now);
  condition->set_type(std::string(type));
  condition->set_status(std::string(text));
  condition->set_reason(std::string(reason));
  condition->set_message(std::string(message));
  return true;
}

namespace {

struct Conflict {
  std::string_view reason;
  std::string message;
};

std::string in_use(const std::string& name) { return fmt::format("\"{}\" is already in use", name); }

std::string in_use(const std::set<std::string>& taken, const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::vector<std::string> complaints;
  for (const std::string& name : names) {
    if (taken.contains(name)) complaints.push_back(in_use(name));
  }
  if (complaints.size() < 2) return complaints.empty() ? std::string() : complaints.front();
  return fmt::format("[{}]", fmt::join(complaints, ", "));
}

}  // namespace

void judge_names(const TakenNames& taken, Time now, CustomResourceDefinition& definition) {
  const CustomResourceDefinitionNames& wanted = definition.spec().names();
  CustomResourceDefinitionNames accepted = definition.status().accepted_names();
  std::vector<Conflict> conflicts;
  const auto judge = [&](const std::set<std::string>& others, const std::string& name, std::string_view reason, auto accept) {
    if (!name.empty() && others.contains(name)) conflicts.push_back({reason, in_use(name)});
    else accept();
  };
  judge(taken.resources, wanted.plural(), "PluralConflict", [&] { accepted.set_plural(wanted.plural()); });
  judge(taken.resources, wanted.singular(), "SingularConflict", [&] { accepted.set_singular(wanted.singular()); });
  if (std::string why = in_use(taken.resources, wanted.short_names()); !why.empty()) {
    conflicts.push_back({"ShortNamesConflict", std::move(why)});
  } else {
    *accepted.mutable_short_names() = wanted.short_names();
  }
  judge(taken.kinds, wanted.kind(), "KindConflict", [&] { accepted.set_kind(wanted.kind()); });
  judge(taken.kinds, wanted.list_kind(), "ListKindConflict", [&] { accepted.set_list_kind(wanted.list_kind()); });
  *accepted.mutable_categories() = wanted.categories();
  *definition.mutable_status()->mutable_accepted_names() = std::move(accepted);

  if (conflicts.empty()) {
    set_condition(definition, "NamesAccepted", true, "NoConflicts", "no conflicts found", now);
    if (!is_true(definition, "Established")) {
      set_condition(definition, "Established", true, "InitialNamesAccepted", "the initial names have been accepted", now);
    }
    return;
  }
  // The last one is told.
  set_condition(definition, "NamesAccepted", false, conflicts.back().reason, conflicts.back().message, now);
  if (!is_true(definition, "Established")) {
    set_condition(definition, "Established", false, "NotAccepted", "not all names are accepted", now);
  }
}

}  // namespace ph::apiserver
