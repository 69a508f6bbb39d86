// Which names a custom resource may have in its group: the first to ask for a name has it. Pure.
// Reference: "CustomResourceDefinition", conditions NamesAccepted and Established.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "apiextensions/v1.pb.h"
#include "base/time.h"

namespace ph::apiserver {

using apiextensions::v1::CustomResourceDefinition;

// Holds a definition that is being deleted until its objects are gone.
inline constexpr std::string_view kCleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

// The names that others of the group have.
struct TakenNames {
  std::set<std::string> resources;  // plural, singular and short ones
  std::set<std::string> kinds;      // and lists of them

  void add(const apiextensions::v1::CustomResourceDefinitionNames& accepted);
};

// Sets acceptedNames and the conditions. Names that are free become the definition's; of those that are not it keeps what it had.
// Once established it stays so.
void judge_names(const TakenNames& taken, Time now, CustomResourceDefinition& definition);

const apiextensions::v1::CustomResourceDefinitionCondition* find_condition(const CustomResourceDefinition& definition,
                                                                           std::string_view type);
bool is_true(const CustomResourceDefinition& definition, std::string_view type);
// True when something changed; times change with the status alone.
bool set_condition(CustomResourceDefinition& definition, std::string_view type, bool status, std::string_view reason,
                   std::string_view message, Time now);

}  // namespace ph::apiserver
