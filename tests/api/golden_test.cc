// One fully populated object of each kind, as JSON and as the bytes a Kubernetes client sends: each from the other.
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/kinds.h"
#include "tests/vectors/reading.h"

namespace ph::api {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path folder() { return vectors::samples_folder(); }

std::string contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> documents() {
  std::vector<fs::path> out;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder(), none)) {
    if (entry.path().extension() == ".json") out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

std::string first_difference(const std::string& got, const std::string& want) {
  const auto at = std::ranges::mismatch(got, want).in1 - got.begin();
  return "differs at byte " + std::to_string(at) + " of " + std::to_string(want.size());
}

void check(const fs::path& path, const Schema& schema) {
  const std::string text = contents(path);
  const std::string bytes = contents(fs::path(path).replace_extension(".pb"));
  const json document = json::parse(text);
  const auto from_text = Scheme::builtin().make(schema);
  DecodeOptions strict{.unknown = Unknown::Strict};
  decode_json(text, *from_text, strict);
  const std::string encoded = encode_envelope(*from_text);
  EXPECT_TRUE(encoded == bytes) << first_difference(encoded, bytes);
  EXPECT_EQ(json::parse(encode_json(*from_text)), document);
  EXPECT_EQ(encode_json(*from_text, JsonStyle::Pretty), text) << "members are in another order";

  const auto from_bytes = Scheme::builtin().make(schema);
  decode_envelope(bytes, *from_bytes);
  EXPECT_EQ(to_json(*from_bytes), document);
  EXPECT_TRUE(encode_envelope(*from_bytes) == bytes);

  std::string transcoded;
  transcode_to_json(schema, open_envelope(bytes).raw, true, transcoded);
  EXPECT_EQ(json::parse(transcoded), document);
}

TEST(Golden, EveryKindOfOurGroupsBothWays) {
  if (documents().empty()) {
    ASSERT_FALSE(vectors::samples_are_required()) << "no golden files in " << folder() << ", and this is CI";
    GTEST_SKIP() << "no golden files in " << folder() << ": set PH_GOLDEN_DIR to a folder that has them";
  }
  std::set<std::string> groups;
  for (const Resource& resource : Scheme::builtin().resources()) groups.insert(resource.kind.api_version());
  groups.insert("apidiscovery.k8s.io/v2");
  int covered = 0;
  for (const fs::path& path : documents()) {
    SCOPED_TRACE(path.filename());
    const GroupVersionKind kind = type_of(contents(path));
    const Schema* schema = Scheme::builtin().find(kind);
    if (!schema && !groups.contains(kind.api_version())) {
      std::cout << "not covered, its group is not here: " << path.filename() << '\n';
      continue;
    }
    ASSERT_NE(schema, nullptr) << kind.api_version() << " " << kind.kind << " is missing from the scheme";
    check(path, *schema);
    ++covered;
  }
  EXPECT_GT(covered, 0);
  std::cout << covered << " kinds covered\n";
}

}  // namespace
}  // namespace ph::api
