#include "controllers/ttl/plan.h"

#include <charconv>
#include <limits>
#include <string>

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

bool has_ttl(const core::v1::Node& node, int seconds) {
  const auto found = node.metadata().annotations().find(kAnnotation);
  if (found == node.metadata().annotations().end()) return false;
  const std::string& text = found->second;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value == seconds;
}

}  // namespace ph::controllers::ttl
