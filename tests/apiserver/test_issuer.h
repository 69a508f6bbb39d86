// An issuer of tokens for tests: its documents, behind a transport that reaches nobody else.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "apiserver/admission/webhook/transports.h"
#include "apiserver/authn/openid.h"
#include "base/sync.h"
#include "net/jwt.h"
#include "net/pki.h"

namespace ph::apiserver::testing {

class TestIssuer {
 public:
  explicit TestIssuer(std::string url = "https://issuer.example") : url_(std::move(url)) { turn_key(); }

  const std::string& url() const { return url_; }
  // Signs with a new key from now on; the old ones stay published unless `forget`.
  void turn_key(bool forget = false) {
    if (forget) keys_.clear();
    keys_.push_back(net::make_private_key());
  }
  std::string sign(const nlohmann::json& claims) const { return net::JwtSigner(keys_.back()).sign(claims.dump()); }

  nlohmann::json discovery() const { return {{"issuer", says_ ? *says_ : url_}, {"jwks_uri", url_ + "/keys"}}; }
  nlohmann::json key_set() const {
    nlohmann::json keys = nlohmann::json::array();
    for (const std::string& pem : keys_) keys.push_back(nlohmann::json::parse(json_web_key(pem)));
    return {{"keys", keys}};
  }

  void claim_to_be(std::string other) { says_ = std::move(other); }
  void go_down(bool down = true) { down_ = down; }
  void answer_after(Duration delay) { delay_ = delay; }

  WebhookTransports transports() {
    return [this](const WebhookAddress& address) -> std::unique_ptr<Transport> {
      addresses.push_back(address);
      return std::make_unique<Line>(*this);
    };
  }
  std::vector<WebhookAddress> addresses;  // that were connected to
  std::vector<std::string> asked;         // paths

 private:
  class Line final : public Transport {
   public:
    explicit Line(TestIssuer& issuer) : issuer_(issuer) {}
    Task<HttpResponse> send(HttpRequest request, bool) override {
      issuer_.asked.emplace_back(request.path());
      co_await sleep_for(issuer_.delay_);
      if (issuer_.down_) throw TransportError("connection refused");
      HttpResponse response;
      if (request.path() == "/.well-known/openid-configuration") {
        response.body.push_back(share(issuer_.discovery().dump()));
      } else if (request.path() == "/keys") {
        response.body.push_back(share(issuer_.key_set().dump()));
      } else {
        response.status = 404;
      }
      co_return response;
    }

   private:
    TestIssuer& issuer_;
  };

  const std::string url_;
  std::vector<std::string> keys_;
  std::optional<std::string> says_;
  bool down_ = false;
  Duration delay_{};
};

}  // namespace ph::apiserver::testing
