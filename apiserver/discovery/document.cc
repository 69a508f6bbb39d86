#include "apiserver/discovery/document.h"

#include <algorithm>
#include <cctype>

#include "apiserver/rest/gzip.h"
#include "base/accept.h"
#include "net/encoding.h"

namespace ph::apiserver {

namespace {

constexpr std::size_t kWorthCompressing = 1400;  // less fits one packet anyway

bool has_tag(std::string_view if_none_match, std::string_view tag) {
  return if_none_match == "*" || if_none_match.find('"' + std::string(tag) + '"') != std::string_view::npos;
}

}  // namespace

std::string content_hash(std::string_view bytes) {
  std::string text = net::hex(net::sha256(bytes));
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

Document::Document(std::string body, std::string content_type, std::string tag)
    : body_(share(std::move(body))),
      compressed_(body_->size() < kWorthCompressing ? nullptr : share(gzip(*body_))),
      content_type_(std::move(content_type)),
      tag_(tag.empty() ? content_hash(*body_) : std::move(tag)) {}

HttpResponse Document::answer(const HttpRequest& request) const {
  HttpResponse response;
  response.headers.add("Etag", '"' + tag_ + '"');
  response.headers.add("Vary", "Accept");
  if (has_tag(request.headers.get("if-none-match"), tag_)) {
    response.status = 304;
    return response;
  }
  response.headers.add("Cache-Control", "public");
  response.headers.add("Content-Type", content_type_);
  const bool compress = compressed_ && accepts_gzip(request);
  if (compress) response.headers.add("Content-Encoding", "gzip");
  response.body.push_back(compress ? compressed_ : body_);
  return response;
}

}  // namespace ph::apiserver
