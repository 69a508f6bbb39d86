// The server's side of HTTP/2 without sockets: what it counts and limits of a client.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "net/server_protocol.h"
#include "tests/net/frames.h"

namespace ph::net {
namespace {

using namespace testing;

struct Owner final : ServerProtocol::Owner {
  std::map<StreamId, HttpRequest> requests;
  std::set<StreamId> gone;
  std::map<StreamId, std::size_t> heads;  // with the most that their bodies may be
  std::size_t sent = 0;
  void on_head(StreamId stream, HttpRequest, std::size_t size_max) override { heads.emplace(stream, size_max); }
  void on_request(StreamId stream, HttpRequest request) override { requests.emplace(stream, std::move(request)); }
  void on_gone(StreamId stream) override { gone.insert(stream); }
  void on_sent(StreamId, std::size_t size) override { sent += size; }
};

struct Http2ServerTest : ::testing::Test {
  Owner owner;
  std::unique_ptr<ServerProtocol> server = http2_server({}, owner);

  bool say(std::string_view bytes) {
    if (!server->receive(bytes)) return false;
    server->tell_heads(true);
    return true;
  }
  std::vector<std::string> hear() {
    std::string out;
    server->produce(out, 1 << 24);
    return outline(out);
  }
  // A request whose answer is a stream, of which `size` bytes wait.
  void stream_to(StreamId stream, std::size_t size) {
    say(get_request(stream));
    server->begin(stream, 200, {});
    server->piece(stream, share(std::string(size, 'x')));
    hear();
  }
};

TEST_F(Http2ServerTest, AClientIsAskedToMoveOnWithAnAnswer) {
  bool asked = false;
  server = http2_server({.moves_on = [&] { return std::exchange(asked, false); }}, owner);
  say(opening());
  say(get_request(1));
  say(get_request(3));
  server->respond(1, 200, {}, {});
  EXPECT_THAT(hear(), ::testing::Not(::testing::Contains(::testing::HasSubstr("GOAWAY"))));
  asked = true;
  server->respond(3, 200, {}, {});
  EXPECT_THAT(hear(), ::testing::Contains(::testing::HasSubstr("GOAWAY")));
  EXPECT_TRUE(server->finished()) << "nothing is under way any more";
}

TEST_F(Http2ServerTest, WhatIsUnderWayWhenAClientIsAskedToMoveOnIsAnswered) {
  bool asked = true;
  server = http2_server({.moves_on = [&] { return std::exchange(asked, false); }}, owner);
  say(opening());
  say(get_request(1));
  say(get_request(3));
  server->respond(1, 200, {}, {});
  hear();
  EXPECT_FALSE(server->finished());
  server->respond(3, 200, {}, {share("late")});
  hear();
  EXPECT_TRUE(server->finished());
}

TEST_F(Http2ServerTest, ARequestIsBeingReadFromItsFirstByteOn) {
  say(opening());
  EXPECT_EQ(server->reading(), 0);
  const std::string fields = get_fields();
  say(frame(kHeaders, kEndStream, 1, fields.substr(0, 10)));
  EXPECT_EQ(server->reading(), 1) << "half a head";
  EXPECT_FALSE(server->idle());
  say(frame(kContinuation, kEndHeaders, 1, fields.substr(10)));
  EXPECT_EQ(server->reading(), 0);
  EXPECT_TRUE(owner.requests.contains(1));
  say(frame(kHeaders, 0, 3, fields.substr(0, 10)) + frame(kContinuation, kEndHeaders, 3, fields.substr(10)));
  EXPECT_EQ(server->reading(), 3) << "a body that has not come";
  say(frame(kReset, 0, 3, number(8, 4)));
  EXPECT_EQ(server->reading(), 0);
}

TEST_F(Http2ServerTest, AStreamWhoseClientTakesNothingIsCut) {
  say(opening());
  stream_to(1, 200'000);
  server->cut_stalled();
  EXPECT_FALSE(contains(hear(), "RST_STREAM")) << "it has just been sent something";
  server->cut_stalled();
  EXPECT_TRUE(contains(hear(), "RST_STREAM 8"));
  EXPECT_TRUE(owner.gone.contains(1));
  EXPECT_TRUE(server->idle());
}

TEST_F(Http2ServerTest, AWholeAnswerThatNobodyTakesIsCut) {
  say(opening(setting(4, 0)) + get_request(1));
  server->respond(1, 200, {}, {share("hello")});
  hear();
  server->cut_stalled();
  server->cut_stalled();
  EXPECT_TRUE(contains(hear(), "RST_STREAM 8"));
  EXPECT_TRUE(server->idle());
}

TEST_F(Http2ServerTest, AFewBytesAtATimeAreNothing) {
  say(opening(setting(4, 0)));
  stream_to(1, 100'000);
  server->cut_stalled();
  say(window_update(1, 1));
  hear();
  server->cut_stalled();
  EXPECT_TRUE(contains(hear(), "RST_STREAM 8"));
}

TEST_F(Http2ServerTest, SlowReadersAreNotCut) {
  say(opening(setting(4, 0)));
  stream_to(1, 1'000'000);
  for (int i = 0; i < 20; ++i) {
    server->cut_stalled();
    say(window_update(0, 16 * 1024) + window_update(1, 16 * 1024));
    EXPECT_FALSE(contains(hear(), "RST_STREAM"));
  }
}

TEST_F(Http2ServerTest, WatchesWithoutEventsAreNotCut) {
  say(opening());
  stream_to(1, 1000);
  for (int i = 0; i < 5; ++i) {
    server->cut_stalled();
    EXPECT_FALSE(contains(hear(), "RST_STREAM"));
  }
  EXPECT_EQ(owner.sent, 1000u);
  // Less than the least there can be, but all there was.
  for (int i = 0; i < 5; ++i) {
    server->piece(1, share("event"));
    hear();
    server->cut_stalled();
  }
  EXPECT_FALSE(contains(hear(), "RST_STREAM"));
}

TEST_F(Http2ServerTest, StreamsBrokenByTheClientAreCounted) {
  say(opening());
  StreamId stream = 1;
  bool good = true;
  for (; good && stream < 20'000; stream += 2) good = say(get_request(stream) + window_update(stream, 0x7fffffff));
  EXPECT_FALSE(good);
  EXPECT_LT(owner.requests.size(), 1000u);
  EXPECT_TRUE(contains(hear(), "GOAWAY 11"));
}

// A client that keeps to its windows, with many bodies on their way.
struct Uploads : Http2ServerTest {
  static constexpr std::size_t kBody = 1 << 20;
  static constexpr StreamId kLast = 499;
  struct Upload {
    std::size_t window = 64 * 1024, sent = 0;
  };
  std::map<StreamId, Upload> uploads;
  std::size_t window = 65'535;  // of the connection

  void begin() {
    say(opening());
    hear_windows();
    say(frame(kSettings, kAck, 0, ""));  // the server's windows are in force from here on
    for (StreamId stream = 1; stream <= kLast; stream += 2) {
      say(frame(kHeaders, kEndHeaders, stream, request_fields("POST", "/")));
      uploads[stream];
    }
    hear_windows();
  }
  void hear_windows() {
    std::string out;
    server->produce(out, 1 << 24);
    for (const auto& [stream, size] : window_updates(out)) {
      (stream == 0 ? window : uploads[stream].window) += size;
    }
  }
  // All bodies as far as they may be sent, without their ends. How much that was.
  std::size_t send_all() {
    static const std::string chunk(16 * 1024, 'x');
    std::size_t total = 0;
    for (std::size_t before = 1; before != total;) {
      before = total;
      for (auto& [stream, upload] : uploads) {
        while (upload.window >= chunk.size() && upload.sent < kBody) {
          if (window < chunk.size()) hear_windows();
          EXPECT_TRUE(say(frame(kData, 0, stream, chunk)));
          window -= chunk.size();
          upload.window -= chunk.size();
          upload.sent += chunk.size();
          total += chunk.size();
        }
      }
      hear_windows();
    }
    return total;
  }
};

TEST_F(Uploads, OfWhatNobodyHasAskedForAWindowIsHeld) {
  begin();
  EXPECT_EQ(owner.heads.size(), 250u);
  EXPECT_EQ(send_all(), 250u * 64 * 1024);
  server->read_body(3, nullptr);
  hear_windows();
  EXPECT_EQ(send_all(), kBody - 64 * 1024);
  EXPECT_EQ(uploads[3].sent, kBody);
  say(frame(kData, kEndStream, 3, ""));
  EXPECT_EQ(owner.requests.at(3).body.size(), kBody);
}

TEST_F(Uploads, AnEarlyAnswerStopsTheRest) {
  begin();
  server->respond(5, 403, {}, {share("no")});
  std::string out;
  server->produce(out, 1 << 24);
  EXPECT_TRUE(contains(outline(out), "RST_STREAM 0"));
  EXPECT_EQ(out.find("413"), out.npos);
  server->read_body(5, nullptr);  // too late
  EXPECT_TRUE(say(frame(kData, 0, 5, std::string(1000, 'x'))));
  EXPECT_FALSE(owner.requests.contains(5));
  EXPECT_EQ(server->reading(), 1);
}

TEST_F(Http2ServerTest, ASmallBodyHasSomeTimeToCome) {
  const auto head = [](StreamId stream, const char* length) {
    return frame(kHeaders, kEndHeaders, stream, request_fields("POST", "/") + field("content-length", length));
  };
  server->receive(opening() + head(1, "9") + head(3, "65537") + head(5, "65536"));
  EXPECT_TRUE(server->tell_heads(false));
  EXPECT_EQ(owner.heads, (std::map<StreamId, std::size_t>{{3, 65537}}));
  server->receive(frame(kData, kEndStream, 1, "some more"));
  EXPECT_TRUE(server->tell_heads(false));
  EXPECT_FALSE(server->tell_heads(true));
  EXPECT_EQ(owner.heads, (std::map<StreamId, std::size_t>{{3, 65537}, {5, 65536}}));
}

TEST_F(Uploads, HeadsAreToldOnceAndOnlyIfTheirBodiesAreSlower) {
  say(opening() + frame(kHeaders, kEndHeaders, 1, request_fields("POST", "/")) + frame(kData, kEndStream, 1, "body"));
  EXPECT_TRUE(owner.heads.empty());
  EXPECT_TRUE(owner.requests.contains(1));
  say(frame(kHeaders, kEndHeaders, 3, request_fields("POST", "/") + field("content-length", "9")) + frame(kData, 0, 3, "some"));
  EXPECT_EQ(owner.heads, (std::map<StreamId, std::size_t>{{3, 9}}));
  owner.heads.clear();
  say(frame(kData, kEndStream, 3, " more"));
  EXPECT_EQ(owner.requests.at(3).body, "some more");
  EXPECT_TRUE(owner.heads.empty());
  say(frame(kHeaders, kEndHeaders, 5, request_fields("POST", "/")));
  say(frame(kReset, 0, 5, number(8, 4)));
  EXPECT_TRUE(owner.gone.contains(5));
}

}  // namespace
}  // namespace ph::net
