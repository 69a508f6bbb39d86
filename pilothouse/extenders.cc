#include "pilothouse/extenders.h"

#include <fmt/format.h>

#include "daemon/files.h"
#include "net/outbound.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {

using daemon::FileError;
using daemon::read_file;

namespace {

// The scheduler has its own limit; this one ends what it has given up.
constexpr Duration kGrace = 5s;

std::string data_or_file(const std::string& data, const std::string& file) {
  if (!data.empty() || file.empty()) return data;
  const auto text = read_file(file);
  if (!text) throw FileError(fmt::format("open {}: no such file or directory", file));
  return *text;
}

}  // namespace

scheduler::ExtenderTransports extender_transports(net::IoThreads& io, Executor& executor) {
  return [&io, &executor](const scheduler::ExtenderSpec& spec) {
    net::OutboundOptions options;
    options.url = spec.url_prefix;
    options.user_agent = std::string("kube-scheduler/") + kVersion;
    options.timeout = spec.http_timeout + kGrace;
    options.response_bytes_max = scheduler::kExtenderAnswerBytes;
    options.response_per_request = scheduler::kExtenderAnswerPerQuestion;
    options.tls.skip_verify = spec.tls.insecure;
    options.tls.server_name = spec.tls.server_name;
    options.tls.ca_pem = data_or_file(spec.tls.ca_data, spec.tls.ca_file);
    options.tls.cert_pem = data_or_file(spec.tls.cert_data, spec.tls.cert_file);
    options.tls.key_pem = data_or_file(spec.tls.key_data, spec.tls.key_file);
    return net::outbound_transport(io, executor, std::move(options));
  };
}

}  // namespace ph::pilothouse
