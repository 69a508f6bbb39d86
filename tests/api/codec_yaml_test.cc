#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"

namespace ph::api {
namespace {

using nlohmann::json;

std::string error(std::string_view text) {
  try {
    yaml_to_json(text);
  } catch (const DecodeError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(CodecYaml, Scalars) {
  const std::pair<const char*, const char*> kCases[] = {
      {"yes", "true"},
      {"No", "false"},
      {"on", "true"},
      {"OFF", "false"},
      {"y", "true"},
      {"True", "true"},
      {"tRue", R"("tRue")"},
      {"'yes'", R"("yes")"},
      {"\"1\"", R"("1")"},
      {"~", "null"},
      {"null", "null"},
      {"''", R"("")"},
      {"0644", "420"},
      {"0o644", "420"},
      {"0x1F", "31"},
      {"0b101", "5"},
      {"1_000", "1000"},
      {"-12", "-12"},
      {"+12", "12"},
      {"08", "8"},
      {"1.0", "1"},
      {"1e3", "1000"},
      {".5", "0.5"},
      {"-.5", "-0.5"},
      {"1.", "1"},
      {"1e400", R"("1e400")"},
      {"18446744073709551615", "18446744073709551615"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"2001-12-14", R"("2001-12-14")"},
      {"2001-12-14T21:59:43Z", R"("2001-12-14T21:59:43Z")"},
      {"1:20", R"("1:20")"},
      {"1.2.3", R"("1.2.3")"},
      {"100m", R"("100m")"},
      {"!!str 1", R"("1")"},
      {"!!float 1", "1"},
      {"!!int \"7\"", "7"},
      {"!!binary aGk=", R"("hi")"},
      {"!mine 5", R"("5")"},
      {"<<", R"("\u003c\u003c")"},
      {"a\xc3\xa4", "\"a\xc3\xa4\""},
      {"0x", R"("0x")"},
      {"-", R"([null])"},
  };
  for (const auto& [text, expected] : kCases) EXPECT_EQ(yaml_to_json(text), expected) << text;
}

TEST(CodecYaml, Documents) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "null"},
      {"---\n", "null"},
      {"# nothing\n", "null"},
      {"a: 1\nb: [x, {c: d}]\n", R"({"a":1,"b":["x",{"c":"d"}]})"},
      {"a:\n- b\n- c: 1\n  d:\n", R"({"a":["b",{"c":1,"d":null}]})"},
      {"a: |\n  x\n  y\nb: >-\n  x\n  y\n", R"({"a":"x\ny\n","b":"x y"})"},
      {"1: a\ntrue: b\n1.5: c\n", R"({"1":"a","true":"b","1.5":"c"})"},
      {"a: &x {k: v}\nb: *x\n", R"({"a":{"k":"v"},"b":{"k":"v"}})"},
      {"base: &b {a: 1, b: 2}\nx:\n  <<: *b\n  b: 3\n", R"({"base":{"a":1,"b":2},"x":{"a":1,"b":3}})"},
      {"x:\n  b: 3\n  <<: [{a: 1, b: 2}, {a: 9, c: 4}]\n", R"({"x":{"a":1,"c":4,"b":3}})"},
      {"a: 1\na: 2\n", R"({"a":1,"a":2})"},  // the reader of the JSON reports it
      {"{\"a\":\t1}", "{\"a\":\t1}"},
      {"---\na: 1\n...\n", R"({"a":1})"},
  };
  for (const auto& [text, expected] : kCases) EXPECT_EQ(yaml_to_json(text), expected) << text;
}

TEST(CodecYaml, NothingAtAll) { EXPECT_EQ(error({}), error("")); }

TEST(CodecYaml, Refused) {
  EXPECT_EQ(error("a: 1\n---\nb: 2\n"), "yaml: only one document is allowed");
  EXPECT_EQ(error("a: b: c\n"), "yaml: mapping values are not allowed in this context");
  EXPECT_EQ(error("a: 1\nb: c: d\n"), "yaml: line 2: mapping values are not allowed in this context");
  EXPECT_EQ(error("a: *x\n"), "yaml: unknown anchor 'x' referenced");
  EXPECT_EQ(error("a: &x [*x]\n"), "yaml: anchor 'x' value contains itself");
  EXPECT_EQ(error("&x {a: {<<: *x}}\n"), "yaml: anchor 'x' value contains itself");
  EXPECT_EQ(error("{<<: 1}\n"), "yaml: map merge requires map or sequence of maps as the value");
  EXPECT_EQ(error("? [a]\n: b\n"), "yaml: invalid map key: only scalars can be keys");
  EXPECT_EQ(error("~: b\n"), "unsupported map key of type: <nil>, key: <nil>");
  EXPECT_EQ(error("!!int x\n"), "yaml: cannot decode !!str `x` as a !!int");
  EXPECT_EQ(error(".nan"), "json: unsupported value: NaN");
  EXPECT_NE(error("a:\n\t- b\n"), "accepted");
  EXPECT_NE(error("a: \xff\n"), "accepted");
  EXPECT_NE(error("\"a"), "accepted");
  EXPECT_EQ(error(std::string(600, '[') + std::string(600, ']') + " x"), "yaml: exceeded max depth of 512");
}

TEST(CodecYaml, Bombs) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    bomb += fmt::format("a{0}: &a{0} [", i);
    for (int k = 0; k < 10; ++k) bomb += fmt::format("{}*a{}", k ? "," : "", i - 1);
    bomb += "]\n";
  }
  EXPECT_EQ(error(bomb), "yaml: document contains excessive aliasing");
  std::string heavy = "a: &a " + std::string(1 << 20, 'x') + "\nb: [";
  for (int i = 0; i < 90; ++i) heavy += "*a,";
  EXPECT_EQ(error(heavy + "]"), "yaml: document is too large");
  EXPECT_EQ(error("[" + std::string(2'000'000, ',') + "]").substr(0, 5), "yaml:");
}

TEST(CodecYaml, Written) {
  const json document = json::parse(
      R"({"kind":"X","data":{"a":"yes","b":"1","c":"line\nline\n","d":"","e":"a: b","f":"1:20","g":"2001-01-01","on":"x"},
                                        "list":[{"x":1,"y":[]},{}],"n":null,"t":true,"f":1.5})");
  const std::string text = json_to_yaml(document);
  EXPECT_EQ(text,
            "data:\n  a: \"yes\"\n  b: \"1\"\n  c: |\n    line\n    line\n  d: \"\"\n  e: 'a: b'\n  f: \"1:20\"\n  g: "
            "\"2001-01-01\"\n  \"on\": x\n"
            "f: 1.5\nkind: X\nlist:\n- x: 1\n  \"y\": []\n- {}\n\"n\": null\nt: true\n");
  EXPECT_EQ(json::parse(yaml_to_json(text)), document);
}

}  // namespace
}  // namespace ph::api
