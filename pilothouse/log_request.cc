#include "pilothouse/log_request.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/rules.h"
#include "api/times.h"
#include "api/validation/quote.h"
#include "apiserver/rest/query.h"

namespace ph::pilothouse {
namespace {

using apiserver::Query;

std::optional<Time> read_time(const Query& query, std::string_view name) {
  const std::string_view text = query.get(name);
  if (text.empty() || text == "null") return std::nullopt;
  const auto time = api::parse_rfc3339(text);
  if (time) return time;
  throw api::bad_request(fmt::format("parsing time {} as \"2006-01-02T15:04:05Z07:00\": cannot parse {} as \"2006\"",
                                     api::quote(text), api::quote(text)));
}

std::optional<std::int64_t> at_least(const Query& query, std::string_view name, std::int64_t least, std::string_view otherwise,
                                     api::Errors& errors) {
  const auto value = query.integer(name);
  if (value && *value < least) errors.invalid(api::Path(name), *value, otherwise);
  return value;
}

// A fraction of nine digits, so that lines stand below each other.
std::string stamp(Time time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  std::string out = api::rfc3339(second);
  out.pop_back();  // Z
  return fmt::format("{}.{:09}Z", out, std::chrono::duration_cast<std::chrono::nanoseconds>(time - second).count());
}

}  // namespace

LogRequest read_log_request(std::string_view text, std::string_view pod, Time now) {
  const Query query = Query::parse(text);
  api::Errors errors;
  LogRequest out;
  out.container = query.get("container");
  out.follow = query.flag("follow");
  out.previous = query.flag("previous");
  out.timestamps = query.flag("timestamps");
  const auto since_time = read_time(query, "sinceTime");
  out.tail_lines = at_least(query, "tailLines", 0, "must be greater than or equal to 0", errors);
  out.limit_bytes = at_least(query, "limitBytes", 1, "must be greater than 0", errors);
  if (since_time && query.integer("sinceSeconds")) {
    errors.forbidden(api::Path(""), "at most one of `sinceTime` or `sinceSeconds` may be specified");
  } else if (const auto seconds = at_least(query, "sinceSeconds", 1, "must be greater than 0", errors)) {
    // Longer ago than anything is as good.
    constexpr std::int64_t kSecondsMax = 3'000'000'000;
    out.since = now - std::chrono::seconds(std::min(*seconds, kSecondsMax));
  } else {
    out.since = since_time;
  }
  if (query.has("stream")) errors.forbidden(api::Path("stream"), "may not be specified");
  if (!errors.list().empty()) throw api::invalid("PodLogOptions", pod, errors.list());
  return out;
}

// A tail is counted before anything is left out for its time.
std::string LogText::take(const node::ContainerLog& log) {
  if (!begun_ && asked_.tail_lines) {
    const auto wanted = static_cast<std::size_t>(*asked_.tail_lines);
    taken_ = log.lines.size() - std::min(log.lines.size(), wanted);
  }
  begun_ = true;
  std::string out;
  for (; taken_ < log.lines.size() && !full(); ++taken_) append(log.lines[taken_], out);
  return out;
}

void LogText::append(const node::ContainerLog::Line& line, std::string& out) {
  if (asked_.since && line.at < *asked_.since) return;
  std::string text = asked_.timestamps ? stamp(line.at) + " " + line.text + "\n" : line.text + "\n";
  if (asked_.limit_bytes) {
    text.resize(std::min(text.size(), static_cast<std::size_t>(*asked_.limit_bytes)));
    *asked_.limit_bytes -= static_cast<std::int64_t>(text.size());
  }
  out += text;
}

}  // namespace ph::pilothouse
