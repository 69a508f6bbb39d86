// Who may talk to whom: certificates of both sides, and what becomes of them.
#include "tests/net/fixture.h"

namespace ph::net {
namespace {

using namespace testing;

class Tls : public NetTest {
 public:
  // What the server makes of a client with this certificate; a connection of its own for each.
  std::string peer_with(const Credential& credential, Mode mode = Mode::H2) {
    ClientOptions options = client_options(mode);
    options.tls.cert_pem = credential.cert_pem;
    options.tls.key_pem = credential.key_pem;
    connect(options);
    return get("/peer").body;
  }
  std::string error_of(const ClientOptions& options) {
    connect(options);
    try {
      get("/target");
    } catch (const TransportError& e) {
      return e.what();
    }
    return "";
  }
  const Certificates& certificates = Certificates::get();
};

TEST_F(Tls, ClientCertificatesSayWhoTheClientIs) {
  start(Mode::H2);
  EXPECT_EQ(get("/peer").body, "nobody");
  EXPECT_EQ(peer_with(certificates.client), "alice dev ops");
  EXPECT_EQ(peer_with(certificates.client, Mode::H1), "alice dev ops");
}

TEST_F(Tls, ABadClientCertificateIsNobodysAndSaysSo) {
  serve(Mode::H2);
  struct Case {
    const char* name;
    const Credential& shown;
    const char* why;
  };
  const Case cases[] = {
      {"of another authority", certificates.foreign_client, "unable to get local issuer certificate"},
      {"expired", certificates.expired_client, "certificate has expired"},
      {"not yet valid", certificates.early_client, "certificate is not yet valid"},
      {"not made for clients", certificates.server, "unsuitable certificate purpose"},
      {"an authority's own", certificates.other_ca, "self-signed certificate"},
  };
  for (const Case& c : cases) {
    for (const Mode mode : {Mode::H2, Mode::H1}) {
      SCOPED_TRACE(std::string(c.name) + ", " + name_of(mode));
      EXPECT_EQ(peer_with(c.shown, mode), "refused");
      EXPECT_EQ(get("/peer").body, "refused");
      const auto said = take_errors();
      ASSERT_EQ(said.size(), 1u) << "one line a connection";
      EXPECT_NE(said[0].find("Unable to authenticate the request"), std::string::npos) << said[0];
      EXPECT_NE(said[0].find(std::string("certificate: ") + c.why), std::string::npos) << said[0];
    }
  }
}

TEST_F(Tls, AGoodCertificateWithoutANameIsNobodys) {
  serve(Mode::H2);
  EXPECT_EQ(peer_with(certificates.nameless_client), "nobody");
  EXPECT_EQ(take_errors(), std::vector<std::string>());
}

TEST_F(Tls, ACertificateThatExpiresWhileItsConnectionLivesIsRefused) {
  SystemClock now;
  SystemRng rng;
  const auto brief = issue_client_certificate(certificates.ca, "brief", {}, {now, rng, 2s});
  serve(Mode::H2);
  EXPECT_EQ(peer_with(brief), "brief");
  const auto end = inspect_certificate(brief.cert_pem).not_after;
  while (now.now() <= end) std::this_thread::sleep_for(50ms);
  EXPECT_EQ(take_errors(), std::vector<std::string>());
  EXPECT_EQ(get("/peer").body, "refused");
  EXPECT_EQ(get("/peer").body, "refused");
  EXPECT_EQ(take_errors().size(), 1u) << "told once";
  EXPECT_EQ(server->connections(), 1u);
}

TEST_F(Tls, TheServersCertificateIsJudged) {
  serve(Mode::H2);
  ClientOptions options = client_options(Mode::H2);
  EXPECT_EQ(error_of(options), "");
  options.tls.server_name = "localhost";
  EXPECT_EQ(error_of(options), "");
  options.tls.server_name = "elsewhere";
  EXPECT_NE(error_of(options).find("does not verify: hostname mismatch"), std::string::npos) << error_of(options);
  options.tls.server_name = "127.0.0.2";
  EXPECT_NE(error_of(options).find("does not verify: IP address mismatch"), std::string::npos) << error_of(options);
  options = client_options(Mode::H2);
  options.tls.ca_pem = certificates.other_ca.cert_pem;
  EXPECT_NE(error_of(options).find("does not verify"), std::string::npos) << error_of(options);
  options.tls.skip_verify = true;
  EXPECT_EQ(error_of(options), "");
}

TEST_F(Tls, NamesAreResolved) {
  serve(Mode::H2);
  ClientOptions options = client_options(Mode::H2);
  options.host = "localhost";
  EXPECT_EQ(error_of(options), "");
  options.host = "no-such-host.invalid";
  EXPECT_NE(error_of(options).find("cannot connect to no-such-host.invalid"), std::string::npos);
}

TEST_F(Tls, ANewCertificateServesNewConnections) {
  start(Mode::H2);
  EXPECT_EQ(get("/target").status, 200);
  SystemClock now;
  SystemRng rng;
  const auto renewed =
      issue_server_certificate(certificates.other_ca, {.common_name = "server", .ip_addresses = {"127.0.0.1"}}, {now, rng});
  server->set_certificate({.cert_pem = renewed.cert_pem, .key_pem = renewed.key_pem});
  EXPECT_EQ(get("/target").status, 200) << "the old connection goes on";
  ClientOptions options = client_options(Mode::H2);
  EXPECT_NE(error_of(options), "");
  options.tls.ca_pem = certificates.other_ca.cert_pem;
  EXPECT_EQ(error_of(options), "");
  EXPECT_THROW(server->set_certificate({.cert_pem = renewed.cert_pem, .key_pem = certificates.server.key_pem}),
               std::runtime_error);
}

TEST_F(Tls, ProtocolsThatDoNotMeet) {
  serve(Mode::H2);
  EXPECT_NE(error_of(client_options(Mode::Plain)), "") << "plain text to a TLS port";
  server.reset();
  serve(Mode::Plain);
  EXPECT_NE(error_of(client_options(Mode::H2)), "") << "TLS to a plain port";
  EXPECT_EQ(error_of(client_options(Mode::Plain)), "");
}

TEST_F(Tls, BadOptionsAreSaidAtOnce) {
  ClientOptions options{.host = "127.0.0.1"};
  options.tls.ca_pem = "nonsense";
  EXPECT_THROW(https_transport(io, client_thread, options), std::runtime_error);
  options.tls = {.cert_pem = certificates.client.cert_pem, .key_pem = certificates.server.key_pem};
  EXPECT_THROW(https_transport(io, client_thread, options), std::runtime_error);
  EXPECT_THROW(HttpsServer(io, handler, handler_thread, {.bind_address = "127.0.0.1", .tls = TlsServerOptions{}}),
               std::runtime_error);
}

TEST_F(Tls, TheTokenIsAskedForEachRequest) {
  serve(Mode::H2);
  ClientOptions options = client_options(Mode::H2);
  int count = 0;
  options.bearer_token = [&] { return "token-" + std::to_string(++count); };
  connect(options);
  EXPECT_EQ(get("/header?authorization").body, "Bearer token-1");
  EXPECT_EQ(get("/header?authorization").body, "Bearer token-2");
}

}  // namespace
}  // namespace ph::net
