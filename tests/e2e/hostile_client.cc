// A client that means harm, for hostile.sh: hostile_client PORT CA CERT KEY ATTACK. Says in one line how it ended.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "tests/net/frames.h"
#include "tests/net/raw_client.h"

namespace ph::net::testing {
namespace {

using std::chrono::steady_clock;

constexpr const char* kList = "/api/v1/namespaces/default/configmaps";

class Attacker {
 public:
  Attacker(std::uint16_t port, TlsClientOptions options) : port_(port), options_(std::move(options)) {}

  RawTlsClient connect(int receive_buffer = 0) const { return connect_as(options_, receive_buffer); }
  RawTlsClient connect_http1(int receive_buffer = 0) const {
    TlsClientOptions options = options_;
    options.http2 = false;
    return connect_as(options, receive_buffer);
  }

  // --- over and done at once ---

  void cut() const {
    const std::string body = R"({"metadata":{"name":"cut"}})";
    const std::string all =
        opening() + get_request(1, kList) +
        frame(kHeaders, kEndHeaders, 3, request_fields("POST", kList) + field("content-type", "application/json")) +
        frame(kData, 0, 3, body) + get_request(5, "/api/v1/pods?watch=1");
    for (std::size_t size = 0; size <= all.size(); ++size) connect().say(std::string_view(all).substr(0, size));
    std::printf("cut at %zu places\n", all.size() + 1);
  }

  void garbage() const {
    for (int first = 0; first < 256; ++first) {
      RawClient client(port_);
      client.say(std::string(1, static_cast<char>(first)) + std::string(5000, static_cast<char>(first * 7 + 1)));
      client.stop_saying();
      client.hear();
    }
    RawClient plain(port_);
    plain.say("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string heard = plain.hear();
    std::printf("plain HTTP: %s\n", heard.find("200 OK") == heard.npos ? "refused" : "answered");
  }

  void large_head() const {
    std::string all = opening() + frame(kHeaders, kEndStream, 1, request_fields("GET", kList));
    std::string fields;
    for (int i = 0; i < 100; ++i) fields += field("x-" + std::to_string(i), std::string(120, 'v'));
    for (int i = 0; i < 7; ++i) all += frame(kContinuation, i == 6 ? kEndHeaders : 0, 1, fields);
    RawTlsClient client = connect();
    client.say(all);
    const std::string heard = client.hear_until([](const std::string& text) { return contains(outline(text), "DATA"); });
    std::printf("%s\n", heard.find("431 Request") == heard.npos ? "not refused" : "431");
  }

  // Repeats `next` until the server says goodbye or hangs up.
  void flood(const std::string& once, const std::function<std::string(int)>& next, bool reads) const {
    RawTlsClient client = connect();
    client.say(opening() + once);
    std::string heard;
    int rounds = 0;
    for (; rounds < 1'000'000 && !contains(outline(heard), "GOAWAY"); ++rounds) {
      if (!client.say(next(rounds))) break;
      if (reads && client.audible()) heard += client.hear_some();
    }
    std::printf("%s after %d\n", contains(outline(heard), "GOAWAY") ? "GOAWAY" : "hung up", rounds);
  }
  void continuations() const {
    flood(frame(kHeaders, kEndStream, 1, get_fields()), [](int) { return frame(kContinuation, 0, 1, field("a", "b")); }, true);
  }
  void resets() const {
    flood("", [](int i) { return get_request(2 * i + 1, kList) + frame(kReset, 0, 2 * i + 1, number(8, 4)); }, true);
  }
  void broken_streams() const {
    flood("", [](int i) { return get_request(2 * i + 1, kList) + window_update(2 * i + 1, 0x7fffffff); }, true);
  }
  void pings() const {
    flood("", [](int) { return repeated(frame(kPing, 0, 0, "12345678")); }, false);
  }
  void settings() const {
    flood("", [](int) { return repeated(frame(kSettings, 0, 0, setting(4, 65'535))); }, false);
  }

  // --- until the server has had enough ---

  // 100 lists and a watch, of which nothing is taken; a stream is reset when the server has waited long enough.
  void reads_nothing() const {
    RawTlsClient client = connect();
    std::string all =
        opening(setting(4, 0)) +
        get_request(
            1, "/api/v1/configmaps?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
    for (StreamId stream = 3; stream < 203; stream += 2) all += get_request(stream, kList);
    client.say(all);
    const auto resets = [](const std::string& text) {
      return std::ranges::count_if(outline(text), [](const std::string& f) { return f.starts_with("RST_STREAM"); });
    };
    const std::string heard = client.hear_until([&](const std::string& text) { return resets(text) == 101; });
    std::printf("%td of 101 streams reset\n", resets(heard));
  }
  void reads_by_the_byte() const {
    RawTlsClient client = connect();
    client.say(opening(setting(4, 0)) + get_request(1, kList));
    std::string heard;
    while (!contains(outline(heard), "RST_STREAM") && client.say(window_update(1, 1))) {
      if (client.audible(std::chrono::milliseconds(500))) heard += client.hear_some();
    }
    std::printf("%s\n", contains(outline(heard), "RST_STREAM") ? "reset" : "hung up");
  }
  void reads_no_socket() const {
    RawTlsClient client = connect_http1(4096);
    client.say(std::string("GET ") + kList + " HTTP/1.1\r\nHost: a\r\n\r\n");
    while (client.say("\r\n")) ::usleep(500'000);
    std::printf("hung up\n");
  }
  void half_head() const {
    RawTlsClient client = connect();
    client.say(opening() + get_request(1, "/api/v1/pods?watch=1") + frame(kHeaders, kEndStream, 3, get_fields().substr(0, 9)));
    client.hear();
    std::printf("hung up\n");
  }
  void half_body() const {
    RawTlsClient client = connect();
    client.say(opening() + frame(kHeaders, kEndHeaders, 1, request_fields("POST", kList)));
    while (client.say(frame(kData, 0, 1, "x"))) ::usleep(500'000);
    std::printf("hung up\n");
  }
  void silent() const {
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 300; ++i) clients.push_back(std::make_unique<RawClient>(port_));
    for (auto& client : clients) client->hear();
    std::printf("300 hung up\n");
  }

 private:
  static std::string repeated(const std::string& one) {
    std::string many;
    while (many.size() < 64 * 1024) many += one;
    return many;
  }
  RawTlsClient connect_as(const TlsClientOptions& options, int receive_buffer) const {
    return RawTlsClient(port_, options, std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()), receive_buffer);
  }

  std::uint16_t port_;
  TlsClientOptions options_;
};

std::string contents(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

int run(int argc, char** argv) {
  using Attack = void (Attacker::*)() const;
  const std::map<std::string, Attack> attacks = {
      {"cut", &Attacker::cut},
      {"garbage", &Attacker::garbage},
      {"large_head", &Attacker::large_head},
      {"continuations", &Attacker::continuations},
      {"resets", &Attacker::resets},
      {"broken_streams", &Attacker::broken_streams},
      {"pings", &Attacker::pings},
      {"settings", &Attacker::settings},
      {"reads_nothing", &Attacker::reads_nothing},
      {"reads_by_the_byte", &Attacker::reads_by_the_byte},
      {"reads_no_socket", &Attacker::reads_no_socket},
      {"half_head", &Attacker::half_head},
      {"half_body", &Attacker::half_body},
      {"silent", &Attacker::silent},
  };
  const auto attack = argc == 6 ? attacks.find(argv[5]) : attacks.end();
  if (attack == attacks.end()) {
    std::fprintf(stderr, "hostile_client PORT CA CERT KEY ATTACK; attacks:");
    for (const auto& [name, run] : attacks) std::fprintf(stderr, " %s", name.c_str());
    std::fprintf(stderr, "\n");
    return 2;
  }
  const Attacker attacker(
      static_cast<std::uint16_t>(std::stoi(argv[1])),
      {.ca_pem = contents(argv[2]), .server_name = "127.0.0.1", .cert_pem = contents(argv[3]), .key_pem = contents(argv[4])});
  const auto begin = steady_clock::now();
  (attacker.*attack->second)();
  std::printf("seconds %lld\n",
              static_cast<long long>(std::chrono::duration_cast<std::chrono::seconds>(steady_clock::now() - begin).count()));
  return 0;
}

}  // namespace
}  // namespace ph::net::testing

int main(int argc, char** argv) {
  try {
    return ph::net::testing::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
