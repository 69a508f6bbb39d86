#include "daemon/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/files.h"
#include "net/encoding.h"

namespace ph::daemon {
namespace {

class LoadTest : public testing::Test {
 protected:
  LoadTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ph-kubeconfig-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    write_file(folder_ / "ca.pem", "CA", false);
    write_file(folder_ / "cert.pem", "CERT", false);
    write_file(folder_ / "key.pem", "KEY", true);
    write_file(folder_ / "token", "from-a-file\n", true);
  }
  ~LoadTest() override { std::filesystem::remove_all(folder_); }

  // What a client would use, in one line; or what is wrong.
  std::string load(const std::string& cluster, const std::string& user, const std::string& current = "here",
                   const std::string& master = {}) {
    const auto path = folder_ / "config";
    write_file(
        path,
        "apiVersion: v1\nkind: Config\ncurrent-context: " + current +
            "\ncontexts:\n- {name: here, context: {cluster: c, user: u}}\n- {name: lost, context: {cluster: none, user: u}}\n"
            "clusters:\n- {name: c, cluster: {" +
            cluster + "}}\nusers:\n- {name: u, user: {" + user + "}}\n",
        true);
    try {
      const ClientConfig config = load_kubeconfig(path, master);
      return config.server + " ca=" + config.ca_pem + " cert=" + config.client.cert_pem + " key=" + config.client.key_pem +
             " token=" + config.token + (config.skip_verify ? " unverified" : "") +
             (config.server_name.empty() ? "" : " name=" + config.server_name) + " files=" + std::to_string(config.files.size());
    } catch (const KubeconfigError& error) {
      std::string text = error.what();
      if (const auto at = text.find(folder_.string()); at != std::string::npos) text.replace(at, folder_.string().size() + 1, "");
      return text;
    }
  }

  std::filesystem::path folder_;
};

TEST_F(LoadTest, TheContextThatIsChosen) {
  const auto path = folder_ / "config";
  write_file(
      path,
      "current-context: here\ncontexts:\n- {name: here, context: {cluster: c, user: u}}\n"
      "- {name: there, context: {cluster: d, user: u, namespace: web}}\nclusters:\n"
      "- {name: c, cluster: {server: 'https://c'}}\n- {name: d, cluster: {server: 'https://d'}}\nusers:\n- {name: u, user: {}}\n",
      true);
  EXPECT_EQ(load_kubeconfig(path).server, "https://c");
  EXPECT_EQ(load_kubeconfig(path).namespace_name, "");
  EXPECT_EQ(load_kubeconfig(path, {}, "there").server, "https://d");
  EXPECT_EQ(load_kubeconfig(path, {}, "there").namespace_name, "web");
  EXPECT_THROW(load_kubeconfig(path, {}, "nowhere"), KubeconfigError);
}

TEST_F(LoadTest, WhatAClientUses) {
  const std::string server = "server: 'https://h:1'";
  struct Case {
    const char* name;
    std::string cluster, user, current, master, result;
  };
  const Case cases[] = {
      {"embedded", server + ", certificate-authority-data: " + net::base64("ca"),
       "client-certificate-data: " + net::base64("cert") + ", client-key-data: " + net::base64("key"), "here", "",
       "https://h:1 ca=ca cert=cert key=key token= files=1"},
      {"files beside it", server + ", certificate-authority: ca.pem", "client-certificate: cert.pem, client-key: key.pem", "here",
       "", "https://h:1 ca=CA cert=CERT key=KEY token= files=4"},
      {"a token", server, "token: secret", "here", "", "https://h:1 ca= cert= key= token=secret files=1"},
      {"a token's file wins", server, "token: secret, tokenFile: token", "here", "",
       "https://h:1 ca= cert= key= token=from-a-file files=2"},
      {"unverified, another name", server + ", insecure-skip-tls-verify: true, tls-server-name: other", "", "here", "",
       "https://h:1 ca= cert= key= token= unverified name=other files=1"},
      {"--master", server, "", "here", "https://elsewhere:2", "https://elsewhere:2 ca= cert= key= token= files=1"},
      {"no such file", server + ", certificate-authority: none.pem", "", "here", "",
       "config: it names none.pem, which does not exist"},
      {"a certificate without its key", server, "client-certificate: cert.pem", "here", "",
       "config: a client certificate needs its key, and a key its certificate"},
      {"not base64", server + ", certificate-authority-data: '!'", "", "here", "",
       "config: certificate-authority-data is not base64"},
      {"a credential plugin", server, "exec: {command: x}", "here", "",
       "config: users: exec is not supported: give a client certificate or a token"},
      {"plain HTTP", "server: 'http://h:1'", "", "here", "", "config: the server's address http://h:1 is not https"},
      {"no such context", server, "", "elsewhere", "", "config: there is no context \"elsewhere\" among its contexts"},
      {"no such cluster", server, "", "lost", "", "config: there is no cluster \"none\" among its clusters"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::string result = load(c.cluster, c.user, c.current, c.master);
    if (const auto at = result.find(folder_.string()); at != std::string::npos) result.erase(at, folder_.string().size() + 1);
    EXPECT_EQ(result, c.result);
  }
}

TEST_F(LoadTest, InAPod) {
  write_file(folder_ / "ca.crt", "CA", false);
  const ClientConfig config = load_in_cluster("10.0.0.1", "443", folder_);
  EXPECT_EQ(config.server, "https://10.0.0.1:443");
  EXPECT_EQ(config.token, "from-a-file");
  EXPECT_EQ(config.ca_pem, "CA");
  EXPECT_EQ(load_in_cluster("fd00::1", "6443", folder_).server, "https://[fd00::1]:6443");
  EXPECT_THROW(load_in_cluster("10.0.0.1", "443", folder_ / "none"), KubeconfigError);
}

}  // namespace
}  // namespace ph::daemon
