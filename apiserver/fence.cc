#include "apiserver/fence.h"

#include <fmt/format.h>

#include "api/codec.h"
#include "api/errors.h"
#include "api/kinds.h"
#include "apiserver/rest/round.h"

namespace ph::apiserver {
namespace {

using coordination::v1::Lease;

[[noreturn]] void refuse(const Served& leases, const api::Fence& fence) {
  const std::string why =
      fmt::format("the write was made under a fence that does not hold: lease {} is not in that term", fence.lease.text());
  meta::v1::Status status = api::conflict(leases.qualified, fence.lease.name, why).status();
  auto& cause = *status.mutable_details()->add_causes();
  cause.set_reason(std::string(api::kFenceCause));
  cause.set_message(why);
  throw api::ApiError(std::move(status));
}

}  // namespace

std::optional<api::Fence> fence_of_request(const HttpRequest& request) {
  if (!request.headers.has(api::kFenceHeader)) return std::nullopt;
  std::optional<api::Fence> fence = api::parse_fence(request.headers.get(api::kFenceHeader));
  if (!fence) {
    throw api::bad_request(
        fmt::format("the {} header is not of the form <namespace>/<name>; uid=…; holder=…; transitions=…", api::kFenceHeader));
  }
  return fence;
}

Precondition held(Core& core, const api::Fence& fence) {
  const Served& leases = core.of(api::schema_of<Lease>());
  const EntryRef entry = leases.cache->find(fence.lease.text());
  if (!entry) refuse(leases, fence);
  Lease lease;
  api::decode_envelope(*entry->protobuf, lease);
  if (api::fence_of(lease) != fence) refuse(leases, fence);
  return unchanged(leases, *entry);
}

}  // namespace ph::apiserver
