// The comparison over a message's bytes finds what the one over Values finds, whatever the objects are.
#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/patch/field_set.h"
#include "tests/api/random_object.h"

namespace ph::api {
namespace {

using google::protobuf::Message;

std::unique_ptr<Message> decoded(const Schema& schema, const nlohmann::json& document) {
  auto out = Scheme::builtin().make(schema);
  from_json(document, *out);
  return out;
}

// As it comes back from the store: everything that is not a pointer is there.
std::unique_ptr<Message> stored(const Message& object) {
  auto out = Scheme::builtin().make(schema_of(object));
  decode_protobuf(encode_protobuf(object), *out);
  return out;
}

void expect_equal(const FieldSet& bytes, const FieldSet& values, const char* what) {
  EXPECT_TRUE(bytes == values) << what << "\n of bytes:  " << bytes.fields_v1() << "\n of values: " << values.fields_v1();
  EXPECT_EQ(FieldSet::from_fields_v1(values.fields_v1()).fields_v1(), values.fields_v1());
}

void expect_same_changes(const Message& old, const Message& now) {
  const FieldChanges bytes = compare_fields(old, now);
  const FieldChanges values = compare_fields(Value::of(old), Value::of(now));
  expect_equal(bytes.added, values.added, "added");
  expect_equal(bytes.modified, values.modified, "modified");
  expect_equal(bytes.removed, values.removed, "removed");
  EXPECT_TRUE(compare_fields(now, now).empty());
}

TEST(ManagedFieldsViews, BytesAndValuesAgree) {
  for (const Resource& resource : Scheme::builtin().resources()) {
    const Schema& schema = *resource.schema;
    SCOPED_TRACE(schema.name);
    SeededRng rng(1);
    testing::RandomObject random(rng);
    const auto blank = Scheme::builtin().make(schema);
    for (int i = 0; i < 20 && !::testing::Test::HasFailure(); ++i) {
      const nlohmann::json first = random.make(schema), second = random.change(schema, first);
      const auto old = decoded(schema, first), now = decoded(schema, second);
      expect_same_changes(*blank, *old);
      expect_same_changes(*old, *now);
      expect_same_changes(*stored(*old), *now);
      expect_same_changes(*stored(*old), *stored(*now));
      EXPECT_TRUE(compare_fields(*old, *stored(*old)).empty()) << first;
    }
  }
}

// What each pair of sets has in common and not, said by their paths.
TEST(ManagedFieldsViews, AlgebraIsThatOfPaths) {
  const Schema& schema = *Scheme::builtin().find({"", "v1", "Pod"});
  SeededRng rng(7);
  testing::RandomObject random(rng);
  for (int i = 0; i < 50; ++i) {
    const nlohmann::json one = random.make(schema), two = random.change(schema, one);
    const FieldSet a = fields_of(Value::of(std::as_const(*decoded(schema, one))));
    const FieldSet b = fields_of(Value::of(std::as_const(*decoded(schema, two))));
    FieldSet united, intersected, without;
    for (const FieldPath& path : a.paths()) {
      united.insert(path);
      (b.has(path) ? intersected : without).insert(path);
    }
    for (const FieldPath& path : b.paths()) united.insert(path);
    EXPECT_TRUE(a.united(b) == united);
    EXPECT_TRUE(a.intersected(b) == intersected);
    EXPECT_TRUE(a.without(b) == without);
  }
}

}  // namespace
}  // namespace ph::api
