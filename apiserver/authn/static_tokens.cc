#include "apiserver/authn/static_tokens.h"

#include <optional>
#include <vector>

#include <fmt/format.h>

namespace ph::apiserver {
namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The columns of the next line, which is taken off; quotes may hold commas, line breaks, and quotes that stand twice. Nothing: one is
// left open.
std::optional<std::vector<std::string>> next_line(std::string_view& rest) {
  std::vector<std::string> columns(1);
  bool quoted = false;
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (quoted) {
      if (c != '"') columns.back() += c;
      else if (rest.starts_with('"')) columns.back() += '"', rest.remove_prefix(1);
      else quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      columns.emplace_back();
    } else if (c == '\n') {
      break;
    } else if (c != '\r') {
      columns.back() += c;
    }
  }
  if (quoted) return std::nullopt;
  return columns;
}

std::vector<std::string> groups_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const std::string_view group = trim(text.substr(0, comma));
    if (!group.empty()) out.emplace_back(group);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return out;
}

}  // namespace

std::expected<StaticTokens, std::string> StaticTokens::parse(std::string_view text) {
  StaticTokens out;
  for (int number = 1; !text.empty(); ++number) {
    const auto columns = next_line(text);
    if (!columns) return std::unexpected(fmt::format("line {}: a quote is left open", number));
    if (columns->size() == 1 && columns->front().empty()) continue;
    if (columns->size() < 3) {
      return std::unexpected(
          fmt::format("line {}: must have at least 3 columns (token, user name, user uid), found {}", number, columns->size()));
    }
    if ((*columns)[0].empty()) continue;
    Identity user{.name = (*columns)[1], .uid = (*columns)[2], .groups = {}, .extra = {}};
    if (columns->size() > 3) user.groups = groups_of((*columns)[3]);
    out.users_.insert_or_assign((*columns)[0], std::move(user));
  }
  return out;
}

const Identity* StaticTokens::find(std::string_view token) const {
  const auto found = users_.find(token);
  return found == users_.end() ? nullptr : &found->second;
}

}  // namespace ph::apiserver
