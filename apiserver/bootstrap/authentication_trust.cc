#include "apiserver/bootstrap/authentication_trust.h"

#include <algorithm>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/kinds.h"
#include "api/pem.h"
#include "api/sorted.h"
#include "apiserver/bootstrap/put_object.h"
#include "net/encoding.h"
#include "net/pki.h"

namespace ph::apiserver {
namespace {

using nlohmann::json;

constexpr std::size_t kLine = 64;

std::string pem_of(const std::string& der) {
  std::string out = "-----BEGIN CERTIFICATE-----\n";
  const std::string text = net::base64(der);
  for (std::size_t at = 0; at < text.size(); at += kLine) out += text.substr(at, kLine) + "\n";
  return out + "-----END CERTIFICATE-----\n";
}

bool is_good(const std::string& pem, Time now) {
  try {
    return net::inspect_certificate(pem).not_after > now;
  } catch (const std::runtime_error&) {
    return false;
  }
}

// A list of texts as the config map holds it; what is none is empty.
std::vector<std::string> list_of(const std::string& text) {
  const json list = json::parse(text, nullptr, false);
  std::vector<std::string> out;
  if (!list.is_array()) return out;
  for (const json& each : list) {
    if (each.is_string()) out.push_back(each.get<std::string>());
  }
  return out;
}

using Data = std::map<std::string, std::string>;

class Published {
 public:
  Published(Data& data, Time now) : data_(data), now_(now) {}

  void authorities(const char* key, const std::string& pem) {
    if (!pem.empty()) data_[key] = joined_authorities(data_[key], pem, now_);
  }
  void list(const char* key, const std::vector<std::string>& own) {
    std::vector<std::string> all = list_of(data_[key]);
    for (const std::string& each : own) {
      if (std::ranges::find(all, each) == all.end()) all.push_back(each);
    }
    data_[key] = json(all).dump();
  }

 private:
  Data& data_;
  const Time now_;
};

void fill(Data& data, const AuthenticationTrust& trust, Time now) {
  Published into(data, now);
  into.authorities("client-ca-file", trust.client_ca);
  const net::FrontProxyOptions& proxy = trust.front_proxy;
  if (proxy.ca_pem.empty()) return;
  into.authorities("requestheader-client-ca-file", proxy.ca_pem);
  into.list("requestheader-allowed-names", proxy.allowed_names);
  into.list("requestheader-username-headers", proxy.username_headers);
  into.list("requestheader-uid-headers", proxy.uid_headers);
  into.list("requestheader-group-headers", proxy.group_headers);
  into.list("requestheader-extra-headers-prefix", proxy.extra_prefixes);
}

}  // namespace

std::string joined_authorities(std::string_view a, std::string_view b, Time now) {
  std::string out;
  std::set<std::string> seen;
  for (std::string_view text : {a, b}) {
    while (const auto block = api::next_pem_block(text)) {
      if (block->type != "CERTIFICATE" || !seen.insert(block->bytes).second) continue;
      const std::string pem = pem_of(block->bytes);
      if (is_good(pem, now)) out += pem;
    }
  }
  return out;
}

Task<void> publish_authentication_trust(ApiServer& server, const Clock& clock, AuthenticationTrust trust) {
  const ObjectKey key{"kube-system", "extension-apiserver-authentication"};
  auto map = server.reader().read<core::v1::ConfigMap>(key);
  const bool is_new = !map;
  if (is_new) {
    map = std::make_unique<core::v1::ConfigMap>();
    map->mutable_metadata()->set_namespace_(key.namespace_name);
    map->mutable_metadata()->set_name(key.name);
  }
  Data data;
  for (const auto* entry : sorted(map->data())) data.emplace(entry->first, entry->second);
  const Data before = data;
  fill(data, trust, clock.now());
  if (!is_new && data == before) co_return;
  for (auto& [name, text] : data) (*map->mutable_data())[name] = std::move(text);
  if (is_new) co_await server.ensure(std::move(map));
  else co_await put_object(server, std::move(map));
}

}  // namespace ph::apiserver
