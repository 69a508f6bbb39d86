#include "controllers/cloud/local_config.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/yaml_document.h"

namespace ph::controllers::cloud {
namespace {

using nlohmann::json;

constexpr std::string_view kAddressTypes[] = {"ExternalDNS", "ExternalIP", "Hostname", "InternalDNS", "InternalIP"};

template <class... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> why, Args&&... args) {
  throw ConfigError(fmt::format(why, std::forward<Args>(args)...));
}

bool is_less(const api::Address& a, const api::Address& b) { return a.bytes < b.bytes; }

api::Address need_address(std::string_view text) {
  const auto out = api::read_address(text);
  if (!out || out->has_leading_zeros || out->is_mapped()) refuse("\"{}\" is no IP address", text);
  return *out;
}

api::Address last_of(const api::AddressRange& range) {
  api::Address out = range.network();
  for (unsigned bit = range.bits; bit < (out.is_v6 ? 128u : 32u); ++bit)
    out.bytes[bit / 8] = static_cast<std::uint8_t>(out.bytes[bit / 8] | 1u << (7 - bit % 8));
  return out;
}

// An object of the file, whose fields are all to be read: what was not asked for is unknown.
class Reader {
 public:
  Reader(const json& value, std::string path) : value_(value), path_(std::move(path)) {
    if (!value.is_object()) refuse("{}: an object is needed", path_.empty() ? "the file" : path_);
  }

  void text(const char* name, std::string& out) {
    const json* found = find(name);
    if (!found) return;
    if (!found->is_string()) refuse("{}: a text is needed", at(name));
    out = found->get<std::string>();
  }
  std::string needed(const char* name) {
    std::string out;
    text(name, out);
    if (out.empty()) refuse("{}: it is needed", at(name));
    return out;
  }
  void flag(const char* name, bool& out) {
    const json* found = find(name);
    if (!found) return;
    if (!found->is_boolean()) refuse("{}: true or false is needed", at(name));
    out = found->get<bool>();
  }
  // Null: there is none.
  const json* list(const char* name) {
    const json* found = find(name);
    if (found && !found->is_array()) refuse("{}: a list is needed", at(name));
    return found;
  }
  const json* find(const char* name) {
    known_.insert(name);
    const auto found = value_.find(name);
    return found == value_.end() || found->is_null() ? nullptr : &*found;
  }
  std::string at(std::string_view name) const { return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name); }
  std::string at(std::string_view name, std::size_t index) const { return fmt::format("{}[{}]", at(name), index); }
  void done() const {
    for (const auto& [name, value] : value_.items()) {
      if (!known_.contains(name)) refuse("{}: there is no such field", at(name));
    }
  }

 private:
  const json& value_;
  const std::string path_;
  std::set<std::string, std::less<>> known_;
};

Pool read_pool(const json& value, const std::string& path) {
  Reader in(value, path);
  Pool out;
  in.text("name", out.name);
  in.flag("autoAssign", out.auto_assign);
  const json* addresses = in.list("addresses");
  for (std::size_t i = 0; addresses && i < addresses->size(); ++i) {
    if (!(*addresses)[i].is_string()) refuse("{}: a text is needed", in.at("addresses", i));
    try {
      out.addresses.push_back(read_addresses((*addresses)[i].get_ref<const std::string&>()));
    } catch (const ConfigError& error) {
      refuse("{}: {}", in.at("addresses", i), error.what());
    }
  }
  if (out.addresses.empty()) refuse("{}: it is needed", in.at("addresses"));
  in.done();
  return out;
}

std::pair<std::string, std::string> read_node_address(const json& value, const std::string& path) {
  Reader in(value, path);
  std::pair<std::string, std::string> out{in.needed("type"), in.needed("address")};
  if (std::ranges::find(kAddressTypes, out.first) == std::end(kAddressTypes))
    refuse("{}: \"{}\" is no type of an address", in.at("type"), out.first);
  if (out.first.ends_with("IP")) {
    try {
      need_address(out.second);
    } catch (const ConfigError& error) {
      refuse("{}: {}", in.at("address"), error.what());
    }
  }
  in.done();
  return out;
}

std::pair<std::string, Machine> read_machine(const json& value, const std::string& path) {
  Reader in(value, path);
  std::pair<std::string, Machine> out{in.needed("name"), {}};
  in.text("type", out.second.type);
  in.text("zone", out.second.zone);
  in.text("region", out.second.region);
  in.flag("shutdown", out.second.is_shut_down);
  const json* addresses = in.list("addresses");
  for (std::size_t i = 0; addresses && i < addresses->size(); ++i)
    out.second.addresses.push_back(read_node_address((*addresses)[i], in.at("addresses", i)));
  in.done();
  return out;
}

}  // namespace

bool Addresses::contains(const api::Address& address) const {
  return address.is_v6 == first.is_v6 && !is_less(address, first) && !is_less(last, address);
}

Addresses read_addresses(std::string_view text) {
  if (text.find('/') != text.npos) {
    const auto range = api::read_address_range(text);
    if (!range || !range->is_standard()) refuse("\"{}\" is no range of IP addresses", text);
    return {range->network(), last_of(*range)};
  }
  const auto dash = text.find('-');
  const api::Address first = need_address(text.substr(0, dash));
  const api::Address last = dash == text.npos ? first : need_address(text.substr(dash + 1));
  if (first.is_v6 != last.is_v6 || is_less(last, first)) refuse("\"{}\" ends before it begins", text);
  return {first, last};
}

void check_pools(const std::vector<Pool>& pools) {
  std::set<std::string_view> names;
  std::vector<Addresses> all;
  for (const Pool& pool : pools) {
    if (!names.insert(pool.name).second) refuse("two pools are called \"{}\"", pool.name);
    for (const Addresses& range : pool.addresses) {
      for (const Addresses& other : all) {
        if (range.contains(other.first) || other.contains(range.first))
          refuse("{} stands in two ranges", (range.contains(other.first) ? other.first : range.first).text());
      }
      all.push_back(range);
    }
  }
}

LocalConfig read_local_config(std::string_view text) {
  json document;
  try {
    document = api::yaml_document(text);
  } catch (const api::DecodeError& error) {
    refuse("{}", error.what());
  }
  LocalConfig out;
  if (document.is_null()) return out;
  Reader in(document, "");
  in.text("region", out.region);
  in.text("zone", out.zone);
  if (const json* balancer = in.find("loadBalancer")) {
    Reader inner(*balancer, "loadBalancer");
    const json* pools = inner.list("pools");
    for (std::size_t i = 0; pools && i < pools->size(); ++i) out.pools.push_back(read_pool((*pools)[i], inner.at("pools", i)));
    inner.done();
  }
  if (const json* instances = in.list("instances")) {
    out.instances.emplace();
    for (std::size_t i = 0; i < instances->size(); ++i) {
      const auto [machine, is_new] = out.instances->insert(read_machine((*instances)[i], in.at("instances", i)));
      if (!is_new) refuse("two instances are called \"{}\"", machine->first);
    }
  }
  in.done();
  check_pools(out.pools);
  return out;
}

}  // namespace ph::controllers::cloud
