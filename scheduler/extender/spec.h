// ExtenderSpec: one entry of `extenders:` of a KubeSchedulerConfiguration.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "base/transport.h"

namespace ph::scheduler {

// `tlsConfig`. Data (PEM) goes before the file of the same thing; whoever makes the transport reads the files.
struct ExtenderTls {
  bool insecure = false;
  std::string server_name;
  std::string cert_file, key_file, ca_file;
  std::string cert_data, key_data, ca_data;

  bool has_ca() const { return !ca_file.empty() || !ca_data.empty(); }
};

struct ManagedResource {
  std::string name;
  bool ignored_by_scheduler = false;
};

struct ExtenderSpec {
  std::string url_prefix;
  std::string filter_verb, preempt_verb, prioritize_verb, bind_verb;  // empty: not asked for this
  std::int64_t weight = 0;
  bool enable_https = false;
  ExtenderTls tls;
  Duration http_timeout = std::chrono::seconds(5);
  bool node_cache_capable = false;  // it is sent the names of nodes only
  std::vector<ManagedResource> managed_resources;
  bool ignorable = false;

  // `verb` at its address.
  std::string url(const std::string& verb) const;
};

// An answer larger than this much, and this many times its question, is not read.
inline constexpr std::size_t kExtenderAnswerBytes = 4 << 20;
inline constexpr std::size_t kExtenderAnswerPerQuestion = 2;

// Makes the transport to an extender: its requests' targets go below `url_prefix`. The results arrive on the scheduler's
// executor. Throws when certificates cannot be used.
using ExtenderTransports = std::function<std::unique_ptr<Transport>(const ExtenderSpec&)>;

}  // namespace ph::scheduler
