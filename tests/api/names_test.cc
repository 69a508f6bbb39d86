#include "api/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ph::api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

using Check = std::vector<std::string> (*)(std::string_view);

TEST(Names, AcceptedAndRefused) {
  struct Case {
    const char* rule;
    Check check;
    std::vector<std::string> good, bad;
  };
  const std::string l63(63, 'a'), l64(64, 'a'), l254(254, 'a');
  const Case kCases[] = {
      {"label", check_dns1123_label, {"a", "0", "a-b", l63}, {"", "-a", "a-", "A", "a.b", "a_b", l64}},
      {"subdomain", check_dns1123_subdomain, {"a", "a.b", "0.1-2"}, {"", ".", "a..b", "a.", "a.-b", "A.b", l254}},
      {"1035", check_dns1035_label, {"a", "a1", "a-1"}, {"1a", "", "a-", "-a", l64}},
      {"qualified",
       check_qualified_name,
       {"a", "A_b.c", "example.com/a", "0"},
       {"", "/a", "a/", "a/b/c", "-a", "a-", "Ex.com/a", l64}},
      {"label value", check_label_value, {"", "a", "A_b.c-d", "0"}, {"-", "a b", "a/b", l64}},
      {"path", check_path_segment, {"a", "A:b", "..."}, {".", "..", "a/b", "a%b"}},
      {"port name", check_port_name, {"http", "a1", "1a"}, {"", "80", "-a", "a-", "a--b", "Http", "abcdefghijklmnop"}},
      {"config key", check_config_map_key, {"a", ".a", "A_b-c.d"}, {"", "...", ".", "..", "..a", "a/b", l254}},
      {"env", check_env_var_name, {"A", "a.b", "1 x"}, {"", "a=b", "\t", "\xc3\xa4"}},
      {"ip", check_ip, {"10.0.0.1", "010.0.0.1", "::1", "2001:db8::1"}, {"", "10.0.0", "10.0.0.256", "::g", "10.0.0.1/8"}},
  };
  for (const Case& c : kCases) {
    for (const std::string& name : c.good) EXPECT_THAT(c.check(name), IsEmpty()) << c.rule << ": " << name;
    for (const std::string& name : c.bad) EXPECT_THAT(c.check(name), Not(IsEmpty())) << c.rule << ": " << name;
  }
}

TEST(Names, UpstreamsWords) {
  EXPECT_THAT(
      check_dns1123_label("A"),
      ElementsAre(
          "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
          "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
          "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"));
  EXPECT_THAT(check_dns1123_label("a.b"), ElementsAre("must not contain dots"));
  EXPECT_THAT(
      check_dns1123_subdomain("A"),
      ElementsAre(
          "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end "
          "with an alphanumeric character (e.g. 'example.com', regex used for validation is "
          R"('[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'))"));
  EXPECT_THAT(check_label_value(std::string(64, 'a')), ElementsAre("must be no more than 63 bytes"));
  EXPECT_THAT(check_dns1123_label(std::string(64, 'a')), ElementsAre("must be no more than 63 characters"));
  EXPECT_THAT(check_dns1123_subdomain(std::string(254, 'a')), ElementsAre("must be no more than 253 characters"));
  EXPECT_THAT(check_dns1035_label(std::string(64, 'a')), ElementsAre("must be no more than 63 characters"));
  EXPECT_THAT(check_port_name(std::string(16, 'a')), ElementsAre("must be no more than 15 characters"));
  EXPECT_THAT(check_qualified_name(std::string(254, 'a') + "/x"), ElementsAre("prefix part must be no more than 253 bytes"));
  EXPECT_THAT(check_qualified_name(std::string(64, 'a')), ElementsAre("name part must be no more than 63 bytes"));
  EXPECT_THAT(check_port_number(0), ElementsAre("must be between 1 and 65535, inclusive"));
  EXPECT_THAT(check_port_number(65535), IsEmpty());
  EXPECT_THAT(check_path_segment("a/b%c"), ElementsAre("may not contain '/'", "may not contain '%'"));
  EXPECT_THAT(check_config_map_key("..a"), ElementsAre("must not start with '..'"));
}

}  // namespace
}  // namespace ph::api
