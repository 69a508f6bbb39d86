#include "controllers/ttl/plan.h"

#include <charconv>
#include <limits>

namespace ph::controllers::ttl {
namespace {

struct Step {
  std::size_t least, most;  // nodes
  int seconds;
};
constexpr Step kSteps[] = {
    {0, 100, 0}, {90, 500, 15}, {450, 1000, 30}, {900, 2000, 60}, {1800, std::numeric_limits<std::size_t>::max(), 300},
};

}  // namespace

int Ttl::seconds_for(std::size_t nodes) {
  while (nodes > kSteps[step_].most) ++step_;
  while (nodes < kSteps[step_].least) --step_;
  return kSteps[step_].seconds;
}

bool says(std::string_view annotation, int seconds) {
  int value = 0;
  const auto [end, error] = std::from_chars(annotation.data(), annotation.data() + annotation.size(), value);
  return error == std::errc() && end == annotation.data() + annotation.size() && value == seconds;
}

}  // namespace ph::controllers::ttl
