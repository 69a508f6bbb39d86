// What tests of custom kinds share: the definitions in tests/data/crds, and short ways to schemas and documents.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/rules.h"
#include "api/structural/document.h"
#include "api/structural/structural.h"

namespace ph::api::test {

using apiextensions::v1::CustomResourceDefinition;
using nlohmann::json;
using structural::Structural;

inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Sample {
  std::string name;
  std::string definition, object;  // JSON
};

// Tests run in the project's folder.
inline std::vector<Sample> samples() {
  std::vector<Sample> out;
  for (const auto& entry : std::filesystem::directory_iterator("tests/data/crds")) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string name = entry.path().stem();
    const auto object = entry.path().parent_path() / "samples" / entry.path().filename();
    out.push_back({name, yaml_to_json(file_text(entry.path())), yaml_to_json(file_text(object))});
  }
  std::ranges::sort(out, {}, &Sample::name);
  return out;
}

inline CustomResourceDefinition definition_of(const std::string& text) {
  CustomResourceDefinition out;
  decode_json(text, out, {.unknown = Unknown::Strict});
  rules_of(schema_of<CustomResourceDefinition>()).set_defaults(out);
  // As the server prepares it.
  for (const auto& version : out.spec().versions()) {
    if (version.storage() && out.status().stored_versions().empty()) out.mutable_status()->add_stored_versions(version.name());
  }
  return out;
}

inline std::shared_ptr<const Structural> built(const std::string& schema, const GroupVersionKind& kind = {"g.io", "v1", "K"}) {
  structural::JSONSchemaProps props;
  decode_json(schema, props, {.unknown = Unknown::Strict});
  return Structural::build(props, kind);
}

inline std::vector<std::string> lines_of(const Errors& errors) {
  std::vector<std::string> out;
  for (const FieldError& error : errors.list()) out.push_back(error.field + ": " + error.detail);
  return out;
}

}  // namespace ph::api::test
