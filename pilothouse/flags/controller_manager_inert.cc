#include "pilothouse/flags/inert.h"

// Upstream's flags that change nothing here, with the reason. tests/pilothouse/flags_test.cc compares them with upstream's list.
namespace ph::pilothouse {
namespace {

using enum daemon::Standing;

constexpr daemon::InertFlag kGeneric[] = {
    {"contention-profiling", "bool", "false", NoEffect, "there is no profiler"},
    {"profiling", "bool", "true", NoEffect, "there is no profiler"},
    {"enable-leader-migration", "bool", "false", Refused, "leases are not migrated"},
    {"leader-migration-config", "string", "", Refused, "leases are not migrated"},
    {"allocate-node-cidrs", "bool", "false", Refused, "the node-ipam loop is not here yet"},
    {"cidr-allocator-type", "string", "RangeAllocator", NoEffect, "the node-ipam loop is not here yet"},
    {"cloud-config", "string", "", Refused, "there are no cloud providers"},
    {"cloud-provider", "string", "", Refused, "there are no cloud providers"},
    {"cluster-cidr", "string", "", NoEffect, "only loops that are not here yet use it"},
    {"cluster-name", "string", "kubernetes", NoEffect, "only cloud providers use it"},
    {"configure-cloud-routes", "bool", "true", NoEffect, "there are no cloud providers"},
    {"controller-shutdown-timeout", "duration", "10s", NoEffect, "loops end at once"},
    {"controller-start-interval", "duration", "0s", NoEffect, "loops start together"},
    {"external-cloud-volume-plugin", "string", "", Refused, "there are no cloud providers"},
    {"kube-api-burst", "int32", "30", NoEffect, "requests are not held back"},
    {"kube-api-content-type", "string", "application/vnd.kubernetes.protobuf", NoEffect, "requests are in protobuf"},
    {"kube-api-qps", "float32", "20", NoEffect, "requests are not held back"},
    {"min-resync-period", "duration", "12h0m0s", NoEffect, "informers never resync"},
    {"node-monitor-period", "duration", "5s", NoEffect, "the node-lifecycle loop is not here yet"},
    {"route-reconciliation-period", "duration", "10s", NoEffect, "there are no cloud providers"},
};

constexpr daemon::InertFlag kLoops[] = {
    {"cluster-signing-cert-file", "string", "", NoEffect, "the certificatesigningrequest-signing loop is not here yet"},
    {"cluster-signing-duration", "duration", "8760h0m0s", NoEffect, "the certificatesigningrequest-signing loop is not here yet"},
    {"cluster-signing-key-file", "string", "", NoEffect, "the certificatesigningrequest-signing loop is not here yet"},
    {"cluster-signing-kube-apiserver-client-cert-file", "string", "", NoEffect,
     "the certificatesigningrequest-signing loop is not here yet"},
    {"cluster-signing-kube-apiserver-client-key-file", "string", "", NoEffect,
     "the certificatesigningrequest-signing loop is not here yet"},
    {"cluster-signing-kubelet-client-cert-file", "string", "", NoEffect,
     "the certificatesigningrequest-signing loop is not here yet"},
    {"cluster-signing-kubelet-client-key-file", "string", "", NoEffect,
     "the certificatesigningrequest-signing loop is not here yet"},
    {"cluster-signing-kubelet-serving-cert-file", "string", "", NoEffect,
     "the certificatesigningrequest-signing loop is not here yet"},
    {"cluster-signing-kubelet-serving-key-file", "string", "", NoEffect,
     "the certificatesigningrequest-signing loop is not here yet"},
    {"cluster-signing-legacy-unknown-cert-file", "string", "", NoEffect,
     "the certificatesigningrequest-signing loop is not here yet"},
    {"cluster-signing-legacy-unknown-key-file", "string", "", NoEffect,
     "the certificatesigningrequest-signing loop is not here yet"},
    {"concurrent-device-taint-eviction-syncs", "int32", "8", NoEffect, "the device-taint-eviction loop is not here yet"},
    {"legacy-service-account-token-clean-up-period", "duration", "8760h0m0s", NoEffect,
     "the legacy-serviceaccount-token-cleaner loop is not here yet"},
    {"node-cidr-mask-size", "int32", "0", NoEffect, "the node-ipam loop is not here yet"},
    {"node-cidr-mask-size-ipv4", "int32", "0", NoEffect, "the node-ipam loop is not here yet"},
    {"node-cidr-mask-size-ipv6", "int32", "0", NoEffect, "the node-ipam loop is not here yet"},
    {"service-cluster-ip-range", "string", "", NoEffect, "the node-ipam loop is not here yet"},
    {"large-cluster-size-threshold", "int32", "50", NoEffect, "the node-lifecycle loop is not here yet"},
    {"node-eviction-rate", "float32", "0.1", NoEffect, "the node-lifecycle loop is not here yet"},
    {"node-monitor-grace-period", "duration", "50s", NoEffect, "the node-lifecycle loop is not here yet"},
    {"node-startup-grace-period", "duration", "1m0s", NoEffect, "the node-lifecycle loop is not here yet"},
    {"secondary-node-eviction-rate", "float32", "0.01", NoEffect, "the node-lifecycle loop is not here yet"},
    {"unhealthy-zone-threshold", "float32", "0.55", NoEffect, "the node-lifecycle loop is not here yet"},
    {"attach-detach-reconcile-sync-period", "duration", "1m0s", NoEffect,
     "what is attached is followed, not looked at from time to time"},
    {"disable-attach-detach-reconcile-sync", "bool", "false", NoEffect,
     "what is attached is followed, not looked at from time to time"},
    {"enable-dynamic-provisioning", "bool", "true", NoEffect, "the persistentvolume-binder loop is not here yet"},
    {"enable-hostpath-provisioner", "bool", "false", NoEffect, "the persistentvolume-binder loop is not here yet"},
    {"flex-volume-plugin-dir", "string", "/usr/libexec/kubernetes/kubelet-plugins/volume/exec/", NoEffect,
     "the persistentvolume-binder loop is not here yet"},
    {"pv-recycler-increment-timeout-nfs", "int32", "30", NoEffect, "the persistentvolume-binder loop is not here yet"},
    {"pv-recycler-minimum-timeout-hostpath", "int32", "60", NoEffect, "the persistentvolume-binder loop is not here yet"},
    {"pv-recycler-minimum-timeout-nfs", "int32", "300", NoEffect, "the persistentvolume-binder loop is not here yet"},
    {"pv-recycler-pod-template-filepath-hostpath", "string", "", NoEffect, "the persistentvolume-binder loop is not here yet"},
    {"pv-recycler-pod-template-filepath-nfs", "string", "", NoEffect, "the persistentvolume-binder loop is not here yet"},
    {"pv-recycler-timeout-increment-hostpath", "int32", "30", NoEffect, "the persistentvolume-binder loop is not here yet"},
    {"pvclaimbinder-sync-period", "duration", "15s", NoEffect, "the persistentvolume-binder loop is not here yet"},
    {"concurrent-service-syncs", "int32", "1", NoEffect, "the service-lb loop is not here yet"},
    {"concurrent-serviceaccount-token-syncs", "int32", "5", NoEffect, "the serviceaccount-token loop is not here yet"},
    {"service-account-private-key-file", "string", "", NoEffect, "the serviceaccount-token loop is not here yet"},
    {"concurrent-validating-admission-policy-status-syncs", "int32", "5", NoEffect,
     "the validatingadmissionpolicy-status loop is not here yet"},
};

}  // namespace

std::span<const daemon::InertFlag> inert_controller_manager_flags() { return kGeneric; }
std::span<const daemon::InertFlag> inert_loop_flags() { return kLoops; }

}  // namespace ph::pilothouse
