// Peers who mean harm, over real sockets and TLS: each is got rid of, nothing of theirs stays, and a good client is answered.
#include "tests/net/fixture.h"
#include "tests/net/frames.h"
#include "tests/net/raw_client.h"

namespace ph::net {
namespace {

using namespace testing;

class Hostile : public NetTest {
 public:
  RawTlsClient peer(int receive_buffer = 0) {
    TlsClientOptions options{.ca_pem = Certificates::get().ca.cert_pem, .server_name = "127.0.0.1"};
    return RawTlsClient(port, options, clock.now(), receive_buffer);
  }
  // Says what `next` gives until the server says goodbye or hangs up, at most `rounds` times. What it said, in frames.
  template <class F>
  std::vector<std::string> say_until_goodbye(RawTlsClient& client, int rounds, F next) {
    std::string heard;
    for (int i = 0; i < rounds && !contains(outline(heard), "GOAWAY"); ++i) {
      if (!client.say(next(i))) break;
      while (client.audible()) {
        const std::string more = client.hear_some();
        if (more.empty()) return outline(heard);
        heard += more;
      }
    }
    heard += client.hear();
    return outline(heard);
  }
  // Nothing of others is left, and a good client is served.
  void expect_well() {
    EXPECT_EQ(get("/target").status, 200);
    until([&] { return server->connections() == 1; });
    until([&] { return handler.ledger.handlers + handler.ledger.streams == 0; });
  }
};

TEST_F(Hostile, RequestsCutAtEveryByte) {
  start(Mode::H2);
  const std::string all = opening() + get_request(1, "/hang") + frame(kHeaders, kEndHeaders, 3, request_fields("POST", "/echo")) +
                          frame(kData, kEndStream, 3, "body");
  for (std::size_t size = 0; size <= all.size(); ++size) peer().say(std::string_view(all).substr(0, size));
  expect_well();
}

TEST_F(Hostile, PlainRequestsCutAtEveryByte) {
  start(Mode::Plain);
  const std::string all = "POST /hang HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
  for (std::size_t size = 0; size <= all.size(); ++size) RawClient(port).say(std::string_view(all).substr(0, size));
  expect_well();
}

TEST_F(Hostile, HandshakesCutAtEveryByteAndWithEveryByteChanged) {
  start(Mode::H2);
  TlsSession session(TlsContext::client({.ca_pem = Certificates::get().ca.cert_pem, .server_name = "127.0.0.1"}), clock.now());
  session.receive({});
  const std::string hello = session.output();
  ASSERT_GT(hello.size(), 100u);
  for (std::size_t size = 0; size < hello.size(); ++size) {
    RawClient(port).say(std::string_view(hello).substr(0, size));
    std::string changed = hello;
    changed[size] = static_cast<char>(~changed[size]);
    RawClient client(port);
    client.say(changed);
    client.stop_saying();
    client.hear();  // it ends
  }
  expect_well();
}

TEST_F(Hostile, BytesThatAreNoTls) {
  start(Mode::H2);
  for (int first = 0; first < 256; ++first) {
    RawClient client(port);
    client.say(std::string(1, static_cast<char>(first)) + std::string(600, static_cast<char>(first * 7 + 1)));
    client.stop_saying();
    client.hear();
  }
  RawClient plain(port);
  plain.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(plain.hear().find("200 OK"), std::string::npos);
  RawClient preface(port);
  preface.say(opening() + get_request(1));
  EXPECT_FALSE(contains(outline(preface.hear()), "HEADERS"));
  expect_well();
}

struct Flood {
  const char* name;
  std::string once;  // after the opening
  std::string again;
  const char* end;  // what the server says
};

std::string headers_of(StreamId stream, int flags, int count, std::size_t size) {
  std::string fields = get_fields();
  for (int i = 0; i < count; ++i) fields += field("x-" + std::to_string(i), std::string(size, 'v'));
  return frame(kHeaders, flags, stream, fields);
}

TEST_F(Hostile, FloodsEndTheConnection) {
  start(Mode::H2);
  const Flood floods[] = {
      {"continuations", frame(kHeaders, kEndStream, 1, get_fields()), frame(kContinuation, 0, 1, field("a", "b")), "GOAWAY"},
      {"empty continuations", frame(kHeaders, kEndStream, 1, get_fields()), frame(kContinuation, 0, 1, ""), "GOAWAY"},
      {"a frame larger than allowed", number(0xffffff, 3), std::string(1 << 20, 'x'), "GOAWAY 6"},
      {"bytes that are no frames", "", std::string(1000, '\xff'), "GOAWAY"},
      {"window updates of the connection", "", window_update(0, 0x7fffff00), "GOAWAY 3"},
      {"data of a stream there is not", "", frame(kData, 0, 7, "x"), "GOAWAY"},
  };
  for (const Flood& flood : floods) {
    SCOPED_TRACE(flood.name);
    RawTlsClient client = peer();
    client.say(opening() + flood.once);
    const auto said = say_until_goodbye(client, 1000, [&](int) { return flood.again; });
    EXPECT_TRUE(contains(said, flood.end)) << ::testing::PrintToString(said);
    EXPECT_FALSE(contains(said, "HEADERS"));
  }
  expect_well();
}

TEST_F(Hostile, FloodsOfWhatIsAnsweredByOneWhoReadsNothing) {
  start(Mode::H2, {.write_timeout = 200ms});
  for (const std::string& one : {frame(kPing, 0, 0, "12345678"), frame(kSettings, 0, 0, setting(4, 65'535))}) {
    RawTlsClient client = peer();
    client.say(opening());
    std::string many;
    while (many.size() < 64 * 1024) many += one;
    // First the server answers, then it waits with reading for its answers to be taken, then it hangs up.
    while (client.say(many)) {
    }
  }
  expect_well();
}

TEST_F(Hostile, ManyAndHugeHeadersAreRefused) {
  start(Mode::H2);
  // 100 KiB in eight frames, all allowed by themselves.
  std::string many = headers_of(1, kEndStream, 60, 120);
  for (int i = 0; i < 7; ++i) {
    std::string fields;
    for (int k = 0; k < 100; ++k) fields += field("y-" + std::to_string(k), std::string(120, 'v'));
    many += frame(kContinuation, i == 6 ? kEndHeaders : 0, 1, fields);
  }
  {
    RawTlsClient client = peer();
    client.say(opening() + many);
    const std::string heard = client.hear_until([](const std::string& text) { return contains(outline(text), "DATA"); });
    EXPECT_NE(heard.find("431 Request Header Fields Too Large"), std::string::npos);
  }
  expect_well();
}

TEST_F(Hostile, RapidResetsAndBrokenStreamsEndTheConnection) {
  start(Mode::H2);
  for (const bool reset : {true, false}) {
    SCOPED_TRACE(reset ? "reset by the client" : "broken by the client, reset by the server");
    RawTlsClient client = peer();
    client.say(opening());
    const auto said = say_until_goodbye(client, 20'000, [&](int i) {
      const StreamId stream = 2 * i + 1;
      return get_request(stream, "/hang") + (reset ? frame(kReset, 0, stream, number(8, 4)) : window_update(stream, 0x7fffffff));
    });
    EXPECT_TRUE(contains(said, "GOAWAY")) << ::testing::PrintToString(said);
  }
  expect_well();
}

TEST_F(Hostile, HalfAHeadDoesNotWaitForEver) {
  start(Mode::H2, {.request_timeout = 200ms});
  {
    RawTlsClient client = peer();
    client.say(opening() + get_request(1, "/hang") + frame(kHeaders, kEndStream, 3, get_fields().substr(0, 9)));
    client.hear();
  }
  expect_well();
}

TEST_F(Hostile, SlowLorisAndSilence) {
  start(Mode::H2, {.request_timeout = 200ms, .idle_timeout = 200ms});
  {
    RawClient silent(port);
    RawTlsClient idle = peer(), only_preface = peer(), half_frame = peer(), drip = peer();
    only_preface.say(opening());
    half_frame.say(opening() + get_request(1).substr(0, 20));
    drip.say(opening() + frame(kHeaders, kEndHeaders, 1, request_fields("POST", "/")));
    silent.hear();
    idle.hear();
    only_preface.hear();
    half_frame.hear();
    while (!drip.audible(10ms) || !drip.hear_some().empty()) {
      if (!drip.say(frame(kData, 0, 1, "x"))) break;
    }
  }
  expect_well();
}

// --- Those who read slowly, or not at all ---

TEST_F(Hostile, AStreamWithoutAWindowIsCutAndTheOthersGoOn) {
  start(Mode::H2, {.write_timeout = 100ms});
  RawTlsClient client = peer();
  client.say(opening(setting(4, 0)) + get_request(1, "/big?100") + get_request(3, "/endless") + get_request(5, "/render"));
  std::string heard = client.hear_until([](const std::string& text) {
    return std::ranges::count_if(outline(text), [](const std::string& f) { return f == "RST_STREAM 8"; }) == 3;
  });
  EXPECT_FALSE(contains(outline(heard), "DATA"));
  EXPECT_FALSE(contains(outline(heard), "GOAWAY"));
  until([&] { return handler.ledger.streams == 0; });
  EXPECT_LE(handler.ledger.pulled, 100) << "64 KiB in pieces of 1000";
  client.say(frame(kSettings, 0, 0, setting(4, 100'000)) + get_request(7, "/target"));
  heard = client.hear_until([](const std::string& text) { return text.find("/target") != text.npos; });
  EXPECT_TRUE(contains(outline(heard), "DATA"));
}

TEST_F(Hostile, AWindowOpenedByteByByteIsNoWindow) {
  start(Mode::H2, {.write_timeout = 100ms});
  RawTlsClient client = peer();
  client.say(opening(setting(4, 0)) + get_request(1, "/endless"));
  std::string heard;
  while (!contains(outline(heard), "RST_STREAM 8")) {
    ASSERT_TRUE(client.say(window_update(1, 1)));
    if (client.audible(5ms)) heard += client.hear_some();
  }
  until([&] { return handler.ledger.streams == 0; });
}

TEST_F(Hostile, ASocketThatIsReadByteByByteIsClosed) {
  start(Mode::Plain, {.write_timeout = 200ms});
  RawClient client(port, 2048);
  client.say("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
  until([&] { return handler.ledger.streams == 1; });
  // The server fills what the sockets hold; from then on a few bytes at a time.
  while (handler.ledger.streams == 1) {
    if (client.audible() && client.hear_some(100).empty()) break;
    std::this_thread::sleep_for(5ms);  // 4 kB in the time in which 16 would have to be taken
  }
  expect_well();
}

TEST_F(Hostile, LargeAnswersAreNotRenderedAllAtOnce) {
  start(Mode::H2, {.write_timeout = 1h});
  RawTlsClient client = peer();
  std::string all = opening(setting(4, 0));
  for (StreamId stream = 1; stream < 40; stream += 2) all += get_request(stream, "/render?" + std::to_string(10 << 20));
  client.say(all);
  // All are answered by the handler; no more are rendered than may wait.
  until([&] { return handler.ledger.answered == 20; });
  EXPECT_EQ(get("/target").status, 200);
  EXPECT_LE(handler.ledger.rendered, 4);
  // A reader gets them all.
  client.say(frame(kSettings, 0, 0, setting(4, 11 << 20)) + window_update(0, 0x7fff0000 - 65'535));
  std::size_t heard = 0;
  while (heard < 20u * (10 << 20)) {
    const std::string more = client.hear_some();
    ASSERT_FALSE(more.empty());
    heard += more.size();
  }
  EXPECT_EQ(handler.ledger.rendered, 20);
}

TEST_F(Hostile, LargeAnswersNobodyTakesAreGivenUpTogether) {
  start(Mode::H2, {.write_timeout = 200ms});
  std::string all = opening(setting(4, 0));
  for (StreamId stream = 1; stream < 200; stream += 2) all += get_request(stream, "/render?" + std::to_string(10 << 20));
  {
    RawTlsClient client = peer();
    client.say(all);
    client.hear_until([](const std::string& text) { return std::ranges::count(outline(text), "RST_STREAM 8") == 100; });
  }
  EXPECT_LT(handler.ledger.rendered, 100);
  expect_well();
}

TEST_F(Hostile, AnswersThatAreMadeAsTheyAreSentAreMadeAsFarAsTheyAreTaken) {
  start(Mode::H2, {.write_timeout = 1h});
  RawTlsClient client = peer();
  std::string all = opening(setting(4, 0));
  for (StreamId stream = 1; stream < 200; stream += 2) all += get_request(stream, "/made?100");
  client.say(all);
  client.hear_until([](const std::string& text) { return std::ranges::count(outline(text), "HEADERS") == 100; });
  EXPECT_EQ(get("/target").status, 200);
  EXPECT_LE(handler.ledger.made, 100 * 4) << "32 KiB in pieces of 10,000";
  client.say(frame(kSettings, 0, 0, setting(4, 2'000'000)) + window_update(0, 0x7fff0000 - 65'535));
  std::size_t heard = 0;
  while (heard < 100u * 1'000'000) {
    const std::string more = client.hear_some();
    ASSERT_FALSE(more.empty());
    heard += more.size();
  }
  EXPECT_EQ(handler.ledger.made, 100 * 100);
}

// --- Those who send slowly ---

std::string slow_request(std::string_view user, std::size_t size) {
  return fmt::format("POST /echo HTTP/1.1\r\nHost: a\r\nX-User: {}\r\nContent-Length: {}\r\n\r\nx", user, size);
}

TEST_F(Hostile, WhoHoldsItsShareOfTheRoomForBodiesHoldsUpNobodyElse) {
  IoThreads one(1);  // so that who is judged first asks first
  server = std::make_unique<HttpsServer>(
      one, handler, handler_thread,
      ServerOptions{.bind_address = "127.0.0.1", .bodies_bytes_max_of_user = 3'000'000, .body_wait = 100ms});
  port = server->port();
  RawClient slow(port), same(port), other(port);
  slow.say(slow_request("slow", 2'000'000));
  until([&] { return handler.ledger.judged == 1; });
  same.say(slow_request("slow", 2'000'000));
  other.say(slow_request("other", 2'000'000) + std::string(1'999'999, 'x'));
  EXPECT_TRUE(other.hear("200 OK").starts_with("HTTP/1.1 200 OK"));
  const std::string refused = same.hear();
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 429 Too Many Requests")) << refused;
  EXPECT_NE(refused.find("retry-after: 1"), refused.npos);
  server.reset();
}

TEST_F(Hostile, RoomComesBackWithTheAnswerToThoseWhoWait) {
  IoThreads one(1);
  server = std::make_unique<HttpsServer>(
      one, handler, handler_thread,
      ServerOptions{.bind_address = "127.0.0.1", .bodies_bytes_max_of_user = 3'000'000, .body_wait = 1h});
  port = server->port();
  RawClient slow(port), next(port);
  slow.say(slow_request("slow", 2'000'000));
  until([&] { return handler.ledger.judged == 1; });
  next.say(slow_request("slow", 2'000'000));
  until([&] { return handler.ledger.judged == 2; });
  slow.say(std::string(1'999'999, 'x'));
  EXPECT_TRUE(slow.hear("200 OK").starts_with("HTTP/1.1 200 OK"));
  next.say(std::string(1'999'999, 'x'));
  EXPECT_TRUE(next.hear("200 OK").starts_with("HTTP/1.1 200 OK"));
  server.reset();
}

TEST_F(Hostile, RoomComesBackWhateverBecomesOfABody) {
  start(Mode::H2, {.bodies_bytes_max_of_user = 1000, .body_wait = 1h});
  for (int i = 0; i < 30; ++i) {
    RawTlsClient client = peer();
    const std::string head = frame(kHeaders, kEndHeaders, 1, request_fields("POST", i % 3 == 0 ? "/hang" : "/echo"));
    client.say(opening() + head);
    const int judged = i + 1;
    until([&] { return handler.ledger.judged == judged; });
    if (i % 3 == 0) client.say(frame(kData, kEndStream, 1, "body"));
    if (i % 3 == 1) client.say(frame(kData, 0, 1, "some") + frame(kReset, 0, 1, number(8, 4)));
    if (i % 3 == 0) until([&] { return handler.ledger.handlers == 1; });
  }
  // Were any of it lost, this would wait for an hour.
  RawTlsClient client = peer();
  client.say(opening() + frame(kHeaders, kEndHeaders, 1, request_fields("POST", "/echo")));
  client.hear_until([](const std::string& text) {
    return std::ranges::any_of(window_updates(text), [](const auto& update) { return update.first == 1; });
  });
}

// A small body that does not come is a slow one, and its sender is asked for.
TEST_F(Hostile, WhoIsSlowWithLittleIsJudgedToo) {
  for (const Mode mode : {Mode::H2, Mode::Plain}) {
    SCOPED_TRACE(name_of(mode));
    serve(mode);
    const int judged = handler.ledger.judged;
    if (mode == Mode::H2) {
      RawTlsClient client = peer();
      client.say(opening() +
                 frame(kHeaders, kEndHeaders, 1, request_fields("POST", "/forbidden") + field("content-length", "9")));
      EXPECT_NE(
          client.hear_until([](const std::string& text) { return contains(outline(text), "RST_STREAM 0"); }).find("not you"),
          std::string::npos);
    } else {
      RawClient client(port);
      client.say("POST /forbidden HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
      EXPECT_TRUE(client.hear().ends_with("not you"));
    }
    EXPECT_EQ(handler.ledger.judged, judged + 1);
    server.reset();
  }
}

TEST_F(Hostile, WhoGoesWhileHeIsJudgedLeavesNothingBehind) {
  start(Mode::H2);
  const std::string head = frame(kHeaders, kEndHeaders, 1, request_fields("POST", "/judged-for-long"));
  {
    RawTlsClient client = peer();
    client.say(opening() + head);
    until([&] { return handler.ledger.handlers == 1; });
    client.say(frame(kReset, 0, 1, number(8, 4)));
    until([&] { return handler.ledger.handlers == 0; });
    client.say(frame(kHeaders, kEndHeaders, 3, request_fields("POST", "/judged-for-long")));
    until([&] { return handler.ledger.handlers == 1; });
  }
  until([&] { return handler.ledger.handlers == 0; });
  expect_well();
}

TEST_F(Hostile, HeadRequestsOfLargeAnswersLeaveNothingBehind) {
  for (const Mode mode : {Mode::H2, Mode::H1}) {
    SCOPED_TRACE(name_of(mode));
    start(mode);
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(ask({.method = "HEAD", .target = "/render?10000000"}).headers.get("content-length"), "10000000");
    }
    EXPECT_EQ(get("/render?10000000").body.size(), 10'000'000u);
    call_on(client_thread, [&] { transport.reset(); });
    server.reset();
  }
}

TEST_F(Hostile, ManyConnectionsThatSayNothing) {
  start(Mode::H2, {.request_timeout = 300ms});
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 300; ++i) silent.push_back(std::make_unique<RawClient>(port));
  EXPECT_EQ(get("/target").status, 200);
  for (auto& client : silent) EXPECT_EQ(client->hear(), "");
  expect_well();
}

}  // namespace
}  // namespace ph::net
