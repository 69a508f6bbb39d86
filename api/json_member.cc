#include "api/json_member.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace ph::api {

namespace json_scan {

namespace {

constexpr std::string_view kSpace = " \t\r\n";

// Behind the string that begins at `at`.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

// Behind the object or list that begins at `at`.
std::size_t end_of_container(std::string_view text, std::size_t at) {
  int depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = end_of_string(text, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) break;
  }
  return at;
}

std::size_t end_of_value(std::string_view text, std::size_t at) {
  if (at >= text.size()) return text.size();
  if (text[at] == '"') return end_of_string(text, at);
  if (text[at] == '{' || text[at] == '[') return end_of_container(text, at);
  return std::min(text.find_first_of(",]} \t\r\n", at), text.size());
}

}  // namespace

void skip_space(std::string_view text, std::size_t& at) { at = std::min(text.find_first_not_of(kSpace, at), text.size()); }

std::string_view value(std::string_view text, std::size_t& at) {
  const std::size_t begin = std::min(at, text.size());
  at = end_of_value(text, begin);
  return text.substr(begin, at - begin);
}

std::optional<std::string_view> next_name(std::string_view text, std::size_t& at) {
  skip_space(text, at);
  if (at >= text.size() || (text[at] != '{' && text[at] != ',')) return std::nullopt;
  ++at;
  skip_space(text, at);
  if (at >= text.size() || text[at] != '"') return std::nullopt;
  const std::size_t end = end_of_string(text, at);
  const std::string_view name = text.substr(at + 1, end - at - 2);
  at = end;
  skip_space(text, at);
  if (at < text.size() && text[at] == ':') ++at;
  skip_space(text, at);
  return name;
}

}  // namespace json_scan

std::optional<std::string_view> json_member(std::string_view text, std::string_view name) {
  std::size_t at = 0;
  while (const auto found = json_scan::next_name(text, at)) {
    const std::string_view value = json_scan::value(text, at);
    if (*found == name) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> json_at(std::string_view text, std::string_view dotted) {
  while (!dotted.empty()) {
    const auto dot = std::min(dotted.find('.'), dotted.size());
    const auto member = json_member(text, dotted.substr(0, dot));
    if (!member) return std::nullopt;
    text = *member;
    dotted.remove_prefix(std::min(dot + 1, dotted.size()));
  }
  return text;
}

const nlohmann::json* document_at(const nlohmann::json& document, std::string_view dotted) {
  const nlohmann::json* at = &document;
  while (!dotted.empty()) {
    const auto dot = std::min(dotted.find('.'), dotted.size());
    if (!at->is_object()) return nullptr;
    const auto found = at->find(dotted.substr(0, dot));
    if (found == at->end()) return nullptr;
    at = &*found;
    dotted.remove_prefix(std::min(dot + 1, dotted.size()));
  }
  return at;
}

std::string document_text(const nlohmann::json& document, std::string_view dotted) {
  const nlohmann::json* found = document_at(document, dotted);
  return found && found->is_string() ? found->get<std::string>() : std::string();
}

std::string json_plain(std::string_view value) {
  if (value == "null") return {};
  if (!value.starts_with('"') || value.size() < 2) return std::string(value);
  if (value.find('\\') == value.npos) return std::string(value.substr(1, value.size() - 2));
  const nlohmann::json parsed = nlohmann::json::parse(value, nullptr, false);
  return parsed.is_string() ? parsed.get<std::string>() : std::string(value);
}

}  // namespace ph::api
