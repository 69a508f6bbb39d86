#include "api/selector.h"

#include <map>

#include <gtest/gtest.h>

namespace ph::api {
namespace {

using Labels = std::map<std::string, std::string>;

std::string why(auto&& act) {
  try {
    act();
  } catch (const DecodeError& error) {
    return error.what();
  }
  return "nothing is wrong";
}

TEST(Selector, MatchesAndPrints) {
  struct Case {
    const char* text;
    const char* canonical;
    Labels labels;
    bool matches;
  };
  const Case kCases[] = {
      {"", "", {}, true},
      {"a=b", "a=b", {{"a", "b"}}, true},
      {"a==b", "a=b", {{"a", "c"}}, false},
      {" x , a = b ", "a=b,x", {{"a", "b"}, {"x", ""}}, true},
      {"a!=b", "a!=b", {}, true},
      {"a!=b", "a!=b", {{"a", "b"}}, false},
      {"a", "a", {{"b", ""}}, false},
      {"!a", "!a", {{"b", ""}}, true},
      {"a in (y, x)", "a in (x,y)", {{"a", "y"}}, true},
      {"a in (x,)", "a in (,x)", {{"a", ""}}, true},
      {"a in ()", "a in ()", {{"a", ""}}, true},
      {"a in (,)", "a in ()", {{"a", "x"}}, false},
      {"a notin ()", "a notin ()", {{"a", "x"}}, true},
      {"a notin (x,y)", "a notin (x,y)", {}, true},
      {"a notin (x,y)", "a notin (x,y)", {{"a", "x"}}, false},
      {"in in (in)", "in in (in)", {{"in", "in"}}, true},
      {"a=", "a=", {{"a", ""}}, true},
      {"a=,b", "a=,b", {{"a", ""}, {"b", ""}}, true},
      {"a>5", "a>5", {{"a", "6"}}, true},
      {"a<5", "a<5", {{"a", "5"}}, false},
      {"a>5", "a>5", {{"a", "x"}}, false},
      {"a!=b,a!=c,b!=x,!d", "a!=b,a!=c,b!=x,!d", {{"a", "d"}, {"b", "y"}, {"c", ""}}, true},
      {"a!=b,a", "a!=b,a", {{"b", ""}}, false},
      {"a=b,c>1,d", "a=b,c>1,d", {{"a", "b"}, {"c", "2"}, {"d", ""}}, true},
      {"a=b,c>1,d", "a=b,c>1,d", {{"a", "b"}, {"d", ""}}, false},
      {"example.com/a=b", "example.com/a=b", {{"example.com/a", "b"}}, true},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    const LabelSelector selector = LabelSelector::parse(c.text);
    EXPECT_EQ(selector.text(), c.canonical);
    EXPECT_EQ(selector.matches_map(c.labels), c.matches);
    const std::vector<std::pair<std::string_view, std::string_view>> labels(c.labels.begin(), c.labels.end());
    EXPECT_EQ(selector.matches(labels), c.matches);
    EXPECT_EQ(LabelSelector::parse(selector.text()).text(), c.canonical);
  }
}

TEST(Selector, RefusedInUpstreamsWords) {
  const std::pair<const char*, const char*> kCases[] = {
      {"a=b=c", "found '=', expected: ',' or 'end of string'"},
      {"a in x", "unable to parse requirement: found 'x' expected: '('"},
      {"a in (x", "unable to parse requirement: found '', expected: ',' or ')'"},
      {"a,", "found '', expected: identifier after ','"},
      {",a", "found ',', expected: !, identifier, or 'end of string'"},
      {"a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"},
      {"a>x",
       "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"},
  };
  for (const auto& [text, expected] : kCases) {
    SCOPED_TRACE(text);
    EXPECT_EQ(why([&] { LabelSelector::parse(text); }), expected);
  }
  EXPECT_TRUE(why([] {
                LabelSelector::parse("-a=b");
              }).starts_with("unable to parse requirement: <nil>: Invalid value: \"-a\": name part must consist of"));
  EXPECT_TRUE(why([] {
                LabelSelector::parse("a=-b");
              }).starts_with("unable to parse requirement: values[0][a]: Invalid value: \"-b\": a valid label must be"));
}

TEST(Selector, FromObjects) {
  meta::v1::LabelSelector object;
  EXPECT_TRUE(LabelSelector::from(object).matches_map(Labels{}));
  (*object.mutable_match_labels())["app"] = "web";
  auto& expression = *object.add_match_expressions();
  expression.set_key("tier");
  expression.set_operator_("NotIn");
  expression.add_values("b");
  expression.add_values("a");
  const LabelSelector selector = LabelSelector::from(object);
  EXPECT_EQ(selector.text(), "app=web,tier notin (a,b)");
  EXPECT_TRUE(selector.matches_map(Labels{{"app", "web"}}));
  EXPECT_FALSE(selector.matches_map(Labels{{"app", "web"}, {"tier", "a"}}));
  expression.set_operator_("Near");
  EXPECT_EQ(why([&] { LabelSelector::from(object); }), "\"Near\" is not a valid label selector operator");
  EXPECT_FALSE(LabelSelector::nothing().matches_map(Labels{}));
  EXPECT_FALSE(LabelSelector::nothing().empty());
}

TEST(Selector, Fields) {
  const FieldSelector selector = FieldSelector::parse(R"(metadata.name=a\,b,spec.nodeName!=,status.phase==Running,)");
  ASSERT_EQ(selector.terms().size(), 3u);
  EXPECT_EQ(selector.terms()[0].value, "a,b");
  EXPECT_FALSE(selector.terms()[1].equals);
  EXPECT_EQ(selector.terms()[1].value, "");
  EXPECT_EQ(selector.demanded("status.phase"), "Running");
  EXPECT_FALSE(selector.demanded("spec.nodeName"));
  EXPECT_EQ(why([] { FieldSelector::parse("a=b,c"); }), "invalid selector: 'a=b,c'; can't understand 'c'");
  EXPECT_EQ(why([] { FieldSelector::parse("a=b=c"); }), "invalid field selector: unescaped character in value: 61");
  EXPECT_EQ(why([] { FieldSelector::parse(R"(a=b\c)"); }), R"(invalid field selector: invalid escape sequence: \c)");
}

}  // namespace
}  // namespace ph::api
