// Upstream: apiserver/pkg/apis/apiserver/validation, apiserver/pkg/server/options/encryptionconfig
#include "apiserver/storage/encryption/configuration.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/error_text.h"
#include "api/json_text.h"
#include "api/rules.h"
#include "api/schema.h"
#include "api/times.h"
#include "api/yaml_duplicates.h"
#include "base/secretbox.h"

namespace ph::apiserver::encryption {
namespace {

using api::Path;
using nlohmann::json;

constexpr std::string_view kRegistry = "/registry/";

[[noreturn]] void refuse(const Path& at, std::string_view why) {
  throw std::invalid_argument(fmt::format("{}: {}", at.text(), why));
}

// An object that has no members but these.
void check_members(const json& object, const Path& at, std::initializer_list<std::string_view> known) {
  if (!object.is_object()) refuse(at, fmt::format("{} is no object", api::json_type_name(object)));
  for (const auto& [name, value] : object.items()) {
    if (std::ranges::find(known, name) == known.end())
      refuse(at, fmt::format("strict decoding error: unknown field \"{}\"", name));
  }
}

const json& list_of(const json& object, const char* name, const Path& at) {
  static const json kNone = json::array();
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return kNone;
  if (!found->is_array()) refuse(at, fmt::format("{} instead of list", api::json_type_name(*found)));
  return *found;
}

std::string text_of(const json& object, const char* name, const Path& at) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_string()) refuse(at, fmt::format("{} instead of string", api::json_type_name(*found)));
  return *found;
}

// `sizes`: those that the provider's keys may have, as they are told.
std::string read_secret(const std::string& encoded, const std::vector<std::size_t>& sizes, const Path& at, api::Errors& errors) {
  if (encoded.empty()) return errors.required(at, "secret is a mandatory field for a key"), std::string();
  std::string secret;
  if (!api::decode_base64(encoded, secret).empty()) {
    errors.invalid_text(at, "REDACTED", "secrets must be base64 encoded");
  } else if (std::ranges::find(sizes, secret.size()) == sizes.end()) {
    errors.invalid_text(
        at, "REDACTED",
        fmt::format("secret is not of the expected length, got {}, expected one of [{}]", secret.size(), fmt::join(sizes, " ")));
  }
  return secret;
}

std::vector<Key> read_keys(const json& document, const std::vector<std::size_t>& sizes, const Path& at, api::Errors& errors) {
  check_members(document, at, {"keys"});
  const Path place = at.member("keys");
  const json& list = list_of(document, "keys", place);
  if (list.empty()) errors.required(place, "at least one key is required");
  std::vector<Key> keys;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Path one = place.index(i);
    check_members(list[i], one, {"name", "secret"});
    Key key{text_of(list[i], "name", one.member("name")), {}};
    if (key.name.empty()) errors.required(one.member("name"), "name is a mandatory field for a key");
    key.secret = read_secret(text_of(list[i], "secret", one.member("secret")), sizes, one.member("secret"), errors);
    keys.push_back(std::move(key));
  }
  return keys;
}

std::chrono::nanoseconds read_timeout(const json& document, const Path& at, api::Errors& errors) {
  const std::string text = text_of(document, "timeout", at);
  if (text.empty()) return KmsOptions().timeout;
  const auto read = api::parse_duration(text);
  if (!read) refuse(at, fmt::format("\"{}\" is no duration", text));
  if (*read <= Duration::zero()) errors.invalid_text(at, text, "timeout should be a positive value");
  return *read;
}

// The path of a socket.
std::string read_endpoint(const std::string& endpoint, const Path& at, api::Errors& errors) {
  const auto end = endpoint.find("://");
  const std::string scheme = endpoint.substr(0, end == endpoint.npos ? 0 : end);
  if (endpoint.empty()) {
    errors.required(at, "endpoint is a mandatory field for a provider");
  } else if (scheme != "unix") {
    errors.invalid_text(at, endpoint, fmt::format("unsupported scheme \"{}\" for KMS provider, only unix is supported", scheme));
  } else if (!endpoint.starts_with("unix:///") || endpoint.starts_with("unix:///@")) {
    errors.invalid_text(at, endpoint, "only the absolute path of a socket is supported: unix:///PATH");
  } else {
    return endpoint.substr(end + 3);
  }
  return {};
}

Provider read_kms(const json& document, const Path& at, api::Errors& errors) {
  check_members(document, at, {"apiVersion", "name", "cachesize", "endpoint", "timeout"});
  Provider out{.kind = Provider::Kind::Kms, .keys = {}, .kms_options = {}, .kms = {}};
  const std::string version = text_of(document, "apiVersion", at.member("apiVersion"));
  if (version.empty() || version == "v1") {
    refuse(
        at.member("apiVersion"),
        "KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead. It is not supported here");
  }
  if (version != "v2") {
    errors.invalid_text(at.member("apiVersion"), version,
                        "unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported");
  }
  if (document.contains("cachesize") && !document["cachesize"].is_null())
    errors.invalid(at.member("cachesize"), document["cachesize"].dump(), "cachesize is not supported in v2");
  out.kms_options.name = text_of(document, "name", at.member("name"));
  if (out.kms_options.name.empty()) errors.required(at.member("name"), "name is a mandatory field for a provider");
  if (out.kms_options.name.find(':') != std::string::npos) {
    errors.invalid_text(at.member("name"), out.kms_options.name,
                        fmt::format("invalid KMS provider name {}, must not contain ':'", out.kms_options.name));
  }
  out.kms_options.path = read_endpoint(text_of(document, "endpoint", at.member("endpoint")), at.member("endpoint"), errors);
  out.kms_options.timeout = read_timeout(document, at.member("timeout"), errors);
  return out;
}

void check_names(const std::vector<Configuration::Entry>& entries, api::Errors& errors) {
  std::set<std::string> names;
  const Path resources("resources");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::vector<Provider>& list = entries[i].providers.list();
    for (std::size_t j = 0; j < list.size(); ++j) {
      const std::string& name = list[j].kms_options.name;
      if (name.empty() || names.insert(name).second) continue;
      errors.invalid_text(resources.index(i).member("providers").index(j).member("kms").member("name"), name,
                          fmt::format("duplicate KMS provider name {}, names must be unique", name));
    }
  }
}

Provider read_provider(const json& document, const Path& at, api::Errors& errors) {
  check_members(document, at, {"aesgcm", "aescbc", "secretbox", "identity", "kms"});
  std::vector<std::string> named;
  for (const auto& [name, value] : document.items()) {
    if (!value.is_null()) named.push_back(name);
  }
  if (named.empty()) {
    errors.invalid_text(at, "{}",
                        "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity");
    return {};
  }
  if (named.size() > 1) {
    errors.invalid_text(at, "{}",
                        "more than one provider specified in a single element, should split into different list elements");
    return {};
  }
  const std::string& name = named.front();
  if (name == "kms") return read_kms(document["kms"], at.member("kms"), errors);
  if (name == "identity") return check_members(document["identity"], at.member("identity"), {}), Provider{};
  const Path place = at.member(name);
  if (name == "secretbox") return {Provider::Kind::Secretbox, read_keys(document[name], {kSecretboxKey}, place, errors)};
  return {name == "aescbc" ? Provider::Kind::AesCbc : Provider::Kind::AesGcm,
          read_keys(document[name], {16, 24, 32}, place, errors)};
}

// Whether one of the list means all that another one means.
bool overlap(const std::vector<std::string>& resources) {
  const std::set<std::string> all(resources.begin(), resources.end());
  if (all.contains("*.*")) return all.size() > 1;
  return std::ranges::any_of(resources, [&](const std::string& name) {
    if (name.starts_with("*.")) return false;
    const auto dot = name.find('.');
    return all.contains(dot == name.npos ? "*." : "*" + name.substr(dot));
  });
}

std::vector<std::string> read_resources(const json& document, const Path& at, api::Errors& errors) {
  const json& list = list_of(document, "resources", at);
  if (list.empty()) errors.required(at, "at least one resource is required");
  std::vector<std::string> out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_string()) refuse(at.index(i), fmt::format("{} instead of string", api::json_type_name(list[i])));
    const std::string name = list[i];
    if (name.ends_with(".events.k8s.io")) {
      errors.invalid_text(
          at.index(i), name,
          "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the "
          "config file");
    } else if (name.empty() || name == "*" || std::ranges::any_of(name, [](char c) { return c >= 'A' && c <= 'Z'; }) ||
               (name.find('*') != name.npos && name != "*.*" && (!name.starts_with("*.") || name.find('*', 1) != name.npos))) {
      errors.invalid_text(at.index(i), name,
                          "resource name must be of the form <resource>.<group>, in lower case, or *.<group>, *.*");
    }
    out.push_back(name);
  }
  if (std::set(out.begin(), out.end()).size() != out.size()) {
    errors.invalid(at, json(out).dump(), "using duplicate resources in the same resource list is not allowed");
  }
  if (overlap(out)) {
    errors.invalid(
        at, json(out).dump(),
        "using overlapping resources such as 'secrets' and '*.' or '*.*' in the same resource list is not allowed as they "
        "will be masked");
  }
  return out;
}

Configuration::Entry read_entry(const json& document, const Path& at, api::Errors& errors) {
  check_members(document, at, {"resources", "providers"});
  Configuration::Entry out;
  out.resources = read_resources(document, at.member("resources"), errors);
  const Path place = at.member("providers");
  const json& list = list_of(document, "providers", place);
  if (list.empty()) errors.required(place, "at least one provider is required");
  std::vector<Provider> providers;
  for (std::size_t i = 0; i < list.size(); ++i) providers.push_back(read_provider(list[i], place.index(i), errors));
  if (!providers.empty()) out.providers = Providers(std::move(providers));
  return out;
}

// Of the built-in kinds: the group and plural of what is stored under a prefix.
const std::map<std::string, std::pair<std::string, std::string>, std::less<>>& stored_under() {
  static const auto kPrefixes = [] {
    std::map<std::string, std::pair<std::string, std::string>, std::less<>> out;
    for (const api::Resource& resource : api::Scheme::builtin().resources()) {
      if (resource.stored_as || resource.storage_prefix.empty()) continue;
      out.emplace(resource.storage_prefix, std::pair(resource.kind.group, resource.plural));
    }
    return out;
  }();
  return kPrefixes;
}

}  // namespace

std::vector<std::shared_ptr<Kms>> Configuration::open_kms(const std::function<std::shared_ptr<Kms>(const KmsOptions&)>& made) {
  std::vector<std::shared_ptr<Kms>> out;
  for (Entry& entry : entries_) {
    entry.providers.open_kms([&](const KmsOptions& options) { return out.emplace_back(made(options)); });
  }
  return out;
}

const Providers& Configuration::of(std::string_view group, std::string_view plural) const {
  static const Providers kNone;
  const std::string name = group.empty() ? std::string(plural) : fmt::format("{}.{}", plural, group);
  for (const std::string& wanted : {name, fmt::format("*.{}", group), std::string("*.*")}) {
    for (const Entry& entry : entries_) {
      if (std::ranges::find(entry.resources, wanted) != entry.resources.end()) return entry.providers;
    }
  }
  return kNone;
}

// "/registry/PLURAL/…", "/registry/GROUP/PLURAL/…" and what else built-in kinds have.
const Providers& Configuration::of_key(std::string_view key) const {
  if (entries_.empty() || !key.starts_with(kRegistry)) return of({}, {});
  const auto first = key.find('/', kRegistry.size());
  const auto second = first == key.npos ? key.npos : key.find('/', first + 1);
  for (const auto end : {second, first}) {
    const auto known = end == key.npos ? stored_under().end() : stored_under().find(key.substr(0, end));
    if (known != stored_under().end()) return of(known->second.first, known->second.second);
  }
  if (second == key.npos) return of({}, {});
  return of(key.substr(kRegistry.size(), first - kRegistry.size()), key.substr(first + 1, second - first - 1));
}

Configuration read_configuration(std::string_view text) {
  json document;
  try {
    document = json::parse(api::yaml_body_to_json(text), nullptr, false);
  } catch (const api::DecodeError& error) {
    throw std::invalid_argument(error.what());
  }
  const Path top("config");
  check_members(document, top, {"apiVersion", "kind", "resources"});
  if (text_of(document, "apiVersion", top) != "apiserver.config.k8s.io/v1" ||
      text_of(document, "kind", top) != "EncryptionConfiguration") {
    throw std::invalid_argument("it is no EncryptionConfiguration of apiserver.config.k8s.io/v1");
  }
  const Path at("resources");
  const json& list = list_of(document, "resources", at);
  api::Errors errors;
  if (list.empty()) errors.required(at, "at least one resource is required");
  std::vector<Configuration::Entry> entries;
  for (std::size_t i = 0; i < list.size(); ++i) entries.push_back(read_entry(list[i], at.index(i), errors));
  check_names(entries, errors);
  if (!errors.empty()) throw std::invalid_argument(api::text_of(errors.list()));
  return Configuration(std::move(entries));
}

}  // namespace ph::apiserver::encryption
