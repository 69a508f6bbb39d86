// cpprestsdk's half of outbound calls: its headers are included here and nowhere else.
//
// Two things are not left to it. It reads headers, and each chunk of a chunked body, whole into memory, however large: so
// the connection's socket is watched from outside, by the kernel's count of what has arrived (`Probe`). And it would check
// certificates by the Host header: so the check is OpenSSL's own, by what the context was told (`judge`).
//
// Objects of the Asio inside libcpprest are looked at here, never operated on: an operation that our own Asio puts into one of
// its loops would later run there, and not find its way.
#include "net/outbound_client.h"

#include <cpprest/http_client.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <atomic>
#include <mutex>
#include <stdexcept>

#include "net/tcp_received.h"

// Of pplx/threadpool.h, which wants names of Asio's that our settings of it do not have.
namespace crossplat {
class threadpool {
 public:
  static void initialize_with_threads(std::size_t count);
};
}  // namespace crossplat

namespace ph::net {
namespace {

using boost::asio::ip::tcp;
using web::http::http_headers, web::http::http_request, web::http::http_response;
using web::http::client::http_client, web::http::client::http_client_config;

// One: what happens to a connection then happens in order. Its Asio looks names up on another.
constexpr std::size_t kThreads = 1;

// Before anything of cpprestsdk's starts its pool, which would have forty threads.
void start_pool() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Signals are for the main thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    crossplat::threadpool::initialize_with_threads(kThreads);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  });
}

// A second descriptor of the connection's socket, from the moment the request has been sent to the end of its answer.
class Probe {
 public:
  ~Probe() { release(); }

  // On cpprestsdk's thread: the socket that the next request will use, and that it has been connected.
  void about(const tcp::socket* socket) { socket_ = socket; }
  void watch() {
    if (!socket_ || !socket_->is_open()) return;
    const int socket = const_cast<tcp::socket*>(socket_)->native_handle();
    const std::lock_guard lock(mutex_);
    if (fd_ >= 0) return;
    fd_ = ::dup(socket);
    before_ = count();
  }
  void release() {
    socket_ = nullptr;
    const std::lock_guard lock(mutex_);
    drop();
  }
  std::uint64_t received() const {
    const std::lock_guard lock(mutex_);
    return count() - before_;
  }

  // Why the server's certificate was refused; empty when it was not.
  void note_refusal(std::string why) {
    const std::lock_guard lock(mutex_);
    refusal_ = std::move(why);
  }
  std::string take_refusal() {
    const std::lock_guard lock(mutex_);
    return std::exchange(refusal_, {});
  }

 private:
  std::uint64_t count() const { return fd_ < 0 ? before_ : bytes_received(fd_).value_or(before_); }
  void drop() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    before_ = 0;
  }

  const tcp::socket* socket_ = nullptr;  // cpprestsdk's thread's
  mutable std::mutex mutex_;             // guards all below
  int fd_ = -1;
  std::uint64_t before_ = 0;
  std::string refusal_;
};

// In place of the check that cpprestsdk installs.
int judge(X509_STORE_CTX* store, void* probe) {
  X509_STORE_CTX_set_verify_cb(store, [](int good, X509_STORE_CTX*) { return good; });
  const int good = X509_verify_cert(store);
  if (good <= 0) {
    static_cast<Probe*>(probe)->note_refusal(X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
  }
  return good;
}

// The name to ask the server for is the one that its certificate is checked against.
void name_the_server(const SSL* session, int where, int) {
  if ((where & SSL_CB_HANDSHAKE_START) == 0) return;
  auto* handle = const_cast<SSL*>(session);
  if (const char* name = X509_VERIFY_PARAM_get0_host(SSL_get0_param(handle), 0)) SSL_set_tlsext_host_name(handle, name);
}

// Takes a body up to a size, and refuses the rest.
class BoundedBody final : public Concurrency::streams::details::streambuf_state_manager<std::uint8_t> {
 public:
  explicit BoundedBody(std::size_t most) : streambuf_state_manager(std::ios_base::out), most_(most) {}

  std::string text;

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  std::size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(std::size_t, std::ios_base::openmode) override {}
  std::size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return static_cast<pos_type>(text.size()); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return static_cast<pos_type>(traits::eof()); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return static_cast<pos_type>(traits::eof());
  }
  bool acquire(std::uint8_t*& data, std::size_t& size) override {
    data = nullptr;
    size = 0;
    return false;
  }
  void release(std::uint8_t*, std::size_t) override {}

  // The base's own would wait, on cpprestsdk's only thread, for what would have to run there.
  pplx::task<std::size_t> putn_nocopy(const std::uint8_t* data, std::size_t size) override { return _putn(data, size); }
  pplx::task<void> close(std::ios_base::openmode) override {
    m_stream_can_write = false;
    return pplx::task_from_result();
  }
  pplx::task<void> close(std::ios_base::openmode mode, std::exception_ptr error) override {
    if (!m_currentException) m_currentException = std::move(error);
    return close(mode);
  }

 protected:
  pplx::task<std::size_t> _putn(const std::uint8_t* data, std::size_t size) override {
    // A chunk of negative size arrives here as a very large one.
    if (size > most_ - text.size()) {
      return pplx::task_from_exception<std::size_t>(
          std::length_error("the response is larger than " + std::to_string(most_) + " bytes"));
    }
    text.append(reinterpret_cast<const char*>(data), size);
    return pplx::task_from_result(size);
  }
  pplx::task<int_type> _putc(std::uint8_t byte) override {
    return _putn(&byte, 1).then([byte](std::size_t) { return static_cast<int_type>(byte); });
  }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  // No room of its own is lent, and nothing is read from it.
  std::uint8_t* _alloc(std::size_t) override { return nullptr; }
  void _commit(std::size_t) override {}
  pplx::task<int_type> _bumpc() override { return nothing(); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return nothing(); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return nothing(); }
  pplx::task<int_type> _ungetc() override { return nothing(); }
  pplx::task<std::size_t> _getn(std::uint8_t*, std::size_t) override { return pplx::task_from_result<std::size_t>(0); }
  std::size_t _scopy(std::uint8_t*, std::size_t) override { return 0; }

 private:
  static pplx::task<int_type> nothing() { return pplx::task_from_result<int_type>(traits::eof()); }

  const std::size_t most_;
};

// What a request needs until its end.
struct Exchange {
  std::shared_ptr<Probe> probe;
  std::shared_ptr<BoundedBody> body;
  std::function<void(OutboundAnswer)> done;
  std::atomic<bool> sent = false;

  void finish(const pplx::task<http_response>& task) {
    OutboundAnswer answer;
    try {
      const http_response response = task.get();
      answer.status = response.status_code();
      for (const auto& [name, value] : response.headers()) answer.headers.emplace_back(name, value);
      answer.body = std::move(body->text);
    } catch (const std::exception& error) {
      answer.error = error.what();
    }
    if (std::string why = probe->take_refusal(); !why.empty() && !answer.error.empty()) {
      answer.error = "the server's certificate does not verify: " + why;
    }
    answer.sent = sent;
    probe->release();
    done(std::move(answer));
  }
};

class CpprestClient final : public OutboundClient {
 public:
  explicit CpprestClient(Settings settings)
      : probe_(std::make_shared<Probe>()), client_(settings.base, configuration(settings, probe_)) {}

  void send(OutboundRequest request, std::function<void(OutboundAnswer)> done) override {
    auto exchange = std::make_shared<Exchange>();
    exchange->probe = probe_;
    exchange->body = std::make_shared<BoundedBody>(request.response_bytes_max);
    exchange->done = std::move(done);
    pplx::task<http_response> answer;
    {
      const std::lock_guard lock(mutex_);
      cancel_ = pplx::cancellation_token_source();
    }
    try {
      answer = client_.request(message(std::move(request), exchange), cancel_.get_token());
    } catch (...) {
      answer = pplx::task_from_exception<http_response>(std::current_exception());
    }
    answer.then([](const http_response& response) { return response.content_ready(); })
        .then([exchange](const pplx::task<http_response>& whole) { exchange->finish(whole); });
  }

  void cancel() override {
    pplx::cancellation_token_source source;
    {
      const std::lock_guard lock(mutex_);
      source = cancel_;
    }
    pplx::create_task([source] { source.cancel(); });
  }

  std::uint64_t received() const override { return probe_->received(); }

 private:
  static http_client_config configuration(const Settings& settings, const std::shared_ptr<Probe>& probe) {
    http_client_config config;
    config.set_max_redirects(0);
    config.set_timeout(settings.timeout);
    config.set_validate_certificates(settings.verify);
    config.set_tlsext_sni_enabled(false);  // it would name the address
    const bool tls = settings.base.starts_with("https:");
    // Called for each request, and again when it is sent anew over another connection.
    config.set_nativehandle_options([probe, tls, known = settings.one_address](web::http::client::native_handle handle) {
      probe->release();
      // Where there are several addresses the connection is replaced behind our back when the first cannot be reached.
      if (!known) return;
      probe->about(tls ? &static_cast<boost::asio::ssl::stream<tcp::socket&>*>(handle)->next_layer()
                       : static_cast<tcp::socket*>(handle));
    });
    // The configuration, and with it the probe, lives as long as its connections.
    config.set_ssl_context_callback(
        [probe, configure = settings.configure, verify = settings.verify](boost::asio::ssl::context& context) {
          SSL_CTX* const ctx = context.native_handle();
          configure(ctx);
          if (verify) SSL_CTX_set_cert_verify_callback(ctx, judge, probe.get());
          SSL_CTX_set_info_callback(ctx, name_the_server);
        });
    return config;
  }

  static http_request message(OutboundRequest request, const std::shared_ptr<Exchange>& exchange) {
    http_request out(request.method);
    out.set_request_uri(web::uri(request.path));
    std::string content_type = "application/octet-stream";
    for (const auto& [name, value] : request.headers) {
      if (utility::details::str_iequal(name, "content-type")) {
        content_type = value;
      } else {
        out.headers().add(name, value);
      }
    }
    if (!request.body.empty()) out.set_body(std::move(request.body), content_type);
    out.set_response_stream(Concurrency::streams::ostream(Concurrency::streams::streambuf<std::uint8_t>(exchange->body)));
    out.set_progress_handler([exchange](web::http::message_direction::direction direction, utility::size64_t) {
      if (direction != web::http::message_direction::upload) return;
      exchange->sent = true;
      exchange->probe->watch();
    });
    return out;
  }

  const std::shared_ptr<Probe> probe_;
  http_client client_;
  std::mutex mutex_;
  pplx::cancellation_token_source cancel_;
};

}  // namespace

std::unique_ptr<OutboundClient> OutboundClient::make(Settings settings) {
  start_pool();
  return std::make_unique<CpprestClient>(std::move(settings));
}

}  // namespace ph::net
