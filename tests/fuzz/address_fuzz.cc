// IP addresses and ranges of them: what is one has one canonical form, which is read as itself.
#include "api/addresses.h"
#include "base/assert.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

void check_address(std::string_view text) {
  const auto address = api::read_address(text);
  if (!address) return;
  const auto again = api::read_address(address->text());
  PH_ASSERT(again);
  PH_ASSERT(again->text() == address->text());
  PH_ASSERT(!again->has_leading_zeros);
  PH_ASSERT(address->is_mapped() || (again->bytes == address->bytes && again->is_v6 == address->is_v6));
}

void check_range(std::string_view text) {
  const auto range = api::read_address_range(text);
  if (!range) return;
  PH_ASSERT(range->contains(range->address));
  PH_ASSERT(range->contains(range->network()));
  if (!range->is_standard()) return;
  const auto again = api::read_address_range(range->text());
  PH_ASSERT(again);
  PH_ASSERT(again->bits == range->bits);
  PH_ASSERT(again->address.bytes == range->network().bytes || again->address.is_v6 != range->address.is_v6);
}

}  // namespace

void address(std::string_view text) {
  check_address(text);
  check_range(text);
}

}  // namespace ph::fuzz
