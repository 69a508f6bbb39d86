#include "api/pem.h"

#include <algorithm>

#include "api/json_text.h"

namespace ph::api {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ", kEnd = "-----END ", kDashes = "-----", kSpace = " \t\r\n";

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  const auto last = line.find_last_not_of(kSpace);
  return line.substr(0, last == line.npos ? 0 : last + 1);
}

// "-----BEGIN X-----" → X
std::optional<std::string_view> label_of(std::string_view line, std::string_view prefix) {
  if (!line.starts_with(prefix) || !line.ends_with(kDashes) || line.size() < prefix.size() + kDashes.size()) return std::nullopt;
  return line.substr(prefix.size(), line.size() - prefix.size() - kDashes.size());
}

// What follows the line that begins a block.
std::optional<PemBlock> read_block(std::string_view type, std::string_view& text) {
  PemBlock block{.type = std::string(type)};
  std::string encoded;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    // Not read on: many beginnings without an end would be read many times.
    if (line.starts_with(kBegin)) return std::nullopt;
    if (line.starts_with(kEnd)) {
      const bool closes = label_of(line, kEnd) == type && decode_base64(encoded, block.bytes).empty();
      return closes ? std::optional(std::move(block)) : std::nullopt;
    }
    if (line.find(':') != line.npos && encoded.empty()) block.has_headers = true;
    else std::ranges::copy_if(line, std::back_inserter(encoded), [](char c) { return kSpace.find(c) == kSpace.npos; });
  }
  return std::nullopt;
}

}  // namespace

std::optional<PemBlock> next_pem_block(std::string_view& text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto type = label_of(take_line(rest), kBegin);
    if (!type) continue;
    std::string_view behind = rest;
    if (auto block = read_block(*type, behind)) {
      text = behind;
      return block;
    }
  }
  return std::nullopt;
}

}  // namespace ph::api
