// A key management service beside the server: v2.KeyManagementService of k8s.io/kms (KEP-3299). It wraps and unwraps what objects
// are encrypted with, and never sees an object.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <string>

#include "net/grpc.h"

namespace ph::apiserver::encryption {

using Annotations = std::map<std::string, std::string>;

struct KmsStatus {
  std::string version, healthz, key_id;
};

// What the service has made of a secret, and what it wants to be shown again when it shall be told the secret.
struct Wrapped {
  std::string bytes, key_id;
  Annotations annotations;
};

// Threads: one executor's. Dropping a task withdraws the call. `uid`: of a call, for the logs of both sides.
class KmsPlugin {
 public:
  template <class T>
  using Answer = Task<std::expected<T, net::GrpcError>>;

  virtual ~KmsPlugin() = default;
  virtual Answer<KmsStatus> status() = 0;
  virtual Answer<Wrapped> encrypt(std::string plain, std::string uid) = 0;
  virtual Answer<std::string> decrypt(Wrapped wrapped, std::string uid) = 0;
};

// `timeout`: of each call.
std::unique_ptr<KmsPlugin> grpc_kms_plugin(std::unique_ptr<net::GrpcClient> client, Duration timeout);

}  // namespace ph::apiserver::encryption
