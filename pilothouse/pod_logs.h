// GET …/pods/<name>/log: the hollow nodes' canned logs.
#pragma once

#include <memory>

#include "apiserver/extensions.h"

namespace ph::pilothouse {

class NodeLogs;

// `logs` and `reader` must outlive it.
std::unique_ptr<apiserver::SubresourceHandler> pod_logs(const NodeLogs& logs, apiserver::ObjectReader& reader);

}  // namespace ph::pilothouse
