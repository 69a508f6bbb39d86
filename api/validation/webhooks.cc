// How programs of others are reached over HTTP: by URL or by service.
#include "api/validation/webhooks.h"

#include <cctype>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/ascii.h"

namespace ph::api {

namespace {

// Scheme, host and the rest of a URL, as far as Go's parser would get.
struct Url {
  std::string scheme, user, host, query, fragment;
};

std::optional<Url> parsed_url(std::string_view text, std::string& why) {
  const std::string whole = quote(text);
  Url out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return why = fmt::format("parse {}: net/url: invalid control character in URL", whole), std::nullopt;
  }
  if (const auto hash = text.find('#'); hash != text.npos) {
    out.fragment = text.substr(hash + 1);
    text = text.substr(0, hash);
  }
  const auto colon = text.find(':');
  const auto slash = text.find_first_of("/?");
  if (colon == 0) return why = fmt::format("parse {}: missing protocol scheme", whole), std::nullopt;
  if (colon != text.npos && (slash == text.npos || colon < slash)) {
    const std::string_view scheme = text.substr(0, colon);
    const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '-' || c == '.'; };
    if (!std::isalpha(static_cast<unsigned char>(scheme[0])) || !std::ranges::all_of(scheme, plain)) {
      return why = fmt::format("parse {}: first path segment in URL cannot contain colon", whole), std::nullopt;
    }
    out.scheme = lower_ascii(scheme);
    text.remove_prefix(colon + 1);
  }
  if (const auto mark = text.find('?'); mark != text.npos) {
    out.query = text.substr(mark + 1);
    text = text.substr(0, mark);
  }
  if (text.starts_with("//")) {
    std::string_view authority = text.substr(2, text.find('/', 2) == text.npos ? text.npos : text.find('/', 2) - 2);
    if (const auto at = authority.rfind('@'); at != authority.npos) {
      out.user = authority.substr(0, at);
      authority.remove_prefix(at + 1);
    }
    out.host = authority;
  }
  return out;
}

}  // namespace

void check_webhook_url(const std::string& text, const Path& path, Errors& errors) {
  constexpr std::string_view kForm = "; desired format: https://host[/path]";
  std::string why;
  const auto url = parsed_url(text, why);
  if (!url) return errors.required(path, fmt::format("url must be a valid URL: {}{}", why, kForm));
  if (url->scheme != "https")
    errors.invalid_text(path, url->scheme, fmt::format("'https' is the only allowed URL scheme{}", kForm));
  if (url->host.empty()) errors.invalid_text(path, url->host, fmt::format("host must be specified{}", kForm));
  if (!url->user.empty()) errors.invalid_text(path, url->user, "user information is not permitted in the URL");
  if (!url->fragment.empty()) errors.invalid_text(path, url->fragment, "fragments are not permitted in the URL");
  if (!url->query.empty()) errors.invalid_text(path, url->query, "query parameters are not permitted in the URL");
}

void check_webhook_path(const std::string& text, const Path& path, Errors& errors) {
  if (text.empty() || text == "/") return;
  if (text == "//") return errors.invalid_text(path, text, "segment[0] may not be empty");
  if (!text.starts_with('/')) errors.invalid_text(path, text, "must start with a '/'");
  std::string_view rest = std::string_view(text).substr(1);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  for (std::size_t i = 0;; ++i) {
    const auto slash = std::min(rest.find('/'), rest.size());
    const std::string_view segment = rest.substr(0, slash);
    if (segment.empty()) errors.invalid_text(path, text, fmt::format("segment[{}] may not be empty", i));
    else
      for (const std::string& what : check_dns1123_subdomain(segment))
        errors.invalid_text(path, text, fmt::format("segment[{}]: {}", i, what));
    if (slash == rest.size()) return;
    rest.remove_prefix(slash + 1);
  }
}

void check_webhook_port(std::int32_t port, const Path& path, Errors& errors) {
  const auto complaints = check_port_number(port);
  if (!complaints.empty()) errors.invalid(path, port, fmt::format("port is not valid: {}", fmt::join(complaints, ", ")));
}

void check_review_versions(const google::protobuf::RepeatedPtrField<std::string>& versions, const Path& path, Errors& errors) {
  std::set<std::string> seen;
  bool known = false;
  for (int i = 0; i < versions.size(); ++i) {
    const Path here = path.index(static_cast<std::size_t>(i));
    known = known || versions[i] == "v1" || versions[i] == "v1beta1";
    if (!seen.insert(versions[i]).second) errors.invalid_text(here, versions[i], "duplicate version");
    else errors.invalid_each(here, versions[i], check_dns1035_label(versions[i]));
  }
  if (!known) errors.invalid(path, json_of(versions), "must include at least one of v1, v1beta1");
}

}  // namespace ph::api
