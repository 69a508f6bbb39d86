// gRPC calls: over a unix socket against a server that is made of nghttp2 alone, and what is made of answers that are none.
#include "net/grpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/rng.h"
#include "tests/base/blocking.h"
#include "tests/net/grpc_server.h"

namespace ph::net {
namespace {

using namespace testing;
using ph::testing::call_on;
using ph::testing::run_on;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Answer = std::expected<std::string, GrpcError>;

class Grpc : public ::testing::Test {
 public:
  ~Grpc() override {
    call_on(thread, [&] { client.reset(); });
    std::filesystem::remove_all(folder);
  }
  void serve(GrpcServer::Handler handler) { server = std::make_unique<GrpcServer>(path, std::move(handler)); }
  void open(std::size_t size_max = kGrpcMessageMax) {
    call_on(thread, [&] { client = grpc_over_unix(io, thread, path, size_max); });
  }
  Answer call(std::string message, Duration timeout = 10s, std::string method = "/a.B/C") {
    return run_on(thread, [](Grpc& self, std::string method, std::string message, Duration timeout) -> Task<Answer> {
      co_return co_await self.client->call(std::move(method), std::move(message), timeout);
    }(*this, std::move(method), std::move(message), timeout));
  }

  SystemClock clock;
  SystemRng rng;
  std::string folder = std::filesystem::temp_directory_path() / ("grpc-" + rng.uuid().substr(0, 8));
  std::string path = (std::filesystem::create_directory(folder), folder + "/s");
  IoThreads io{1};
  ThreadExecutor thread{"grpc", clock, nullptr};
  std::unique_ptr<GrpcServer> server;
  std::unique_ptr<GrpcClient> client;
};

TEST_F(Grpc, CallsAnswersAndOneConnection) {
  std::map<std::string, std::string> seen;
  serve([&](const GrpcServer::Call& asked) {
    seen = asked.headers;
    return grpc_message("got " + asked.message);
  });
  open();
  for (const std::string& message : {std::string("one"), std::string(), std::string(300'000, 'x'), std::string("\0\xff", 2)}) {
    const Answer answer = call(message);
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_TRUE(*answer == "got " + message);
  }
  EXPECT_EQ(server->connections, 1);
  EXPECT_EQ(seen[":method"], "POST");
  EXPECT_EQ(seen[":path"], "/a.B/C");
  EXPECT_EQ(seen[":scheme"], "http");
  EXPECT_EQ(seen[":authority"], "localhost");
  EXPECT_EQ(seen["te"], "trailers");
  EXPECT_EQ(seen["content-type"], "application/grpc");
  EXPECT_EQ(seen["grpc-timeout"], "10000m");
}

struct Row {
  const char* name;
  GrpcReply reply;
  GrpcCode code;
  std::string message;
};

TEST_F(Grpc, WhatIsMadeOfAnswers) {
  const std::pair<std::string, std::string> type{"content-type", "application/grpc"};
  const std::string good = grpc_frame("m");
  const std::vector<Row> rows = {
      {"status alone", grpc_failure(7, "not%20you%3A %zz%4"), GrpcCode::PermissionDenied, "not you: %zz%4"},
      {"status in trailers",
       {.head = {type}, .body = {}, .trailers = {{"grpc-status", "14"}, {"grpc-message", "later"}}},
       GrpcCode::Unavailable,
       "later"},
      {"status behind a message", {.head = {type}, .body = good, .trailers = {{"grpc-status", "13"}}}, GrpcCode::Internal, ""},
      {"unknown status", grpc_failure(99, "what"), GrpcCode::Unknown, "what"},
      {"status that is no number", {.head = {{"grpc-status", "x"}}, .body = {}, .trailers = {}}, GrpcCode::Unknown, ""},
      {"no status", {.head = {type}, .body = good, .trailers = {}}, GrpcCode::Internal, "without sending trailers"},
      {"no gRPC at all", {.head = {}, .status = 404, .body = "nothing here", .trailers = {}}, GrpcCode::Unimplemented, "404"},
      {"a proxy's word", {.head = {}, .status = 503, .body = "busy", .trailers = {}}, GrpcCode::Unavailable, "503"},
      {"no message", {.head = {type}, .body = {}, .trailers = {{"grpc-status", "0"}}}, GrpcCode::Internal, "no message"},
      {"half a message",
       {.head = {type}, .body = good.substr(0, 5), .trailers = {{"grpc-status", "0"}}},
       GrpcCode::Internal,
       "cut off"},
      {"half a frame",
       {.head = {type}, .body = good.substr(0, 3), .trailers = {{"grpc-status", "0"}}},
       GrpcCode::Internal,
       "cut off"},
      {"two messages",
       {.head = {type}, .body = good + good, .trailers = {{"grpc-status", "0"}}},
       GrpcCode::Internal,
       "more than one"},
      {"compressed",
       {.head = {type}, .body = "\1" + good.substr(1), .trailers = {{"grpc-status", "0"}}},
       GrpcCode::Unimplemented,
       "compressed"},
      {"too large", grpc_message(std::string(1001, 'x')), GrpcCode::ResourceExhausted, "1005 bytes"},
      {"hangs up", {.hang_up = true}, GrpcCode::Unavailable, "lost"},
  };
  const GrpcReply* reply = nullptr;
  serve([&](const GrpcServer::Call&) { return *reply; });
  open(1000);
  for (const Row& row : rows) {
    reply = &row.reply;
    const Answer answer = call("a");
    ASSERT_FALSE(answer) << row.name;
    EXPECT_EQ(answer.error().code, row.code) << row.name << ": " << answer.error().text();
    EXPECT_THAT(answer.error().message, HasSubstr(row.message)) << row.name;
  }
  const GrpcReply last = grpc_message(std::string(1000, 'x'));
  reply = &last;
  EXPECT_TRUE(call("and it still answers"));
  const Answer refused = call(std::string(1001, 'x'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(),
            "rpc error: code = ResourceExhausted desc = trying to send message larger than max (1001 vs. 1000)");
}

TEST_F(Grpc, DeadlinesEndACallAndNotTheConnection) {
  serve([](const GrpcServer::Call& asked) { return asked.message == "never" ? GrpcReply{.never = true} : grpc_message("here"); });
  open();
  const Answer late = call("never", 50ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().text(), "rpc error: code = DeadlineExceeded desc = context deadline exceeded");
  EXPECT_TRUE(late.error().transient());
  EXPECT_TRUE(call("again"));
  EXPECT_EQ(server->connections, 1);
}

TEST_F(Grpc, NobodyThereAndThereAgain) {
  open();
  const Answer none = call("a");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, GrpcCode::Unavailable);
  EXPECT_THAT(none.error().message, StartsWith("cannot connect to " + path));
  for (int i = 0; i < 2; ++i) {
    serve([](const GrpcServer::Call&) { return grpc_message("here"); });
    // What was under way when the connection went is Unavailable; what comes later makes a new one.
    Answer answer = call("a");
    if (!answer) answer = call("a");
    EXPECT_TRUE(answer) << answer.error().text();
    server.reset();
  }
}

TEST_F(Grpc, PathsThatAreTooLong) {
  path = folder + "/" + std::string(200, 'x');
  open();
  const Answer answer = call("a");
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("too long for a unix socket"));
}

}  // namespace
}  // namespace ph::net
