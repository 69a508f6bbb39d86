#include "api/quantity.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace ph::api {
namespace {

struct Text {
  const char* text;
  const char* canonical;
  std::int64_t value;
};

const Text kTexts[] = {
    {"0", "0", 0},
    {"0n", "0", 0},
    {"0Mi", "0", 0},
    {"k", "0", 0},
    {"+", "0", 0},
    {"100m", "100m", 1},
    {"1000m", "1", 1},
    {"1500m", "1500m", 2},
    {"1.5", "1500m", 2},
    {"0.5", "500m", 1},
    {".5", "500m", 1},
    {"1.", "1.", 1},
    {"0100", "0100", 100},
    {"+7", "+7", 7},
    {"-1.5", "-1500m", -2},
    {"1000", "1k", 1000},
    {"1000k", "1M", 1000000},
    {"1024", "1024", 1024},
    {"1024Ki", "1Mi", 1048576},
    {"1Gi", "1Gi", 1073741824},
    {"1.5Gi", "1536Mi", 1610612736},
    {"0.5Ki", "512", 512},
    {"1000Ki", "1000Ki", 1024000},
    {"1025", "1025", 1025},
    {"0.1Gi", "107374182400m", 107374183},
    {"100Mi", "100Mi", 104857600},
    {"1e3", "1e3", 1000},
    {"12E2", "1200", 1200},
    {"1E", "1E", 1000000000000000000},
    {"1Ei", "1Ei", 1152921504606846976},
    {"5e-3", "5e-3", 1},
    {"1.1n", "2n", 1},
    {"1e-20", "1e-9", 1},
    {"100E", "100E", INT64_MAX},
    {"-8Ei", "-9223372036854775807", -INT64_MAX},
    {"12345678901234567890123", "12345678901234567890123", INT64_MAX},
    {"3.14159265358979", "3141592654n", 4},
    // Short texts without zeros to shorten are kept as they came.
    {"+1", "+1", 1},
    {"1.500", "1.500", 2},
    {"1E3", "1E3", 1000},
    {"1e+3", "1e+3", 1000},
    {"+1.50", "1500m", 2},
    {"01Ki", "01Ki", 1024},
    {"08Ki", "8Ki", 8192},
    {"1.001", "1.001", 2},
    {"1234567890123456789", "1234567890123456789", 1234567890123456789},
    {"0.500", "500m", 1},
    {"-0", "0", 0},
    // Decimal ones have no end.
    {"9223372036854775807", "9223372036854775807", INT64_MAX},
    {"9223372036854775808", "9223372036854775808", INT64_MAX},
    {"10000000000000000000", "10E", INT64_MAX},
    {"1e21", "1e21", INT64_MAX},
    {"-1e21", "-1e21", INT64_MIN},
    {"1000E", "1000E", INT64_MAX},
    {"1000000000000000000000000000000000000000000", "1000000000000000000000000E", INT64_MAX},
    {"1e40", "10e39", INT64_MAX},
    {"12345678901234567890e30", "12345678901234567890e30", INT64_MAX},
    {"123456789012345678901e-9", "123456789012345678901e-9", 123456789013},
    {"1e2000000000", "100e1999999998", INT64_MAX},
    // Binary ones end at 63 bits.
    {"8Ei", "9223372036854775807", INT64_MAX},
    {"9223372036854775807Ki", "9223372036854775807", INT64_MAX},
    {"7.5Ei", "7680Pi", 8646911284551352320},
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
  EXPECT_EQ(much.text(), "16E");
  much -= q("8E");
  EXPECT_EQ(much.text(), "8E");
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

TEST(Quantity, NotANumber) {
  // What is short enough is zero without a digit; what needs big numbers is not.
  EXPECT_EQ(canonical_quantity("Ti"), "0");
  for (const char* text : {"Ei", "+Pi", ".e-10"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(Quantity::parse(text));
    EXPECT_EQ(quantity_error(text), "unable to parse numeric part of quantity");
  }
}

TEST(Quantity, EqualityIsOfAmounts) {
  EXPECT_TRUE(same_quantity("1", "+1"));
  EXPECT_TRUE(same_quantity("1", "1000m"));
  EXPECT_TRUE(same_quantity("", "0"));
  EXPECT_TRUE(same_quantity("1e21", "1000000000000000000000"));
  EXPECT_FALSE(same_quantity("1e21", "1000000000000000000001"));
  EXPECT_FALSE(same_quantity("x", "1"));
  EXPECT_LT(q("9223372036854775807"), q("9223372036854775808"));
  EXPECT_LT(q("-1e21"), q("-1"));
  EXPECT_LT(q("-1e22"), q("-1e21"));
  EXPECT_LT(q("1"), q("1e2000000000"));
  EXPECT_LT(q("1e1999999999"), q("1e2000000000"));
  EXPECT_EQ(q("-1e21").sign(), -1);
}

TEST(Quantity, SumsOfHugeExponentsAreBounded) {
  Quantity sum = q("1e2000000000");
  sum += q("1");
  EXPECT_EQ(sum, q("1e2000000000")) << "what is a thousand digits less does not count";
  Quantity other = q("1k");
  other += q("1e2000000000");
  EXPECT_EQ(other.text(), "100e1999999998") << "no text of two billion zeros";
  Quantity exact = q("1e500");
  exact += q("1");
  exact -= q("1e500");
  EXPECT_EQ(exact.text(), "1");
}

// Numbers of all sizes and signs: written and read again they are the same, and sums can be undone.
TEST(Quantity, RandomAmounts) {
  SeededRng rng(7);
  constexpr const char* kSuffixes[] = {"", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Gi", "Ei", "e3", "e-7", "e25"};
  const auto random = [&] {
    std::string text = rng.below(2) ? "-" : rng.below(2) ? "+" : "";
    text += rng.text(1 + rng.below(rng.below(4) ? 6 : 45), "0123456789");
    if (rng.below(3) == 0) text += "." + rng.text(rng.below(12), "0012345678");
    return text + kSuffixes[rng.below(std::size(kSuffixes))];
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string left = random(), right = random();
    SCOPED_TRACE(left + " and " + right);
    const Quantity a = q(left.c_str()), b = q(right.c_str());
    ASSERT_EQ(q(a.text().c_str()), a);
    ASSERT_EQ(canonical_quantity(a.text()), a.text());
    Quantity sum = a, difference = a;
    sum += b;
    difference -= b;
    ASSERT_EQ(difference.sign() < 0, a < b);
    ASSERT_EQ(difference.is_zero(), a == b);
    // A binary amount that is read ends at 2^63-1, one that is summed up does not.
    const bool ends = sum.format() == Quantity::Format::BinarySI && (sum.value() == INT64_MAX || sum.value() <= -INT64_MAX);
    if (!ends) ASSERT_EQ(q(sum.text().c_str()), sum);
    sum -= b;
    ASSERT_EQ(sum, a);
    if (a < b) ASSERT_LE(a.value(), b.value());
    const Quantity rounded = a.rounded_up_to_milli();
    ASSERT_TRUE(a.sign() < 0 ? rounded <= a : rounded >= a);
  }
}

}  // namespace
}  // namespace ph::api
