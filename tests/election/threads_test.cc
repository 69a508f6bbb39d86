// The election on a thread of its own, against an apiserver on another: nothing the daemon's thread does holds a renewal up.
#include <gtest/gtest.h>

#include <future>

#include "apiserver/server.h"
#include "apiserver/storage/memory.h"
#include "election/guarded_transport.h"
#include "election/lease_election.h"
#include "tests/base/blocking.h"

namespace ph::election::testing {
namespace {

using ph::testing::call_on;
using ph::testing::run_on;

constexpr int kEnough = 20;

struct Server {
  explicit Server(const Clock& clock) : thread("apiserver", clock) {
    call_on(thread, [&] {
      store = apiserver::memory_store(thread, clock);
      server = std::make_unique<apiserver::ApiServer>(
          thread, rng, *store, Log(),
          apiserver::ServerOptions{.keep_kubernetes_service = false, .keep_api_services = false, .keep_flow_schemas = false});
    });
    run_on(thread, server->start());
  }
  ~Server() {
    call_on(thread, [&] {
      server.reset();
      store.reset();
    });
  }
  std::unique_ptr<Transport> connect() {
    return in_process_transport(*server, thread, {.name = "admin", .uid = {}, .groups = {}, .extra = {}});
  }

  SystemRng rng;
  ThreadExecutor thread;
  std::unique_ptr<apiserver::Store> store;
  std::unique_ptr<apiserver::ApiServer> server;
};

TEST(ElectionThreads, ABusyLoopDoesNotHoldUpRenewals) {
  const SystemClock clock;
  Server server(clock);
  SystemRng rng;
  ThreadExecutor loops("loops", clock);
  ThreadExecutor thread("election", clock);
  const auto leadership = std::make_shared<Leadership>();
  ElectionOptions options;
  options.resource_namespace = "default";
  options.resource_name = "demo";
  options.lease_duration = 120s;  // so that a slow machine loses nothing
  options.renew_deadline = 60s;
  options.retry_period = 1ms;

  std::promise<void> started, may_go_on, stopped;
  std::unique_ptr<LeaseElection> election;
  call_on(thread, [&] {
    election = std::make_unique<LeaseElection>(ElectionParts{.executor = thread,
                                                             .rng = rng,
                                                             .log = {},
                                                             .leadership = leadership,
                                                             .identity = "a",
                                                             .component = "demo",
                                                             .user_agent = "demo/1",
                                                             .connect = [&] { return server.connect(); }},
                                               options,
                                               ElectionCallbacks{.on = &loops,
                                                                 .started_leading =
                                                                     [&] {
                                                                       started.set_value();
                                                                       may_go_on.get_future().wait();  // a turn without end
                                                                     },
                                                                 .stopped_leading = [&] { stopped.set_value(); },
                                                                 .new_leader = {}});
    election->start();
  });
  started.get_future().wait();
  while (call_on(thread, [&] { return election->stats().renewals; }) < kEnough) {
  }
  EXPECT_TRUE(leadership->leading());
  EXPECT_TRUE(leadership->certain(clock.steady()));

  // Meanwhile another thread may ask, and write.
  ThreadExecutor other("other", clock);
  const int status = run_on(other, [](Server& server, std::shared_ptr<Leadership> leadership, const Clock& clock) -> Task<int> {
    const auto inner = server.connect();
    const auto guarded = guarded_transport(*inner, leadership, clock);
    HttpRequest request{
        .method = "POST", .target = "/api/v1/namespaces", .headers = {}, .body = R"({"metadata":{"name":"x"}})", .peer = {}};
    request.headers.add("Content-Type", "application/json");
    const HttpResponse response = co_await guarded->send(std::move(request), false);
    co_return response.status;
  }(server, leadership, clock));
  EXPECT_EQ(status, 201);

  may_go_on.set_value();
  run_on(thread, election->stop());
  stopped.get_future().wait();
  EXPECT_FALSE(leadership->leading());
  EXPECT_EQ(leadership->term_for_write(clock.steady()), nullptr);
  call_on(thread, [&] { election.reset(); });
}

}  // namespace
}  // namespace ph::election::testing
