// YAML 1.1 scalars as Kubernetes reads them. Internal to the YAML codec.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace ph::api {

// Nothing: null.
using YamlScalar = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string>;

// What a scalar means by its tag, or by its looks when it has none and is plain. Throws DecodeError when they disagree.
YamlScalar resolve_yaml_scalar(std::string_view text, std::string_view tag, bool plain);
// As JSON; throws for what JSON cannot say (.nan, .inf).
void append_yaml_scalar(const YamlScalar& scalar, std::string& out);
// As a member's name; throws for null.
std::string yaml_key(const YamlScalar& scalar);

}  // namespace ph::api
