#include "controllers/cloud/source_ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "api/addresses.h"

namespace ph::controllers::cloud {

using core::v1::Service;

constexpr const char* kSourceRanges = "service.beta.kubernetes.io/load-balancer-source-ranges";

Answer<std::vector<std::string>> source_ranges_of(const Service& service) {
  const auto& field = service.spec().load_balancer_source_ranges();
  std::vector<std::string> out(field.begin(), field.end());
  const auto annotation = service.metadata().annotations().find(kSourceRanges);
  if (out.empty() && annotation != service.metadata().annotations().end()) {
    std::string_view rest = annotation->second;
    while (!rest.empty()) {
      const auto comma = std::min(rest.find(','), rest.size());
      out.emplace_back(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  for (std::string& each : out) {
    const auto from = each.find_first_not_of(' ');
    each = from == each.npos ? std::string() : each.substr(from, each.find_last_not_of(' ') + 1 - from);
    if (!api::read_address_range(each)) return std::unexpected(fmt::format("\"{}\" is no range of source addresses", each));
  }
  return out;
}

}  // namespace ph::controllers::cloud
