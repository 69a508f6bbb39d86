// Random objects of every kind through all codecs: JSON → message → protobuf → message → JSON, equal, and the JSON that is written
// straight from the bytes is the one of the message. PH_ROUND_TRIPS: objects a kind (500; 100,000 take some minutes).
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/kinds.h"
#include "tests/api/random_object.h"

namespace ph::api {
namespace {

using nlohmann::json;

int objects_a_kind() {
  const char* const text = std::getenv("PH_ROUND_TRIPS");
  return text ? std::atoi(text) : 500;
}

class RoundTrips : public ::testing::TestWithParam<std::size_t> {};

TEST_P(RoundTrips, OfRandomObjects) {
  const Resource& resource = Scheme::builtin().resources()[GetParam()];
  const Schema& schema = *resource.schema;
  SeededRng rng(17);
  testing::RandomObject random(rng);
  for (int i = objects_a_kind(); i > 0 && !HasFailure(); --i) {
    const auto first = Scheme::builtin().make(schema), second = Scheme::builtin().make(schema);
    from_json(random.make(schema), *first);
    const std::string bytes = encode_envelope(*first);
    decode_envelope(bytes, *second);
    EXPECT_EQ(encode_envelope(*second), bytes);
    const std::string text = encode_json(*first);
    EXPECT_EQ(encode_json(*second), text);
    std::string straight;
    transcode_to_json(schema, open_envelope(bytes).raw, true, straight);
    EXPECT_EQ(straight, text);
    const auto again = Scheme::builtin().make(schema);
    decode_json(text, *again, {.unknown = Unknown::Strict});
    // JSON within an object is written as it is, but for what HTML does not like: of that only the text is the same.
    EXPECT_EQ(encode_json(*again), text);
    const auto of_document = Scheme::builtin().make(schema);
    from_json(to_json(*first), *of_document, {.unknown = Unknown::Strict});
    EXPECT_EQ(encode_envelope(*of_document), bytes) << text;
  }
}

std::string name_of(const ::testing::TestParamInfo<std::size_t>& info) {
  const GroupVersionKind& kind = Scheme::builtin().resources()[info.param].get().kind;
  std::string out = kind.kind + "_" + kind.group + "_" + kind.version;
  for (char& c : out) {
    if (c == '.') c = '_';
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(EveryKind, RoundTrips, ::testing::Range(std::size_t{0}, Scheme::builtin().resources().size()), name_of);

}  // namespace
}  // namespace ph::api
