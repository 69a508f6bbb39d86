#include "daemon/data_dir.h"

#include <sys/stat.h>

#include <algorithm>

#include <gtest/gtest.h>

#include "daemon/files.h"
#include "daemon/kubeconfig.h"
#include "tests/sim/executor.h"

namespace ph::daemon {
namespace {

class DataDirTest : public testing::Test {
 protected:
  DataDirTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ph-data-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~DataDirTest() override { std::filesystem::remove_all(path_); }

  DataDir open(std::vector<std::string> names = {}) {
    return DataDir({.path = path_ / "data", .extra_names = std::move(names)}, clock_, rng_);
  }
  std::string text(const std::string& file) const { return read_file(path_ / "data" / file).value_or("absent"); }
  int mode(const std::string& file) const {
    struct stat info{};
    return ::stat((path_ / "data" / file).c_str(), &info) == 0 ? info.st_mode & 0777 : -1;
  }

  std::filesystem::path path_;
  sim::SimClock clock_;
  SeededRng rng_{1};
};

TEST_F(DataDirTest, KeepsItsKeys) {
  const DataDir first = open();
  const DataDir second = open();
  EXPECT_EQ(first.keys().ca.cert_pem, second.keys().ca.cert_pem);
  EXPECT_EQ(first.keys().server.key_pem, second.keys().server.key_pem);
  EXPECT_EQ(first.keys().service_account_key, second.keys().service_account_key);
}

TEST_F(DataDirTest, CanBeTakenBeforeItsKeysAreMade) {
  open_data_dir(path_ / "data", {});
  make_directory(path_ / "data" / "hardened");
  write_file(path_ / "data" / "hardened" / "audit.log", "", true);
  ASSERT_EQ(::chmod((path_ / "data" / "hardened" / "audit.log").c_str(), 0644), 0);
  EXPECT_FALSE(open().keys().ca.key_pem.empty());
  EXPECT_EQ(mode("hardened/audit.log"), 0600);
  write_file(path_ / "theirs", "", true);
  EXPECT_THROW(open_data_dir(path_, {}), FileError);
}

TEST_F(DataDirTest, OneThatOthersCanReadIsClosed) {
  open().write_kubeconfigs("https://127.0.0.1:6443");
  std::filesystem::create_directories(path_ / "data" / "store" / "deeper");
  for (const char* each : {"store", "store/deeper"}) ASSERT_EQ(::chmod((path_ / "data" / each).c_str(), 0700), 0);
  write_file(path_ / "data" / "store" / "000001.sst", "objects", true);
  write_file(path_ / "data" / "letter.txt", "not ours", false);
  std::filesystem::create_symlink(path_ / "outside", path_ / "data" / "store" / "link");
  write_file(path_ / "outside", "elsewhere", false);
  std::vector<std::string> said;
  const Log log([&](const LogLine& line) { said.push_back(format_text(line)); }, LogLevel::Info);
  const auto open_with_log = [&] { DataDir({.path = path_ / "data"}, clock_, rng_, log); };
  open_with_log();
  EXPECT_EQ(said, std::vector<std::string>()) << "nothing was open";

  const std::vector<std::string> directories{".", "pki", "store", "store/deeper"};
  const std::vector<std::string> files{"format", "pki/ca.key", "pki/ca.crt", "admin.kubeconfig", "store/000001.sst"};
  for (const std::string& each : directories) ASSERT_EQ(::chmod((path_ / "data" / each).c_str(), 0755), 0);
  for (const std::string& each : files) ASSERT_EQ(::chmod((path_ / "data" / each).c_str(), 0644), 0);
  open_with_log();
  for (const std::string& each : directories) EXPECT_EQ(mode(each), 0700) << each;
  for (const std::string& each : files) EXPECT_EQ(mode(each), 0600) << each;
  EXPECT_EQ(mode("letter.txt"), 0644) << "not ours";
  struct stat outside{};
  ASSERT_EQ(::stat((path_ / "outside").c_str(), &outside), 0);
  EXPECT_EQ(outside.st_mode & 0777, 0644u) << "links are not followed";
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("was open to other users, and is closed now"), std::string::npos) << said[0];
  EXPECT_NE(said[0].find("entries=9"), std::string::npos) << said[0];
  open_with_log();
  EXPECT_EQ(said.size(), 1u) << "told once";
}

TEST_F(DataDirTest, OneOfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  open();
  struct Case {
    const char* what;
    const char* says;
  };
  for (const Case& c : {Case{".", "belongs to another user (uid 12345), and this program runs as uid 0"},
                        Case{"pki/sa.key", "sa.key belongs to another user (uid 12345), who can read and change it"}}) {
    SCOPED_TRACE(c.what);
    ASSERT_EQ(::chown((path_ / "data" / c.what).c_str(), 12345, 0), 0);
    try {
      open();
      ADD_FAILURE() << "opened";
    } catch (const FileError& error) {
      EXPECT_NE(std::string(error.what()).find(c.says), std::string::npos) << error.what();
    }
    ASSERT_EQ(::chown((path_ / "data" / c.what).c_str(), 0, 0), 0);
  }
  open();
}

TEST_F(DataDirTest, SecretsAreTheirOwnersAlone) {
  open().write_kubeconfigs("https://127.0.0.1:6443");
  for (const char* file : {"pki/ca.key", "pki/apiserver.key", "pki/sa.key", "admin.kubeconfig", "controller-manager.kubeconfig",
                           "scheduler.kubeconfig", "node.kubeconfig"}) {
    EXPECT_EQ(mode(file), 0600) << file;
  }
  EXPECT_EQ(mode("pki/ca.crt"), 0600);
}

TEST_F(DataDirTest, AnotherNameNeedsAnotherCertificate) {
  const std::string before = open().keys().server.cert_pem;
  const DataDir after = open({"10.1.2.3", "control.example.com"});
  EXPECT_NE(after.keys().server.cert_pem, before);
  const auto info = net::inspect_certificate(after.keys().server.cert_pem);
  EXPECT_NE(std::ranges::find(info.ip_addresses, "10.1.2.3"), info.ip_addresses.end());
  EXPECT_NE(std::ranges::find(info.dns_names, "control.example.com"), info.dns_names.end());
  EXPECT_NE(std::ranges::find(info.dns_names, "kubernetes.default.svc"), info.dns_names.end());
}

TEST_F(DataDirTest, ACertificateNearItsEndIsIssuedAnew) {
  DataDir first = open();
  first.write_kubeconfigs("https://127.0.0.1:6443");
  const std::string kubeconfig = text("admin.kubeconfig");
  clock_.jump(std::chrono::days(200));
  open().write_kubeconfigs("https://127.0.0.1:6443");
  EXPECT_EQ(text("admin.kubeconfig"), kubeconfig);
  clock_.jump(std::chrono::days(120));
  DataDir later = open();
  later.write_kubeconfigs("https://127.0.0.1:6443");
  EXPECT_NE(text("admin.kubeconfig"), kubeconfig);
  EXPECT_NE(later.keys().server.cert_pem, first.keys().server.cert_pem);
  EXPECT_EQ(later.keys().ca.cert_pem, first.keys().ca.cert_pem);
}

TEST_F(DataDirTest, AnotherFormatIsRefused) {
  struct Case {
    const char* text;
    const char* says;
  };
  for (const Case& c : {Case{"7\n", "has format 7, this program reads format 1: start the version that made it"},
                        Case{"0\n", "has format 0, this program reads format 1"}, Case{"", "has format , this program reads"},
                        Case{"jpeg", "has format jpeg, this program reads"}, Case{"restoring\n", "was not finished"}}) {
    SCOPED_TRACE(c.text);
    open();
    write_file(path_ / "data" / "format", c.text, false);
    try {
      open();
      FAIL() << "opened";
    } catch (const FileError& error) {
      EXPECT_NE(std::string(error.what()).find(c.says), std::string::npos) << error.what();
    }
    EXPECT_EQ(text("format"), c.text) << "left as it was";
    std::filesystem::remove_all(path_ / "data");
  }
}

TEST_F(DataDirTest, SomebodyElsesIsRefused) {
  struct Case {
    const char* name;
    std::vector<std::string> entries;  // with a slash at the end: a directory
    bool taken;
  };
  const Case cases[] = {
      {"nothing", {}, true},
      {"keys of ours", {"pki/"}, true},
      {"a start that did not end", {"pki/", "format.new", "admin.kubeconfig", "node.kubeconfig.new"}, true},
      {"the root of a file system", {"lost+found/"}, true},
      {"one file", {"letter.txt"}, false},
      {"a hidden file", {".git"}, false},
      {"a store that says nothing of itself", {"pki/", "store/"}, false},
      {"keys amid other things", {"pki/", "admin.conf"}, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto data = path_ / "data";
    std::filesystem::create_directory(data);
    for (const std::string& entry : c.entries) {
      if (entry.ends_with('/')) std::filesystem::create_directory(data / entry);
      else write_file(data / entry, "theirs", false);
    }
    try {
      open();
      EXPECT_TRUE(c.taken);
      EXPECT_EQ(text("format"), kDataDirFormat);
    } catch (const FileError& error) {
      EXPECT_FALSE(c.taken) << error.what();
      EXPECT_NE(std::string(error.what()).find("is not a data directory of pilothouse"), std::string::npos) << error.what();
      EXPECT_EQ(std::distance(std::filesystem::directory_iterator(data), {}), static_cast<std::ptrdiff_t>(c.entries.size()))
          << "left as it was";
    }
    std::filesystem::remove_all(data);
  }
}

TEST_F(DataDirTest, WhenTheAdminsKubeconfigIsThereAllAre) {
  DataDir data = open();
  std::filesystem::create_directory(path_ / "data" / "admin.kubeconfig");
  EXPECT_THROW(data.write_kubeconfigs("https://127.0.0.1:7000"), std::exception);
  for (const char* file : {"controller-manager.kubeconfig", "scheduler.kubeconfig", "node.kubeconfig"}) {
    EXPECT_TRUE(std::filesystem::exists(path_ / "data" / file)) << file;
  }
}

TEST_F(DataDirTest, AKubeconfigSaysWhoAndWhere) {
  open().write_kubeconfigs("https://127.0.0.1:7000");
  const auto config = read_kubeconfig(text("scheduler.kubeconfig"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->server, "https://127.0.0.1:7000");
  EXPECT_EQ(config->user, "system:kube-scheduler");
  EXPECT_EQ(net::inspect_certificate(config->client.cert_pem).common_name, "system:kube-scheduler");
  EXPECT_EQ(config->ca_pem, text("pki/ca.crt"));
  // The server moves: the certificate stays.
  open().write_kubeconfigs("https://127.0.0.1:7001");
  const auto moved = read_kubeconfig(text("scheduler.kubeconfig"));
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->server, "https://127.0.0.1:7001");
  EXPECT_EQ(moved->client.cert_pem, config->client.cert_pem);
}

TEST_F(DataDirTest, TheAdministratorIsAMaster) {
  open().write_kubeconfigs("https://127.0.0.1:7000");
  const auto info = net::inspect_certificate(read_kubeconfig(text("admin.kubeconfig"))->client.cert_pem);
  EXPECT_EQ(info.organizations, (std::vector<std::string>{"system:masters"}));
}

TEST(Kubeconfig, WhatIsNoneReadsAsNothing) {
  for (const char* bad : {"", "hello", "a: [b", "apiVersion: v1\nkind: Config\n", "current-context: x\ncontexts: []\n"}) {
    EXPECT_FALSE(read_kubeconfig(bad)) << bad;
  }
}

TEST(Files, AFileIsReplacedWholeAndItsAbsenceIsNotAnError) {
  std::string pattern = (std::filesystem::temp_directory_path() / "ph-files-XXXXXX").string();
  const std::filesystem::path path = ::mkdtemp(pattern.data());
  EXPECT_FALSE(read_file(path / "none"));
  write_file(path / "some", "one", false);
  write_file(path / "some", "two", true);
  EXPECT_EQ(read_file(path / "some"), "two");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path), {}), 1);
  EXPECT_THROW(write_file(path / "none" / "deeper", "x", false), FileError);
  std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace ph::daemon
