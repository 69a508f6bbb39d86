// Structured logs: constant text with fields, one line per thing a user may ask about.
//
//   log.info("job deleted", "job", key, "due", due);
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include "base/time.h"

namespace ph {

enum class LogLevel { Debug, Info, Warning, Error };

// One line, already in the form `text field=value …`.
using LogSink = std::function<void(LogLevel, std::string_view line)>;

// Cheap to copy. Threads: any, if the sink allows it.
class Log {
 public:
  // A log that writes nothing.
  Log() = default;
  Log(LogSink sink, LogLevel least) : sink_(std::move(sink)), least_(least) {}

  // The same log with a name in front of each line.
  Log named(std::string_view name) const {
    Log log = *this;
    log.prefix_ += std::string(name) + ": ";
    return log;
  }
  bool enabled(LogLevel level) const { return sink_ && level >= least_; }

  template <class... Fields>
  void debug(std::string_view text, const Fields&... fields) const { write(LogLevel::Debug, text, fields...); }
  template <class... Fields>
  void info(std::string_view text, const Fields&... fields) const { write(LogLevel::Info, text, fields...); }
  template <class... Fields>
  void warning(std::string_view text, const Fields&... fields) const { write(LogLevel::Warning, text, fields...); }
  template <class... Fields>
  void error(std::string_view text, const Fields&... fields) const { write(LogLevel::Error, text, fields...); }

 private:
  template <class... Fields>
  void write(LogLevel level, std::string_view text, const Fields&... fields) const {
    static_assert(sizeof...(fields) % 2 == 0, "fields are pairs of a name and a value");
    if (!enabled(level)) return;
    std::string line = prefix_;
    line += text;
    append(line, fields...);
    sink_(level, line);
  }
  static void append(std::string&) {}
  template <class Value, class... Rest>
  static void append(std::string& line, std::string_view name, const Value& value, const Rest&... rest) {
    if constexpr (std::convertible_to<const Value&, std::string_view>) {
      append_text(line, name, std::string_view(value));
    } else if constexpr (requires { format_as(value); }) {  // fmt 9 asks it of enumerations only
      append_text(line, name, fmt::format("{}", format_as(value)));
    } else {
      append_text(line, name, fmt::format("{}", value));
    }
    append(line, rest...);
  }
  static void append_text(std::string& line, std::string_view name, std::string_view value);

  LogSink sink_;
  LogLevel least_ = LogLevel::Info;
  std::string prefix_;
};

// A sink on standard error with time and level in front (spdlog underneath). Threads: any.
LogSink stderr_sink();

}  // namespace ph
