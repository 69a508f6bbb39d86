// What the loops sign with: flags, and files that change.
#include "pilothouse/signing.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "controllers/common/certificate_requests.h"
#include "daemon/files.h"
#include "pilothouse/flags/cluster_signing.h"
#include "tests/base/manual_executor.h"
#include "tests/net/certificate_reader.h"
#include "tests/sim/signing.h"

namespace ph::pilothouse {
namespace {

struct Flags {
  ClusterSigningFiles files;
  Duration duration = 8760h;

  std::string parse(const std::vector<std::string>& args) {
    daemon::FlagSet flags("kube-controller-manager");
    add_cluster_signing_flags(flags, files, duration);
    try {
      flags.parse(args);
      check(files);
    } catch (const daemon::FlagError& error) {
      return error.what();
    }
    return {};
  }
  // "signer=cert:key" of each that signs.
  std::string signers() const {
    std::string out;
    for (const auto& [signer, pair] : files_by_signer(files)) out += signer + "=" + pair.cert + ":" + pair.key + " ";
    return out;
  }
};

TEST(ClusterSigningFlags, WhoSignsWithWhat) {
  struct Case {
    const char* name;
    std::vector<std::string> args;
    const char *problem, *signers;
  };
  const Case cases[] = {
      {"nobody", {}, "", ""},
      {"one for all",
       {"--cluster-signing-cert-file=c", "--cluster-signing-key-file=k"},
       "",
       "kubernetes.io/kube-apiserver-client=c:k kubernetes.io/kube-apiserver-client-kubelet=c:k "
       "kubernetes.io/kubelet-serving=c:k "
       "kubernetes.io/legacy-unknown=c:k "},
      {"half of it", {"--cluster-signing-cert-file=c"}, "", ""},
      {"one of its own",
       {"--cluster-signing-kubelet-serving-cert-file=c", "--cluster-signing-kubelet-serving-key-file=k"},
       "",
       "kubernetes.io/kubelet-serving=c:k "},
      {"each its own",
       {"--cluster-signing-kubelet-client-cert-file=a", "--cluster-signing-kubelet-client-key-file=b",
        "--cluster-signing-kube-apiserver-client-cert-file=c", "--cluster-signing-kube-apiserver-client-key-file=d",
        "--cluster-signing-legacy-unknown-cert-file=e", "--cluster-signing-legacy-unknown-key-file=f"},
       "",
       "kubernetes.io/kube-apiserver-client=c:d kubernetes.io/kube-apiserver-client-kubelet=a:b "
       "kubernetes.io/legacy-unknown=e:f "},
      {"no key",
       {"--cluster-signing-kubelet-serving-cert-file=c"},
       "kubernetes.io/kubelet-serving: cannot specify cert without key",
       nullptr},
      {"no certificate",
       {"--cluster-signing-legacy-unknown-key-file=c"},
       "kubernetes.io/legacy-unknown: cannot specify key without cert",
       nullptr},
      {"both ways",
       {"--cluster-signing-cert-file=c", "--cluster-signing-key-file=k", "--cluster-signing-kubelet-client-cert-file=a",
        "--cluster-signing-kubelet-client-key-file=b"},
       "cannot specify --cluster-signing-{cert,key}-file and other --cluster-signing-*-file flags at the same time",
       nullptr},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Flags flags;
    EXPECT_EQ(flags.parse(c.args), c.problem);
    if (c.signers) EXPECT_EQ(flags.signers(), c.signers);
  }
}

struct AuthorityFiles : ::testing::Test {
  AuthorityFiles() {
    std::filesystem::create_directories(folder);
    clock.advance(std::chrono::days(20'000));
  }
  ~AuthorityFiles() override { std::filesystem::remove_all(folder); }

  net::Credential write(const char* name) {
    net::Credential out = net::make_ca(name, {clock, rng, std::chrono::days(1000)});
    daemon::write_file(cert, out.cert_pem, false);
    daemon::write_file(key, out.key_pem, true);
    return out;
  }
  std::string issue(const AuthoritySource& source) {
    return source()->sign(sim::signing_request("CN=bob"),
                          {.usages = {"client auth"}, .not_before = clock.now(), .not_after = clock.now() + 1h}, rng);
  }
  bool is_by(const std::string& issued, const net::Credential& authority) {
    return testing::chain_error(issued, authority.cert_pem, clock.now(), X509_PURPOSE_SSL_CLIENT).empty();
  }

  ph::testing::ManualClock clock;
  SeededRng rng{7};
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("ph-authority-" + std::to_string(::getpid()));
  const std::string cert = folder / "ca.crt", key = folder / "ca.key";
};

TEST_F(AuthorityFiles, ARenewedOneIsUsedAndABrokenOneIsNot) {
  const net::Credential first = write("first");
  const AuthoritySource source = file_authority(cert, key, Log());
  EXPECT_TRUE(is_by(issue(source), first));
  EXPECT_EQ(source()->expiry(), clock.now() + std::chrono::days(1000));
  const net::Credential second = write("second");
  EXPECT_TRUE(is_by(issue(source), second));
  daemon::write_file(key, "nonsense", true);
  EXPECT_TRUE(is_by(issue(source), second)) << "the last good one stays";
  daemon::write_file(key, first.key_pem, true);
  EXPECT_TRUE(is_by(issue(source), second)) << "a key of another certificate is none";
  std::filesystem::remove(cert);
  EXPECT_TRUE(is_by(issue(source), second));
}

TEST_F(AuthorityFiles, WhatCannotBeReadAtTheStartIsAnError) {
  EXPECT_THROW(file_authority(cert, key, Log()), daemon::FileError);
  const net::Credential first = write("first");
  daemon::write_file(key, "nonsense", true);
  EXPECT_THROW(file_authority(cert, key, Log()), daemon::FileError);
  EXPECT_THROW(fixed_authority({.cert_pem = first.cert_pem, .key_pem = net::make_private_key()}), std::runtime_error);
}

TEST(Certificates, AreReadFromPem) {
  const auto certificates = make_certificates();
  const auto asked = certificates->read_request("words before\n" + sim::signing_request("O=o,CN=bob", "DNS:n1,email:a@b.c"));
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->common_name, "bob");
  EXPECT_EQ(asked->organizations, (std::vector<std::string>{"o"}));
  EXPECT_EQ(asked->dns_names, (std::vector<std::string>{"n1"}));
  EXPECT_EQ(asked->emails, (std::vector<std::string>{"a@b.c"}));
  EXPECT_FALSE(certificates->read_request("nonsense"));
  EXPECT_FALSE(certificates->read_request(sim::simulated_authority().cert_pem));
  EXPECT_TRUE(certificates->expiry(sim::simulated_authority().cert_pem));
  EXPECT_FALSE(certificates->expiry("nonsense"));
  EXPECT_FALSE(certificates->expiry(""));
}

}  // namespace
}  // namespace ph::pilothouse
