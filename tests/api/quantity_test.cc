#include "api/quantity.h"

#include <gtest/gtest.h>

namespace ph::api {
namespace {

struct Text {
  const char* text;
  const char* canonical;
  std::int64_t value;
};

const Text kTexts[] = {
    {"0", "0", 0},           {"0n", "0", 0},          {"0Mi", "0", 0},           {"k", "0", 0},
    {"+", "0", 0},           {"100m", "100m", 1},     {"1000m", "1", 1},         {"1500m", "1500m", 2},
    {"1.5", "1500m", 2},     {"0.5", "500m", 1},      {".5", "500m", 1},         {"1.", "1", 1},
    {"0100", "100", 100},    {"+7", "7", 7},          {"-1.5", "-1500m", -2},    {"1000", "1k", 1000},
    {"1000k", "1M", 1000000}, {"1024", "1024", 1024}, {"1024Ki", "1Mi", 1048576}, {"1Gi", "1Gi", 1073741824},
    {"1.5Gi", "1536Mi", 1610612736}, {"0.5Ki", "512", 512}, {"1000Ki", "1000Ki", 1024000}, {"1025", "1025", 1025},
    {"0.1Gi", "107374182400m", 107374183}, {"100Mi", "100Mi", 104857600}, {"1e3", "1e3", 1000}, {"12E2", "1200", 1200},
    {"1E", "1E", 1000000000000000000}, {"1Ei", "1Ei", 1152921504606846976}, {"5e-3", "5e-3", 1}, {"1.1n", "2n", 1},
    {"1e-20", "1e-9", 1},    {"100E", "9223372036854775807", INT64_MAX}, {"-8Ei", "-9223372036854775807", -INT64_MAX},
    {"12345678901234567890123", "9223372036854775807", INT64_MAX}, {"3.14159265358979", "3141592654n", 4},
};

TEST(Quantity, CanonicalTextAndValue) {
  for (const Text& c : kTexts) {
    SCOPED_TRACE(c.text);
    const auto quantity = Quantity::parse(c.text);
    ASSERT_TRUE(quantity);
    EXPECT_EQ(canonical_quantity(c.text), quantity->text());
    EXPECT_EQ(quantity->text(), c.canonical);
    EXPECT_EQ(quantity->value(), c.value);
  }
}

TEST(Quantity, CanonicalTextIsStable) {
  for (const Text& c : kTexts) {
    SCOPED_TRACE(c.text);
    const std::string once = canonical_quantity(c.text);
    EXPECT_EQ(canonical_quantity(once), once);
  }
}

TEST(Quantity, Refused) {
  for (const char* text : {"", "1.2.3", "a", "1 ", " 1", "1Kb", "1e", "1e3k", "--1", "1ii", "1KiMi", "0x10", "1e1.5", "1_000"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(Quantity::parse(text));
    EXPECT_FALSE(quantity_error(text).empty());
  }
  EXPECT_EQ(quantity_error("1KiMi"), "unable to parse quantity's suffix");
  EXPECT_EQ(quantity_error("x"), "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

Quantity q(const char* text) { return *Quantity::parse(text); }

TEST(Quantity, Arithmetic) {
  Quantity sum = q("1Gi");
  sum += q("512Mi");
  EXPECT_EQ(sum.text(), "1536Mi");
  sum -= q("1Gi");
  EXPECT_EQ(sum.text(), "512Mi");
  Quantity cpu;  // zero takes the family of what is added
  cpu += q("2Ki");
  EXPECT_EQ(cpu.text(), "2Ki");
  Quantity much = q("8E");
  much += q("8E");
  EXPECT_EQ(much.value(), INT64_MAX);
  EXPECT_EQ(q("1001m").rounded_up_to_milli().text(), "1001m");
  EXPECT_EQ(q("1.0001m").rounded_up_to_milli().text(), "2m");
  EXPECT_EQ(q("250m").milli_value(), 250);
  EXPECT_EQ(q("1n").milli_value(), 1);
  EXPECT_EQ(q("9E").milli_value(), INT64_MAX);
  EXPECT_LT(q("999m"), q("1"));
  EXPECT_EQ(q("1024Ki"), q("1Mi"));
  EXPECT_EQ(q("-1").sign(), -1);
  EXPECT_EQ(Quantity::of_milli(1500).text(), "1500m");
  EXPECT_EQ(Quantity::of(1 << 20, Quantity::Format::BinarySI).text(), "1Mi");
}

}  // namespace
}  // namespace ph::api
