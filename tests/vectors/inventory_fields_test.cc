// Every member of every type that a served group describes, as the server's OpenAPI document shows it: name, type, whether it is
// required, defaults, allowed values, and how lists and maps are merged and applied.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/vectors/inventory.h"
#include "tests/vectors/observed_server.h"
#include "tests/vectors/reading.h"

namespace ph::vectors {
namespace {

// "k8s.io.api.core.v1" → "io.k8s.api.core.v1"; words of one package are joined by what a protobuf package cannot have.
std::string openapi_package(const Json& facts) {
  std::string package = facts.at("protoPackage").get<std::string>().substr(7);
  std::ranges::replace(package, '_', '-');
  return "io.k8s." + package;
}

class Document {
 public:
  Document(ObservedServer& server, const Json& facts) : package_(openapi_package(facts)) {
    const std::string api_version = facts.at("apiVersion");
    const std::string path = (api_version.find('/') == std::string::npos ? "api/" : "apis/") + api_version;
    const Answer answer = server.send(Request::of({{"p", "/openapi/v3/" + path}}, {}));
    schemas_ = answer.body().at("components").at("schemas");
  }
  // Null: nothing that is served refers to it.
  const Json* type(const std::string& name) const {
    const auto found = schemas_.find(package_ + "." + name);
    return found == schemas_.end() ? nullptr : &*found;
  }

 private:
  const std::string package_;
  Json schemas_;
};

const Json* without_wrap(const Json* property) { return property->contains("allOf") ? &property->at("allOf").at(0) : property; }

// What is said of a scalar's or element's type; nothing where a named type stands.
std::string type_of(const Json& property) {
  if (property.contains("$ref")) return "ref";
  std::string out = property.value("type", "");
  if (property.contains("format")) out += " " + property.at("format").get<std::string>();
  return out;
}

std::string expected_type(const std::string& type) {
  static const std::map<std::string, std::string> scalars{
      {"string", "string"},       {"bool", "boolean"},          {"int32", "integer int32"},
      {"int64", "integer int64"}, {"float64", "number double"}, {"bytes", "string byte"},
  };
  if (type.starts_with("[]")) return "array";
  if (type.starts_with("map[")) return "object";
  if (type.starts_with("ref:")) return "ref";
  const auto found = scalars.find(type);
  return found == scalars.end() ? type : found->second;
}

class Members {
 public:
  Members(const Json& types, const Document& document) : types_(types), document_(document) {}

  void check(const std::string& name) {
    const Json& type = types_.at(name);
    const Json* schema = document_.type(name);
    if (!schema || type.contains("customJSON") || type.contains("union") || !schema->contains("properties")) return;
    std::set<std::string> wanted;
    check_all(type, *schema, wanted);
    for (const auto& [property, of] : schema->at("properties").items()) {
      const bool is_type = property == "kind" || property == "apiVersion";
      EXPECT_TRUE(wanted.contains(property) || is_type) << name << "." << property << " is not upstream's";
    }
    ++types_seen_;
  }
  std::size_t types_seen() const { return types_seen_; }
  std::size_t members_seen() const { return members_seen_; }

 private:
  void check_all(const Json& type, const Json& schema, std::set<std::string>& wanted) {
    for (const Json& field : type.at("fields")) {
      const std::string json_name = field.at("json"), of = field.at("type");
      if (json_name == "-") continue;
      if (json_name.empty()) {
        const std::string inner = of.substr(of.find(':') + 1);
        if (types_.contains(inner)) check_all(types_.at(inner), schema, wanted);
        continue;
      }
      SCOPED_TRACE(json_name);
      wanted.insert(json_name);
      const auto property = schema.at("properties").find(json_name);
      ASSERT_NE(property, schema.at("properties").end()) << json_name << " is missing";
      check_member(field, *property);
      const Json required = schema.value("required", Json::array());
      const bool is_required = std::ranges::any_of(required, [&](const Json& each) { return each == json_name; });
      EXPECT_EQ(is_required, !field.value("optional", false));
      ++members_seen_;
    }
  }

  static void check_member(const Json& field, const Json& property) {
    const std::string type = field.at("type");
    const Json* const inner = without_wrap(&property);
    if (type != "any") EXPECT_EQ(type_of(*inner), expected_type(type));
    if (type.starts_with("[]") && inner->contains("items")) {
      EXPECT_EQ(type_of(*without_wrap(&inner->at("items"))), expected_type(type.substr(2)));
    }
    const auto same = [&](const char* fact, const char* extension) {
      EXPECT_EQ(property.value(extension, Json()), field.value(fact, Json())) << extension;
    };
    same("patchMergeKey", "x-kubernetes-patch-merge-key");
    same("patchStrategy", "x-kubernetes-patch-strategy");
    same("listMapKeys", "x-kubernetes-list-map-keys");
    // Of what JSON shows as a list or a map: bytes are a text there, and granular is what maps are anyway.
    if (field.contains("listType") && type.starts_with("[]")) same("listType", "x-kubernetes-list-type");
    if (field.contains("mapType") && field.at("mapType") != "granular") same("mapType", "x-kubernetes-map-type");
    if (field.contains("default")) EXPECT_EQ(property.value("default", Json()), field.at("default"));
    if (field.contains("enum")) {
      Json ours = property.value("enum", Json::array()), theirs = field.at("enum");
      std::sort(ours.begin(), ours.end());
      std::sort(theirs.begin(), theirs.end());
      EXPECT_EQ(ours, theirs);
    }
  }

  const Json& types_;
  const Document& document_;
  std::size_t types_seen_ = 0, members_seen_ = 0;
};

TEST(Inventory, MembersAreDescribed) {
  ObservedServer server;
  std::size_t types = 0, members = 0;
  for (const Json& facts : read_group_facts()) {
    const Document document(server, facts);
    Members of(facts.at("types"), document);
    for (const auto& [name, type] : facts.at("types").items()) {
      SCOPED_TRACE(facts.at("apiVersion").get<std::string>() + " " + name);
      if (type.contains("fields")) of.check(name);
    }
    types += of.types_seen();
    members += of.members_seen();
  }
  // Nothing was passed over by a name that leads nowhere.
  EXPECT_GT(types, 500u);
  EXPECT_GT(members, 1800u);
}

}  // namespace
}  // namespace ph::vectors
