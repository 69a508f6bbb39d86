// GET …/pods/<name>/log: from the hollow nodes of this process, or from the kubelet of the pod's node.
#pragma once

#include <memory>
#include <string>

#include "apiserver/extensions.h"
#include "pilothouse/log_request.h"

namespace ph::pilothouse {

class KubeletClient;
class NodeLogs;

// `logs`, `reader` and `kubelets` must outlive it; without kubelets there are only this process's nodes.
std::unique_ptr<apiserver::SubresourceHandler> pod_logs(const NodeLogs& logs, apiserver::ObjectReader& reader,
                                                        KubeletClient* kubelets);

// Whose log it is that a response follows.
struct LogSource {
  const NodeLogs& logs;  // outlives the response
  ObjectKey pod;
  std::string container;
};

// The answer with a log that there is. One that is followed is a stream, which ends with the container's run, or with the pod.
HttpResponse log_response(const node::ContainerLog& log, LogRequest asked, LogSource source);

}  // namespace ph::pilothouse
