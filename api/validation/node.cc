// v1 Node.
#include <fmt/format.h>

#include "api/addresses.h"
#include "api/codec.h"
#include "api/internal_form.h"
#include "api/json_text.h"
#include "api/validation/validation.h"

namespace ph::api {

using namespace core::v1;

namespace {

// Which pods a node would rather not have, from when that was an annotation.
void check_avoid_pods(const StringMap& annotations, const Path& path, Errors& errors) {
  static const std::string kAvoidPods = "scheduler.alpha.kubernetes.io/preferAvoidPods";
  const auto found = annotations.find(kAvoidPods);
  if (found == annotations.end() || found->second.empty()) return;
  const std::string problem = json_syntax_error(found->second, DecodeOptions{}.depth_max);
  if (!problem.empty()) errors.invalid_text(path.member("AvoidPods"), kAvoidPods, problem);
}

void check_taints(const google::protobuf::RepeatedPtrField<Taint>& taints, const Path& path, Errors& errors) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (int i = 0; i < taints.size(); ++i) {
    const Taint& taint = taints[i];
    const Path at = path.index(i);
    check_label_name(taint.key(), at.member("key"), errors);
    errors.invalid_each(at.member("value"), taint.value(), check_label_value(taint.value()));
    check_taint_effect(taint.effect(), false, at.member("effect"), errors);
    if (seen.insert({taint.key(), taint.effect()}).second) continue;
    errors.duplicate_json(at, internal_json(taint) + ": taints must be unique by key and effect pair");
  }
}

void check_amounts(const ResourceMap& amounts, const Path& path, Errors& errors) {
  for (const auto* entry : sorted(amounts)) check_resource_value(entry->first, entry->second, path.member(entry->first), errors);
}

void check_pod_cidrs(const NodeSpec& spec, const Path& path, Errors& errors) {
  const std::string* bad = nullptr;
  std::size_t bad_at = 0;
  std::set<bool> families;
  for (int i = 0; i < spec.pod_cidrs_size(); ++i) {
    // In no certain form: nodes that are there have what they were once given.
    const auto range = read_address_range(spec.pod_cidrs(i));
    if (range) {
      families.insert(range->address.is_v6);
      continue;
    }
    errors.invalid_text(path.index(i), spec.pod_cidrs(i), "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
    if (bad) continue;
    bad = &spec.pod_cidrs(i);
    bad_at = static_cast<std::size_t>(i);
  }
  if (spec.pod_cidrs_size() < 2) return;
  if (bad) {
    errors.internal(path, fmt::format("invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[{}]: <nil> "
                                      "(invalid CIDR address: {})",
                                      bad_at, *bad));
  }
  if (bad || spec.pod_cidrs_size() > 2 || families.size() < 2)
    errors.invalid(path, json_of(spec.pod_cidrs()), "may specify no more than one CIDR for each IP family");
}

void check_addresses(const NodeStatus& status, const Path& path, Errors& errors) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (int i = 0; i < status.addresses_size(); ++i) {
    const NodeAddress& address = status.addresses(i);
    if (!seen.insert({address.type(), address.address()}).second) {
      errors.duplicate_json(path.index(i), internal_json(address));
    }
  }
}

void check_whole(const Node& node, Errors& errors) {
  check_avoid_pods(node.metadata().annotations(), Path("metadata").member("annotations"), errors);
  check_taints(node.spec().taints(), Path("metadata").member("taints"), errors);  // so upstream places them
  check_amounts(node.status().capacity(), Path("status").member("capacity"), errors);
  check_amounts(node.status().allocatable(), Path("status").member("allocatable"), errors);
  check_pod_cidrs(node.spec(), Path("spec").member("podCIDRs"), errors);
}

}  // namespace

void validate(const Node& node, Errors& errors) { check_whole(node, errors); }

void validate_update(const Node& now, const Node& old, Errors& errors) {
  check_whole(now, errors);
  check_addresses(now.status(), Path("status").member("addresses"), errors);
  const Path spec("spec");
  if (now.spec().external_id() != old.spec().external_id()) errors.forbidden(spec.member("externalID"), "may not be updated");
  // Pod ranges and the provider's identity are given once.
  if (!old.spec().pod_cidrs().empty() && json_of(now.spec().pod_cidrs()) != json_of(old.spec().pod_cidrs())) {
    errors.forbidden(spec.member("podCIDRs"), "node updates may not change podCIDR except from \"\" to valid");
  }
  if (!old.spec().provider_id().empty() && now.spec().provider_id() != old.spec().provider_id()) {
    errors.forbidden(spec.member("providerID"), "node updates may not change providerID except from \"\" to valid");
  }
}

void validate_status(const Node& now, const Node& old, Errors& errors) { validate_update(now, old, errors); }

}  // namespace ph::api
