// Probes and lifecycle handlers.
#include <fmt/format.h>

#include "api/validation/pod_parts.h"

namespace ph::api {

using namespace core::v1;

namespace {

bool is_header_name(std::string_view name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && std::ranges::all_of(name, fits);
}

void check_http(const HTTPGetAction& action, const Path& path, Errors& errors) {
  if (action.path().empty()) errors.required(path.member("path"));
  check_port_or_name(action.port(), path.member("port"), errors);
  check_one_of(action.scheme(), {"HTTP", "HTTPS"}, path.member("scheme"), errors);
  for (const HTTPHeader& header : action.http_headers()) {
    if (is_header_name(header.name())) continue;
    errors.invalid_text(
        path.member("httpHeaders"), header.name(),
        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation "
        "is '[-A-Za-z0-9]+')");
  }
}

// The handlers of probes and of lifecycles share these three.
template <class Handler>
int check_shared(const Handler& handler, const Path& path, Errors& errors) {
  int handlers = 0;
  const auto counted = [&](bool set, std::string_view name) {
    if (set && handlers++ > 0) errors.forbidden(path.member(name), "may not specify more than 1 handler type");
    return set && handlers == 1;
  };
  if (counted(handler.has_exec(), "exec") && handler.exec().command().empty())
    errors.required(path.member("exec").member("command"));
  if (counted(handler.has_http_get(), "httpGet")) check_http(handler.http_get(), path.member("httpGet"), errors);
  if (counted(handler.has_tcp_socket(), "tcpSocket")) {
    check_port_or_name(handler.tcp_socket().port(), path.member("tcpSocket").member("port"), errors);
  }
  return handlers;
}

void check_end(int handlers, const Path& path, Errors& errors) {
  if (handlers == 0) errors.required(path, "must specify a handler type");
}

void check_probe(const Probe& probe, const Path& path, Errors& errors) {
  int handlers = check_shared(probe.handler(), path, errors);
  if (probe.handler().has_grpc()) {
    if (handlers++ > 0) {
      errors.forbidden(path.member("grpc"), "may not specify more than 1 handler type");
    } else {
      check_port(probe.handler().grpc().port(), path.member("grpc").member("port"), errors);
    }
  }
  check_end(handlers, path, errors);
  check_nonnegative(probe.initial_delay_seconds(), path.member("initialDelaySeconds"), errors);
  check_nonnegative(probe.timeout_seconds(), path.member("timeoutSeconds"), errors);
  check_nonnegative(probe.period_seconds(), path.member("periodSeconds"), errors);
  check_nonnegative(probe.success_threshold(), path.member("successThreshold"), errors);
  check_nonnegative(probe.failure_threshold(), path.member("failureThreshold"), errors);
  if (probe.has_termination_grace_period_seconds() && probe.termination_grace_period_seconds() <= 0) {
    errors.invalid(path.member("terminationGracePeriodSeconds"), probe.termination_grace_period_seconds(),
                   "must be greater than 0");
  }
}

void check_handler(const LifecycleHandler& handler, std::int64_t grace_seconds, const Path& path, Errors& errors) {
  int handlers = check_shared(handler, path, errors);
  if (handler.has_sleep()) {
    const std::int64_t seconds = handler.sleep().seconds();
    if (handlers++ > 0) {
      errors.forbidden(path.member("sleep"), "may not specify more than 1 handler type");
    } else if (seconds < 0 || seconds > grace_seconds) {
      errors.invalid(path.member("sleep"), seconds,
                     fmt::format("must be non-negative and less than terminationGracePeriodSeconds ({})", grace_seconds));
    }
  }
  check_end(handlers, path, errors);
}

}  // namespace

void check_liveness(const Probe& probe, const Path& path, Errors& errors) {
  check_probe(probe, path, errors);
  if (probe.success_threshold() != 1) errors.invalid(path.member("successThreshold"), probe.success_threshold(), "must be 1");
}

void check_readiness(const Probe& probe, const Path& path, Errors& errors) {
  check_probe(probe, path, errors);
  if (probe.has_termination_grace_period_seconds()) {
    errors.invalid(path.member("terminationGracePeriodSeconds"), probe.termination_grace_period_seconds(),
                   "must not be set for readinessProbes");
  }
}

void check_lifecycle(const Lifecycle& lifecycle, std::int64_t grace_seconds, const Path& path, Errors& errors) {
  if (lifecycle.has_post_start()) check_handler(lifecycle.post_start(), grace_seconds, path.member("postStart"), errors);
  if (lifecycle.has_pre_stop()) check_handler(lifecycle.pre_stop(), grace_seconds, path.member("preStop"), errors);
}

}  // namespace ph::api
