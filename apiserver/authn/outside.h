// Questions to others over HTTPS: issuers of tokens, and webhooks that know some.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "apiserver/admission/webhook/open_transports.h"

namespace ph::apiserver {

// There is no answer, and why.
class NoAnswer : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// "https://host:port" and the path of a URL; empty base: it is none of https, or has none of a host.
struct UrlParts {
  std::string base, host, path;  // host: with its port, as requests name it; path: "/" at least, with the query
  std::string name;              // the host's name or address alone: what its certificate is to be for
};
UrlParts split_url(std::string_view url);

// Belongs to the server's executor; it outlives its tasks. Connections are kept.
class Outside {
 public:
  // `transports` may be empty: then nobody can be reached.
  explicit Outside(WebhookTransports transports) : open_(std::move(transports)) {}

  struct Answer {
    int status = 0;
    std::string body;
  };
  // Throws NoAnswer, also when there is none within `limit`, or one that is larger than `bytes_max`.
  Task<Answer> send(WebhookAddress address, HttpRequest request, Duration limit, std::size_t bytes_max);

 private:
  OpenTransports open_;
};

}  // namespace ph::apiserver
