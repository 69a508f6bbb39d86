// Custom resources: what each CustomResourceDefinition asks for is judged, served, and taken away again with its objects.
// Reference: "Extend the Kubernetes API with CustomResourceDefinitions".
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "apiserver/extensions/custom_kind.h"
#include "apiserver/extensions/names.h"
#include "apiserver/rest/core.h"

namespace ph::apiserver {

// Belongs to the server's executor. The core outlives it.
class CustomResources {
 public:
  explicit CustomResources(Core& core);

  // Serves what the store holds of established definitions: before requests are.
  Task<void> fill();
  // Follows the definitions; runs until it is dropped.
  Task<void> follow();

 private:
  using Definition = apiextensions::v1::CustomResourceDefinition;

  // What is served for a definition, and which state of it that is.
  struct Known {
    std::string group, plural;
    apiextensions::v1::CustomResourceDefinitionNames accepted;
    std::string fingerprint;  // of what `served_by` makes of it; empty: nothing is served
    Revision settled;         // at the start: as it was then, it waits for nothing
  };

  // By group and name, the definitions that have it there.
  using Holders = std::map<std::pair<std::string, std::string>, std::set<std::string>>;

  void note(const Definition& definition);
  bool is_settled(Definition& definition) const;
  // Those of `known.accepted` become its, or are free again.
  void hold(const std::string& definition, const Known& known);
  void release(const std::string& definition, const Known& known);
  Task<void> look_at(const std::string& name);
  Task<void> look_at_all(std::set<std::string> names);
  Task<Definition> judge(Definition definition);
  Task<void> serve(const Definition& definition);
  Task<void> clean_up(const Definition& definition);
  void forget(const std::string& name);
  // Of the names it asks for, those that others have.
  TakenNames taken(const Definition& definition) const;

  Served& definitions_;
  Core& core_;
  const MakeConverter make_converter_;
  std::map<std::string, Known> known_;  // by the definition's name
  Holders resources_, kinds_;
  std::set<std::string> again_;  // to be looked at once more: something they wait for has changed
};

}  // namespace ph::apiserver
