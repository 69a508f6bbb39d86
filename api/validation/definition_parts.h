// What the rules of CustomResourceDefinition are made of. Paths are texts here: schemas nest deeper than a Path has room for.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "api/validation/validation.h"

namespace ph::api {

using apiextensions::v1::JSONSchemaProps;

inline std::string below(std::string_view path, std::string_view member) { return fmt::format("{}.{}", path, member); }
inline std::string at_index(std::string_view path, std::size_t index) { return fmt::format("{}[{}]", path, index); }
inline std::string at_key(std::string_view path, std::string_view key) { return fmt::format("{}[{}]", path, key); }

// -- The schema of a version (definition_schema.cc, structural_schema.cc)

// All of it. `status`: the status sub-resource is on, and the root is limited.
void check_definition_schema(const JSONSchemaProps& schema, bool status, const std::string& path, Errors& errors);
// That it is structural.
void check_structural(const JSONSchemaProps& schema, const std::string& path, Errors& errors);
// That its defaults are what it asks for.
void check_schema_defaults(const JSONSchemaProps& schema, const std::string& path, Errors& errors);
// Why it cannot be made a structural schema at all; empty when it can.
std::string unstructural(const JSONSchemaProps& schema);

// -- The rest of a version (definition_parts.cc)
void check_deprecation(const apiextensions::v1::CustomResourceDefinitionVersion& version, const std::string& path,
                       Errors& errors);
void check_subresources(const apiextensions::v1::CustomResourceSubresources& subresources, const std::string& path,
                        Errors& errors);
void check_printer_column(const apiextensions::v1::CustomResourceColumnDefinition& column, const std::string& path,
                          Errors& errors);
void check_selectable_fields(const google::protobuf::RepeatedPtrField<apiextensions::v1::SelectableField>& fields,
                             const JSONSchemaProps& schema, const std::string& path, Errors& errors);
void check_conversion(const apiextensions::v1::CustomResourceConversion& conversion, const std::string& path, Errors& errors);

}  // namespace ph::api
