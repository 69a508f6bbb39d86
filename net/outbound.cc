#include "net/outbound.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <charconv>
#include <stdexcept>

#include "base/sync.h"
#include "base/within.h"
#include "net/io.h"
#include "net/outbound_client.h"
#include "net/tls_settings.h"

namespace ph::net {
namespace {

using tcp = asio::ip::tcp;

constexpr Duration kBackstop = 5s;
constexpr Duration kWatch = 10ms;             // how often a response's size is looked at
constexpr Duration kAddressesLifetime = 30s;  // of a name
constexpr std::size_t kFraming = 1 << 20;     // headers and framing beyond the body, at most

struct Url {
  bool tls = false;
  std::string host, prefix;
  std::uint16_t port = 0;

  std::string host_header() const { return port == (tls ? 443 : 80) ? host : fmt::format("{}:{}", host, port); }
};

Url parse(const std::string& text) {
  const auto bad = [&](std::string_view why) { return std::invalid_argument(fmt::format("{}: {}", text, why)); };
  Url out;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    out.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    throw bad("not an http:// or https:// address");
  }
  out.port = out.tls ? 443 : 80;
  const std::string_view authority = rest.substr(0, rest.find('/'));
  out.prefix = rest.substr(authority.size());
  while (out.prefix.ends_with('/')) out.prefix.pop_back();
  if (authority.starts_with('[')) throw bad("cpprestsdk does not connect to IPv6 addresses: give a name");
  if (authority.find('@') != authority.npos) throw bad("credentials in an address are not used");
  const auto colon = authority.find(':');
  out.host = authority.substr(0, colon);
  if (colon != authority.npos) {
    const std::string_view port = authority.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (error != std::errc() || end != port.data() + port.size() || out.port == 0) throw bad("the port is none");
  }
  if (out.host.empty()) throw bad("there is no host");
  return out;
}

// Where to connect to: an IPv4 address, or a name that has IPv6 addresses only.
struct Place {
  std::string host;
  bool ipv6 = false;
  bool operator==(const Place&) const = default;
};

struct Found {
  std::vector<Place> places;
  std::string error;
};

Found places_of(const std::string& host, const boost::system::error_code& error, const tcp::resolver::results_type& found) {
  Found out;
  if (error) out.error = error.message();
  for (const auto& entry : found) {
    const auto address = entry.endpoint().address();
    if (address.is_v4()) out.places.push_back({address.to_string(), false});
  }
  if (!error && out.places.empty()) out.places.push_back({host, true});
  return out;
}

// Looks a name up on an io thread.
Completion<Found> look_up(asio::io_context& context, const std::string& host, std::uint16_t port) {
  Completion<Found> result;
  asio::post(context, [&context, host, port, result] {
    auto resolver = std::make_shared<tcp::resolver>(context);
    resolver->async_resolve(host, std::to_string(port), [resolver, host, result](const auto& error, const auto& found) {
      result.set(places_of(host, error, found));
    });
  });
  return result;
}

// Breaks a response off that grows beyond a size. On the caller's executor.
class Watch {
 public:
  Watch(Executor& executor, OutboundClient& client, std::uint64_t most) : executor_(executor), client_(client), most_(most) {
    wait();
  }
  ~Watch() { executor_.cancel(timer_); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  bool exceeded() const { return exceeded_; }

 private:
  void wait() {
    timer_ = executor_.run_after(kWatch, [this] {
      timer_ = 0;
      exceeded_ = client_.received() > most_;
      if (exceeded_) return client_.cancel();
      wait();
    });
  }

  Executor& executor_;
  OutboundClient& client_;
  const std::uint64_t most_;
  TimerId timer_ = 0;
  bool exceeded_ = false;
};

class OutboundTransport final : public Transport {
 public:
  OutboundTransport(IoThreads& io, Executor& executor, OutboundOptions options)
      : context_(io.impl().next().context), executor_(executor), options_(std::move(options)), url_(parse(options_.url)) {
    if (options_.tls.server_name.empty()) options_.tls.server_name = url_.host;
    if (url_.tls) TlsContext::client(options_.tls);  // throws now what would fail later
    boost::system::error_code not_an_address;
    asio::ip::make_address(url_.host, not_an_address);
    if (!not_an_address) places_ = {{url_.host, false}};
    is_address_ = !places_.empty();
  }

  Task<HttpResponse> send(HttpRequest request, bool stream) override {
    PH_ASSERT(!stream);
    auto response = co_await within(options_.timeout, exchange(std::move(request)));
    if (!response) {
      throw TransportError(fmt::format("no answer from {} within {}", url_.host_header(),
                                       std::chrono::duration_cast<std::chrono::milliseconds>(options_.timeout)));
    }
    co_return std::move(*response);
  }

 private:
  // One of the connections that may be; returns it when the exchange is over.
  class Turn {
   public:
    explicit Turn(OutboundTransport& transport) : transport_(transport) { ++transport_.under_way_; }
    ~Turn() {
      --transport_.under_way_;
      transport_.free_.set();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    OutboundTransport& transport_;
  };

  // A client for one exchange: kept for the next one when it ends well, broken off when it does not.
  class Hold {
   public:
    Hold(OutboundTransport& transport, Place place)
        : transport_(transport), place_(std::move(place)), client_(transport.take_client(place_)) {}
    ~Hold() {
      if (!ended_) client_->cancel();
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    OutboundClient* operator->() const { return client_.get(); }
    OutboundClient& operator*() const { return *client_; }
    void ended(bool well) {
      ended_ = true;
      if (well) transport_.idle_.emplace_back(place_, std::move(client_));
    }

   private:
    OutboundTransport& transport_;
    const Place place_;
    std::unique_ptr<OutboundClient> client_;
    bool ended_ = false;
  };

  Task<HttpResponse> exchange(HttpRequest request) {
    while (under_way_ >= options_.connections_max) {
      free_.reset();
      co_await free_.wait();
    }
    const Turn turn(*this);
    co_await find_places();
    const std::vector<Place> places = places_;
    std::string error;
    for (const Place& place : places) {
      OutboundAnswer answer = co_await exchange_at(place, request);
      if (answer.error.empty()) co_return response_of(std::move(answer));
      error = std::move(answer.error);
      // Elsewhere only while nobody can have acted on it.
      if (answer.sent) break;
    }
    found_at_ = {};
    throw TransportError(error);
  }

  Task<void> find_places() {
    const Steady now = executor_.clock().steady();
    if (is_address_ || (!places_.empty() && found_at_ && *found_at_ + kAddressesLifetime > now)) co_return;
    const Completion<Found> looked_up = look_up(context_, url_.host, url_.port);
    Found found = co_await looked_up.get();
    if (found.places.empty()) {
      if (!places_.empty()) co_return;  // what it was last known by
      throw TransportError(fmt::format("lookup {}: {}", url_.host, found.error));
    }
    places_ = std::move(found.places);
    found_at_ = now;
    std::erase_if(idle_, [&](const auto& entry) { return std::ranges::find(places_, entry.first) == places_.end(); });
  }

  Task<OutboundAnswer> exchange_at(Place place, const HttpRequest& request) {
    Hold client(*this, std::move(place));
    const std::size_t most = options_.response_bytes_max + options_.response_per_request * request.body.size();
    Completion<OutboundAnswer> answered;
    client->send(outbound(request, most), [answered](OutboundAnswer answer) { answered.set(std::move(answer)); });
    const Watch watch(executor_, *client, 2 * most + kFraming);
    OutboundAnswer answer = co_await answered.get();
    if (watch.exceeded()) {
      answer.error = fmt::format("the response is larger than {} bytes", most);
      answer.sent = true;
    }
    client.ended(answer.error.empty());
    co_return answer;
  }

  OutboundRequest outbound(const HttpRequest& request, std::size_t most) const {
    OutboundRequest out{.method = request.method,
                        .path = url_.prefix + request.target,
                        .headers = {},
                        .body = request.body,
                        .response_bytes_max = most};
    for (const auto& [name, value] : request.headers) out.headers.emplace_back(name, value);
    if (!request.headers.has("host")) out.headers.emplace_back("Host", url_.host_header());
    if (!request.headers.has("user-agent")) out.headers.emplace_back("User-Agent", options_.user_agent);
    return out;
  }

  static HttpResponse response_of(OutboundAnswer answer) {
    HttpResponse out{.status = answer.status};
    for (auto& [name, value] : answer.headers) out.headers.add(std::move(name), std::move(value));
    if (!answer.body.empty()) out.body.push_back(share(std::move(answer.body)));
    return out;
  }

  std::unique_ptr<OutboundClient> take_client(const Place& place) {
    const auto kept = std::ranges::find_if(idle_, [&](const auto& entry) { return entry.first == place; });
    if (kept != idle_.end()) {
      auto client = std::move(kept->second);
      idle_.erase(kept);
      return client;
    }
    OutboundClient::Settings settings;
    settings.base = fmt::format("{}://{}:{}", url_.tls ? "https" : "http", place.host, url_.port);
    settings.one_address = !place.ipv6;
    settings.verify = !options_.tls.skip_verify;
    // Ours comes first, and says what happened; this one ends what nobody waits for any more.
    settings.timeout = std::chrono::duration_cast<std::chrono::microseconds>(options_.timeout + kBackstop);
    settings.configure = [tls = options_.tls](ssl_ctx_st* ctx) { apply_client_settings(ctx, tls); };
    return OutboundClient::make(std::move(settings));
  }

  asio::io_context& context_;
  Executor& executor_;
  OutboundOptions options_;
  const Url url_;
  bool is_address_ = false;
  std::vector<Place> places_;
  std::optional<Steady> found_at_;
  std::vector<std::pair<Place, std::unique_ptr<OutboundClient>>> idle_;
  int under_way_ = 0;
  Event free_;
};

}  // namespace

std::unique_ptr<Transport> outbound_transport(IoThreads& io, Executor& results_on, OutboundOptions options) {
  return std::make_unique<OutboundTransport>(io, results_on, std::move(options));
}

}  // namespace ph::net
