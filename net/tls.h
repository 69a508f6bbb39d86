// TLS as a state machine: bytes in, bytes out, no sockets.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "base/transport.h"

namespace ph::net {

struct TlsServerOptions {
  std::string cert_pem;  // the chain, leaf first
  std::string key_pem;
  std::string client_ca_pem;  // client certificates are asked for, and judged by these; empty: not asked for
  bool tls13_only = false;    // else 1.2 or 1.3
  std::string proxy_ca_pem;   // the same of a front proxy's certificates; empty: none is believed
};

struct TlsClientOptions {
  std::string ca_pem;       // empty: the machine's roots
  std::string server_name;  // a DNS name or an IP address, checked against the certificate
  std::string cert_pem;     // empty: no client certificate
  std::string key_pem;
  bool skip_verify = false;
  bool http2 = true;  // offer h2 before http/1.1
};

// Certificates and settings that connections share. Immutable. Threads: any.
class TlsContext {
 public:
  // Throw std::runtime_error when a certificate or key cannot be read or do not belong together.
  static std::shared_ptr<const TlsContext> server(const TlsServerOptions& options);
  static std::shared_ptr<const TlsContext> client(const TlsClientOptions& options);
  ~TlsContext();

 private:
  friend class TlsSession;
  TlsContext();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One connection's half of TLS 1.2 or 1.3. Belongs to one thread.
class TlsSession {
 public:
  // `now` is the time by which certificates are judged.
  TlsSession(std::shared_ptr<const TlsContext> context, Time now);
  ~TlsSession();

  // Takes ciphertext, and goes on with the handshake; then `read` until it gives 0. False: the connection has failed and
  // `error` says why; what `output` holds (an alert) is still to be sent.
  bool receive(std::string_view ciphertext);
  // Decrypts; 0 when there is nothing now, or the session failed.
  std::size_t read(std::span<char> out);
  // Encrypts. Only when `open`.
  void write(std::string_view plaintext);
  // Says goodbye.
  void close();

  bool open() const { return open_; }
  // The peer has said goodbye.
  bool ended() const { return ended_; }
  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }
  // The protocol that was agreed on; empty when none was.
  std::string_view alpn() const;

  // A server's view of the client's certificate; call when `open`.
  struct ClientCertificate {
    std::optional<Identity> identity;  // when it verifies
    bool refused = false;              // presented, but does not verify
    std::string why;                   // it was refused
    Time expires = Time::max();
    std::optional<std::string> proxy;  // the common name, when it verifies as a front proxy's
  };
  ClientCertificate client_certificate() const;

  // Ciphertext to be sent. The caller takes it out as it is sent.
  std::string& output() { return output_; }

 private:
  friend class TlsContext;
  struct Io;
  bool handshake();
  void fail(int code);

  std::shared_ptr<const TlsContext> context_;
  std::string_view input_;
  std::string output_;
  std::string error_;
  bool open_ = false;
  bool ended_ = false;
  std::unique_ptr<Io> io_;
};

}  // namespace ph::net
