// Structured logs: constant text with fields, one line per thing a user may ask about.
//
//   log.info("job deleted", "job", key, "due", due);
#pragma once

#include <array>
#include <concepts>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include "base/time.h"

namespace ph {

enum class LogLevel { Debug, Info, Warning, Error };

struct LogField {
  std::string_view name;
  std::string value;
};

// One line. What it points to lives as long as the call.
struct LogLine {
  LogLevel level;
  std::string_view component;  // "informers", "store: history"; may be empty
  std::string_view text;
  std::span<const LogField> fields;
};

using LogSink = std::function<void(const LogLine&)>;

// `component: text field=value …`, values quoted where they need it.
std::string format_text(const LogLine& line);
// `"msg":"text","logger":"component","field":"value"…`: the members of a JSON object.
std::string format_json(const LogLine& line);

// Cheap to copy. Threads: any, if the sink allows it.
class Log {
 public:
  // A log that writes nothing.
  Log() = default;
  Log(LogSink sink, LogLevel least) : sink_(std::move(sink)), least_(least) {}

  // The same log for a part of it: the name stands in front of each line.
  Log named(std::string_view name) const {
    Log log = *this;
    if (!log.component_.empty()) log.component_ += ": ";
    log.component_ += name;
    return log;
  }
  bool enabled(LogLevel level) const { return sink_ && level >= least_; }

  template <class... Fields>
  void debug(std::string_view text, const Fields&... fields) const {
    write(LogLevel::Debug, text, fields...);
  }
  template <class... Fields>
  void info(std::string_view text, const Fields&... fields) const {
    write(LogLevel::Info, text, fields...);
  }
  template <class... Fields>
  void warning(std::string_view text, const Fields&... fields) const {
    write(LogLevel::Warning, text, fields...);
  }
  template <class... Fields>
  void error(std::string_view text, const Fields&... fields) const {
    write(LogLevel::Error, text, fields...);
  }

 private:
  template <class... Fields>
  void write(LogLevel level, std::string_view text, const Fields&... fields) const {
    static_assert(sizeof...(fields) % 2 == 0, "fields are pairs of a name and a value");
    if (!enabled(level)) return;
    std::array<LogField, sizeof...(fields) / 2> list;
    fill(list.data(), fields...);
    sink_({level, component_, text, list});
  }
  static void fill(LogField*) {}
  template <class Value, class... Rest>
  static void fill(LogField* to, std::string_view name, const Value& value, const Rest&... rest) {
    to->name = name;
    if constexpr (std::convertible_to<const Value&, std::string_view>) {
      to->value = std::string_view(value);
    } else if constexpr (requires { format_as(value); }) {  // fmt 9 asks it of enumerations only
      to->value = fmt::format("{}", format_as(value));
    } else {
      to->value = fmt::format("{}", value);
    }
    fill(to + 1, rest...);
  }

  LogSink sink_;
  LogLevel least_ = LogLevel::Info;
  std::string component_;
};

// A sink on standard error (spdlog underneath). Text has klog's head: level, date, time, process. Threads: any.
enum class LogFormat { Text, Json };
LogSink stderr_sink(LogFormat format = LogFormat::Text);

}  // namespace ph
