// What `pilothouse up` can be told.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/log.h"

namespace ph::pilothouse {

// Threads for sockets, TLS, framing and the rendering of large bodies: --io-threads. One a processor by default.
inline constexpr int kIoThreadsMax = 64;
int default_io_threads();

struct UpOptions {
  std::filesystem::path data_dir;
  std::string bind_address = "127.0.0.1";
  int secure_port = 6443;  // 0: any free port
  int io_threads = default_io_threads();
  bool hardened = false;  // flags/hardened.h
  int nodes = 3;
  std::string stages;                            // a file that says what they and their pods do; empty: none
  std::string static_pods;                       // a folder of manifests of pods that run on each; empty: none
  std::string store = "rocksdb";                 // or "memory"
  std::string controllers = "*";                 // as --controllers of the controller manager
  std::string cloud_provider;                    // as --cloud-provider of the controller manager; empty: there is no cloud
  std::vector<std::string> load_balancer_pools;  // ranges of addresses
  std::string forward_load_balancers;  // as --forward-load-balancers of the controller manager; empty: nothing is forwarded
  std::string scheduler_config;        // text of a KubeSchedulerConfiguration; empty: the default
  std::string scheduler_config_path;
  std::vector<std::string> scheduler_plugins;  // shared objects
  std::vector<std::string> components = {"apiserver", "controller-manager", "scheduler", "node"};
  std::map<std::string, std::string> flags;  // as they were given or are by default: for /flagz
  LogLevel log_level = LogLevel::Warning;

  bool runs(std::string_view component) const;
};

// The components there are, in the order they start.
extern const std::vector<std::string> kComponents;

}  // namespace ph::pilothouse
