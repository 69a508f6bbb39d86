#include "node/behaviour.h"

#include <charconv>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "api/quantity.h"
#include "api/times.h"
#include "api/validation/quote.h"

namespace ph::node {
namespace {

constexpr Duration kLongest = std::chrono::hours(24) * 365;
constexpr Duration kShortestPeriod = 1s;
constexpr int kTimesMax = 1000;  // restarts and failures are counted through

int parse_number(std::string_view text, int least, int most) {
  int out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || out < least || out > most)
    throw AskError(fmt::format("must be a whole number between {} and {}", least, most));
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

double parse_amount(std::string_view text) {
  const auto amount = api::Quantity::parse(text);
  if (!amount || amount->sign() < 0) throw AskError(fmt::format("{} is no amount of a resource", api::quote(text)));
  // Billionths of what is much are nobody's concern, and thousandths of bytes are not either.
  return static_cast<double>(amount->value()) < 1e6 ? static_cast<double>(amount->milli_value()) / 1000
                                                    : static_cast<double>(amount->value());
}

int parse_failures(std::string_view text) { return text == "always" ? Behaviour::kAlways : parse_number(text, 0, kTimesMax); }

struct Member {
  const char *name, *annotation;
  void (*set)(Behaviour& to, std::string_view text);
  void (*take)(Behaviour& to, const Behaviour& from);
};

#define PH_MEMBER(name, annotation, field, parse)                                          \
  {name, annotation, [](Behaviour& to, std::string_view text) { to.field = parse(text); }, \
   [](Behaviour& to, const Behaviour& from) {                                              \
     if (from.field) to.field = from.field;                                                \
   }}
constexpr Member kMembers[] = {
    PH_MEMBER("readyAfter", "ready-after", ready_after, parse_span),
    PH_MEMBER("runsFor", "runs-for", runs_for, parse_span),
    PH_MEMBER("exitCode", "exit-code", exit_code, [](std::string_view code) { return parse_number(code, 0, 255); }),
    PH_MEMBER("restarts", "restarts", restarts, [](std::string_view count) { return parse_number(count, 0, kTimesMax); }),
    PH_MEMBER("pullTakes", "pull-takes", pull_takes, parse_span),
    PH_MEMBER("pullFailures", "pull-failures", pull_failures, parse_failures),
    PH_MEMBER("pullError", "pull-error", pull_error, std::string),
    PH_MEMBER("endsAfter", "ends-after", ends_after, parse_span),
    PH_MEMBER("cpu", "cpu", cpu, Usage::parse),
    PH_MEMBER("memory", "memory", memory, Usage::parse),
};
#undef PH_MEMBER

}  // namespace

double Usage::at(Time now) const {
  if (period <= Duration::zero()) return mean;
  const double part = static_cast<double>(now.time_since_epoch() % period / 1ns) / static_cast<double>(period / 1ns);
  return mean + swing * std::sin(2 * std::numbers::pi * part);
}

Usage Usage::parse(std::string_view text) {
  Usage out;
  text = trimmed(text);
  if (text.starts_with("total ")) {
    out.shared = true;
    text = trimmed(text.substr(6));
  }
  if (!text.starts_with("sine(")) {
    out.mean = parse_amount(text);
    return out;
  }
  const auto first = text.find(','), second = text.find(',', first + 1);
  if (first == text.npos || second == text.npos || !text.ends_with(')'))
    throw AskError("must be an amount, or sine(LOWEST, HIGHEST, PERIOD)");
  const double lowest = parse_amount(trimmed(text.substr(5, first - 5)));
  const double highest = parse_amount(trimmed(text.substr(first + 1, second - first - 1)));
  out.period = parse_span(trimmed(text.substr(second + 1, text.size() - second - 2)));
  if (highest < lowest) throw AskError("the lowest amount of a sine is not above its highest");
  if (out.period < kShortestPeriod) throw AskError("the period of a sine is at least a second");
  out.mean = (lowest + highest) / 2;
  out.swing = (highest - lowest) / 2;
  return out;
}

Duration parse_span(std::string_view text) {
  const auto span = api::parse_duration(text);
  if (!span || *span < Duration::zero() || *span > kLongest)
    throw AskError("must be a time as 1m30s, at least 0s and at most a year");
  return *span;
}

bool Behaviour::set(std::string_view member, std::string_view text) {
  for (const Member& each : kMembers) {
    if (member == each.name) return each.set(*this, text), true;
  }
  return false;
}

bool Behaviour::set_asked(std::string_view annotation, std::string_view text) {
  for (const Member& each : kMembers) {
    if (annotation == each.annotation) return each.set(*this, text), true;
  }
  return false;
}

void Behaviour::override_by(const Behaviour& other) {
  for (const Member& each : kMembers) each.take(*this, other);
}

}  // namespace ph::node
