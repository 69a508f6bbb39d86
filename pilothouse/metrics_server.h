// The metrics server: metrics.k8s.io/v1beta1, what hollow nodes and their pods use. Reference: "Resource metrics pipeline" in the
// Kubernetes documentation.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "apiserver/extensions.h"
#include "node/hollow.h"
#include "pilothouse/node_component.h"

namespace ph::pilothouse {

class KubeletClient;

inline constexpr const char* kMetricsVersion = "metrics.k8s.io/v1beta1";

// Answers a GET of nodes or pods, one or many. What cannot be answered is a Status, too. On the nodes' executor.
HttpResponse answer_metrics(const node::HollowNodes& nodes, const HttpRequest& request);

bool is_metrics_url(const std::string& url);
// As the apiserver's: of the nodes of this process.
std::shared_ptr<apiserver::ForeignGroup> metrics_of(const NodeDoor& nodes);
// … of those that answer at this address, `https://HOST:PORT`: that of ph-node's secure port.
std::shared_ptr<apiserver::ForeignGroup> metrics_at(KubeletClient& client, const std::string& url);

}  // namespace ph::pilothouse
