#include "api/go_types.h"

#include <set>

#include <gtest/gtest.h>

#include "api/kinds.h"
#include "tests/vectors/reading.h"

namespace ph::api {
namespace {

using nlohmann::json;

TEST(GoTypes, OfItems) {
  EXPECT_EQ(go_item_type("[]v1.KeyUsage"), "v1.KeyUsage");
  EXPECT_EQ(go_item_type("map[v1.QualifiedName]v1.DeviceCapacity"), "v1.DeviceCapacity");
  EXPECT_EQ(go_item_type("v1.ResourceList"), "");
}

// Every struct that is part of a kind, by its message: "core.v1.PodSpec".
std::map<std::string, const Schema*> structs() {
  std::map<std::string, const Schema*> out;
  std::set<const Schema*> seen;
  std::vector<const Schema*> left;
  for (const Resource& resource : Scheme::builtin().resources()) left.push_back(resource.schema);
  while (!left.empty()) {
    const Schema* schema = left.back();
    left.pop_back();
    if (!schema || !seen.insert(schema).second) continue;
    left.push_back(schema->element);
    for (const Field& field : schema->fields) left.push_back(field.schema);
    if (schema->type == Type::Struct && schema->descriptor)
      out.emplace(std::string(schema->descriptor->full_name()).substr(3), schema);
  }
  return out;
}

// What is known to have a name of its own has it in the table, and nothing else.
TEST(GoTypes, AreThoseOfTheAPI) {
  const std::map<std::string, const Schema*> all = structs();
  std::size_t seen = 0;
  for (const json& group : vectors::read_group_facts()) {
    if (!group.contains("protoPackage")) continue;
    std::string package = group["protoPackage"];
    package.erase(0, package.rfind('.', package.rfind('.') - 1) + 1);
    if (package == "resource.v1") package = "resources.v1";
    for (const auto& [name, type] : group["types"].items()) {
      const auto schema = all.find(package + "." + name);
      if (schema == all.end()) continue;
      for (const json& fact : type.value("fields", json::array())) {
        const Field* field = schema->second->field(fact.value("json", ""));
        if (!field) continue;  // those of what is embedded are looked at there
        SCOPED_TRACE(package + "." + name + "." + field->name);
        const std::string alias = fact.value("alias", "");
        const std::string_view known = go_type_of(*field);
        if (alias.empty()) EXPECT_EQ(known, "");
        else EXPECT_NE(known.find("." + alias), known.npos) << known;
        ++seen;
      }
    }
  }
  EXPECT_GT(seen, 1000u);
}

}  // namespace
}  // namespace ph::api
