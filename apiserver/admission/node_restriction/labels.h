// Which labels kubelets may have a say in. Reference: "Well-Known Labels, Annotations and Taints"; KEP-279.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/map.h>

namespace ph::apiserver::node_restriction {

using Labels = google::protobuf::Map<std::string, std::string>;

// Whether a node may set, change or remove the label on itself: it stands for no part of Kubernetes, or is one that kubelets set.
bool is_free(std::string_view label);

// Those that differ and are not free, by name.
std::vector<std::string> forbidden_changes(const Labels& before, const Labels& after);

}  // namespace ph::apiserver::node_restriction
