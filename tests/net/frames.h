// HTTP/2 as bytes: what a peer writes who makes his frames by hand, and what is read of the answers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "net/http2_session.h"

namespace ph::net::testing {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum FrameType : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kReset = 3,
  kSettings = 4,
  kPing = 6,
  kGoaway = 7,
  kWindow = 8,
  kContinuation = 9
};
enum FrameFlag : std::uint8_t { kEndStream = 1, kAck = 1, kEndHeaders = 4 };

inline std::string number(std::uint32_t value, int bytes) {
  std::string out;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
  return out;
}

inline std::string frame(FrameType type, int flags, StreamId stream, std::string_view payload) {
  return number(static_cast<std::uint32_t>(payload.size()), 3) + static_cast<char>(type) + static_cast<char>(flags) +
         number(static_cast<std::uint32_t>(stream), 4) + std::string(payload);
}

// HPACK without compression: literals without indexing.
inline std::string field(std::string_view name, std::string_view value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + std::string(name) + static_cast<char>(value.size()) +
         std::string(value);
}
inline std::string request_fields(std::string_view method, std::string_view path) {
  return field(":method", method) + field(":scheme", "https") + field(":authority", "a") + field(":path", path);
}
inline std::string get_fields() { return request_fields("GET", "/"); }
inline std::string get_request(StreamId stream, std::string_view path = "/") {
  return frame(kHeaders, kEndStream | kEndHeaders, stream, request_fields("GET", path));
}
inline std::string window_update(StreamId stream, std::uint32_t size) { return frame(kWindow, 0, stream, number(size, 4)); }
inline std::string setting(std::uint16_t id, std::uint32_t value) { return number(id, 2) + number(value, 4); }
// `settings`: entries of a SETTINGS frame.
inline std::string opening(std::string_view settings = {}) { return std::string(kPreface) + frame(kSettings, 0, 0, settings); }

// Frame types in order, with the error code of resets and goaways. Of a frame that is not whole, its type.
inline std::vector<std::string> outline(std::string_view bytes) {
  static constexpr const char* kNames[] = {"DATA",         "HEADERS", "PRIORITY", "RST_STREAM",    "SETTINGS",
                                           "PUSH_PROMISE", "PING",    "GOAWAY",   "WINDOW_UPDATE", "CONTINUATION"};
  std::vector<std::string> frames;
  while (bytes.size() >= 9) {
    const auto at = [&](std::size_t i) { return i < bytes.size() ? std::size_t{static_cast<std::uint8_t>(bytes[i])} : 0; };
    const std::size_t size = at(0) << 16 | at(1) << 8 | at(2);
    std::string text = at(3) < std::size(kNames) ? kNames[at(3)] : "?";
    if (at(3) == kReset) text += " " + std::to_string(at(12));
    if (at(3) == kGoaway) text += " " + std::to_string(at(16));
    frames.push_back(text);
    bytes.remove_prefix(std::min(bytes.size(), 9 + size));
  }
  return frames;
}

// By how much each window is opened: stream (0: the connection's) and size.
inline std::vector<std::pair<StreamId, std::uint32_t>> window_updates(std::string_view bytes) {
  std::vector<std::pair<StreamId, std::uint32_t>> out;
  while (bytes.size() >= 9) {
    const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[i])); };
    const std::size_t size = at(0) << 16 | at(1) << 8 | at(2);
    if (at(3) == kWindow && bytes.size() >= 13) {
      out.emplace_back(at(5) << 24 | at(6) << 16 | at(7) << 8 | at(8), at(9) << 24 | at(10) << 16 | at(11) << 8 | at(12));
    }
    bytes.remove_prefix(std::min(bytes.size(), 9 + size));
  }
  return out;
}

inline bool contains(const std::vector<std::string>& frames, std::string_view wanted) {
  return std::ranges::any_of(frames, [&](const std::string& text) { return text.starts_with(wanted); });
}

}  // namespace ph::net::testing
