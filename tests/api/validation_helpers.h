// What validation tests share: objects from JSON, and their problems as "field: detail" lines.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/rules.h"

namespace ph::api::test {

template <class T>
T parse(const std::string& json) {
  T out;
  decode_json(json, out);
  if (const auto set = rules_of(schema_of<T>()).set_defaults) set(out);
  return out;
}

inline std::vector<std::string> lines(const Errors& errors) {
  std::vector<std::string> out;
  for (const FieldError& error : errors.list()) out.push_back(error.field + ": " + error.detail);
  return out;
}

// Of a create, as the server runs them: metadata, then the kind's own.
template <class T>
std::vector<std::string> problems(const std::string& json) {
  const T object = parse<T>(json);
  Errors errors;
  validate_metadata(*Scheme::builtin().resource(schema_of<T>()), object.metadata(), errors);
  if (const auto check = rules_of(schema_of<T>()).validate) check(object, errors);
  return lines(errors);
}

template <class T>
std::vector<std::string> update_problems(const std::string& old_json, const std::string& json) {
  const T old = parse<T>(old_json), now = parse<T>(json);
  Errors errors;
  validate_metadata_update(*Scheme::builtin().resource(schema_of<T>()), true, now.metadata(), old.metadata(), errors);
  if (const auto check = rules_of(schema_of<T>()).validate_update) check(now, old, errors);
  return lines(errors);
}

template <class T>
std::vector<std::string> status_problems(const std::string& old_json, const std::string& json) {
  const T old = parse<T>(old_json), now = parse<T>(json);
  Errors errors;
  rules_of(schema_of<T>()).validate_status(now, old, errors);
  return lines(errors);
}

using Lines = std::vector<std::string>;

struct Case {
  const char* name;
  std::string object;
  Lines expected;
};

template <class T, std::size_t N>
void creates(const Case (&cases)[N]) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(problems<T>(c.object), c.expected);
  }
}

}  // namespace ph::api::test
