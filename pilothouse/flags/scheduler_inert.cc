#include "pilothouse/flags/inert.h"

// Upstream's flags that change nothing here, with the reason. tests/pilothouse/flags_test.cc compares them with upstream's list.
namespace ph::pilothouse {
namespace {

using enum daemon::Standing;

constexpr daemon::InertFlag kScheduler[] = {
    {"contention-profiling", "bool", "true", NoEffect, "there is no profiler"},
    {"kube-api-burst", "int32", "100", NoEffect, "requests are not held back"},
    {"kube-api-content-type", "string", "application/vnd.kubernetes.protobuf", NoEffect, "requests are in protobuf"},
    {"kube-api-qps", "float32", "50", NoEffect, "requests are not held back"},
    {"profiling", "bool", "true", NoEffect, "there is no profiler"},
};

}  // namespace

std::span<const daemon::InertFlag> inert_scheduler_flags() { return kScheduler; }

}  // namespace ph::pilothouse
