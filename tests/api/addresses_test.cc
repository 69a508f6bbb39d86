#include "api/addresses.h"

#include <gtest/gtest.h>

#include "api/names.h"

namespace ph::api {
namespace {

TEST(Addresses, Canonical) {
  struct Case {
    const char *text, *canonical;
  };
  const Case cases[] = {
      {"10.9.8.7", "10.9.8.7"},
      {"010.09.8.007", "10.9.8.7"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8::", "2001:db8::"},
      {"2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"},
      {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
      {"1:0:0:2:3:0:0:4", "1::2:3:0:0:4"},
      {"1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"},
      {"::102:304", "::102:304"},
      {"::ffff:1.2.3.4", "1.2.3.4"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto address = read_address(c.text);
    ASSERT_TRUE(address);
    EXPECT_EQ(address->text(), c.canonical);
  }
}

TEST(Addresses, None) {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.", ".1.2.3", "1..2.3", "a.b.c.d", "1.2.3.-4", ":",
                           "1::2::3", "fe80::1%eth0", "12345::"}) {
    EXPECT_FALSE(read_address(text)) << text;
  }
  for (const char* text : {"", "/", "1.2.3.4", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/8/8", "::/129", "/8",
                           "1.2.3.4/ 8", "1.2.3.4/99999999999"}) {
    EXPECT_FALSE(read_address_range(text)) << text;
  }
}

TEST(Addresses, Ranges) {
  struct Case {
    const char *text, *canonical;
    bool standard;
  };
  const Case cases[] = {
      {"10.0.0.0/8", "10.0.0.0/8", true},
      {"10.1.2.3/8", "10.0.0.0/8", true},
      {"10.1.2.3/32", "10.1.2.3/32", true},
      {"10.1.255.3/20", "10.1.240.0/20", true},
      {"1.2.3.4/0", "0.0.0.0/0", true},
      {"10.0.0.0/08", "10.0.0.0/8", false},
      {"010.0.0.0/8", "10.0.0.0/8", false},
      {"2001:db8:ffff::/33", "2001:db8:8000::/33", true},
      {"::ffff:1.2.3.4/128", "1.2.3.4/128", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto range = read_address_range(c.text);
    ASSERT_TRUE(range);
    EXPECT_EQ(range->text(), c.canonical);
    EXPECT_EQ(range->is_standard(), c.standard);
  }
  const auto holds = [](const char* range, const char* address) {
    return read_address_range(range)->contains(*read_address(address));
  };
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(holds("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(holds("::/0", "1.2.3.4")) << "of the other family";
  EXPECT_TRUE(holds("2001:db8::/32", "2001:db8:1::1"));
}

TEST(Addresses, CanonicalIp) {
  EXPECT_TRUE(check_canonical_ip("10.0.0.1").empty());
  EXPECT_TRUE(check_canonical_ip("2001:db8::1").empty());
  EXPECT_EQ(check_canonical_ip("x"), std::vector<std::string>{"must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"});
  EXPECT_EQ(check_canonical_ip("10.0.0.01"), std::vector<std::string>{"must not have leading 0s"});
  EXPECT_EQ(check_canonical_ip("::ffff:1.2.3.4"), std::vector<std::string>{"must not be an IPv4-mapped IPv6 address"});
  EXPECT_EQ(check_canonical_ip("2001:DB8::1"), std::vector<std::string>{"must be in canonical form (\"2001:db8::1\")"});
}

}  // namespace
}  // namespace ph::api
