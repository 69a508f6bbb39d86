#include "controllers/cloud/address_book.h"

#include <algorithm>

#include <fmt/format.h>

namespace ph::controllers::cloud {
namespace {

using core::v1::Service;

std::string annotation(const Service& service, const char* key) {
  const auto found = service.metadata().annotations().find(key);
  return found == service.metadata().annotations().end() ? std::string() : found->second;
}

// Without what stands around them.
std::vector<std::string> split(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    std::string_view each = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    each.remove_prefix(std::min(each.find_first_not_of(kSpace), each.size()));
    if (!each.empty()) out.emplace_back(each.substr(0, each.find_last_not_of(kSpace) + 1));
  }
  return out;
}

std::vector<std::string> wanted_addresses(const Service& service) {
  const std::string by_annotation = annotation(service, kWantedAddresses);
  return split(by_annotation.empty() ? service.spec().load_balancer_ip() : by_annotation);
}

// The number after it; false: there is none.
bool advance(api::Address& address) {
  for (std::size_t i = address.is_v6 ? 16 : 4; i-- > 0;) {
    if (++address.bytes[i] != 0) return true;
  }
  return false;
}

bool may_have(const Service& service, const std::string& address, const AddressBook::Holders& holders) {
  return std::ranges::all_of(holders(address), [&](const Ref<Service>& other) {
    return other->metadata().uid() == service.metadata().uid() || may_share(*other, service);
  });
}

const char* family_of(bool v6) { return v6 ? "IPv6" : "IPv4"; }

// Whether each is IPv6, in the service's order.
std::vector<bool> families_of(const Service& service) {
  std::vector<bool> out;
  for (const std::string& each : service.spec().ip_families()) out.push_back(each == "IPv6");
  return out.empty() ? std::vector<bool>{false} : out;
}

}  // namespace

bool may_share(const Service& a, const Service& b) {
  const std::string key = annotation(a, kSharingKey);
  if (key.empty() || key != annotation(b, kSharingKey)) return false;
  for (const auto& port : a.spec().ports()) {
    for (const auto& other : b.spec().ports()) {
      if (port.port() == other.port() && port.protocol() == other.protocol()) return false;
    }
  }
  return true;
}

AddressBook::AddressBook(std::vector<Pool> pools) : pools_(std::move(pools)) { check_pools(pools_); }

std::expected<std::vector<std::string>, std::string> AddressBook::choose(const Service& service,
                                                                         const std::vector<std::string>& present,
                                                                         const Holders& holders) const {
  const std::string pool = annotation(service, kWantedPool);
  if (!pool.empty() && pools_for(service).empty()) return std::unexpected(fmt::format("there is no pool \"{}\"", pool));
  const std::vector<std::string> wanted = wanted_addresses(service);
  std::vector<std::string> out;
  const auto has = [&](bool v6) {
    return std::ranges::any_of(out, [&](const std::string& each) { return api::read_address(each)->is_v6 == v6; });
  };
  for (const std::string& each : wanted) {
    auto address = named(service, each, holders);
    if (!address) return std::unexpected(std::move(address.error()));
    if (has(api::read_address(*address)->is_v6)) return std::unexpected("two addresses of one family are asked for");
    out.push_back(std::move(*address));
  }
  if (!wanted.empty()) return out;
  std::string missing;
  for (const bool v6 : families_of(service)) {
    std::string address = kept(service, v6, present, holders);
    if (address.empty()) address = next(service, v6, holders);
    if (address.empty()) missing = fmt::format("no {} address is left{}", family_of(v6), pool.empty() ? "" : " in pool " + pool);
    else out.push_back(std::move(address));
  }
  const bool needs_all = service.spec().ip_family_policy() == "RequireDualStack";
  if (!missing.empty() && (needs_all || out.empty())) return std::unexpected(std::move(missing));
  return out;
}

std::expected<std::string, std::string> AddressBook::named(const Service& service, const std::string& address,
                                                           const Holders& holders) const {
  const auto read = api::read_address(address);
  if (!read || read->has_leading_zeros) return std::unexpected(fmt::format("\"{}\" is no IP address", address));
  const std::vector<bool> families = families_of(service);
  if (std::ranges::find(families, read->is_v6) == families.end())
    return std::unexpected(fmt::format("{} is of no family of the service", address));
  if (!is_ours(service, *read)) return std::unexpected(fmt::format("{} stands in no pool", address));
  std::string text = read->text();
  if (!may_have(service, text, holders)) return std::unexpected(fmt::format("{} is another service's", text));
  return text;
}

// What it has, while the pools still have it. One of a pool that is for others is kept as well: whoever asked for it may have changed
// his mind about asking.
std::string AddressBook::kept(const Service& service, bool v6, const std::vector<std::string>& present,
                              const Holders& holders) const {
  for (const std::string& each : present) {
    const auto read = api::read_address(each);
    if (!read || read->is_v6 != v6) continue;
    std::string text = read->text();
    if (is_ours(service, *read) && may_have(service, text, holders)) return text;
  }
  return {};
}

// Of the pool it names, or of any.
bool AddressBook::is_ours(const Service& service, const api::Address& address) const {
  const std::string wanted = annotation(service, kWantedPool);
  return std::ranges::any_of(pools_, [&](const Pool& pool) {
    const auto has = [&](const Addresses& range) { return range.contains(address); };
    return (wanted.empty() || pool.name == wanted) && std::ranges::any_of(pool.addresses, has);
  });
}

std::string AddressBook::next(const Service& service, bool v6, const Holders& holders) const {
  for (const Pool* pool : pools_for(service)) {
    for (const Addresses& range : pool->addresses) {
      if (range.first.is_v6 != v6) continue;
      for (api::Address address = range.first; range.contains(address);) {
        std::string text = address.text();
        if (may_have(service, text, holders)) return text;
        if (!advance(address)) break;
      }
    }
  }
  return {};
}

std::vector<const Pool*> AddressBook::pools_for(const Service& service) const {
  const std::string wanted = annotation(service, kWantedPool);
  std::vector<const Pool*> out;
  for (const Pool& pool : pools_) {
    if (wanted.empty() ? pool.auto_assign : pool.name == wanted) out.push_back(&pool);
  }
  return out;
}

}  // namespace ph::controllers::cloud
