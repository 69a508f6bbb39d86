// Tokens of a file, as kube-apiserver's --token-auth-file has them: a line each of token, user, uid, and, in one column, groups.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>

#include "base/transport.h"

namespace ph::apiserver {

class StaticTokens {
 public:
  // Comma-separated values; columns may stand in quotes. What is wrong with it: a line has fewer than three columns, or a quote is
  // left open. A line without a token is passed over, and of two of one token the last counts.
  static std::expected<StaticTokens, std::string> parse(std::string_view text);

  // Null: it is none of them. Valid as long as this.
  const Identity* find(std::string_view token) const;
  bool empty() const { return users_.empty(); }

 private:
  std::map<std::string, Identity, std::less<>> users_;
};

}  // namespace ph::apiserver
