// What a node is told of its machine. Pure.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "controllers/cloud/provider.h"

namespace ph::controllers::cloud_node {

// With this taint a kubelet begins that has a cloud: nothing is placed there until the cloud has told of the machine.
inline constexpr const char* kUninitialized = "node.cloudprovider.kubernetes.io/uninitialized";

bool is_new(const core::v1::Node& node);

// A merge patch of the node, pinned to its revision: provider ID, labels of type, zone and region, and no such taint.
std::string initializing_patch(const core::v1::Node& node, const cloud::Instance& instance);

// A merge patch of the node's status, pinned likewise: the machine's addresses. Nothing: they are told already, or the cloud knows none.
// A kubelet's own name of the host stays where the cloud knows none. What the kubelet was told to have as its address
// (alpha.kubernetes.io/provided-node-ip) is to be among them, and goes first in its type; otherwise why not.
std::expected<std::optional<std::string>, std::string> addresses_patch(const core::v1::Node& node,
                                                                       const cloud::Instance& instance);

}  // namespace ph::controllers::cloud_node
