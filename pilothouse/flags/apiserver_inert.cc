#include "pilothouse/flags/inert.h"

// Upstream's flags that change nothing here, with the reason. tests/pilothouse/flags_test.cc compares them with upstream's list.
namespace ph::pilothouse {
namespace {

using enum daemon::Standing;

constexpr daemon::InertFlag kApiServer[] = {
    {"cors-allowed-origins", "strings", "[]", Refused, "browsers are not served"},
    {"emulation-forward-compatible", "bool", "false", NoEffect, "v1.36 is the version there is"},
    {"external-hostname", "string", "", NoEffect, "the advertised address is published"},
    {"livez-grace-period", "duration", "0s", NoEffect, "it is live as soon as it runs"},
    {"runtime-config-emulation-forward-compatible", "bool", "false", NoEffect, "v1.36 is the version there is"},
    {"send-retry-after-while-not-ready-once", "bool", "false", NoEffect,
     "requests before it is ready are answered 503 with Retry-After"},
    {"shutdown-delay-duration", "duration", "0s", NoEffect, "it stops taking requests at once"},
    {"shutdown-send-retry-after", "bool", "false", NoEffect, "connections are closed in order"},
    {"shutdown-watch-termination-grace-period", "duration", "0s", NoEffect, "watches end in order"},
    {"storage-initialization-timeout", "duration", "1m0s", NoEffect, "it is ready when the store has been read"},
    {"strict-transport-security-directives", "strings", "[]", Refused, "browsers are not served"},
    {"delete-collection-workers", "int", "1", NoEffect, "one thread deletes"},
    {"enable-garbage-collector", "bool", "true", NoEffect, "finalizers are always honoured"},
    {"etcd-cafile", "string", "", NoEffect, "there is no etcd"},
    {"etcd-certfile", "string", "", NoEffect, "there is no etcd"},
    {"etcd-compaction-interval", "duration", "5m0s", NoEffect, "there is no etcd"},
    {"etcd-count-metric-poll-period", "duration", "1m0s", NoEffect, "there is no etcd"},
    {"etcd-db-metric-poll-interval", "duration", "30s", NoEffect, "there is no etcd"},
    {"etcd-healthcheck-timeout", "duration", "2s", NoEffect, "there is no etcd"},
    {"etcd-keyfile", "string", "", NoEffect, "there is no etcd"},
    {"etcd-prefix", "string", "/registry", Refused, "keys are as upstream's defaults"},
    {"etcd-readycheck-timeout", "duration", "2s", NoEffect, "there is no etcd"},
    {"etcd-servers", "strings", "[]", Refused, "the store is RocksDB in --data-dir"},
    {"etcd-servers-overrides", "strings", "[]", Refused, "the store is RocksDB in --data-dir"},
    {"lease-reuse-duration-seconds", "int", "60", NoEffect, "there is no etcd"},
    {"storage-backend", "string", "", Refused, "the store is RocksDB in --data-dir"},
    {"storage-media-type", "string", "application/vnd.kubernetes.protobuf", Refused, "objects are stored as protobuf"},
    {"watch-cache", "bool", "true", Refused, "every read comes from the watch cache"},
    {"watch-cache-sizes", "strings", "[]", NoEffect, "the watch cache sizes itself"},
    {"contention-profiling", "bool", "false", NoEffect, "there is no profiler"},
    {"debug-socket-path", "string", "", Refused, "there is no profiler"},
    {"enable-priority-and-fairness", "bool", "true", Refused, "requests have always their priority"},
    {"profiling", "bool", "true", NoEffect, "there is no profiler"},
    {"service-account-jwks-uri", "string", "", Refused, "keys are published at /openid/v1/jwks"},
    {"service-account-lookup", "bool", "true", Refused, "tokens are always checked against their account"},
    {"service-account-max-token-expiration", "duration", "0s", Refused, "tokens last as upstream's default says"},
    {"egress-selector-config-file", "string", "", Refused, "connections leave directly"},
    {"admission-control", "strings", "[]", Refused, "it is deprecated: use --enable-admission-plugins"},
    {"default-not-ready-toleration-seconds", "int", "300", Refused, "300 seconds are built in"},
    {"default-unreachable-toleration-seconds", "int", "300", Refused, "300 seconds are built in"},
    {"tracing-config-file", "string", "", Refused, "there is no tracing"},
    {"aggregator-reject-forwarding-redirect", "bool", "true", NoEffect, "API aggregation is not there yet"},
    {"coordinated-leadership-lease-duration", "duration", "15s", NoEffect, "candidates elect among themselves"},
    {"coordinated-leadership-renew-deadline", "duration", "10s", NoEffect, "candidates elect among themselves"},
    {"coordinated-leadership-retry-period", "duration", "2s", NoEffect, "candidates elect among themselves"},
    {"enable-logs-handler", "bool", "false", Refused, "files of the machine are not served"},
    {"endpoint-reconciler-type", "string", "lease", NoEffect, "there is one apiserver"},
    {"kubelet-timeout", "duration", "5s", NoEffect, "five seconds are built in"},
    {"kubernetes-service-node-port", "int", "0", Refused, "the kubernetes service is a ClusterIP"},
    {"max-connection-bytes-per-sec", "int", "0", NoEffect, "connections are not throttled"},
    {"peer-advertise-ip", "string", "", NoEffect, "there is one apiserver"},
    {"peer-advertise-port", "string", "", NoEffect, "there is one apiserver"},
    {"peer-ca-file", "string", "", NoEffect, "there is one apiserver"},
    {"proxy-client-cert-file", "string", "", NoEffect, "API aggregation is not there yet"},
    {"proxy-client-key-file", "string", "", NoEffect, "API aggregation is not there yet"},
    {"service-account-signing-endpoint", "string", "", Refused, "tokens are signed here"},
};

}  // namespace

std::span<const daemon::InertFlag> inert_apiserver_flags() { return kApiServer; }

}  // namespace ph::pilothouse
