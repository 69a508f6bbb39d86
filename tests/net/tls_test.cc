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

// Whoever is signed by something that looks like an authority is nobody's.
TEST_F(Tls, CertificateChainConfusion) {
  serve(Mode::H2);
  const Issuing& issuing = certificates.issuing;
  const Credential impostor = make_ca("test-ca", issuing);  // of the same name
  const auto with_chain = [](Credential leaf, const Credential& above) {
    leaf.cert_pem += above.cert_pem;
    return leaf;
  };
  const Credential by_client = issue_client_certificate(certificates.client, "root", {"system:masters"}, issuing);
  const Credential by_impostor = issue_client_certificate(impostor, "root", {"system:masters"}, issuing);
  struct Case {
    const char* name;
    Credential shown;
  };
  const Case cases[] = {
      {"of an authority of the same name", by_impostor},
      {"which is shown as well", with_chain(by_impostor, impostor)},
      {"the real one is shown instead", with_chain(by_impostor, certificates.ca)},
      {"signed by another client", by_client},
      {"who is shown as well", with_chain(by_client, certificates.client)},
      {"a foreign one, with a good one behind it", with_chain(certificates.foreign_client, certificates.client)},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(peer_with(c.shown), "refused");
  }
  EXPECT_EQ(peer_with(with_chain(certificates.client, certificates.foreign_client)), "alice dev ops") << "the first one counts";
  take_errors();
}

TEST_F(Tls, SeveralAuthorities) {
  serve(Mode::H2);
  TlsServerOptions both = server_tls();
  both.client_ca_pem += certificates.other_ca.cert_pem;
  server->set_certificate(both);
  EXPECT_EQ(peer_with(certificates.client), "alice dev ops");
  EXPECT_EQ(peer_with(certificates.foreign_client), "mallory system:masters");
  server->set_certificate(server_tls());
  EXPECT_EQ(peer_with(certificates.foreign_client), "refused") << "from the next connection on";
  take_errors();
}

// A front proxy's authority signs nobody else, and the clients' authority no proxy.
TEST_F(Tls, AFrontProxyHasAnAuthorityOfItsOwn) {
  serve(Mode::H2);
  TlsServerOptions tls = server_tls();
  tls.proxy_ca_pem = certificates.other_ca.cert_pem;
  server->set_certificate(tls);
  EXPECT_EQ(peer_with(certificates.foreign_client), "refused by proxy mallory");
  EXPECT_EQ(take_errors(), std::vector<std::string>());
  EXPECT_EQ(peer_with(certificates.client), "alice dev ops");
  EXPECT_EQ(peer_with(certificates.expired_client), "refused");
  SystemRng random;
  const Credential expired = issue_client_certificate(certificates.other_ca, "proxy", {}, {certificates.clock, random, -1h});
  EXPECT_EQ(peer_with(expired), "refused");
  EXPECT_EQ(peer_with(certificates.server), "refused") << "not made for clients";
  connect(client_options(Mode::H2));
  EXPECT_EQ(get("/peer").body, "nobody");
  tls.proxy_ca_pem = tls.client_ca_pem;
  server->set_certificate(tls);
  EXPECT_EQ(peer_with(certificates.client), "alice dev ops by proxy alice");
  take_errors();
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
