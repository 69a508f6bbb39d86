#include "election/leadership.h"

#include <gtest/gtest.h>

#include "election/guarded_transport.h"
#include "tests/base/blocking.h"
#include "tests/base/manual_executor.h"

namespace ph::election {
namespace {

Steady at(Duration since_start) { return Steady(since_start); }

std::shared_ptr<const Term> term(int transitions) {
  const api::Fence fence{{"kube-system", "demo"}, "uid", "a", transitions};
  return std::make_shared<Term>(Term{fence, api::fence_text(fence), Revision{7}});
}

TEST(Leadership, IsCertainUntilTheDeadline) {
  Leadership leadership;
  EXPECT_FALSE(leadership.leading());
  EXPECT_FALSE(leadership.certain(at(-1s)));
  EXPECT_EQ(leadership.term(), nullptr);

  leadership.begin(term(1), at(10s));
  EXPECT_TRUE(leadership.leading());
  EXPECT_TRUE(leadership.certain(at(9999ms)));
  EXPECT_FALSE(leadership.certain(at(10s)));
  EXPECT_TRUE(leadership.leading()) << "it may still be so";
  EXPECT_EQ(leadership.term_for_write(at(9s))->fence.transitions, 1);
  EXPECT_EQ(leadership.term_for_write(at(10s)), nullptr);
  EXPECT_NE(leadership.term(), nullptr);

  leadership.extend(at(12s));
  EXPECT_TRUE(leadership.certain(at(11s)));
  leadership.doubt();
  EXPECT_TRUE(leadership.leading());
  EXPECT_FALSE(leadership.certain(at(11s)));
  EXPECT_EQ(leadership.term_for_write(at(11s)), nullptr);
  EXPECT_EQ(leadership.certain_until(), at(12s));
  leadership.begin(term(2), at(13s));
  EXPECT_EQ(leadership.term_for_write(at(11s))->fence.transitions, 2);

  leadership.end();
  EXPECT_FALSE(leadership.leading());
  EXPECT_FALSE(leadership.certain(at(11s)));
  EXPECT_EQ(leadership.term(), nullptr);
  EXPECT_EQ(leadership.term_for_write(at(11s)), nullptr);
}

class Echo final : public Transport {
 public:
  Task<HttpResponse> send(HttpRequest request, bool) override {
    requests.push_back(std::move(request));
    co_return HttpResponse{};
  }
  std::vector<HttpRequest> requests;
};

TEST(GuardedTransport, LetsNoWriteLeaveWithoutCertainty) {
  testing::ManualClock clock;
  testing::ManualExecutor executor(clock);
  Echo server;
  const auto leadership = std::make_shared<Leadership>();
  const auto guarded = guarded_transport(server, leadership, clock);
  Scope scope(executor);
  int refused = 0;
  const auto send = [&](const char* method) {
    scope.spawn([](Transport& transport, std::string method, int& refused) -> Task<void> {
      HttpRequest request;
      request.method = std::move(method);
      request.headers.add("pilothouse-fence", "forged");
      try {
        co_await transport.send(std::move(request), false);
      } catch (const NotLeading&) {
        ++refused;
      }
    }(*guarded, method, refused));
    executor.drain();
  };

  for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) send(method);
  EXPECT_EQ(refused, 4);
  EXPECT_EQ(leadership->refused_writes(), 4u);
  EXPECT_TRUE(server.requests.empty());
  for (const char* method : {"GET", "HEAD"}) send(method);
  EXPECT_EQ(refused, 4);
  EXPECT_EQ(server.requests.size(), 2u);

  leadership->begin(term(3), at(10s));
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) send(method);
  ASSERT_EQ(server.requests.size(), 6u);
  for (std::size_t i = 2; i < 6; ++i) {
    EXPECT_EQ(server.requests[i].headers.get("Pilothouse-Fence"), "kube-system/demo; uid=uid; holder=a; transitions=3");
    EXPECT_EQ(server.requests[i].headers.size(), 1u);
  }
  clock.advance(10s);
  send("POST");
  EXPECT_EQ(refused, 5);
  EXPECT_EQ(server.requests.size(), 6u);
}

}  // namespace
}  // namespace ph::election
