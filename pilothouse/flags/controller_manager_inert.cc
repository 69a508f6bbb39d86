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
    {"controller-shutdown-timeout", "duration", "10s", NoEffect, "loops end at once"},
    {"controller-start-interval", "duration", "0s", NoEffect, "loops start together"},
    {"external-cloud-volume-plugin", "string", "", Refused, "volumes are made by whoever the class names"},
    {"kube-api-burst", "int32", "30", NoEffect, "requests are not held back"},
    {"kube-api-content-type", "string", "application/vnd.kubernetes.protobuf", NoEffect, "requests are in protobuf"},
    {"kube-api-qps", "float32", "20", NoEffect, "requests are not held back"},
    {"min-resync-period", "duration", "12h0m0s", NoEffect, "informers never resync"},
};

constexpr daemon::InertFlag kLoops[] = {
    {"attach-detach-reconcile-sync-period", "duration", "1m0s", NoEffect,
     "what is attached is followed, not looked at from time to time"},
    {"disable-attach-detach-reconcile-sync", "bool", "false", NoEffect,
     "what is attached is followed, not looked at from time to time"},
    {"enable-hostpath-provisioner", "bool", "false", Refused, "nothing is made on the manager's own disk"},
    {"flex-volume-plugin-dir", "string", "/usr/libexec/kubernetes/kubelet-plugins/volume/exec/", NoEffect,
     "there are no volume plugins"},
    {"pv-recycler-increment-timeout-nfs", "int32", "30", NoEffect, "nothing is recycled"},
    {"pv-recycler-minimum-timeout-hostpath", "int32", "60", NoEffect, "nothing is recycled"},
    {"pv-recycler-minimum-timeout-nfs", "int32", "300", NoEffect, "nothing is recycled"},
    {"pv-recycler-pod-template-filepath-hostpath", "string", "", NoEffect, "nothing is recycled"},
    {"pv-recycler-pod-template-filepath-nfs", "string", "", NoEffect, "nothing is recycled"},
    {"pv-recycler-timeout-increment-hostpath", "int32", "30", NoEffect, "nothing is recycled"},
    {"concurrent-validating-admission-policy-status-syncs", "int32", "5", NoEffect,
     "the validatingadmissionpolicy-status loop is not here yet"},
};

}  // namespace

std::span<const daemon::InertFlag> inert_controller_manager_flags() { return kGeneric; }
std::span<const daemon::InertFlag> inert_loop_flags() { return kLoops; }

}  // namespace ph::pilothouse
