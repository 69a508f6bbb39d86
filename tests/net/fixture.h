// A server and clients over loopback sockets.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include "base/rng.h"
#include "base/sync.h"
#include "net/client.h"
#include "net/pki.h"
#include "net/server.h"
#include "tests/base/blocking.h"

namespace ph::net::testing {

using ph::testing::call_on;
using ph::testing::run_on;

// A day ahead of the machine's.
class ClockAhead final : public Clock {
 public:
  Time now() const override { return clock_.now() + std::chrono::days(1); }
  Steady steady() const override { return clock_.steady(); }

 private:
  SystemClock clock_;
};

// Keys and certificates, made once for the whole program.
struct Certificates {
  SystemClock clock;
  ClockAhead ahead;
  SystemRng rng;
  Issuing issuing{clock, rng};
  Credential ca = make_ca("test-ca", issuing);
  Credential other_ca = make_ca("other-ca", issuing);
  Credential server =
      issue_server_certificate(ca, {.common_name = "server", .dns_names = {"localhost"}, .ip_addresses = {"127.0.0.1"}}, issuing);
  Credential client = issue_client_certificate(ca, "alice", {"dev", "ops"}, issuing);
  Credential foreign_client = issue_client_certificate(other_ca, "mallory", {"system:masters"}, issuing);
  Credential expired_client = issue_client_certificate(ca, "old", {}, {clock, rng, -1h});
  Credential early_client = issue_client_certificate(ca, "young", {}, {ahead, rng});
  Credential nameless_client = issue_client_certificate(ca, "", {"dev"}, issuing);

  static const Certificates& get() {
    static const Certificates certificates;
    return certificates;
  }
};

// What the handler's side holds just now, and whether all of it stayed on the handler's thread.
struct Ledger {
  std::atomic<int> handlers = 0;
  std::atomic<int> streams = 0;
  std::atomic<int> pulled = 0;                  // pieces
  std::atomic<int> answered = 0, rendered = 0;  // of /render
  std::atomic<int> judged = 0;                  // heads
  std::atomic<int> made = 0;                    // pieces of /made
  std::atomic<bool> strayed = false;
};

class Counted {
 public:
  Counted(Executor& home, std::atomic<int>& count, std::atomic<bool>& strayed) : home_(home), count_(count), strayed_(strayed) {
    ++count_;
  }
  ~Counted() {
    if (Executor::current() != &home_) strayed_ = true;
    --count_;
  }
  Counted(const Counted&) = delete;

 private:
  Executor& home_;
  std::atomic<int>& count_;
  std::atomic<bool>& strayed_;
};

// `count` pieces of `size` bytes; the first eight say which one it is.
class Pieces final : public BodyStream {
 public:
  Pieces(Executor& home, Ledger& ledger, int count, std::size_t size)
      : ledger_(ledger), counted_(home, ledger.streams, ledger.strayed), count_(count), size_(size) {}

  Task<std::optional<SharedBytes>> next() override {
    if (at_ == count_) co_return std::nullopt;
    if (at_ % 3 == 0) co_await yield();
    ++ledger_.pulled;
    co_return share(piece(at_++, size_));
  }
  static std::string piece(int number, std::size_t size) {
    std::string text = fmt::format("{:07}|", number);
    text.resize(std::max(size, text.size()), static_cast<char>('a' + number % 26));
    return text;
  }

 private:
  Ledger& ledger_;
  Counted counted_;
  int at_ = 0;
  const int count_;
  const std::size_t size_;
};

// A stream that a test feeds, on the handler's executor.
class Fed final : public BodyStream {
 public:
  Fed(Executor& home, Ledger& ledger, std::shared_ptr<Channel<std::string>> source)
      : counted_(home, ledger.streams, ledger.strayed), source_(std::move(source)) {}
  Task<std::optional<SharedBytes>> next() override {
    auto text = co_await source_->next();
    if (!text) co_return std::nullopt;
    if (*text == "throw") throw std::runtime_error("the source broke");
    co_return share(std::move(*text));
  }

 private:
  Counted counted_;
  std::shared_ptr<Channel<std::string>> source_;
};

// A stream whose pieces a test puts into its sink, on the handler's executor. Its reader waits for ever.
class Pushed final : public BodyStream {
 public:
  Pushed(Executor& home, Ledger& ledger, std::shared_ptr<PieceSink*> sink)
      : counted_(home, ledger.streams, ledger.strayed), sink_(std::move(sink)) {}
  ~Pushed() override { *sink_ = nullptr; }
  void push_to(PieceSink& sink) override { *sink_ = &sink; }
  Task<std::optional<SharedBytes>> next() override {
    co_await sleep_for(1h);
    co_return std::nullopt;
  }

 private:
  Counted counted_;
  const std::shared_ptr<PieceSink*> sink_;
};

// What the tests ask for, by path.
class Handler final : public HttpHandler {
 public:
  explicit Handler(Executor& home) : home_(home) {}
  Ledger ledger;
  std::promise<void> stall;
  std::shared_ptr<Channel<std::string>> feed = std::make_shared<Channel<std::string>>();
  std::shared_ptr<PieceSink*> sink = std::make_shared<PieceSink*>(nullptr);  // of /pushed; null: nobody has asked for it

  std::optional<HttpResponse> begin(HttpRequest& request) override {
    if (Executor::current() != nullptr) ledger.strayed = true;
    if (request.path() == "/begun") request.begun = std::make_shared<std::string>("begun: " + request.target);
    if (!request.path().starts_with("/at-once")) return std::nullopt;
    HttpResponse response;
    if (request.path() == "/at-once") response.body = {share(request.target)};
    if (request.path() == "/at-once-rendered") {
      response.render = [target = request.target] { return std::vector{share("rendered "), share(target)}; };
    }
    if (request.path() == "/at-once-made") {
      response.next_piece = [left = std::stoi(std::string(request.query()))]() mutable -> SharedBytes {
        return left-- > 0 ? share(std::string(10'000, 'm')) : nullptr;
      };
    }
    return response;
  }

  Task<HeadVerdict> judge_head(HttpRequest head) override {
    const Counted counted(home_, ledger.handlers, ledger.strayed);
    if (Executor::current() != &home_) ledger.strayed = true;
    ++ledger.judged;
    HeadVerdict verdict{.user = std::string(head.headers.get("x-user"))};
    if (head.path() == "/forbidden") verdict.refusal = HttpResponse{.status = 403, .body = {share("not you")}};
    if (head.path() == "/judged-for-long") co_await sleep_for(1h);
    co_return verdict;
  }

  Task<HttpResponse> handle(HttpRequest request) override {
    const Counted counted(home_, ledger.handlers, ledger.strayed);
    if (Executor::current() != &home_) ledger.strayed = true;
    const std::string path(request.path());
    HttpResponse response;
    response.headers.add("X-Method", request.method);
    if (path == "/slow") co_await sleep_for(20ms);
    if (path == "/hang") co_await sleep_for(1h);
    if (path == "/throw") throw std::runtime_error("broken handler");
    if (path == "/status") response.status = std::stoi(std::string(request.query()));
    if (path == "/stream")
      response.stream = std::make_unique<Pieces>(home_, ledger, std::stoi(std::string(request.query())), 1000);
    if (path == "/endless") response.stream = std::make_unique<Pieces>(home_, ledger, -1, 1000);
    if (path == "/pushed") response.stream = std::make_unique<Pushed>(home_, ledger, sink);
    if (path == "/begun") response.body = {share(*std::static_pointer_cast<std::string>(request.begun))};
    if (path == "/feed") response.stream = std::make_unique<Fed>(home_, ledger, feed);
    if (path == "/render") {
      ++ledger.answered;
      const std::size_t size = request.query().empty() ? 0 : std::stoul(std::string(request.query()));
      response.render = [this, size] {
        ++ledger.rendered;
        if (size > 0) return std::vector{share(std::string(size, 'r'))};
        return std::vector{share("ren"), share("dered")};
      };
    }
    if (path == "/made" || path == "/made-half") {
      response.next_piece = [this, breaks = path != "/made",
                             left = std::stoi(std::string(request.query()))]() mutable -> SharedBytes {
        if (left == 0 && breaks) throw std::runtime_error("it cannot be made");
        if (left == 0) return nullptr;
        ++ledger.made;
        return share(std::string(10'000, static_cast<char>('a' + --left % 26)));
      };
    }
    if (path == "/stall") {
      response.render = [this] {
        stall.get_future().wait();
        return std::vector<SharedBytes>{};
      };
    }
    if (path == "/big") response.body.assign(std::stoi(std::string(request.query())), share(std::string(100'000, 'b')));
    if (path == "/echo") response.body = {share(request.body)};
    if (path == "/header") response.body = {share(std::string(request.headers.get(request.query())))};
    if (path == "/peer") response.body = {share(describe(request.peer))};
    if (path == "/target") response.body = {share(request.target)};
    if (path == "/split") response.headers.add("x-evil", "a\r\nx-injected: b");
    co_return response;
  }

 private:
  static std::string describe(const Peer& peer) {
    std::string text = peer.certificate_refused ? "refused" : peer.identity ? peer.identity->name : "nobody";
    if (peer.identity) {
      for (const auto& group : peer.identity->groups) text += " " + group;
    }
    if (peer.proxy) text += " by proxy " + *peer.proxy;
    return text;
  }
  Executor& home_;
};

inline std::string body_of(const HttpResponse& response) {
  std::string text;
  for (const auto& piece : response.body) text += *piece;
  return text;
}

// The whole answer, with the body as one text.
struct Answered {
  int status = 0;
  Headers headers;
  std::string body;
};

inline Task<Answered> fetch(Transport* transport, HttpRequest request) {
  HttpResponse response = co_await transport->send(std::move(request), false);
  co_return Answered{response.status, response.headers, body_of(response)};
}
inline Task<Answered> fetch_stream(Transport* transport, HttpRequest request) {
  HttpResponse response = co_await transport->send(std::move(request), true);
  Answered answered{response.status, response.headers, {}};
  while (const auto piece = co_await response.stream->next()) answered.body += **piece;
  co_return answered;
}

enum class Mode { H2, H1, Plain };

inline const char* name_of(Mode mode) { return mode == Mode::H2 ? "h2" : mode == Mode::H1 ? "h1" : "plain"; }

class NetTest : public ::testing::Test {
 public:
  ~NetTest() override {
    call_on(client_thread, [&] { transport.reset(); });
    server.reset();
    EXPECT_EQ(handler.ledger.handlers, 0);
    EXPECT_EQ(handler.ledger.streams, 0);
    EXPECT_FALSE(handler.ledger.strayed) << "something of the handler's was destroyed on another thread";
  }

  void serve(Mode mode, ServerOptions options = {}) {
    options.bind_address = "127.0.0.1";
    if (mode != Mode::Plain) options.tls = server_tls();
    server = std::make_unique<HttpsServer>(io, handler, handler_thread, options,
                                           Log([this](const LogLine& line) { note(line); }, LogLevel::Error));
    port = server->port();
  }
  static TlsServerOptions server_tls() {
    const auto& certificates = Certificates::get();
    return {.cert_pem = certificates.server.cert_pem,
            .key_pem = certificates.server.key_pem,
            .client_ca_pem = certificates.ca.cert_pem};
  }

  ClientOptions client_options(Mode mode) const {
    ClientOptions options{.host = "127.0.0.1", .port = port};
    options.tls.ca_pem = Certificates::get().ca.cert_pem;
    options.tls.http2 = mode == Mode::H2;
    options.plain = mode == Mode::Plain;
    return options;
  }
  void connect(const ClientOptions& options) {
    call_on(client_thread, [&] { transport = https_transport(io, client_thread, options); });
  }
  void start(Mode mode, ServerOptions options = {}) {
    serve(mode, std::move(options));
    connect(client_options(mode));
  }

  Answered get(std::string target) { return ask({.method = "GET", .target = std::move(target)}); }
  Answered ask(HttpRequest request) { return run_on(client_thread, fetch(transport.get(), std::move(request))); }
  Answered stream(std::string target) {
    return run_on(client_thread, fetch_stream(transport.get(), {.method = "GET", .target = std::move(target)}));
  }

  // Both sides take turns until `condition` holds; the test's own time limit ends a wait for what never comes.
  template <class F>
  void until(F condition) {
    while (!condition()) {
      call_on(handler_thread, [] {});
      call_on(client_thread, [] {});
    }
  }

  void note(const LogLine& line) {
    const std::lock_guard lock(errors_mutex_);
    errors_.push_back(format_text(line));
  }
  // The server's lines of errors since the last look.
  std::vector<std::string> take_errors() {
    const std::lock_guard lock(errors_mutex_);
    return std::exchange(errors_, {});
  }
  std::mutex errors_mutex_;
  std::vector<std::string> errors_;

  SystemClock clock;
  IoThreads io{2};
  ThreadExecutor handler_thread{"handler", clock};
  ThreadExecutor client_thread{"client", clock};
  Handler handler{handler_thread};
  std::unique_ptr<HttpsServer> server;
  std::uint16_t port = 0;
  std::unique_ptr<Transport> transport;
};

}  // namespace ph::net::testing
