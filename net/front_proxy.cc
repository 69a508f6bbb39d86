#include "net/front_proxy.h"

#include <algorithm>

#include "base/ascii.h"

namespace ph::net {
namespace {

std::string first_of(const HttpRequest& request, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (const std::string_view value = request.headers.get(name); !value.empty()) return std::string(value);
  }
  return {};
}

std::vector<std::string> all_of(const HttpRequest& request, const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& wanted : names) {
    for (const auto& [name, value] : request.headers) {
      if (!value.empty() && lower_ascii(name) == lower_ascii(wanted)) out.push_back(value);
    }
  }
  return out;
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Headers hold fewer letters than keys do: others are written as %xx. A damaged key stays as it is. `key` is in lower case.
std::string unescaped(const std::string& key) {
  std::string out;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key[i] != '%') {
      out.push_back(key[i]);
      continue;
    }
    const bool whole = i + 2 < key.size();
    const int high = whole ? digit(key[i + 1]) : -1, low = whole ? digit(key[i + 2]) : -1;
    if (high < 0 || low < 0) return key;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

void add_extra(const HttpRequest& request, const std::string& prefix, Identity& user) {
  if (prefix.empty()) return;
  for (const auto& [name, value] : request.headers) {
    const std::string header = lower_ascii(name);
    if (!header.starts_with(lower_ascii(prefix))) continue;
    const std::string key = unescaped(header.substr(prefix.size()));
    auto found = std::ranges::find(user.extra, key, [](const auto& each) { return each.first; });
    if (found == user.extra.end()) found = user.extra.insert(user.extra.end(), {key, {}});
    found->second.push_back(value);
  }
}

}  // namespace

std::optional<Identity> proxied_user(const HttpRequest& request, const FrontProxyOptions& options) {
  const std::optional<std::string>& proxy = request.peer.proxy;
  if (!proxy || options.ca_pem.empty()) return std::nullopt;
  const auto& allowed = options.allowed_names;
  if (!allowed.empty() && std::ranges::find(allowed, *proxy) == allowed.end()) return std::nullopt;
  Identity user{.name = first_of(request, options.username_headers), .uid = {}, .groups = {}, .extra = {}};
  if (user.name.empty()) return std::nullopt;
  user.uid = first_of(request, options.uid_headers);
  user.groups = all_of(request, options.group_headers);
  for (const std::string& prefix : options.extra_prefixes) add_extra(request, prefix, user);
  return user;
}

}  // namespace ph::net
