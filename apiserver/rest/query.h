// The query of a URL, and percent-encoding.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ph::apiserver {

// Undoes percent-encoding; `plus_is_space` as in queries. Damaged escapes stay as they are.
std::string percent_decode(std::string_view text, bool plus_is_space = false);

class Query {
 public:
  static Query parse(std::string_view text);

  bool has(std::string_view name) const;
  // The first value; empty when there is none.
  std::string_view get(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;
  // As the API reads booleans: present and neither "false" nor "0".
  bool flag(std::string_view name) const;
  // Throws ApiError (400) for what is not a number.
  std::optional<std::int64_t> integer(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

}  // namespace ph::apiserver
