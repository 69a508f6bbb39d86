#include "apiserver/rest/deadline.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "api/times.h"

namespace ph::apiserver {
namespace {

bool may_last(const RequestInfo& info) {
  constexpr std::string_view kSubresources[]{"attach", "exec", "log", "portforward", "proxy"};
  return info.verb == "watch" || std::ranges::find(kSubresources, info.subresource) != std::end(kSubresources);
}

// Why Go's time.ParseDuration does not take the text.
std::string complaint(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  const std::string plain = fmt::format("time: invalid duration \"{}\"", text);
  while (!rest.empty()) {
    const std::size_t number = std::min(rest.find_first_not_of("0123456789."), rest.size());
    const bool has_digit = rest.substr(0, number).find_first_not_of('.') != std::string_view::npos;
    if (!has_digit || std::ranges::count(rest.substr(0, number), '.') > 1) return plain;
    rest.remove_prefix(number);
    const std::size_t letters = std::min(rest.find_first_of("0123456789."), rest.size());
    const std::string_view unit = rest.substr(0, letters);
    if (unit.empty()) return fmt::format("time: missing unit in duration \"{}\"", text);
    constexpr std::string_view kUnits[]{"ns", "us", "\u00b5s", "\u03bcs", "ms", "s", "m", "h"};
    if (std::ranges::find(kUnits, unit) == std::end(kUnits)) {
      return fmt::format("time: unknown unit \"{}\" in duration \"{}\"", unit, text);
    }
    rest.remove_prefix(letters);
  }
  return plain;
}

}  // namespace

std::optional<Duration> time_limit(const ServerOptions& options, const RequestInfo& info, const Query& query) {
  if (may_last(info)) return std::nullopt;
  const std::string_view text = query.get("timeout");
  if (text.empty()) return options.request_timeout;
  const auto wanted = api::parse_duration(text);
  if (!wanted) throw api::bad_request(fmt::format("invalid timeout specified in the request URL - {}", complaint(text)));
  return *wanted > Duration::zero() ? std::min(*wanted, options.request_timeout) : options.request_timeout;
}

api::ApiError out_of_time() { return api::timeout("request did not complete within the allotted timeout"); }

}  // namespace ph::apiserver
