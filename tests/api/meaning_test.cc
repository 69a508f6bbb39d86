#include "api/meaning.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/value.h"
#include "api/views.h"
#include "api/wire_view.h"
#include "tests/api/random_object.h"

namespace ph::api {
namespace {

using nlohmann::json;

// One object in all three holders.
struct Held {
  Held(const Schema& schema, const json& from) : message(Scheme::builtin().make(schema)) {
    from_json(from, *message);
    document = to_json(*message);
    bytes = message->SerializeAsString();
  }
  Value of_message() const { return Value::of(static_cast<const google::protobuf::Message&>(*message)); }
  Value of_document() const { return Value::of(document, schema_of(*message)); }
  wire::View of_bytes() const { return wire::View(schema_of(*message), bytes); }

  std::unique_ptr<google::protobuf::Message> message;
  json document;
  std::string bytes;
};

// What is there, as dotted paths.
template <class View>
void list(const View& value, const std::string& path, std::vector<std::string>& out) {
  switch (value.schema().type) {
    case Type::Struct: {
      const auto members = members_of(value);
      for (std::size_t i = 0; i < value.schema().fields.size(); ++i) {
        const View member = members[i];
        if (!member) continue;
        const std::string at = path + "." + value.schema().fields[i].name;
        out.push_back(at);
        list(member, at, out);
      }
      return;
    }
    case Type::List: {
      std::size_t i = 0;
      for (const View& item : items_of(value)) list(item, path + "[" + std::to_string(i++) + "]", out);
      return;
    }
    case Type::Map:
      for (const auto& [key, entry] : entries_of(value)) {
        const std::string at = path + "{" + std::string(key) + "}";
        out.push_back(at);
        list(entry, at, out);
      }
      return;
    default: return;
  }
}

template <class View>
std::vector<std::string> present_in(const View& object) {
  std::vector<std::string> out;
  list(object, "", out);
  return out;
}

TEST(Meaning, AllHoldersSayTheSameIsThere) {
  for (const Resource& resource : Scheme::builtin().resources()) {
    SCOPED_TRACE(resource.schema->name);
    SeededRng rng(7);
    testing::RandomObject random(rng);
    for (int i = 0; i < 10; ++i) {
      const Held held(*resource.schema, random.make(*resource.schema));
      const auto of_message = present_in(held.of_message());
      EXPECT_EQ(of_message, present_in(held.of_bytes())) << held.document;
      EXPECT_EQ(of_message, present_in(held.of_document())) << held.document;
    }
  }
}

TEST(Meaning, AllHoldersFindTheSameEqual) {
  for (const Resource& resource : Scheme::builtin().resources()) {
    SCOPED_TRACE(resource.schema->name);
    SeededRng rng(11);
    testing::RandomObject random(rng);
    for (int i = 0; i < 10; ++i) {
      const json first = random.make(*resource.schema);
      const Held a(*resource.schema, first), b(*resource.schema, random.change(*resource.schema, first));
      const bool equal = Value::equal(a.of_message(), b.of_message());
      EXPECT_EQ(equal, Value::equal(a.of_document(), b.of_document())) << a.document << "\n" << b.document;
      EXPECT_EQ(equal, Value::equal(a.of_message(), b.of_document())) << a.document << "\n" << b.document;
      EXPECT_EQ(equal, wire::View::equal(a.of_bytes(), b.of_bytes())) << a.document << "\n" << b.document;
      EXPECT_TRUE(Value::equal(a.of_message(), a.of_document())) << a.document;
      EXPECT_TRUE(wire::View::equal(a.of_bytes(), a.of_bytes())) << a.document;
    }
  }
}

// Two spellings of a pod, and whether they are equal: as objects, and as what JSON shows.
struct Pair {
  const char* name;
  const char* a;
  const char* b;
  bool meant, shown;
};

class Spelled : public ::testing::TestWithParam<Pair> {};

TEST_P(Spelled, Compares) {
  const Pair& pair = GetParam();
  const Schema& schema = schema_of<core::v1::Pod>();
  const Held a(schema, json::parse(pair.a)), b(schema, json::parse(pair.b));
  EXPECT_EQ(Value::equal(a.of_message(), b.of_message()), pair.meant);
  EXPECT_EQ(Value::equal(a.of_document(), b.of_document()), pair.meant);
  EXPECT_EQ(Value::equal(a.of_document(), b.of_message()), pair.meant);
  EXPECT_EQ(wire::View::equal(a.of_bytes(), b.of_bytes()), pair.shown);
}

INSTANTIATE_TEST_SUITE_P(
    Meaning, Spelled,
    ::testing::Values(
        Pair{"AmountsInOneForm", R"({"spec":{"overhead":{"cpu":"1000m"}}})", R"({"spec":{"overhead":{"cpu":1}}})", true, true},
        Pair{"AmountsInTwoForms", R"({"spec":{"overhead":{"memory":"1Ki"}}})", R"({"spec":{"overhead":{"memory":"1024"}}})", true,
             false},
        Pair{"OtherAmounts", R"({"spec":{"overhead":{"memory":"1Ki"}}})", R"({"spec":{"overhead":{"memory":"1k"}}})", false,
             false},
        Pair{"ZeroAndAbsent", R"({"spec":{"nodeName":"","hostNetwork":false}})", R"({"spec":{}})", true, true},
        Pair{"ZeroBehindAPointer", R"({"spec":{"priority":0}})", R"({"spec":{}})", false, false},
        Pair{"EmptyLists", R"({"spec":{"containers":[],"tolerations":[]}})", R"({})", true, true},
        Pair{"AnEmptyStructBehindAPointer", R"({"spec":{"securityContext":{}}})", R"({"spec":{}})", false, false},
        Pair{"Instants", R"({"metadata":{"creationTimestamp":"2024-01-02T03:04:05Z"}})",
             R"({"metadata":{"creationTimestamp":"2024-01-02T04:04:05+01:00"}})", true, true},
        Pair{"TheZeroTime", R"({"metadata":{"creationTimestamp":"0001-01-01T00:00:00Z"}})", R"({"metadata":{}})", true, true},
        Pair{"NumbersAndTexts", R"({"spec":{"containers":[{"name":"c","livenessProbe":{"httpGet":{"port":80}}}]}})",
             R"({"spec":{"containers":[{"name":"c","livenessProbe":{"httpGet":{"port":"80"}}}]}})", false, false}),
    [](const auto& info) { return std::string(info.param.name); });

// A document may hold what is not of its type: that is there, and equal as JSON is.
TEST(Meaning, OfAnotherType) {
  const Schema& pod = schema_of<core::v1::Pod>();
  json wrong = json::parse(R"({"spec":{"nodeName":0,"hostNetwork":"","overhead":{"cpu":[]},"containers":"x"}})"), same = wrong;
  EXPECT_TRUE(Value::of(wrong, pod).at_path("spec.nodeName"));
  EXPECT_TRUE(Value::of(wrong, pod).at_path("spec.hostNetwork"));
  EXPECT_TRUE(Value::of(wrong, pod).at_path("spec.containers"));
  EXPECT_TRUE(Value::equal(Value::of(wrong, pod), Value::of(same, pod)));
  same["spec"]["overhead"]["cpu"] = json::object();
  EXPECT_FALSE(Value::equal(Value::of(wrong, pod), Value::of(same, pod)));
}

}  // namespace
}  // namespace ph::api
