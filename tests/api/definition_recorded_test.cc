// CustomResourceDefinitions that a real server was asked to create: the same answers.
#include <iostream>
#include <regex>

#include <gmock/gmock.h>

#include "tests/api/custom_data.h"
#include "tests/vectors/reading.h"

namespace ph::api {
namespace {

using test::json;

struct Cause {
  std::string reason, field, message;
  bool operator==(const Cause&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Cause& cause) {
  return out << cause.field << ": " << cause.message << " (" << cause.reason << ")";
}

// Placeholders stand for what cannot be compared.
bool matches(const std::string& wanted, const std::string& got) {
  static const std::regex placeholder("<value>|<rand>|<dump>");
  std::string rest = got;
  auto at = std::sregex_token_iterator(wanted.begin(), wanted.end(), placeholder, -1);
  if (!rest.starts_with(at->str())) return false;
  rest.erase(0, at->length());
  for (++at; at != std::sregex_token_iterator(); ++at) {
    const auto found = rest.find(at->str());
    if (found == std::string::npos) return false;
    rest.erase(0, found + at->str().size());
  }
  return true;
}

std::vector<Cause> wanted_causes(const json& row) {
  std::vector<Cause> out;
  if (!row.contains("r")) return out;
  for (const json& cause : row["r"]["details"].value("causes", json::array())) {
    out.push_back({cause.value("reason", ""), cause.value("field", ""), cause.value("message", "")});
  }
  return out;
}

// What CEL says is for whoever reads CEL; the budget of its cost, too.
bool is_of_cel(const Cause& cause) {
  if (cause.message.find("x-kubernetes-validations estimated rule cost") != std::string::npos) return true;
  return cause.field.find("x-kubernetes-validations") != std::string::npos &&
         (cause.message.find("\"Rule\"") != std::string::npos || cause.message.find("compilation failed") != std::string::npos ||
          cause.message.find("cost") != std::string::npos);
}

// As the server prepares a new one.
void prepare(test::CustomResourceDefinition& definition) {
  rules_of(schema_of(definition)).set_defaults(definition);
  auto& metadata = *definition.mutable_metadata();
  metadata.clear_namespace_();
  if (metadata.name().empty() && !metadata.generate_name().empty()) metadata.set_name(metadata.generate_name() + "abcde");
  definition.clear_status();
  for (const auto& version : definition.spec().versions()) {
    if (version.storage() && definition.status().stored_versions().empty())
      definition.mutable_status()->add_stored_versions(version.name());
  }
}

std::vector<Cause> causes_of(const json& body) {
  test::CustomResourceDefinition definition;
  decode_json(body.dump(), definition);
  prepare(definition);
  Errors errors;
  validate_metadata(*Scheme::builtin().resource(schema_of(definition)), definition.metadata(), errors);
  rules_of(schema_of(definition)).validate(definition, errors);
  std::vector<Cause> out;
  for (const FieldError& error : errors.list()) out.push_back({error.type, error.field, error.detail});
  return out;
}

// What is wrong with metadata alone is told in another order: what every kind asks of it comes first.
void order(std::vector<Cause>& causes) {
  if (!std::ranges::all_of(causes, [](const Cause& cause) { return cause.field.starts_with("metadata."); })) return;
  std::ranges::sort(causes, {}, [](const Cause& cause) { return std::pair(cause.field, cause.message); });
}

bool same(std::vector<Cause> wanted, std::vector<Cause> got) {
  order(wanted);
  order(got);
  return std::ranges::equal(wanted, got, [](const Cause& w, const Cause& g) {
    return w.reason == g.reason && w.field == g.field && matches(w.message, g.message);
  });
}

TEST(DefinitionRecorded, AnswersAsTheServerDid) {
  int covered = 0, left = 0;
  for (const std::string& line : vectors::read_rows("observed/validation")) {
    if (line.find("/customresourcedefinitions?") == std::string::npos) continue;
    const json row = json::parse(line);
    const std::string name = row["case"];
    const int code = row["code"];
    // Updates, names of kinds and query parameters are judged elsewhere. A message does not tell an empty list from none, and
    // scalars have no names of their own.
    const bool beyond_messages =
        name.ends_with("spec.versions=emptylist") || line.find("of type v1.ConversionStrategyType") != line.npos;
    if (beyond_messages || !name.starts_with("create/") || !row.contains("b") || name.find("unknown-fields-") != name.npos ||
        name.find("kind-wrong") != name.npos || name.find("apiVersion-wrong") != name.npos) {
      ++left;
      continue;
    }
    SCOPED_TRACE(name);
    ++covered;
    if (code == 400) {
      const std::string message = row["r"]["message"];
      const auto at = message.find(" cannot be handled as a CustomResourceDefinition: ");
      ASSERT_NE(at, message.npos);
      try {
        causes_of(row["b"]);
        ADD_FAILURE() << "decoded, but wanted: " << message;
      } catch (const DecodeError& error) {
        EXPECT_EQ(message.substr(at + 50), error.what());
      }
      continue;
    }
    std::vector<Cause> wanted = wanted_causes(row), got = causes_of(row["b"]);
    if (std::erase_if(wanted, is_of_cel) > 0) ++left, --covered;
    EXPECT_TRUE(same(wanted, got)) << "wanted " << testing::PrintToString(wanted) << "\n   got " << testing::PrintToString(got);
  }
  EXPECT_GT(covered, 150);
  std::cout << covered << " rows covered, " << left << " left to others\n";
}

}  // namespace
}  // namespace ph::api
