// Upstream: k8s.io/dynamic-resource-allocation/cel
#include "scheduler/plugins/dynamic_resources/device_selectors.h"

#include <stdexcept>

#include <fmt/format.h>

#include "api/sorted.h"

namespace ph::scheduler {

using api::cel::Map, api::cel::Value;
using resources::v1::Device, resources::v1::DeviceAttribute;

namespace {

// A name without a domain is of the driver's.
std::pair<std::string_view, std::string_view> qualified(std::string_view name, std::string_view driver) {
  const auto slash = name.find('/');
  return slash == name.npos ? std::pair(driver, name) : std::pair(name.substr(0, slash), name.substr(slash + 1));
}

// domain → name → value; a domain that is not there has no names.
class ByDomain {
 public:
  void add(std::string_view domain, std::string_view name, Value value) {
    domains_[std::string(domain)].entries.emplace_back(std::string(name), std::move(value));
  }
  Value made() && {
    Map out;
    for (auto& [domain, names] : domains_) out.entries.emplace_back(domain, Value::map(std::move(names)));
    out.otherwise = Value::map({});
    return Value::map(std::move(out));
  }

 private:
  std::map<std::string, Map> domains_;
};

std::optional<Value> value_of(const DeviceAttribute& attribute) {
  if (attribute.has_int_()) return attribute.int_();
  if (attribute.has_bool_()) return attribute.bool_();
  if (attribute.has_string()) return attribute.string();
  if (!attribute.has_version()) return std::nullopt;
  if (auto version = api::cel::SemVer::parse(attribute.version())) return *std::move(version);
  return std::nullopt;
}

}  // namespace

Value device_value(std::string_view driver, const Device& device) {
  ByDomain attributes, capacity;
  for (const auto* attribute : sorted(device.attributes())) {
    const auto [domain, name] = qualified(attribute->first, driver);
    if (auto value = value_of(attribute->second)) attributes.add(domain, name, *std::move(value));
  }
  for (const auto* one : sorted(device.capacity())) {
    const auto [domain, name] = qualified(one->first, driver);
    if (auto quantity = api::Quantity::parse(one->second.value().string())) capacity.add(domain, name, *std::move(quantity));
  }
  Map out;
  out.entries.emplace_back("driver", std::string(driver));
  out.entries.emplace_back("attributes", std::move(attributes).made());
  out.entries.emplace_back("capacity", std::move(capacity).made());
  out.entries.emplace_back("allowMultipleAllocations", device.allow_multiple_allocations());
  return Value::map(std::move(out));
}

const DeviceSelectors::Compiled& DeviceSelectors::compiled(const std::string& text) {
  if (const auto found = known_.find(text); found != known_.end()) return found->second;
  if (known_.size() >= kMost) known_.clear();
  Compiled made;
  try {
    static constexpr std::string_view kVariables[] = {"device"};
    made.expression = api::cel::Expression::compile(text, kVariables);
  } catch (const api::cel::Error& error) {
    made.error = error.what();
  }
  return known_.emplace(text, std::move(made)).first->second;
}

bool DeviceSelectors::match(const Selectors& selectors, const Value& device, std::string_view whose) {
  for (int i = 0; i < selectors.size(); ++i) {
    const Compiled& selector = compiled(selectors[i].cel().expression());
    if (!selector.expression) {
      throw std::runtime_error(fmt::format("{}: selector #{}: CEL compile error: {}", whose, i, selector.error));
    }
    try {
      const Value matches = selector.expression->evaluate({{"device", device}});
      const bool* yes = matches.as<bool>();
      if (!yes) throw api::cel::Error(fmt::format("expression must evaluate to bool, it is {}", matches.type_name()));
      if (!*yes) return false;
    } catch (const api::cel::Error& error) {
      throw std::runtime_error(fmt::format("{}: selector #{}: CEL runtime error: {}", whose, i, error.what()));
    }
  }
  return true;
}

}  // namespace ph::scheduler
