#include "api/fence.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace ph::api {
namespace {

bool unreserved(unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == '~'; }

std::string encoded(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    if (unreserved(c)) {
      out.push_back(static_cast<char>(c));
    } else {
      out += fmt::format("%{:02X}", c);
    }
  }
  return out;
}

// Nothing when it holds what `encoded` does not write.
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      if (!unreserved(static_cast<unsigned char>(text[i]))) return std::nullopt;
      out.push_back(text[i]);
      continue;
    }
    unsigned value = 0;
    const char* begin = text.data() + i + 1;
    if (text.size() - i < 3) return std::nullopt;
    const auto [end, error] = std::from_chars(begin, begin + 2, value, 16);
    if (error != std::errc() || end != begin + 2) return std::nullopt;
    out.push_back(static_cast<char>(value));
    i += 2;
  }
  return out;
}

// The text up to `mark`, which goes too.
std::string_view take(std::string_view& text, char mark) {
  const auto at = std::min(text.find(mark), text.size());
  const std::string_view out = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::int32_t> number(const std::string& text) {
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

Fence fence_of(const coordination::v1::Lease& lease) {
  return {key_of(lease), lease.metadata().uid(), lease.spec().holder_identity(), lease.spec().lease_transitions()};
}

std::string fence_text(const Fence& fence) {
  return fmt::format("{}/{}; uid={}; holder={}; transitions={}", encoded(fence.lease.namespace_name), encoded(fence.lease.name),
                     encoded(fence.uid), encoded(fence.holder), fence.transitions);
}

std::optional<Fence> parse_fence(std::string_view text) {
  std::string_view place = trimmed(take(text, ';'));
  const auto space = decoded(take(place, '/'));
  const auto name = decoded(place);
  if (!space || space->empty() || !name || name->empty()) return std::nullopt;

  std::map<std::string_view, std::string> members;
  while (!text.empty()) {
    std::string_view member = trimmed(take(text, ';'));
    const std::string_view key = take(member, '=');
    auto value = decoded(member);
    if (!value || !members.emplace(key, std::move(*value)).second) return std::nullopt;
  }
  if (members.size() != 3 || !members.contains("uid") || !members.contains("holder") || !members.contains("transitions")) {
    return std::nullopt;
  }
  const auto transitions = number(members["transitions"]);
  // A lease that nobody holds fences nothing.
  if (!transitions || members["uid"].empty() || members["holder"].empty()) return std::nullopt;
  return Fence{{*space, *name}, members["uid"], members["holder"], *transitions};
}

}  // namespace ph::api
