#include "base/bearer.h"

#include <algorithm>
#include <cctype>

namespace ph {

std::string_view bearer_token(const HttpRequest& request) {
  static constexpr std::string_view kScheme = "bearer ";
  std::string_view header = request.headers.get("authorization");
  const bool bearer = std::ranges::equal(header.substr(0, kScheme.size()), kScheme,
                                         [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
  if (!bearer) return {};
  header.remove_prefix(kScheme.size());
  while (header.starts_with(' ')) header.remove_prefix(1);
  while (header.ends_with(' ')) header.remove_suffix(1);
  return header;
}

}  // namespace ph
