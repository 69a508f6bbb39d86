#include "net/tls.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

#include "net/openssl.h"
#include "net/tls_settings.h"
#include "net/x509.h"

namespace ph::net {
namespace {

using ssl::check;

using Ctx = std::unique_ptr<SSL_CTX, ssl::Deleter<SSL_CTX_free>>;
using Store = std::unique_ptr<X509_STORE, ssl::Deleter<X509_STORE_free>>;
using Judge = std::unique_ptr<X509_STORE_CTX, ssl::Deleter<X509_STORE_CTX_free>>;

constexpr unsigned char kBothProtocols[] = "\x02h2\x08http/1.1";
constexpr unsigned char kHttp1Only[] = "\x08http/1.1";

// The server's choice: h2 before http/1.1, and neither if the client knows neither.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kBothProtocols, sizeof kBothProtocols - 1, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

void use_certificate(SSL_CTX* ctx, std::string_view cert_pem, std::string_view key_pem) {
  const ssl::Bio bio = ssl::reader(cert_pem);
  const ssl::Cert leaf(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  check(leaf && SSL_CTX_use_certificate(ctx, leaf.get()) == 1, "cannot read the certificate");
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    check(SSL_CTX_add0_chain_cert(ctx, next) == 1, "cannot use the certificate's chain");
  }
  ERR_clear_error();  // the end of the file
  const ssl::Key key = ssl::read_private_key(key_pem);
  check(SSL_CTX_use_PrivateKey(ctx, key.get()) == 1 && SSL_CTX_check_private_key(ctx) == 1,
        "the private key does not belong to the certificate");
}

// `announced_in`: clients are told there whose certificates are looked for; null: they are not.
void trust(X509_STORE* store, std::string_view ca_pem, SSL_CTX* announced_in) {
  const ssl::Bio bio = ssl::reader(ca_pem);
  int count = 0;
  while (const ssl::Cert cert{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    check(X509_STORE_add_cert(store, cert.get()) == 1, "cannot use a CA certificate");
    if (announced_in) check(SSL_CTX_add_client_CA(announced_in, cert.get()) == 1, "cannot use a CA certificate");
    ++count;
  }
  if (count == 0) ssl::fail("no CA certificate found");
  ERR_clear_error();
}

Ctx make_context(const SSL_METHOD* method) {
  Ctx ctx(SSL_CTX_new(method));
  check(ctx != nullptr, "cannot set TLS up");
  SSL_CTX_set_min_proto_version(ctx.get(), TLS1_2_VERSION);
  // For TLS 1.2 only what HTTP/2 allows.
  SSL_CTX_set_cipher_list(ctx.get(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_options(ctx.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  // A resumed session would carry an old verdict on the client's certificate.
  SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ctx.get(), 0);
  SSL_CTX_set_mode(ctx.get(), SSL_MODE_RELEASE_BUFFERS);
  return ctx;
}

bool is_ip(const std::string& name) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, name.c_str(), bytes) == 1 || inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

}  // namespace

struct TlsContext::Impl {
  Ctx ctx;
  bool is_server = false;
  bool verifies = true;
  std::string server_name;
  Store proxies;  // whose certificates are a front proxy's; null: nobody's
};

TlsContext::TlsContext() : impl_(std::make_unique<Impl>()) {}
TlsContext::~TlsContext() = default;

void apply_client_settings(SSL_CTX* ctx, const TlsClientOptions& options) {
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  if (!options.cert_pem.empty()) use_certificate(ctx, options.cert_pem, options.key_pem);
  if (!options.ca_pem.empty() && !options.skip_verify) {
    SSL_CTX_set_cert_store(ctx, X509_STORE_new());  // without the machine's roots
    trust(SSL_CTX_get_cert_store(ctx), options.ca_pem, nullptr);
  }
  X509_VERIFY_PARAM* const judged_by = SSL_CTX_get0_param(ctx);
  const std::string& name = options.server_name;
  const bool set = is_ip(name) ? X509_VERIFY_PARAM_set1_ip_asc(judged_by, name.c_str()) == 1
                               : X509_VERIFY_PARAM_set1_host(judged_by, name.c_str(), name.size()) == 1;
  check(set, "cannot use the server's name");
}

// OpenSSL's view of the wire: it reads from `input_` and appends to `output_`.
struct TlsSession::Io {
  std::unique_ptr<SSL, ssl::Deleter<SSL_free>> handle;
  std::string peer_refused;  // why the client's certificate does not verify; empty: it does

  static int read(BIO* bio, char* out, int size);
  static int write(BIO* bio, const char* data, int size);
  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
  static BIO_METHOD* method();

  // A bad client certificate does not end the handshake: requests on such a connection are answered 401. The first verdict is
  // noted here because OpenSSL's own keeps only the last of several.
  static int judge_client(int good, X509_STORE_CTX* store) {
    auto* handle = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto& why = static_cast<Io*>(SSL_get_app_data(handle))->peer_refused;
    if (!good && why.empty()) why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
    return 1;
  }
};

std::shared_ptr<const TlsContext> TlsContext::server(const TlsServerOptions& options) {
  std::shared_ptr<TlsContext> context(new TlsContext());
  auto& ctx = context->impl_->ctx = make_context(TLS_server_method());
  if (options.tls13_only) SSL_CTX_set_min_proto_version(ctx.get(), TLS1_3_VERSION);
  context->impl_->is_server = true;
  use_certificate(ctx.get(), options.cert_pem, options.key_pem);
  SSL_CTX_set_alpn_select_cb(ctx.get(), choose_protocol, nullptr);
  if (!options.client_ca_pem.empty()) trust(SSL_CTX_get_cert_store(ctx.get()), options.client_ca_pem, ctx.get());
  if (!options.proxy_ca_pem.empty()) {
    context->impl_->proxies.reset(X509_STORE_new());
    trust(context->impl_->proxies.get(), options.proxy_ca_pem, ctx.get());
  }
  if (!options.client_ca_pem.empty() || !options.proxy_ca_pem.empty()) {
    // Each certificate of the file is trusted for what it has signed, an intermediate authority's too.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx.get()), X509_V_FLAG_PARTIAL_CHAIN);
    SSL_CTX_set_verify(ctx.get(), SSL_VERIFY_PEER, TlsSession::Io::judge_client);
  }
  return context;
}

std::shared_ptr<const TlsContext> TlsContext::client(const TlsClientOptions& options) {
  std::shared_ptr<TlsContext> context(new TlsContext());
  auto& ctx = context->impl_->ctx = make_context(TLS_client_method());
  context->impl_->verifies = !options.skip_verify;
  context->impl_->server_name = options.server_name;
  if (!options.cert_pem.empty()) use_certificate(ctx.get(), options.cert_pem, options.key_pem);
  if (!options.skip_verify) {
    SSL_CTX_set_verify(ctx.get(), SSL_VERIFY_PEER, nullptr);
    if (options.ca_pem.empty()) {
      check(SSL_CTX_set_default_verify_paths(ctx.get()) == 1, "cannot read the machine's CA certificates");
    } else {
      trust(SSL_CTX_get_cert_store(ctx.get()), options.ca_pem, nullptr);
    }
  }
  const auto* protocols = options.http2 ? kBothProtocols : kHttp1Only;
  const auto size = (options.http2 ? sizeof kBothProtocols : sizeof kHttp1Only) - 1;
  check(SSL_CTX_set_alpn_protos(ctx.get(), protocols, static_cast<unsigned>(size)) == 0, "cannot offer protocols");
  return context;
}

int TlsSession::Io::read(BIO* bio, char* out, int size) {
  auto* session = static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const std::size_t count = std::min(session->input_.size(), static_cast<std::size_t>(size));
  if (count == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  std::memcpy(out, session->input_.data(), count);
  session->input_.remove_prefix(count);
  return static_cast<int>(count);
}

int TlsSession::Io::write(BIO* bio, const char* data, int size) {
  static_cast<TlsSession*>(BIO_get_data(bio))->output_.append(data, static_cast<std::size_t>(size));
  return size;
}

BIO_METHOD* TlsSession::Io::method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "memory of a session");
    BIO_meth_set_read(made, read);
    BIO_meth_set_write(made, write);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return method;
}

TlsSession::TlsSession(std::shared_ptr<const TlsContext> context, Time now)
    : context_(std::move(context)), io_(std::make_unique<Io>()) {
  const auto& settings = *context_->impl_;
  io_->handle.reset(SSL_new(settings.ctx.get()));
  SSL* handle = io_->handle.get();
  check(handle != nullptr, "cannot begin a TLS session");
  BIO* bio = BIO_new(Io::method());
  check(bio != nullptr, "cannot begin a TLS session");
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(handle, bio, bio);
  SSL_set_app_data(handle, io_.get());
  X509_VERIFY_PARAM_set_time(SSL_get0_param(handle), std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  if (settings.is_server) {
    SSL_set_accept_state(handle);
    return;
  }
  SSL_set_connect_state(handle);
  if (settings.server_name.empty()) return;
  if (is_ip(settings.server_name)) {
    if (settings.verifies) X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), settings.server_name.c_str());
    return;
  }
  SSL_set_tlsext_host_name(handle, settings.server_name.c_str());
  if (settings.verifies) SSL_set1_host(handle, settings.server_name.c_str());
}

TlsSession::~TlsSession() = default;

bool TlsSession::receive(std::string_view ciphertext) {
  if (failed()) return false;
  input_ = ciphertext;
  return open_ || handshake();
}

bool TlsSession::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(io_->handle.get());
  if (result == 1) {
    open_ = true;
    return true;
  }
  const int code = SSL_get_error(io_->handle.get(), result);
  if (code == SSL_ERROR_WANT_READ) return true;
  fail(code);
  return false;
}

std::size_t TlsSession::read(std::span<char> out) {
  if (!open_ || failed()) return 0;
  ERR_clear_error();
  std::size_t total = 0;
  while (total < out.size()) {
    const int result = SSL_read(io_->handle.get(), out.data() + total, static_cast<int>(out.size() - total));
    if (result > 0) {
      total += static_cast<std::size_t>(result);
      continue;
    }
    const int code = SSL_get_error(io_->handle.get(), result);
    if (code == SSL_ERROR_ZERO_RETURN) {
      ended_ = true;
    } else if (code != SSL_ERROR_WANT_READ) {
      fail(code);
    }
    break;
  }
  return total;
}

void TlsSession::write(std::string_view plaintext) {
  PH_ASSERT(open_);
  if (failed() || plaintext.empty()) return;
  ERR_clear_error();
  const int result = SSL_write(io_->handle.get(), plaintext.data(), static_cast<int>(plaintext.size()));
  if (result <= 0) fail(SSL_get_error(io_->handle.get(), result));
}

void TlsSession::close() {
  if (!open_ || failed()) return;
  ERR_clear_error();
  SSL_shutdown(io_->handle.get());
  ERR_clear_error();
}

void TlsSession::fail(int code) {
  const long verdict = SSL_get_verify_result(io_->handle.get());
  if (!open_ && verdict != X509_V_OK && context_->impl_->verifies && !context_->impl_->is_server) {
    error_ = std::string("the server's certificate does not verify: ") + X509_verify_cert_error_string(verdict);
    ERR_clear_error();
    return;
  }
  error_ = code == SSL_ERROR_SSL ? "TLS: " + ssl::take_errors() : "TLS: the connection broke";
}

std::string_view TlsSession::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(io_->handle.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

namespace {

// Whether the client's certificate, with what it has sent besides, is a good one by these authorities at the session's time.
bool is_of(X509_STORE* authorities, SSL* handle, X509* cert) {
  const Judge judge(X509_STORE_CTX_new());
  bool good = judge && X509_STORE_CTX_init(judge.get(), authorities, cert, SSL_get_peer_cert_chain(handle)) == 1 &&
              X509_STORE_CTX_set_default(judge.get(), "ssl_client") == 1;
  if (good) {
    X509_VERIFY_PARAM* const by = X509_STORE_CTX_get0_param(judge.get());
    X509_VERIFY_PARAM_set_flags(by, X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_time(by, X509_VERIFY_PARAM_get_time(SSL_get0_param(handle)));
    good = X509_verify_cert(judge.get()) == 1;
  }
  ERR_clear_error();
  return good;
}

}  // namespace

TlsSession::ClientCertificate TlsSession::client_certificate() const {
  ClientCertificate result;
  X509* cert = SSL_get0_peer_certificate(io_->handle.get());
  if (!cert) return result;
  result.why = io_->peer_refused;
  if (const long verdict = SSL_get_verify_result(io_->handle.get()); result.why.empty() && verdict != X509_V_OK) {
    result.why = X509_verify_cert_error_string(verdict);
  }
  try {
    CertificateInfo info = ssl::inspect(cert);
    result.expires = info.not_after;
    X509_STORE* const proxies = context_->impl_->proxies.get();
    if (proxies && is_of(proxies, io_->handle.get(), cert)) result.proxy = info.common_name;
    // A good certificate without a name is nobody's.
    if (result.why.empty() && !info.common_name.empty()) {
      result.identity = Identity{.name = std::move(info.common_name),
                                 .uid = std::move(info.user_uid),
                                 .groups = std::move(info.organizations),
                                 .extra = {{"authentication.kubernetes.io/credential-id", {"X509SHA256=" + info.sha256_hex}}}};
    }
  } catch (const std::exception& error) {
    if (result.why.empty()) result.why = error.what();
  }
  result.refused = !result.why.empty();
  return result;
}

}  // namespace ph::net
