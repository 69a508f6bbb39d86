// Certificates and tokens that change under a running program, over real sockets.
#include <gtest/gtest.h>

#include "daemon/files.h"
#include "daemon/serving.h"
#include "tests/net/fixture.h"

namespace ph::daemon {
namespace {

using net::testing::call_on;
using net::testing::Certificates;
using net::testing::Mode;
using net::testing::NetTest;
using net::testing::run_on;

class RenewalTest : public NetTest {
 protected:
  RenewalTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ph-renewal-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~RenewalTest() override { std::filesystem::remove_all(folder_); }

  void write_kubeconfig(const std::string& user) {
    const auto& certificates = Certificates::get();
    const auto url = "https://127.0.0.1:" + std::to_string(port);
    const std::string name = user.starts_with("token") ? "" : "client-certificate: cert.pem, client-key: key.pem";
    write_file(folder_ / "ca.pem", certificates.ca.cert_pem, false);
    write_file(folder_ / "config",
               "current-context: x\ncontexts: [{name: x, context: {cluster: x, user: x}}]\n"
               "clusters: [{name: x, cluster: {server: '" +
                   url +
                   "', certificate-authority: ca.pem}}]\n"
                   "users: [{name: x, user: {" +
                   (name.empty() ? "tokenFile: token" : name) + "}}]\n",
               true);
  }
  void write_certificate(const std::string& user) {
    const auto& certificates = Certificates::get();
    const net::Credential made = net::issue_client_certificate(certificates.ca, user, {}, certificates.issuing);
    write_file(folder_ / "cert.pem", made.cert_pem, false);
    write_file(folder_ / "key.pem", made.key_pem, true);
  }

  std::filesystem::path folder_;
};

TEST_F(RenewalTest, AClientFollowsItsCertificate) {
  serve(Mode::H2);
  write_certificate("before");
  write_kubeconfig("certificate");
  ServerAccess access(io, {.kubeconfig = folder_ / "config", .master = {}}, Log());
  call_on(client_thread, [&] { transport = access.connect(client_thread, {.token = {}}); });
  EXPECT_EQ(get("/peer").body, "before");
  write_certificate("after");
  access.look_again();
  EXPECT_EQ(get("/peer").body, "after");
  // A file that cannot be used leaves what was.
  write_file(folder_ / "config", "nonsense: [", true);
  access.look_again();
  EXPECT_EQ(get("/peer").body, "after");
}

TEST_F(RenewalTest, AStreamOutlivesTheConnectionsChange) {
  serve(Mode::H2);
  write_certificate("before");
  write_kubeconfig("certificate");
  ServerAccess access(io, {.kubeconfig = folder_ / "config", .master = {}}, Log());
  call_on(client_thread, [&] { transport = access.connect(client_thread, {.token = {}}); });
  std::unique_ptr<BodyStream> stream = run_on(client_thread, [](Transport* transport) -> Task<std::unique_ptr<BodyStream>> {
    HttpResponse response =
        co_await transport->send({.method = "GET", .target = "/stream?50", .headers = {}, .body = {}, .peer = {}}, true);
    co_return std::move(response.stream);
  }(transport.get()));
  write_certificate("after");
  access.look_again();
  EXPECT_EQ(get("/peer").body, "after");
  const std::size_t size = run_on(client_thread, [](BodyStream* stream) -> Task<std::size_t> {
    std::size_t size = 0;
    while (const auto piece = co_await stream->next()) size += (*piece)->size();
    co_return size;
  }(stream.get()));
  EXPECT_EQ(size, 50'000u);
  call_on(client_thread, [&] { stream.reset(); });
}

TEST_F(RenewalTest, ATokenIsUsedFromTheNextRequestOn) {
  serve(Mode::H2);
  write_file(folder_ / "token", "one\n", true);
  write_kubeconfig("token");
  ServerAccess access(io, {.kubeconfig = folder_ / "config", .master = {}}, Log());
  call_on(client_thread, [&] { transport = access.connect(client_thread, {.token = {}}); });
  EXPECT_EQ(get("/header?authorization").body, "Bearer one");
  write_file(folder_ / "token", "two\n", true);
  access.look_again();
  EXPECT_EQ(get("/header?authorization").body, "Bearer two");
}

TEST_F(RenewalTest, ASecurePortShowsWhatItsFilesHold) {
  const auto& certificates = Certificates::get();
  const auto show = [&](const std::string& name) {
    const net::Credential made = net::issue_server_certificate(
        certificates.ca, {.common_name = name, .dns_names = {}, .ip_addresses = {"127.0.0.1"}}, certificates.issuing);
    write_file(folder_ / "cert.pem", made.cert_pem, false);
    write_file(folder_ / "key.pem", made.key_pem, true);
  };
  show("before");
  ServingOptions options{.tls_cert_file = folder_ / "cert.pem", .tls_private_key_file = folder_ / "key.pem"};
  SystemRng rng;
  PortCertificates port(options, "test", "localhost", clock, rng);
  EXPECT_EQ(net::inspect_certificate(port.tls().cert_pem).common_name, "before");
  EXPECT_FALSE(port.reload());
  show("after");
  EXPECT_TRUE(port.reload());
  EXPECT_EQ(net::inspect_certificate(port.tls().cert_pem).common_name, "after");
  EXPECT_TRUE(port.set_published_client_ca(certificates.ca.cert_pem));
  EXPECT_FALSE(port.set_published_client_ca(certificates.ca.cert_pem));
  EXPECT_EQ(port.tls().client_ca_pem, certificates.ca.cert_pem);
  std::filesystem::remove(folder_ / "key.pem");
  EXPECT_THROW(port.reload(), FileError);
}

TEST_F(RenewalTest, ASelfMadeCertificateIsKeptInItsFolder) {
  SystemRng rng;
  const ServingOptions options{.cert_dir = folder_ / "made"};
  const std::string first = PortCertificates(options, "kube-scheduler", "host", clock, rng).tls().cert_pem;
  EXPECT_EQ(PortCertificates(options, "kube-scheduler", "host", clock, rng).tls().cert_pem, first);
  EXPECT_NE(PortCertificates({}, "kube-scheduler", "host", clock, rng).tls().cert_pem, first);
}

}  // namespace
}  // namespace ph::daemon
