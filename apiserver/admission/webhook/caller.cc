#include "apiserver/admission/webhook/caller.h"

#include <fmt/format.h>

#include "api/json_text.h"
#include "api/validation/quote.h"
#include "base/within.h"

namespace ph::apiserver::webhook {
namespace {

constexpr std::size_t kQuotedMax = 2048;  // of what a webhook says that has failed

// What it says in words, as far as it is shown.
std::string words_of(const HttpResponse& response) {
  const std::string_view type = response.headers.get("Content-Type");
  std::string text;
  for (const SharedBytes& piece : response.body) text.append(*piece, 0, kQuotedMax - std::min(kQuotedMax, text.size()));
  if (!type.empty() && !type.starts_with("text/")) return "unknown";
  while (!text.empty() && text.find_last_of(" \t\r\n") == text.size() - 1) text.pop_back();
  return text;
}

// What Kubernetes' client makes of an answer that is no success. Redirects are such: nobody is sent elsewhere on a webhook's word.
std::string failure_of(const HttpResponse& response) {
  switch (response.status) {
    case 400: return "the server rejected our request for an unknown reason";
    case 401: return "the server has asked for the client to provide credentials";
    case 403:
    case 406:
    case 415: return words_of(response);
    case 404: return "the server could not find the requested resource";
    case 405: return "the server does not allow this method on the requested resource";
    case 409: return "the server reported a conflict";
    case 422: return "the server rejected our request due to an error in our request";
    case 429: return "the server has received too many requests and has asked us to try again later";
    case 503: return "the server is currently unable to handle the request";
    case 504: return "the server was unable to return a response in the time allotted, but may still be processing the request";
    default: break;
  }
  if (response.status >= 500) {
    return fmt::format("an error on the server ({}) has prevented the request from succeeding", api::quote(words_of(response)));
  }
  return fmt::format("the server responded with the status code {} but did not return more information", response.status);
}

std::string body_of(const HttpResponse& response) {
  std::string text;
  for (const SharedBytes& piece : response.body) {
    if (text.size() + piece->size() > kWebhookAnswerBytes) {
      throw FailedCall(fmt::format("the answer is larger than {} bytes", kWebhookAnswerBytes), response.status);
    }
    text += *piece;
  }
  return text;
}

// The webhook is told how long it is waited for.
std::string target_of(const Place& place, Duration limit) {
  return fmt::format("{}?timeout={}s", place.path, std::chrono::ceil<std::chrono::seconds>(limit).count());
}

}  // namespace

std::string url_of(const Place& place, Duration limit) {
  return fmt::format("https://{}{}", place.host, target_of(place, limit));
}

Task<std::string> Caller::post(WebhookAddress address, Place place, std::string body, Duration limit) {
  std::shared_ptr<Transport> transport;
  try {
    transport = open_.to(address);
  } catch (const std::exception& error) {
    throw BadAnswer(fmt::format("could not get REST client: {}", error.what()));
  }
  HttpRequest request{.method = "POST", .target = target_of(place, limit)};
  request.headers.add("Host", place.host);
  request.headers.add("Content-Type", "application/json");
  request.headers.add("Accept", "application/json, */*");
  request.headers.add("User-Agent", "kube-apiserver-admission");
  if (!place.token.empty()) request.headers.add("Authorization", "Bearer " + place.token);
  request.body = std::move(body);
  const std::string url = url_of(place, limit);
  std::optional<HttpResponse> response;
  try {
    response = co_await within(limit, transport->send(std::move(request), false));
  } catch (const TransportError& error) {
    throw FailedCall(fmt::format("Post {}: {}", api::quote(url), error.what()), 0);
  }
  if (!response) throw FailedCall(fmt::format("Post {}: context deadline exceeded", api::quote(url)), 0);
  if (response->status < 200 || response->status > 206) throw FailedCall(failure_of(*response), response->status);
  co_return body_of(*response);
}

}  // namespace ph::apiserver::webhook
