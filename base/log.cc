#include "base/log.h"

#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace ph {
namespace {

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

bool is_plain(std::string_view value) { return !value.empty() && value.find_first_of(" \"=\n") == std::string_view::npos; }

}  // namespace

std::string format_text(const LogLine& line) {
  std::string out;
  if (!line.component.empty()) {
    out += line.component;
    out += ": ";
  }
  out += line.text;
  for (const LogField& field : line.fields) {
    out += ' ';
    out += field.name;
    out += '=';
    if (is_plain(field.value)) {
      out += field.value;
    } else {
      append_quoted(out, field.value);
    }
  }
  return out;
}

std::string format_json(const LogLine& line) {
  std::string out = "\"msg\":";
  append_quoted(out, line.text);
  const auto member = [&out](std::string_view name, std::string_view value) {
    out += ',';
    append_quoted(out, name);
    out += ':';
    append_quoted(out, value);
  };
  if (!line.component.empty()) member("logger", line.component);
  for (const LogField& field : line.fields) member(field.name, field.value);
  return out;
}

LogSink stderr_sink(LogFormat format) {
  auto logger = std::make_shared<spdlog::logger>("pilothouse", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  const bool json = format == LogFormat::Json;
  logger->set_pattern(json ? R"({"ts":%E%e,"level":"%l",%v})" : "%L%m%d %H:%M:%S.%f %7P] %v");
  logger->set_level(spdlog::level::debug);
  return [logger, json](const LogLine& line) {
    static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                                            spdlog::level::err};
    logger->log(kLevels[static_cast<int>(line.level)], "{}", json ? format_json(line) : format_text(line));
  };
}

}  // namespace ph
