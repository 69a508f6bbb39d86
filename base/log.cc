#include "base/log.h"

#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace ph {

void Log::append_text(std::string& line, std::string_view name, std::string_view value) {
  line += ' ';
  line += name;
  line += '=';
  if (!value.empty() && value.find_first_of(" \"=\n") == std::string_view::npos) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value) {
    if (c == '\n') {
      line += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') line += '\\';
    line += c;
  }
  line += '"';
}

LogSink stderr_sink() {
  auto logger = std::make_shared<spdlog::logger>("pilothouse", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %L %v", spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::debug);
  return [logger](LogLevel level, std::string_view line) {
    static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                                            spdlog::level::err};
    logger->log(kLevels[static_cast<int>(level)], "{}", line);
  };
}

}  // namespace ph
