#include "net/client.h"

#include <fmt/format.h>

#include "net/client_core.h"

namespace ph::net {
namespace {

// A caller's hold on a call: dropping it gives the call up.
class Hold {
 public:
  Hold(std::shared_ptr<ClientCore> core, CallPtr call) : core_(std::move(core)), call_(std::move(call)) {}
  Hold(Hold&&) = default;
  ~Hold() {
    if (call_ && call_->abandon()) core_->cancel(std::move(call_));
  }
  const CallPtr& share() const { return call_; }
  ClientCall* operator->() const { return call_.get(); }
  void consumed(std::size_t size) const { core_->consumed(call_, size); }

 private:
  std::shared_ptr<ClientCore> core_;
  CallPtr call_;
};

class ClientStream final : public BodyStream {
 public:
  explicit ClientStream(Hold call) : call_(std::move(call)) {}

  Task<std::optional<SharedBytes>> next() override {
    co_await call_->wait(ClientCall::Until::Data);
    std::string data = call_->take_data();
    if (data.empty()) co_return std::nullopt;
    if (!call_->ended()) call_.consumed(data.size());
    co_return share(std::move(data));
  }

 private:
  Hold call_;
};

class HttpsTransport final : public Transport {
 public:
  HttpsTransport(IoThreads& io, Executor& results_on, ClientOptions options) {
    if (options.tls.server_name.empty()) options.tls.server_name = options.host;
    bearer_token_ = std::move(options.bearer_token);
    user_agent_ = options.user_agent;
    host_ = !options.unix_path.empty()                    ? options.host
            : options.host.find(':') == std::string::npos ? fmt::format("{}:{}", options.host, options.port)
                                                          : fmt::format("[{}]:{}", options.host, options.port);
    auto tls = options.plain || !options.unix_path.empty() ? nullptr : TlsContext::client(options.tls);
    core_ = std::make_shared<ClientCore>(io.impl().next(), std::move(options), std::move(tls));
    clock_ = &results_on.clock();
  }
  ~HttpsTransport() override { core_->shut_down(); }

  Task<HttpResponse> send(HttpRequest request, bool stream) override {
    complete(request);
    Hold call(core_, std::make_shared<ClientCall>(std::move(request), stream));
    core_->submit(call.share(), clock_->now());
    co_await call->wait(stream ? ClientCall::Until::Head : ClientCall::Until::End);
    HttpResponse response = call->take_head();
    if (stream) {
      response.stream = std::make_unique<ClientStream>(std::move(call));
    } else if (std::string body = call->take_data(); !body.empty()) {
      response.body.push_back(ph::share(std::move(body)));
    }
    co_return response;
  }

 private:
  void complete(HttpRequest& request) const {
    if (!request.headers.has("host")) request.headers.add("host", host_);
    if (!request.headers.has("user-agent")) request.headers.add("user-agent", user_agent_);
    const bool carries = request.method != "GET" && request.method != "HEAD";
    if (carries || !request.body.empty()) request.headers.set("content-length", std::to_string(request.body.size()));
    if (!bearer_token_) return;
    if (const std::string token = bearer_token_(); !token.empty()) request.headers.set("authorization", "Bearer " + token);
  }

  std::function<std::string()> bearer_token_;
  std::string user_agent_;
  std::string host_;
  const Clock* clock_;
  std::shared_ptr<ClientCore> core_;
};

}  // namespace

std::unique_ptr<Transport> https_transport(IoThreads& io, Executor& results_on, ClientOptions options) {
  return std::make_unique<HttpsTransport>(io, results_on, std::move(options));
}

}  // namespace ph::net
