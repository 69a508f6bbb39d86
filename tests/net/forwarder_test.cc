// The forwarder over real sockets of the loopback interface: echoing backends, clients, what is bounded and what is given back.
#include "net/forwarder.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <thread>

namespace ph::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// A blocking socket of 127.0.0.1, closed at the end. Reads wait for ten seconds at most.
class Socket {
 public:
  explicit Socket(int type) : fd_(::socket(AF_INET, type, 0)) {}
  explicit Socket(int fd, std::nullptr_t) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }

  std::uint16_t bind(std::uint16_t port = 0) {
    sockaddr_in at = address(port);
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) return 0;
    socklen_t size = sizeof at;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    return ntohs(at.sin_port);
  }
  bool connect(std::uint16_t port) {
    sockaddr_in at = address(port);
    return ::connect(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
  }
  void send(const std::string& text) { ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }
  // What comes next; empty: the end. Nothing: nothing has come in that time.
  std::optional<std::string> read(std::chrono::milliseconds most = 10s) {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(most.count())) <= 0) return std::nullopt;
    char bytes[64 * 1024];
    const auto size = ::recv(fd_, bytes, sizeof bytes, 0);
    return std::string(bytes, size > 0 ? static_cast<std::size_t>(size) : 0);
  }
  std::string read_all() {
    std::string out;
    for (auto piece = read(); piece && !piece->empty(); piece = read()) out += *piece;
    return out;
  }
  int fd() const { return fd_; }

 private:
  static sockaddr_in address(std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return out;
  }
  int fd_;
};

// Says its name, and when its client has sent all, all that it has sent.
class TcpBackend {
 public:
  explicit TcpBackend(std::string name) : name_(std::move(name)), listener_(SOCK_STREAM) {
    port_ = listener_.bind();
    ::listen(listener_.fd(), 16);
    thread_ = std::thread([this] {
      for (;;) {
        const int fd = ::accept(listener_.fd(), nullptr, nullptr);
        if (fd < 0 || ends_) return void(fd >= 0 && ::close(fd));
        serving_.emplace_back([this, fd] {
          Socket client(fd, nullptr);
          client.send(name_ + ":");
          client.send(client.read_all());
        });
      }
    });
  }
  ~TcpBackend() {
    ends_ = true;
    Socket(SOCK_STREAM).connect(port_);
    thread_.join();
    for (std::thread& each : serving_) each.join();
  }
  Backend at() const { return {"127.0.0.1", port_}; }

 private:
  const std::string name_;
  Socket listener_;
  std::uint16_t port_;
  std::atomic<bool> ends_ = false;
  std::vector<std::thread> serving_;
  std::thread thread_;
};

std::uint16_t unused_port() { return Socket(SOCK_STREAM).bind(); }

class ForwarderTest : public testing::Test {
 protected:
  Forwarder& forwarder(ForwardLimits limits = {}) { return forwarder_.emplace(io_, limits, Log()); }
  static ForwardedPort tcp(std::vector<Backend> backends) { return {.address = "127.0.0.1", .backends = std::move(backends)}; }
  static ForwardedPort udp(std::vector<Backend> backends) {
    return {.protocol = ForwardedPort::Protocol::Udp, .address = "127.0.0.1", .backends = std::move(backends)};
  }
  static std::string ask(const Forwarder::Port& port, const std::string& text = "x") {
    Socket client(SOCK_STREAM);
    if (!client.connect(port.number())) return "refused";
    client.send(text);
    client.end_sending();
    return client.read_all();
  }
  // Waits for what another thread does.
  static bool in_the_end(const std::function<bool()>& holds) {
    for (int i = 0; i < 1000 && !holds(); ++i) ::poll(nullptr, 0, 10);
    return holds();
  }

  IoThreads io_{2};
  std::optional<Forwarder> forwarder_;
};

TEST_F(ForwarderTest, CarriesBothWaysAndTellsEachSideOfTheOthersEnd) {
  TcpBackend backend("a");
  const auto port = forwarder().open(tcp({backend.at()}));
  // More than all buffers hold together: it arrives whole, and after the client has said that it has sent all.
  const std::string text(8 * 1024 * 1024, 'y');
  Socket client(SOCK_STREAM);
  ASSERT_TRUE(client.connect(port->number()));
  std::thread sends([&] {
    client.send(text);
    client.end_sending();
  });
  const std::string answer = client.read_all();
  sends.join();
  EXPECT_EQ(answer.size(), text.size() + 2);
  EXPECT_TRUE(answer.starts_with("a:y"));
  EXPECT_TRUE(in_the_end([&] { return forwarder_->connections() == 0; }));
}

TEST_F(ForwarderTest, TakesTurnsAndPassesOverWhoCannotBeReached) {
  TcpBackend a("a"), b("b");
  const auto port = forwarder().open(tcp({a.at(), {"127.0.0.1", unused_port()}, b.at()}));
  std::map<std::string, int> answers;
  for (int i = 0; i < 6; ++i) ++answers[ask(*port)];
  EXPECT_EQ(answers["a:x"], 2);
  EXPECT_EQ(answers["b:x"], 4) << "the turns of the one in between";
}

TEST_F(ForwarderTest, AClientStaysWithItsBackend) {
  TcpBackend a("a"), b("b");
  ForwardedPort wanted = tcp({a.at(), b.at()});
  wanted.sticky_for = 1h;
  const auto port = forwarder().open(wanted);
  const std::string first = ask(*port);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(*port), first);
  wanted.backends = {first == "a:x" ? b.at() : a.at()};
  port->change(wanted);
  EXPECT_NE(ask(*port), first) << "its backend is gone";
}

TEST_F(ForwarderTest, WhoMaySend) {
  TcpBackend a("a");
  struct Case {
    std::vector<std::string> ranges;
    const char* answer;
  };
  const Case cases[] = {{{"127.0.0.0/8"}, "a:x"}, {{"10.0.0.0/8", "127.0.0.1/32"}, "a:x"},
                        {{"127.0.0.2/32"}, ""},   {{"::/0"}, ""},
                        {{"0.0.0.0/0"}, "a:x"},   {{"126.0.0.0/7"}, "a:x"}};
  for (const Case& c : cases) {
    ForwardedPort wanted = tcp({a.at()});
    wanted.source_ranges = c.ranges;
    EXPECT_EQ(ask(*forwarder().open(wanted)), c.answer) << c.ranges.front();
  }
}

TEST_F(ForwarderTest, BackendsAreExchangedWhileConnectionsGoOn) {
  TcpBackend a("a"), b("b");
  const auto port = forwarder().open(tcp({a.at()}));
  Socket client(SOCK_STREAM);
  ASSERT_TRUE(client.connect(port->number()));
  EXPECT_EQ(client.read(), "a:");
  port->change(tcp({b.at()}));
  EXPECT_EQ(ask(*port), "b:x");
  client.send("still");
  client.end_sending();
  EXPECT_EQ(client.read_all(), "still");
  port->change(tcp({}));
  EXPECT_EQ(ask(*port), "") << "nobody is behind it";
}

TEST_F(ForwarderTest, NoMoreConnectionsThanItMayHave) {
  TcpBackend a("a");
  const auto port = forwarder({.connections_max = 2}).open(tcp({a.at()}));
  {
    Socket first(SOCK_STREAM), second(SOCK_STREAM);
    ASSERT_TRUE(first.connect(port->number()) && second.connect(port->number()));
    EXPECT_EQ(first.read(), "a:");
    EXPECT_EQ(second.read(), "a:");
    EXPECT_EQ(ask(*port), "");
  }
  EXPECT_TRUE(in_the_end([&] { return ask(*port) == "a:x"; })) << "their places are free again";
}

TEST_F(ForwarderTest, AConnectionWithoutAByteEnds) {
  TcpBackend a("a");
  const auto port = forwarder({.tcp_idle_timeout = 50ms}).open(tcp({a.at()}));
  Socket client(SOCK_STREAM);
  ASSERT_TRUE(client.connect(port->number()));
  EXPECT_EQ(client.read_all(), "a:");
}

TEST_F(ForwarderTest, APortThatIsDroppedIsFreeAndItsConnectionsAreCut) {
  TcpBackend a("a");
  auto port = forwarder().open(tcp({a.at()}));
  Socket client(SOCK_STREAM);
  ASSERT_TRUE(client.connect(port->number()));
  EXPECT_EQ(client.read(), "a:");
  ForwardedPort again = tcp({a.at()});
  again.port = port->number();
  try {
    forwarder_->open(again);
    ADD_FAILURE() << "it was opened twice";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the address is already in use"));
  }
  port.reset();
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(in_the_end([&] { return forwarder_->connections() == 0; }));
  EXPECT_EQ(ask(*forwarder_->open(again)), "a:x");
}

TEST_F(ForwarderTest, RefusesWhatIsNoAddress) {
  EXPECT_THROW(forwarder().open({.address = "here"}), std::runtime_error);
  EXPECT_THROW(forwarder().open({.address = "192.0.2.1", .port = 1234}), std::runtime_error) << "not of this machine";
  EXPECT_THROW(forwarder().open(tcp({{"there", 80}})), std::runtime_error);
  ForwardedPort wanted = tcp({});
  wanted.source_ranges = {"10.0.0.0/33"};
  EXPECT_THROW(forwarder().open(wanted), std::runtime_error);
}

TEST_F(ForwarderTest, EachClientOfUdpHasASessionThatExpires) {
  Socket backend(SOCK_DGRAM);
  const std::uint16_t at = backend.bind();
  const auto port = forwarder({.udp_sessions_max = 2, .udp_idle_timeout = 100ms}).open(udp({{"127.0.0.1", at}}));
  const auto answer = [&] {
    sockaddr_in from{};
    socklen_t size = sizeof from;
    char bytes[100];
    pollfd waiting{backend.fd(), POLLIN, 0};
    if (::poll(&waiting, 1, 200) <= 0) return false;
    const auto got = ::recvfrom(backend.fd(), bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &size);
    ::sendto(backend.fd(), bytes, static_cast<std::size_t>(got), 0, reinterpret_cast<sockaddr*>(&from), size);
    return true;
  };
  Socket first(SOCK_DGRAM), second(SOCK_DGRAM);
  ASSERT_TRUE(first.connect(port->number()) && second.connect(port->number()));
  first.send("one");
  ASSERT_TRUE(answer());
  second.send("two");
  ASSERT_TRUE(answer());
  EXPECT_EQ(first.read(), "one");
  EXPECT_EQ(second.read(), "two");
  // Whoever comes when both places are taken is heard when one is left.
  Socket third(SOCK_DGRAM);
  ASSERT_TRUE(third.connect(port->number()));
  EXPECT_TRUE(in_the_end([&] { return third.send("three"), answer(); }));
  EXPECT_EQ(third.read(), "three");
}

}  // namespace
}  // namespace ph::net
