#include "controllers/cloud_node/plan.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"

namespace ph::controllers::cloud_node {

using core::v1::Node, core::v1::Taint;
using nlohmann::json;

namespace {

constexpr const char* kProvidedAddress = "alpha.kubernetes.io/provided-node-ip";

using Addresses = std::vector<std::pair<std::string, std::string>>;

json pin_of(const Node& node) {
  return {{"uid", node.metadata().uid()}, {"resourceVersion", node.metadata().resource_version()}};
}

std::string provided_address(const Node& node) {
  const auto found = node.metadata().annotations().find(kProvidedAddress);
  return found == node.metadata().annotations().end() ? std::string() : found->second;
}

void add_labels(json& labels, const cloud::Instance& instance) {
  const auto set = [&](std::initializer_list<const char*> names, const std::string& value) {
    for (const char* name : names) {
      if (!value.empty()) labels[name] = value;
    }
  };
  // The older names are still read.
  set({"node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"}, instance.type);
  set({"topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"}, instance.zone);
  set({"topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"}, instance.region);
  for (const auto& [name, value] : instance.labels) labels[name] = value;
}

}  // namespace

bool is_new(const Node& node) {
  const auto is_mark = [](const Taint& taint) { return taint.key() == kUninitialized; };
  return std::ranges::any_of(node.spec().taints(), is_mark);
}

std::string initializing_patch(const Node& node, const cloud::Instance& instance) {
  json out = {{"metadata", pin_of(node)}, {"spec", json::object()}};
  json labels = json::object();
  add_labels(labels, instance);
  if (!labels.empty()) out["metadata"]["labels"] = labels;
  if (node.spec().provider_id().empty() && !instance.provider_id.empty()) out["spec"]["providerID"] = instance.provider_id;
  json taints = json::array();
  for (const Taint& taint : node.spec().taints()) {
    if (taint.key() != kUninitialized) taints.push_back(json::parse(api::encode_json(taint)));
  }
  out["spec"]["taints"] = taints.empty() ? json() : taints;
  return out.dump();
}

std::expected<std::optional<std::string>, std::string> addresses_patch(const Node& node, const cloud::Instance& instance) {
  Addresses wanted = instance.addresses;
  if (wanted.empty()) return std::nullopt;
  const auto is_name = [](const auto& each) { return each.first == "Hostname"; };
  const bool knows_name = std::ranges::any_of(wanted, is_name);
  for (const auto& each : node.status().addresses()) {
    if (!knows_name && each.type() == "Hostname") wanted.emplace_back(each.type(), each.address());
  }
  if (const std::string provided = provided_address(node); !provided.empty()) {
    const auto found = std::ranges::find(wanted, provided, [](const auto& each) { return each.second; });
    if (found == wanted.end())
      return std::unexpected(fmt::format("failed to get node address from cloud provider that matches ip: {}", provided));
    // Others of its type go, for readers take the first they find.
    const auto [type, address] = *found;
    std::erase_if(wanted, [&](const auto& each) { return each.first == type && each.second != address; });
  }
  Addresses present;
  for (const auto& each : node.status().addresses()) present.emplace_back(each.type(), each.address());
  if (present == wanted) return std::nullopt;
  json addresses = json::array();
  for (const auto& [type, address] : wanted) addresses.push_back({{"type", type}, {"address", address}});
  return json{{"metadata", pin_of(node)}, {"status", {{"addresses", addresses}}}}.dump();
}

}  // namespace ph::controllers::cloud_node
