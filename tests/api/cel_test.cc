// CEL expressions. https://github.com/google/cel-spec/blob/master/doc/langdef.md, https://kubernetes.io/docs/reference/using-api/cel/
#include <gtest/gtest.h>

#include "api/cel/expression.h"

namespace ph::api::cel {
namespace {

const Variables& variables() {
  static const Variables kVariables = [] {
    Map names;
    names.entries.emplace_back("model", "h100");
    names.entries.emplace_back("memory", *Quantity::parse("40Gi"));
    names.entries.emplace_back("driver.version", *SemVer::parse("1.10.0"));
    Map domains;
    domains.entries.emplace_back("gpu.example.com", Value::map(names));
    domains.otherwise = Value::map({});
    return Variables{
        {"device", Value::map(domains)}, {"n", std::int64_t{7}}, {"list", Value::list({std::int64_t{1}, std::int64_t{2}})}};
  }();
  return kVariables;
}

// "true", "false", the value's type, or "compile: …", "error: …".
std::string result(const std::string& text) {
  static constexpr std::string_view kNames[] = {"device", "n", "list"};
  try {
    const Expression expression = Expression::compile(text, kNames);
    try {
      const Value value = expression.evaluate(variables());
      const bool* yes = value.as<bool>();
      return yes ? (*yes ? "true" : "false") : std::string(value.type_name());
    } catch (const Error& error) {
      return std::string("error: ") + error.what();
    }
  } catch (const Error& error) {
    return std::string("compile: ") + error.what();
  }
}

TEST(Cel, True) {
  for (const char* text : {
           "true",
           "1 + 2 * 3 == 7",
           "(1 + 2) * 3 == 9",
           "7 / 2 == 3 && -7 / 2 == -3 && 7 % 2 == 1 && -7 % 2 == -1",
           "-9223372036854775808 < 0",
           "0x10 == 16 && 5u == uint(5) && 1.5e1 == 15.0",
           "1 == 1.0 && 1u == 1 && 2 > 1.5",
           "'a' + \"b\" == 'ab'",
           R"('\x41\u00e9\101' == 'AéA')",
           R"(r'\n' == '\\n')",
           "'''a\nb''' == 'a\\nb'",
           "b'ab' == bytes('ab')",
           "!false && !!true",
           "true ? true : 1 / 0 == 0",
           "false && 1 / 0 == 0 ? false : true",
           "1 / 0 == 0 || true",
           "true || 1 / 0 == 0",
           "!(1 / 0 == 0 && false)",
           "[1, 2, 3] == [1, 2] + [3]",
           "2 in list && !(3 in list)",
           "{'a': 1, 'b': 2}['b'] == 2 && {'a': 1}.a == 1",
           "'a' in {'a': 1} && !('b' in {'a': 1})",
           "size('aé') == 2 && 'aé'.size() == 2 && [1].size() == 1 && size({'a': 1}) == 1",
           "list.all(x, x > 0) && list.exists(x, x == 2) && list.exists_one(x, x == 1)",
           "list.map(x, x * 2) == [2, 4] && list.filter(x, x > 1) == [2] && list.map(x, x > 1, x * 2) == [4]",
           "{'a': 1, 'b': 2}.all(k, k in ['a', 'b'])",
           "[[1], [2]].all(x, x.all(y, y > 0))",
           "[0, 1].exists(x, 1 / x == 1)",
           "cel.bind(m, device['gpu.example.com'].model, m == 'h100' && m != 'a100')",
           "'abc'.contains('b') && 'abc'.startsWith('a') && 'abc'.endsWith('c') && 'abc'.matches('^a.c$')",
           "'Ab'.lowerAscii() == 'ab' && 'Ab'.upperAscii() == 'AB' && ' a '.trim() == 'a'",
           "'abcd'.substring(1, 3) == 'bc' && 'abcd'.substring(2) == 'cd' && 'abc'.charAt(1) == 'b'",
           "'abcb'.indexOf('b') == 1 && 'abcb'.lastIndexOf('b') == 3 && 'a'.indexOf('b') == -1",
           "'a,b'.split(',') == ['a', 'b'] && ['a', 'b'].join('-') == 'a-b' && 'aa'.replace('a', 'b') == 'bb'",
           "int('7') == n && string(7) == '7' && double('1.5') == 1.5 && int(2.9) == 2",
           "type(1) == int && type('a') == string",
           "n == 7 // a comment",
           "device['gpu.example.com'].model == 'h100'",
           "has(device['gpu.example.com'].model) && !has(device['gpu.example.com'].other) && !has(device['other'].model)",
           "device['gpu.example.com'].memory.compareTo(quantity('40Gi')) == 0",
           "device['gpu.example.com'].memory.isGreaterThan(quantity('39Gi'))",
           "quantity('1k') == quantity('1000') && quantity('1500m').sub(quantity('1')) == quantity('500m')",
           "quantity('5').isInteger() && quantity('5').asInteger() == 5 && !quantity('1500m').isInteger()",
           "device['gpu.example.com']['driver.version'].isGreaterThan(semver('1.9.3'))",
           "semver('1.0.0-alpha.1').isLessThan(semver('1.0.0')) && semver('v1', true).major() == 1 && !isSemver('1.0')",
           "device['gpu.example.com'].?model.orValue('') == 'h100' && device['none'].?model.orValue('x') == 'x'",
           "device[?'gpu.example.com'].?model.hasValue() && optional.none().orValue(1) == 1",
           "[1, ?optional.none(), ?optional.of(2)] == [1, 2]",
       }) {
    EXPECT_EQ(result(text), "true") << text;
  }
}

TEST(Cel, WhatGoesWrongWhenItIsEvaluated) {
  const std::pair<const char*, const char*> kCases[] = {
      {"1 / 0 == 0", "error: division by zero"},
      {"1 % 0 == 0", "error: modulus by zero"},
      {"9223372036854775807 + 1 == 0", "error: integer overflow"},
      {"-9223372036854775808 / -1 == 0", "error: integer overflow"},
      {"0u - 1u == 0u", "error: unsigned integer overflow"},
      {"int(1e30) == 0", "error: integer overflow"},
      {"device['gpu.example.com'].other == 1", "error: no such key: other"},
      {"device['other'].model == 'a'", "error: no such key: model"},
      {"list[2] == 1", "error: index out of bounds: 2"},
      {"list[-1] == 1", "error: index out of bounds: -1"},
      {"1 + 'a' == 2", "error: no such overload: _+_(int, string)"},
      {"1 < 'a'", "error: no such overload: _<_(int, string)"},
      {"1 && true", "error: no such overload: _&&_(int)"},
      {"1 / 0 == 0 || false", "error: division by zero"},
      {"'a'.matches('(')", "error: error parsing regexp: missing ): ("},
      {"quantity('x') == quantity('x')",
       "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
      {"optional.none().value() == 1", "error: optional.none() dereference"},
      {"{'a': 1, 'a': 2} == {}", "error: Failed with repeated key: a"},
  };
  for (const auto& [text, wanted] : kCases) EXPECT_EQ(result(text), wanted) << text;
}

TEST(Cel, WhatMeansNothing) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "compile: ERROR: <input>:1:1: Syntax error: mismatched input '<EOF>'"},
      {"1 +", "compile: ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>'"},
      {"1 2", "compile: ERROR: <input>:1:3: Syntax error: extraneous input ''"},
      {"(1", "compile: ERROR: <input>:1:3: Syntax error: mismatched input '<EOF>'"},
      {"other == 1", "compile: ERROR: <input>:1:1: undeclared reference to 'other' (in container '')"},
      {"n ==\n  foo(1)", "compile: ERROR: <input>:2:3: undeclared reference to 'foo' (in container '')"},
      {"size(1, 2) == 1", "compile: ERROR: <input>:1:1: found no matching overload for 'size' applied to 2 arguments"},
      {"list.all(x, y)", "compile: ERROR: <input>:1:13: undeclared reference to 'y' (in container '')"},
      {"'abc", "compile: ERROR: <input>:1:1: Syntax error: a string without an end"},
      {"9223372036854775808 == 1", "compile: ERROR: <input>:1:21: invalid int literal"},
      {"n @ 1", "compile: ERROR: <input>:1:3: Syntax error: token recognition error at: '@'"},
      {"has(n)", "compile: ERROR: <input>:1:1: invalid argument to has() macro"},
  };
  for (const auto& [text, wanted] : kCases) EXPECT_EQ(result(text), wanted) << text;
}

TEST(Cel, NothingGrowsWithoutBounds) {
  std::string deep = "1 == 1";
  for (int i = 0; i < 1000; ++i) deep = "(" + deep + ")";
  EXPECT_TRUE(result(deep).starts_with("compile: ")) << result(deep);
  std::string wide = "1";
  for (int i = 0; i < 3000; ++i) wide += "+1";
  EXPECT_TRUE(result(wide).starts_with("compile: "));
  EXPECT_TRUE(result(std::string(20'000, ' ') + "true").starts_with("compile: "));
  std::string doubled = "'aaaaaaaaaaaaaaaa'";
  for (int i = 0; i < 30; ++i) doubled = "cel.bind(x, " + doubled + ", x + x)";
  EXPECT_EQ(result(doubled + " == ''"), "error: operation cancelled: actual cost limit exceeded");
  EXPECT_EQ(result("[1,2,3,4,5,6,7,8].all(a, [1,2,3,4,5,6,7,8].all(b, [1,2,3,4,5,6,7,8].all(c, [1,2,3,4,5,6,7,8].all(d, "
                   "[1,2,3,4,5,6,7,8].all(e, [1,2,3,4,5,6,7,8].all(f, [1,2,3,4,5,6,7,8].all(g, true)))))))"),
            "error: operation cancelled: actual cost limit exceeded");
}

}  // namespace
}  // namespace ph::api::cel
