#include "daemon/kubeconfig.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
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

}  // namespace ph::daemon
