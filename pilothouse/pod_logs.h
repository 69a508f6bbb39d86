// GET …/pods/<name>/log: from the hollow nodes of this process, or from the kubelet of the pod's node.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "apiserver/extensions.h"

namespace ph::pilothouse {

class KubeletClient;
class NodeLogs;

// `logs`, `reader` and `kubelets` must outlive it; without kubelets there are only this process's nodes.
std::unique_ptr<apiserver::SubresourceHandler> pod_logs(const NodeLogs& logs, apiserver::ObjectReader& reader,
                                                        KubeletClient* kubelets);

// The answer to a log request: the text, cut as the query's tailLines says.
HttpResponse log_response(std::string text, std::string_view query);

}  // namespace ph::pilothouse
