#include "tests/perf/hostile_peers.h"

#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include <fmt/format.h>

#include "tests/net/frames.h"
#include "tests/net/raw_client.h"

namespace ph::perf {

using namespace net::testing;

namespace {

std::unique_ptr<RawTlsClient> connect(const Access& access, bool http2) {
  net::TlsClientOptions options = access.tls;
  options.http2 = http2;
  const auto time = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  return std::make_unique<RawTlsClient>(access.port, options, time);
}

// A thread a connection: makes one, does `work` until that returns, a moment later again.
[[noreturn]] void many(const HostilePeers& peers, int connections, const std::function<void(int, RawTlsClient&)>& work,
                       const std::function<bool(int)>& http2) {
  std::vector<std::thread> threads;
  for (int i = 0; i < connections; ++i) {
    threads.emplace_back([&, i] {
      while (true) {
        try {
          const auto client = connect(peers.access, http2(i));
          work(i, *client);
        } catch (const std::exception&) {
        }
        std::this_thread::sleep_for(50ms);
      }
    });
  }
  std::this_thread::sleep_for(2s);
  peers.begun();
  for (;;) ::pause();
}

// False: the server has ended it, or has something to say that ends it.
bool tell(RawTlsClient& client, std::string_view text) { return !client.audible() && client.say(text); }

}  // namespace

void HostilePeers::idle_connections() {
  constexpr int kConnections = 10'000, kThreads = 8;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < kConnections + 100) {
    throw std::runtime_error(fmt::format("{} files may be open; idle connections need {}", limit.rlim_max, kConnections + 100));
  }
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  std::vector<std::vector<std::unique_ptr<RawTlsClient>>> held(kThreads);
  std::vector<std::thread> threads;
  for (auto& mine : held) {
    threads.emplace_back([&] {
      while (mine.size() < kConnections / kThreads) {
        try {
          mine.push_back(connect(access, mine.size() % 2 == 0));
        } catch (const std::exception&) {
          std::this_thread::sleep_for(10ms);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  begun();
  for (;;) ::pause();
}

void HostilePeers::slow_heads() {
  many(
      *this, 500,
      [](int, RawTlsClient& client) {
        if (!client.say("GET /api HTTP/1.1\r\nHost: a\r\nX-Slow: ")) return;
        while (tell(client, "x")) std::this_thread::sleep_for(1s);
      },
      [](int) { return false; });
}

void HostilePeers::header_floods() {
  std::string fields, continuations;
  for (int i = 0; i < 100; ++i) {
    fields += fmt::format("X-{}: {}\r\n", i, std::string(100, 'x'));
    continuations += frame(kContinuation, 0, 1, net::testing::field("x-" + std::to_string(i), std::string(100, 'x')));
  }
  many(
      *this, 16,
      [&](int i, RawTlsClient& client) {
        const bool http2 = i % 2 == 0;
        if (!client.say(http2 ? opening() + frame(kHeaders, kEndStream, 1, get_fields()) : "GET /api HTTP/1.1\r\nHost: a\r\n"))
          return;
        // HTTP/2 hears the server's settings first.
        if (http2) client.hear_some();
        while (tell(client, http2 ? continuations : fields)) {
        }
      },
      [](int i) { return i % 2 == 0; });
}

void HostilePeers::rapid_resets() {
  many(
      *this, 16,
      [](int, RawTlsClient& client) {
        if (!client.say(opening())) return;
        for (net::StreamId stream = 1; stream < 1'000'000;) {
          std::string burst;
          for (int k = 0; k < 100; ++k, stream += 2)
            burst += get_request(stream, "/api") + frame(kReset, 0, stream, number(8, 4));
          if (!client.say(burst)) return;
          while (client.audible()) {
            if (client.hear_some().empty()) return;
          }
        }
      },
      [](int) { return true; });
}

}  // namespace ph::perf
