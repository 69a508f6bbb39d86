// Requests to a simulated cluster as a recorder makes them: method, path and a document, of one of its users.
#pragma once

#include <memory>
#include <string>

#include "tests/sim/cluster.h"
#include "tests/vectors/match.h"

namespace ph::vectors {

struct CallAnswer {
  int code = 0;
  Json body;
};

// Requests of one user with full rights, who goes by the program's name: "kubelet".
class ClusterCalls {
 public:
  ClusterCalls(sim::Cluster& cluster, const std::string& program);
  CallAnswer send(const std::string& method, const std::string& path, const Json& body = {},
                  const std::string& type = "application/json");

 private:
  sim::Cluster& cluster_;
  const std::string program_;
  std::unique_ptr<Transport> transport_;
};

// The path of the collection an object belongs to: "/api/v1/namespaces/default/pods". Empty: its kind is not served.
std::string collection_of(const Json& object);
// … of the object itself.
std::string path_of(const Json& object);

// Creates an object with its status, as a recorder does: the status goes to its sub-resource. The answer to the creation.
CallAnswer create_whole(ClusterCalls& calls, const Json& object);

}  // namespace ph::vectors
