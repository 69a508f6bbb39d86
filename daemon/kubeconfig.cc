#include "daemon/kubeconfig.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "daemon/files.h"
#include "net/encoding.h"

namespace ph::daemon {
namespace {

using nlohmann::json;

// The entry called `name` of a kubeconfig's list of named entries; null when there is none.
json named(const json& list, const std::string& name, const char* member) {
  for (const json& entry : list) {
    if (entry.value("name", "") == name) return entry.at(member);
  }
  return nullptr;
}

std::string decoded(const json& object, const char* member) {
  return net::decode_base64(object.at(member).get<std::string>()).value();
}

}  // namespace

std::string to_yaml(const Kubeconfig& config) {
  return fmt::format(
      "apiVersion: v1\n"
      "kind: Config\n"
      "clusters:\n"
      "- name: pilothouse\n"
      "  cluster:\n"
      "    server: {}\n"
      "    certificate-authority-data: {}\n"
      "users:\n"
      "- name: {}\n"
      "  user:\n"
      "    client-certificate-data: {}\n"
      "    client-key-data: {}\n"
      "contexts:\n"
      "- name: {}@pilothouse\n"
      "  context:\n"
      "    cluster: pilothouse\n"
      "    user: {}\n"
      "current-context: {}@pilothouse\n",
      config.server, net::base64(config.ca_pem), config.user, net::base64(config.client.cert_pem),
      net::base64(config.client.key_pem), config.user, config.user, config.user);
}

std::optional<Kubeconfig> read_kubeconfig(std::string_view yaml) {
  try {
    const json config = json::parse(api::yaml_to_json(yaml));
    const json context = named(config.at("contexts"), config.at("current-context").get<std::string>(), "context");
    const json cluster = named(config.at("clusters"), context.at("cluster").get<std::string>(), "cluster");
    const json user = named(config.at("users"), context.at("user").get<std::string>(), "user");
    return Kubeconfig{.server = cluster.at("server").get<std::string>(),
                      .ca_pem = decoded(cluster, "certificate-authority-data"),
                      .user = context.at("user").get<std::string>(),
                      .client = {decoded(user, "client-certificate-data"), decoded(user, "client-key-data")}};
  } catch (const json::exception&) {
  } catch (const api::DecodeError&) {
  } catch (const std::bad_optional_access&) {
  }
  return std::nullopt;
}

bool ClientConfig::same_connection(const ClientConfig& other) const {
  return server == other.server && server_name == other.server_name && ca_pem == other.ca_pem &&
         skip_verify == other.skip_verify && client.cert_pem == other.client.cert_pem && client.key_pem == other.client.key_pem;
}

namespace {

// Reads one kubeconfig; complaints name the file.
class Loader {
 public:
  explicit Loader(const std::filesystem::path& path) : path_(path) { out_.files.push_back(path); }

  ClientConfig load(const std::string& master, const std::string& chosen) {
    const json config = parse();
    const std::string current = chosen.empty() ? text(config, "current-context") : chosen;
    if (current.empty()) fail("there is no current-context");
    const json context = entry(config, "contexts", current, "context");
    out_.namespace_name = text(context, "namespace");
    read_cluster(entry(config, "clusters", text(context, "cluster"), "cluster"));
    if (const std::string user = text(context, "user"); !user.empty()) read_user(entry(config, "users", user, "user"));
    if (!master.empty()) out_.server = master;
    if (!out_.server.starts_with("https://")) fail(fmt::format("the server's address {} is not https", out_.server));
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const { throw KubeconfigError(fmt::format("{}: {}", path_.string(), what)); }

  json parse() const {
    const auto yaml = read_file(path_);
    if (!yaml) throw KubeconfigError(fmt::format("stat {}: no such file or directory", path_.string()));  // as upstream says it
    try {
      json config = json::parse(api::yaml_to_json(*yaml));
      if (config.is_object()) return config;
    } catch (const json::exception& error) {
      fail(error.what());
    } catch (const api::DecodeError& error) {
      fail(error.what());
    }
    fail("this is no kubeconfig");
  }

  std::string text(const json& object, const char* member) const {
    const auto found = object.find(member);
    if (found == object.end() || found->is_null()) return {};
    if (!found->is_string()) fail(fmt::format("{} is not a text", member));
    return found->get<std::string>();
  }
  bool flag(const json& object, const char* member) const {
    const auto found = object.find(member);
    return found != object.end() && found->is_boolean() && found->get<bool>();
  }

  json entry(const json& config, const char* list, const std::string& name, const char* member) const {
    const auto entries = config.find(list);
    if (entries != config.end() && entries->is_array()) {
      for (const json& each : *entries) {
        if (!each.is_object() || text(each, "name") != name) continue;
        const auto found = each.find(member);
        if (found != each.end() && found->is_object()) return *found;
      }
    }
    fail(fmt::format("there is no {} \"{}\" among its {}", member, name, list));
  }

  // What `member`-data holds, or the file that `member` names.
  std::string data_or_file(const json& object, const std::string& member) {
    if (const std::string data = text(object, (member + "-data").c_str()); !data.empty()) {
      const auto decoded = net::decode_base64(data);
      if (!decoded) fail(fmt::format("{}-data is not base64", member));
      return *decoded;
    }
    const std::string name = text(object, member.c_str());
    return name.empty() ? std::string() : file(name);
  }

  std::string file(const std::string& name) {
    const std::filesystem::path path = path_.parent_path() / name;  // an absolute name stands for itself
    out_.files.push_back(path);
    const auto content = read_file(path);
    if (!content) fail(fmt::format("it names {}, which does not exist", path.string()));
    return *content;
  }

  void read_cluster(const json& cluster) {
    out_.server = text(cluster, "server");
    out_.server_name = text(cluster, "tls-server-name");
    out_.ca_pem = data_or_file(cluster, "certificate-authority");
    out_.skip_verify = flag(cluster, "insecure-skip-tls-verify");
    if (!text(cluster, "proxy-url").empty()) fail("proxy-url is not supported");
  }

  void read_user(const json& user) {
    for (const char* unsupported : {"exec", "auth-provider", "username", "password", "as"}) {
      if (user.contains(unsupported))
        fail(fmt::format("users: {} is not supported: give a client certificate or a token", unsupported));
    }
    out_.client.cert_pem = data_or_file(user, "client-certificate");
    out_.client.key_pem = data_or_file(user, "client-key");
    if (out_.client.cert_pem.empty() != out_.client.key_pem.empty())
      fail("a client certificate needs its key, and a key its certificate");
    out_.token = text(user, "token");
    if (const std::string name = text(user, "tokenFile"); !name.empty()) out_.token = trimmed(file(name));
  }

  static std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
    return text;
  }

  const std::filesystem::path path_;
  ClientConfig out_;
};

}  // namespace

ClientConfig load_kubeconfig(const std::filesystem::path& path, const std::string& master, const std::string& context) {
  return Loader(path).load(master, context);
}

ClientConfig load_in_cluster(const std::string& host, const std::string& port, const std::filesystem::path& account) {
  ClientConfig out;
  const bool ipv6 = host.find(':') != std::string::npos;
  out.server = fmt::format("https://{}{}{}:{}", ipv6 ? "[" : "", host, ipv6 ? "]" : "", port);
  out.files = {account / "token", account / "ca.crt"};
  const auto token = read_file(out.files[0]), ca = read_file(out.files[1]);
  if (!token) throw KubeconfigError(fmt::format("there is no service account token at {}", out.files[0].string()));
  out.token = *token;
  while (!out.token.empty() && out.token.back() == '\n') out.token.pop_back();
  out.ca_pem = ca.value_or("");
  return out;
}

}  // namespace ph::daemon
