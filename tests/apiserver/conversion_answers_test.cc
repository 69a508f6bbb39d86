// What conversion webhooks answer: good ones, wrong ones, and such that are none.
#include <gmock/gmock.h>

#include "tests/apiserver/conversion_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

const std::string kWho = "conversion webhook for conv.example.com/v1, Kind=Thing";

// An answer, and what a GET of v2 says then; of an answer that is good, nothing.
struct Row {
  const char* name;
  std::function<HookReply(const json& review)> answer;
  std::string message;
};

HookReply text(std::string body) { return {.body = std::move(body)}; }
HookReply failing(int status, std::string body = {}) { return {.status = status, .body = std::move(body)}; }

// A good answer that `spoil` makes something else of.
template <class F>
std::function<HookReply(const json&)> spoilt(F spoil) {
  return [spoil](const json& review) {
    json answer = converted(review);
    spoil(answer);
    return text(answer.dump());
  };
}
template <class F>
std::function<HookReply(const json&)> response(F spoil) {
  return spoilt([spoil](json& answer) { spoil(answer["response"]); });
}
template <class F>
std::function<HookReply(const json&)> object(F spoil) {
  return spoilt([spoil](json& answer) { spoil(answer["response"]["convertedObjects"][0]); });
}
template <class F>
std::function<HookReply(const json&)> metadata(F spoil) {
  return object([spoil](json& object) { spoil(object["metadata"]); });
}

std::vector<Row> rows() {
  return {
      // -- The call
      {"refused", [](const json&) { return HookReply{.broken = "dial tcp 10.0.0.1:443: connect: connection refused"}; },
       kWho +
           " failed: Post \"https://convert.example.com/crd?timeout=30s\": dial tcp 10.0.0.1:443: connect: connection refused"},
      {"not found", [](const json&) { return failing(404); }, kWho + " failed: the server could not find the requested resource"},
      {"broken", [](const json&) { return failing(500, "oh"); },
       kWho + " failed: an error on the server (\"oh\") has prevented the request from succeeding"},
      {"redirects", [](const json&) { return HookReply{.status = 302, .headers = {{"Location", "https://evil.example.com/"}}}; },
       kWho + " failed: the server responded with the status code 302 but did not return more information"},
      {"huge", [](const json&) { return text(std::string(9 << 20, ' ')); },
       kWho + " failed: the answer is larger than 8388608 bytes"},
      // -- The review
      {"no JSON", [](const json&) { return text("<html>"); },
       kWho + " failed: couldn't get version/kind; json parse error: invalid character '<' looking for beginning of value"},
      {"another kind", spoilt([](json& answer) { answer["kind"] = "Pod"; }),
       kWho + " failed: no kind \"Pod\" is registered for version \"apiextensions.k8s.io/v1\""},
      {"another version", spoilt([](json& answer) { answer["apiVersion"] = "apiextensions.k8s.io/v1beta1"; }),
       kWho + " failed: converting (v1beta1.ConversionReview) to (v1.ConversionReview): unknown conversion"},
      {"no kind", spoilt([](json& answer) {
         answer.erase("kind");
         answer.erase("apiVersion");
       }),
       kWho + " failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got /, Kind="},
      {"no response", spoilt([](json& answer) { answer.erase("response"); }), kWho + " failed: no response provided"},
      {"a response of another type", spoilt([](json& answer) { answer["response"] = "yes"; }),
       kWho +
           " failed: json: cannot unmarshal string into Go struct field ConversionReview.response of type v1.ConversionResponse"},
      {"failure", response([](json& r) { r["result"] = {{"status", "Failure"}, {"message", "no such host"}}; }),
       kWho + " failed: no such host"},
      {"failure without words", response([](json& r) { r["result"] = {{"status", "Failure"}}; }),
       kWho + " failed: response.result.status was 'Failure', not 'Success'"},
      {"no result", response([](json& r) { r.erase("result"); }), kWho + " failed: response.result.status was '', not 'Success'"},
      {"none", response([](json& r) { r.erase("convertedObjects"); }), kWho + " returned 0 objects, expected 1"},
      {"too many", response([](json& r) { r["convertedObjects"].push_back(r["convertedObjects"][0]); }),
       kWho + " returned 2 objects, expected 1"},
      // -- The object
      {"null", response([](json& r) { r["convertedObjects"][0] = nullptr; }),
       "couldn't get version/kind; json parse error: json: cannot unmarshal null into Go value of type struct { APIVersion "
       "string "
       "\"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }"},
      {"not converted", object([](json& o) { o["apiVersion"] = "conv.example.com/v1"; }),
       kWho + " returned invalid object at index 0: invalid groupVersion (expected conv.example.com/v2, received "
              "conv.example.com/v1)"},
      {"of another kind", object([](json& o) { o["kind"] = "Thong"; }),
       kWho + " returned invalid object at index 0: invalid kind (expected Thing, received Thong)"},
      {"another name", metadata([](json& m) { m["name"] = "b"; }),
       kWho + " returned invalid object: must have the same name: a != b"},
      {"another namespace", metadata([](json& m) { m["namespace"] = "kube-system"; }),
       kWho + " returned invalid object: must have the same namespace: default != kube-system"},
      {"another UID", metadata([](json& m) { m["uid"] = "7"; }),
       kWho + " returned invalid object: must have the same UID: UID != 7"},
      {"no metadata", object([](json& o) { o.erase("metadata"); }),
       kWho + " returned invalid object: must have the same name: a != "},
      {"labels of another type", metadata([](json& m) { m["labels"] = {"x"}; }),
       kWho + " returned invalid metadata: invalid metadata.labels of type []interface {} in converted object"},
      {"a label that is no text", metadata([](json& m) { m["labels"] = {{"x", 1}}; }),
       kWho + " returned invalid metadata: metadata.labels[x] must be a string, but is int64 in converted object"},
      {"an annotation that is no text", metadata([](json& m) { m["annotations"] = {{"x", true}}; }),
       kWho + " returned invalid metadata: metadata.annotations[x] must be a string, but is bool in converted object"},
      {"an annotation that may not be", metadata([](json& m) { m["annotations"] = {{"x y", "z"}}; }),
       kWho + " returned invalid metadata: metadata.annotation: Invalid value: \"x y\": name part must consist of alphanumeric "
              "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name', "
              " or "
              "'123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"},
      // -- Good ones
      {"more than was asked for", object([](json& o) { o["spec"]["unknown"] = 1; }), ""},
      {"labels and annotations", metadata([](json& m) {
         m["labels"] = {{"l", "1"}};
         m["annotations"] = {{"n", "2"}};
       }),
       ""},
  };
}

TEST_F(Conversion, Answers) {
  define();
  const json made = create("v1", "a", {{"hostPort", "a:80"}});
  const std::string uid = made["metadata"]["uid"];
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
    script.at(kConverter, row.answer);
    const Reply reply = world.get(path_of("v2", "a"));
    EXPECT_EQ(reply.status, row.message.empty() ? 200 : 500) << reply.body;
    if (row.message.empty()) continue;
    std::string message = row.message;
    if (const auto at = message.find("UID: UID"); at != message.npos) message.replace(at + 5, 3, uid);
    EXPECT_EQ(reply.message(), message);
  }
}

TEST_F(Conversion, AnAnswerToAnotherQuestion) {
  define();
  create("v1", "a", {{"hostPort", "a:80"}});
  script.at(kConverter, response([](json& r) { r["uid"] = "other"; }));
  const Reply reply = world.get(path_of("v2", "a"));
  EXPECT_EQ(reply.status, 500);
  const std::string asked = script.reviews.back()["request"]["uid"];
  EXPECT_EQ(reply.message(), kWho + " failed: expected response.uid=\"" + asked + "\", got \"other\"");
}

// One of several that is wrong spoils the list, and is named.
TEST_F(Conversion, OneOfAList) {
  define();
  for (const char* name : {"a", "b"}) create("v1", name, {{"hostPort", "a:80"}});
  const struct {
    std::function<HookReply(const json&)> answer;
    std::string message;
  } kRows[] = {
      {response([](json& r) { r["convertedObjects"].erase(1); }), " returned 1 objects, expected 2"},
      {response([](json& r) { std::swap(r["convertedObjects"][0], r["convertedObjects"][1]); }),
       " returned invalid converted object at index 1: must have the same name: a != b"},
      {response([](json& r) { r["convertedObjects"][1]["apiVersion"] = "v1"; }),
       " returned invalid converted object at index 2: invalid groupVersion (expected conv.example.com/v2, received v1)"},
      {response([](json& r) { r["convertedObjects"][1]["metadata"]["labels"] = 1; }),
       " returned invalid metadata in object at index 2: invalid metadata.labels of type int64 in converted object"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.message);
    script.at(kConverter, row.answer);
    const Reply reply = world.get(path_of("v2"));
    EXPECT_EQ(reply.status, 500);
    EXPECT_EQ(reply.message(), kWho + row.message);
  }
}

TEST_F(Conversion, OnlyLabelsAndAnnotationsMayChange) {
  define();
  json object = thing("v1", "a", {{"hostPort", "a:80"}});
  object["metadata"]["labels"] = {{"old", "1"}};
  object["metadata"]["annotations"] = {{"kept", "2"}};
  object["metadata"]["finalizers"] = {"example.com/f"};
  const Reply made = send("POST", path_of("v1"), object);
  ASSERT_EQ(made.status, 201);
  script.at(kConverter, metadata([](json& m) {
              m["labels"] = {{"new", "3"}};
              m["finalizers"] = {"example.com/other"};
              m["creationTimestamp"] = "2001-01-01T00:00:00Z";
              m["resourceVersion"] = "1";
              m["generation"] = 77;
              m["ownerReferences"] = {{{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", "p"}, {"uid", "u"}}};
              m.erase("managedFields");
            }));
  json expected = made.json()["metadata"];
  expected["labels"] = {{"new", "3"}};
  EXPECT_EQ(world.get(path_of("v2", "a")).json()["metadata"], expected);
  // Nor does a write through such a version.
  json changed = world.get(path_of("v2", "a")).json();
  changed["spec"]["port"] = 81;
  const Reply put = send("PUT", path_of("v2", "a"), changed);
  ASSERT_EQ(put.status, 200) << put.body;
  const json stored = world.get(path_of("v1", "a")).json()["metadata"];
  EXPECT_EQ(stored["finalizers"], (json{"example.com/f"}));
  EXPECT_EQ(stored["uid"], made.json()["metadata"]["uid"]);
  EXPECT_FALSE(stored.contains("ownerReferences"));
}

// The answer is cut and filled as what clients send is.
TEST_F(Conversion, AnswersAreCutToTheSchema) {
  define();
  create("v1", "a", {{"hostPort", "a:80"}});
  script.at(kConverter, object([](json& o) {
              o["spec"]["unknown"] = {{"x", 1}};
              o["more"] = true;
            }));
  const json shown = world.get(path_of("v2", "a")).json();
  EXPECT_EQ(shown["spec"], (json{{"host", "a"}, {"kind", "plain"}, {"port", 80}}));
  EXPECT_FALSE(shown.contains("more"));
}

}  // namespace
}  // namespace ph::apiserver::testing
