// What a request for a container's log asks for, and how the log is written for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "node/container_log.h"

namespace ph::pilothouse {

struct LogRequest {
  std::string container;  // empty: the only one
  bool follow = false, previous = false, timestamps = false;
  std::optional<Time> since;
  std::optional<std::int64_t> tail_lines, limit_bytes;
};

// Reads PodLogOptions out of a query. Throws the ApiError that upstream answers: 400 for what cannot be read, 422 for what is not
// allowed.
LogRequest read_log_request(std::string_view query, std::string_view pod, Time now);

// Writes the lines that are asked for, of a log that grows.
class LogText {
 public:
  explicit LogText(LogRequest asked) : asked_(std::move(asked)) {}

  // What has not been taken yet.
  std::string take(const node::ContainerLog& log);
  // No more bytes are wanted.
  bool full() const { return asked_.limit_bytes && *asked_.limit_bytes <= 0; }

 private:
  void append(const node::ContainerLog::Line& line, std::string& out);

  LogRequest asked_;
  std::size_t taken_ = 0;
  bool begun_ = false;
};

}  // namespace ph::pilothouse
