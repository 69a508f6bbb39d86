// Asks the server that serves a data directory, as its administrator.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"

namespace ph::pilothouse {

class ServerClient {
 public:
  // `clock` must outlive it. Throws daemon::KubeconfigError or FileError when the kubeconfig cannot be used.
  ServerClient(const std::filesystem::path& kubeconfig, const Clock& clock);
  ~ServerClient();

  // https://host:port
  std::string url() const;

  // GETs `target` and hands the body over piece by piece; returns the HTTP status. Blocks. `take` is called on another
  // thread, before this returns; what it throws is thrown here. Throws TransportError.
  int get(const std::string& target, std::function<void(std::string_view piece)> take);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ph::pilothouse
