// Informers whose connection is slow, or stands still, on a server that holds little of the past: whatever it does, their copies are
// right in the end, and the others do not notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "api/kinds.h"
#include "informers/informer.h"
#include "tests/apiserver/harness.h"

namespace ph::sim {
namespace {

using apiserver::testing::Harness;
using core::v1::ConfigMap;

const std::string kMaps = "/api/v1/namespaces/default/configmaps";

// How fast a client takes what its watches send.
struct Pace {
  Duration of_piece{0};
  bool stands = false;
};

class PacedStream final : public BodyStream {
 public:
  PacedStream(std::unique_ptr<BodyStream> inner, const Pace& pace) : inner_(std::move(inner)), pace_(pace) {}
  Task<std::optional<SharedBytes>> next() override {
    if (pace_.of_piece > Duration(0)) co_await sleep_for(pace_.of_piece);
    while (pace_.stands) co_await sleep_for(1s);
    co_return co_await inner_->next();
  }

 private:
  std::unique_ptr<BodyStream> inner_;
  const Pace& pace_;
};

class PacedTransport final : public Transport {
 public:
  PacedTransport(std::unique_ptr<Transport> inner, const Pace& pace) : inner_(std::move(inner)), pace_(pace) {}
  Task<HttpResponse> send(HttpRequest request, bool stream) override {
    HttpResponse response = co_await inner_->send(std::move(request), stream);
    if (response.stream) response.stream = std::make_unique<PacedStream>(std::move(response.stream), pace_);
    co_return response;
  }

 private:
  std::unique_ptr<Transport> inner_;
  const Pace& pace_;
};

// A daemon that follows the config maps, and notes what its stream says of them.
struct Daemon {
  explicit Daemon(Harness& api)
      : transport(in_process_transport(*api.server, api.executor, Identity{.name = "daemon", .groups = {"system:masters"}}),
                  pace),
        client(transport, "daemon/1.0"),
        informers(api.executor, client, rng, Log()),
        maps(informers.informer<ConfigMap>()),
        scope(api.executor) {
    scope.spawn(follow(*this));
    api.executor.drain();
  }

  static Task<void> follow(Daemon& daemon) {
    auto events = daemon.maps.events();
    while (const auto event = co_await events.next()) {
      if (event->kind == informers::Event<ConfigMap>::Removed) daemon.seen.erase(event->before->metadata().name());
      if (event->kind != informers::Event<ConfigMap>::Upserted) continue;
      const std::uint64_t revision = std::stoull(event->after->metadata().resource_version());
      std::uint64_t& known = daemon.seen[event->after->metadata().name()];
      EXPECT_GT(revision, known) << "it goes backwards";
      known = revision;
    }
  }
  std::map<std::string, std::uint64_t> copy() const {
    std::map<std::string, std::uint64_t> out;
    for (const auto& map : maps.list()) out.emplace(map->metadata().name(), std::stoull(map->metadata().resource_version()));
    return out;
  }

  Pace pace;
  SeededRng rng{1};
  PacedTransport transport;
  informers::Client client;
  informers::Informers informers;
  informers::Informer<ConfigMap>& maps;
  std::map<std::string, std::uint64_t> seen;  // by name
  Scope scope;
};

struct WatchLoad {
  explicit WatchLoad(apiserver::CacheOptions cache) : api(options(cache)) {}
  static apiserver::ServerOptions options(apiserver::CacheOptions cache) {
    apiserver::ServerOptions out = apiserver::testing::quiet_options();
    out.cache = cache;
    return out;
  }

  // A change of one of a hundred, every now and then a deletion.
  void write() {
    const std::string name = "m" + std::to_string(rng.below(100));
    if (rng.below(8) == 0) {
      api.remove(kMaps + "/" + name);
    } else if (api.patch(kMaps + "/" + name, R"({"data":{"i":")" + std::to_string(++writes) + R"("}})").status == 404) {
      api.post(kMaps, R"({"metadata":{"name":")" + name + R"("}})");
    }
  }
  std::map<std::string, std::uint64_t> stored() {
    std::map<std::string, std::uint64_t> out;
    for (const auto& item : api.get(kMaps).json().at("items")) {
      out.emplace(item["metadata"]["name"], std::stoull(item["metadata"]["resourceVersion"].get<std::string>()));
    }
    return out;
  }
  apiserver::WatchCache::Stats stats() {
    apiserver::ObjectReader& reader = api.server->reader();
    return reader.cache(*reader.resource(api::schema_of<ConfigMap>()))->stats();
  }
  void expect_settled(Daemon& daemon) {
    EXPECT_EQ(daemon.copy(), stored());
    EXPECT_EQ(daemon.seen, stored());
  }

  SeededRng rng{7};
  int writes = 0;
  Harness api;
};

TEST(WatchLoad, ASlowInformerIsWaitedForAndReadsNothingTwice) {
  WatchLoad world({.events_max = 20});
  Daemon slow(world.api), quick(world.api);
  slow.pace.of_piece = 20ms;
  std::size_t most = 0;
  for (int i = 0; i < 2'000; ++i) {
    world.write();
    world.api.executor.advance(10ms);
    most = std::max(most, world.stats().events_held);
  }
  EXPECT_GT(most, 200u) << "more than the window";
  world.api.executor.advance(1min);
  for (int i = 0; i < 3; ++i) world.write();
  world.api.executor.advance(1s);
  world.expect_settled(slow);
  world.expect_settled(quick);
  EXPECT_EQ(slow.informers.stats().relists, 0u);
  EXPECT_EQ(quick.informers.stats().relists, 0u);
  EXPECT_EQ(world.stats().expired, 0u);
  EXPECT_LE(world.stats().events_held, 20u) << "nobody is waited for any longer";
}

TEST(WatchLoad, AnInformerThatStoodStillBeginsAgainAndLosesNothing) {
  WatchLoad world({.events_max = 20});
  Daemon stuck(world.api), quick(world.api);
  for (int i = 0; i < 300; ++i) world.write();
  world.api.executor.advance(1s);
  world.expect_settled(stuck);
  stuck.pace.stands = true;
  for (int i = 0; i < 300; ++i) {
    world.write();
    world.api.executor.advance(500ms);
  }
  EXPECT_EQ(world.stats().expired, 1u);
  EXPECT_LE(world.stats().events_held, 20u) << "it costs nothing any more";
  stuck.pace.stands = false;
  world.api.executor.advance(1min);
  world.expect_settled(stuck);
  world.expect_settled(quick);
  EXPECT_EQ(stuck.informers.stats().relists, 1u);
  EXPECT_EQ(quick.informers.stats().relists, 0u);
}

// Whatever the pace and the budgets: right in the end, and never backwards.
class WatchLoadSeeds : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(WatchLoadSeeds, EveryCopyIsRightInTheEnd) {
  SeededRng rng(GetParam());
  WatchLoad world({.events_min = 5, .events_max = 10 + rng.below(100), .backlog_max = rng.below(200'000), .unread_max = 10s});
  std::vector<std::unique_ptr<Daemon>> daemons;
  for (int i = 0; i < 4; ++i) daemons.push_back(std::make_unique<Daemon>(world.api));
  for (int round = 0; round < 150; ++round) {
    for (std::uint64_t i = 0, n = rng.below(20); i < n; ++i) world.write();
    world.api.executor.advance(std::chrono::milliseconds(rng.below(2'000)));
    Pace& pace = daemons[rng.below(daemons.size())]->pace;
    pace.of_piece = std::chrono::milliseconds(rng.below(2) * rng.below(400));
    pace.stands = rng.below(4) == 0;
  }
  for (const auto& daemon : daemons) daemon->pace = {};
  world.api.executor.advance(2min);
  std::size_t relists = 0;
  for (const auto& daemon : daemons) {
    world.expect_settled(*daemon);
    relists += daemon->informers.stats().relists;
  }
  if (world.stats().expired > 0) EXPECT_GT(relists, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, WatchLoadSeeds, ::testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace ph::sim
