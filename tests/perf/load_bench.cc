// What a normal client feels of the worst that another one may do: load_bench PH_APISERVER [SECONDS [ATTACK...]].
//
// Starts the server on a free port of the loopback and a new directory, and for each attack prints a normal client's latencies
// meanwhile (median, 99th percentile, maximum; of all its requests, and of an object's way to its watcher), and the server's
// resident memory before, at most, and 15 seconds after. Both clients are separate processes beside the server's. Ends by itself.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <functional>
#include <thread>

#include <fmt/format.h>

#include "tests/net/frames.h"
#include "tests/net/raw_client.h"
#include "tests/perf/hostile_peers.h"
#include "tests/perf/program.h"

namespace ph::perf {
namespace {

namespace fs = std::filesystem;

// May do all in his namespace, and nothing else.
Access mallory(const fs::path& data) { return access(data, "mallory", {}); }
Access anonymous(Access access) {
  access.tls.cert_pem = access.tls.key_pem = "";
  return access;
}

constexpr const char* kGood = "/api/v1/namespaces/good";
constexpr const char* kBad = "/api/v1/namespaces/bad";

// --- the normal one ---

struct Latencies {
  std::vector<double> all, watch;
  int failed = 0;
};

std::string in_words(std::vector<double> ms) {
  if (ms.empty()) return "none";
  std::ranges::sort(ms);
  const auto at = [&](double part) {
    return ms[std::min(ms.size() - 1, static_cast<std::size_t>(part * static_cast<double>(ms.size())))];
  };
  return fmt::format("{:7.2f} {:8.2f} {:8.2f}", at(0.5), at(0.99), ms.back());
}

class NormalClient : public Client {
 public:
  using Client::Client;
  Latencies measure(std::chrono::seconds span) { return run(work(&transport(), now() + span)); }

 private:
  static Task<void> timed(Transport* transport, HttpRequest what, Latencies* out) {
    const Instant begin = now();
    const int status = co_await status_of(transport, std::move(what));
    out->all.push_back(ms_since(begin));
    if (status >= 400) ++out->failed;
  }
  // A get, a list, a create that is seen by a watcher, a delete; and a pause.
  static Task<Latencies> work(Transport* transport, Instant end) {
    Latencies out;
    HttpResponse watch = co_await transport->send(
        request("GET", fmt::format("{}/configmaps?watch=1&fieldSelector=metadata.name=seen&resourceVersion=0", kGood)), true);
    while (now() < end) {
      co_await timed(transport, request("GET", fmt::format("{}/pods/p1", kGood)), &out);
      co_await timed(transport, request("GET", fmt::format("{}/configmaps", kGood)), &out);
      const Instant begin = now();
      co_await timed(transport, request("POST", fmt::format("{}/configmaps", kGood), config_map("seen", R"("a":"b")")), &out);
      if (!watch.stream || !co_await watch.stream->next()) {
        ++out.failed;
        co_return out;
      }
      out.watch.push_back(ms_since(begin));
      co_await timed(transport, request("DELETE", fmt::format("{}/configmaps/seen", kGood)), &out);
      if (!co_await watch.stream->next()) ++out.failed;
      co_await sleep_for(5ms);
    }
    co_return out;
  }
};

// --- the other one, in a process of its own: begins, says so, and goes on until it is killed ---

class Attacker {
 public:
  explicit Attacker(const fs::path& data) : access_(mallory(data)) {}

  void roles() {
    std::string names[3];
    for (int k = 0; k < 3; ++k) {
      for (int i = 0; i < 200; ++i) names[k] += fmt::format("{}\"n{}x{}\"", i ? "," : "", k, i);
    }
    const std::string body =
        fmt::format(R"({{"metadata":{{"name":"r"}},"rules":[{{"apiGroups":[{}],"resources":[{}],"verbs":[{}]}}]}})", names[0],
                    names[1], names[2]);
    flood(2, 2, [body](int) { return request("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/bad/roles", body); });
  }
  void patches() {
    std::string body = "[";
    for (int i = 0; i < 9990; ++i)
      body += fmt::format(R"({}{{"op":"add","path":"/metadata/finalizers/0","value":"a/b{}"}})", i ? "," : "", i);
    body += "]";
    // The list must be there to be inserted into.
    body.insert(1, R"({"op":"add","path":"/metadata/finalizers","value":[]},)");
    flood(2, 2, [body](int) {
      return request("PATCH", fmt::format("{}/configmaps/target?dryRun=All", kBad), body, "application/json-patch+json");
    });
  }
  void lists() {
    flood(4, 4, [](int i) { return request("GET", fmt::format("{}/pods{}", kBad, i % 2 ? "?labelSelector=app!%3Dx" : "")); });
  }
  void unread_lists() { unread("pods", 250, 8); }
  void watches() { unread("pods?watch=1", 250, 8); }
  void idle_connections() { peers().idle_connections(); }
  void slow_heads() { peers().slow_heads(); }
  void header_floods() { peers().header_floods(); }
  void rapid_resets() { peers().rapid_resets(); }
  void slow_bodies() { slow(access_); }
  void anonymous_bodies() { slow(anonymous(access_)); }
  void creates() { large(500'000); }
  void creates_3mb() { large(2'900'000); }
  void selectors() {
    std::string terms;
    for (int i = 0; i < 2500; ++i) terms += fmt::format("{}k{}!%3Dv", i ? "," : "", i);
    flood(2, 4, [terms](int) { return request("GET", fmt::format("{}/pods?limit=1&labelSelector=app%3Dx,{}", kBad, terms)); });
  }

 private:
  HostilePeers peers() const { return {anonymous(access_), begun}; }
  static void begun() {
    std::printf(".");
    std::fflush(stdout);
  }

  // `connections` with `each` requests under way.
  void flood(int connections, int each, std::function<HttpRequest(int)> make) {
    Client client(access_, connections);
    Scope scope(client.thread(), [](std::exception_ptr) {});
    ph::testing::call_on(client.thread(), [&] {
      for (int i = 0; i < connections * each; ++i) scope.spawn(again(&client.transport(i), &make));
    });
    begun();
    for (;;) ::pause();
  }
  static Task<void> again(Transport* transport, std::function<HttpRequest(int)>* make) {
    for (int i = 0;; ++i) {
      co_await transport->send((*make)(i), false);
      co_await yield();
    }
  }

  void large(std::size_t size) {
    std::string data;
    for (int i = 0; data.size() < size; ++i) data += fmt::format(R"({}"key-{}":"some value {}")", i ? "," : "", i, i);
    const std::string body = config_map("large", data);
    flood(2, 1, [body](int) { return request("POST", fmt::format("{}/configmaps?dryRun=All", kBad), body); });
  }

  static std::unique_ptr<net::testing::RawTlsClient> connect(const Access& access, bool http2) {
    net::TlsClientOptions options = access.tls;
    options.http2 = http2;
    const auto time = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    return std::make_unique<net::testing::RawTlsClient>(access.port, options, time, 16 * 1024);
  }

  // Requests of which nothing is read.
  void unread(const std::string& what, int streams, int connections) {
    using namespace net::testing;
    std::vector<std::unique_ptr<RawTlsClient>> clients;
    for (int i = 0; i < connections; ++i) {
      clients.push_back(connect(access_, true));
      std::string all = opening();
      for (int k = 0; k < streams; ++k) all += get_request(2 * k + 1, fmt::format("{}/{}", kBad, what));
      clients.back()->say(all);
    }
    begun();
    for (;;) ::pause();
  }

  // 300 bodies of 3 MB, all but the last byte of them as fast as they are taken.
  void slow(const Access& access) {
    constexpr std::size_t kSize = 3'000'000;
    const std::string body(kSize - 1, 'x');
    std::vector<std::thread> threads;
    for (int i = 0; i < 300; ++i) {
      threads.emplace_back([&] {
        while (true) {
          try {
            const auto client = connect(access, false);
            client->say(fmt::format(
                "POST {}/configmaps HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", kBad,
                kSize));
            client->say(body);
            while (!client->hear_some().empty()) {
            }
          } catch (const std::exception&) {
            std::this_thread::sleep_for(100ms);
          }
          // A client that is turned away comes back, but does not live by that.
          std::this_thread::sleep_for(1s);
        }
      });
    }
    begun();
    for (;;) ::pause();
  }

  Access access_;
};

using Attack = void (Attacker::*)();
const std::vector<std::pair<std::string, Attack>> kAttacks = {
    {"roles", &Attacker::roles},
    {"patches", &Attacker::patches},
    {"lists", &Attacker::lists},
    {"selectors", &Attacker::selectors},
    {"unread_lists", &Attacker::unread_lists},
    {"watches", &Attacker::watches},
    {"idle_connections", &Attacker::idle_connections},
    {"slow_heads", &Attacker::slow_heads},
    {"header_floods", &Attacker::header_floods},
    {"rapid_resets", &Attacker::rapid_resets},
    {"slow_bodies", &Attacker::slow_bodies},
    {"anonymous_bodies", &Attacker::anonymous_bodies},
    {"creates_500kB", &Attacker::creates},
    {"creates_3MB", &Attacker::creates_3mb},
};

int attack(const fs::path& data, const std::string& name) {
  Attacker attacker(data);
  for (const auto& [known, run] : kAttacks) {
    if (known == name) (attacker.*run)();
  }
  return 2;
}

// --- the program ---

class Bench {
 public:
  Bench(std::string self, const std::string& program, std::chrono::seconds span)
      : self_(std::move(self)), span_(span), server_(program), client_(owner(server_.data())) {
    fill();
  }

  void run(const std::vector<std::string>& attacks) {
    fmt::print("{:18} {:>6}  {:>7} {:>8} {:>8}   {:>7} {:>8} {:>8}   {:>6} {:>6} {:>6}\n", "", "number", "p50 ms", "p99", "max",
               "watch", "p99", "max", "MiB", "peak", "after");
    client_.measure(1s);
    measure("idle");
    for (const std::string& name : attacks) measure(name);
    measure("idle");
  }

 private:
  void fill() {
    for (const char* name : {"good", "bad"}) make_namespace(client_, name);
    client_.post(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/bad/rolebindings",
        R"({"metadata":{"name":"m"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"admin"},)"
        R"("subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"mallory"}]})");
    for (int i = 0; i < 10; ++i)
      client_.post(fmt::format("{}/configmaps", kGood), config_map("m" + std::to_string(i), R"("a":"b")"));
    client_.post(fmt::format("{}/configmaps", kBad), config_map("target"));
    client_.post(fmt::format("{}/pods", kGood), pod(1));
    for (int i = 0; i < 1000; ++i) client_.post(fmt::format("{}/pods", kBad), pod(i));
  }

  void measure(const std::string& name) {
    const double before = resident_mib(server_.pid());
    std::atomic<double> peak = before;
    std::atomic<bool> done = false;
    std::thread watcher([&] {
      while (!done) {
        peak = std::max(peak.load(), resident_mib(server_.pid()));
        std::this_thread::sleep_for(20ms);
      }
    });
    Latencies felt;
    {
      std::unique_ptr<Child> other;
      if (name != "idle") {
        other = std::make_unique<Child>(std::vector<std::string>{self_, "--attack", server_.data().string(), name});
        if (!other->speaks(120s)) fail(name + " does not begin");
      }
      felt = client_.measure(span_);
    }
    if (name != "idle") std::this_thread::sleep_for(15s);
    done = true;
    watcher.join();
    fmt::print("{:18} {:>6}  {}   {}   {:6.0f} {:6.0f} {:6.0f}{}\n", name, felt.all.size(), in_words(felt.all),
               in_words(felt.watch), before, peak.load(), resident_mib(server_.pid()),
               felt.failed ? fmt::format("  {} failed", felt.failed) : "");
    std::fflush(stdout);
  }

  const std::string self_;
  const std::chrono::seconds span_;
  Server server_;
  NormalClient client_;
};

int run(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "--attack") return attack(argv[2], argv[3]);
  if (argc < 2) {
    std::fprintf(stderr, "load_bench PH_APISERVER [SECONDS [ATTACK...]]; attacks:");
    for (const auto& [name, run] : kAttacks) std::fprintf(stderr, " %s", name.c_str());
    std::fprintf(stderr, "\n");
    return 2;
  }
  std::vector<std::string> attacks(argv + std::min(argc, 3), argv + argc);
  if (attacks.empty()) {
    for (const auto& [name, run] : kAttacks) attacks.push_back(name);
  }
  Bench(fs::read_symlink("/proc/self/exe").string(), argv[1], std::chrono::seconds(argc > 2 ? std::atoi(argv[2]) : 5))
      .run(attacks);
  return 0;
}

}  // namespace
}  // namespace ph::perf

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  ph::perf::take_children_along();
  try {
    return ph::perf::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "load_bench: %s\n", e.what());
    return 1;
  }
}
