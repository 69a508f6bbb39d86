// Upstream: pkg/scheduler/framework/plugins/dynamicresources (bindClaim)
#include "scheduler/plugins/dynamic_resources/claim_writer.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/times.h"
#include "base/assert.h"

namespace ph::scheduler {

using resources::v1::AllocationResult, resources::v1::ResourceClaim;

namespace {

constexpr const char* kFinalizer = "resource.kubernetes.io/delete-protection";
constexpr int kMostTries = 5;

bool has_finalizer(const ResourceClaim& claim) {
  return std::ranges::find(claim.metadata().finalizers(), kFinalizer) != claim.metadata().finalizers().end();
}

// One try; what it throws says what it was about.
Task<ResourceClaim> bound(informers::Client& client, ResourceClaim claim, const AllocationResult* allocation,
                          const std::string& pod, const std::string& uid, Time now) {
  const std::string name = key_of(claim).text();
  if (claim.metadata().has_deletion_timestamp())
    throw std::runtime_error(fmt::format("claim {} got deleted in the meantime", name));
  if (allocation) {
    if (claim.status().has_allocation()) {
      throw std::runtime_error(fmt::format("claim {} got allocated elsewhere in the meantime", name));
    }
    // A claim that has devices must not vanish before they are given back.
    if (!has_finalizer(claim)) {
      claim.mutable_metadata()->add_finalizers(kFinalizer);
      claim = co_await client.update<ResourceClaim>(std::move(claim));
    }
    *claim.mutable_status()->mutable_allocation() = *allocation;
    api::set_time(claim.mutable_status()->mutable_allocation()->mutable_allocation_timestamp(), now);
  }
  auto* user = claim.mutable_status()->add_reserved_for();
  user->set_resource("pods");
  user->set_name(pod);
  user->set_uid(uid);
  co_return co_await client.update_status<ResourceClaim>(std::move(claim));
}

}  // namespace

Task<ResourceClaim> ClaimWriter::bind(ResourceClaimRef claim, std::optional<AllocationResult> allocation, std::string pod_name,
                                      std::string pod_uid) {
  PH_ASSERT(client_ != nullptr);
  const std::string what =
      fmt::format("{} to claim {}", allocation ? "add allocation and reservation" : "add reservation", key_of(*claim).text());
  ResourceClaim latest = *claim;
  // What others change meanwhile (status of devices, say) is mostly no reason to give up.
  for (int tries = 1;; ++tries) {
    try {
      co_return co_await bound(*client_, latest, allocation ? &*allocation : nullptr, pod_name, pod_uid, clock_->now());
    } catch (const api::ApiError& error) {
      if (error.code() != 409 || tries == kMostTries) throw std::runtime_error(fmt::format("{}: {}", what, error.what()));
    }
    const std::string uid = latest.metadata().uid();
    latest = co_await client_->get<ResourceClaim>(key_of(*claim));
    if (latest.metadata().uid() != uid) throw std::runtime_error(fmt::format("{}: it is another claim now", what));
  }
}

Task<void> ClaimWriter::release(ResourceClaimRef claim, std::string pod_uid, Log log) {
  try {
    co_await client_->patch<ResourceClaim>(
        key_of(*claim),
        informers::Patch::strategic(
            fmt::format(R"({{"metadata":{{"uid":"{}"}},"status":{{"reservedFor":[{{"$patch":"delete","uid":"{}"}}]}}}})",
                        claim->metadata().uid(), pod_uid)),
        "status");
  } catch (const std::exception& error) {
    log.error("a pod could not be taken off a resource claim", "claim", key_of(*claim), "err", error.what());
  }
}

Task<void> ClaimWriter::deallocate(ResourceClaimRef claim) {
  ResourceClaim freed = *claim;
  freed.mutable_status()->clear_reserved_for();
  freed.mutable_status()->clear_allocation();
  co_await client_->update_status<ResourceClaim>(std::move(freed));
}

}  // namespace ph::scheduler
