// v1 Node.
#include "api/addresses.h"
#include "api/validation/validation.h"

namespace ph::api {

using namespace core::v1;

namespace {

void check_taints(const google::protobuf::RepeatedPtrField<Taint>& taints, const Path& path, Errors& errors) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (int i = 0; i < taints.size(); ++i) {
    const Taint& taint = taints[i];
    const Path at = path.index(i);
    check_label_name(taint.key(), at.member("key"), errors);
    errors.invalid_each(at.member("value"), taint.value(), check_label_value(taint.value()));
    check_taint_effect(taint.effect(), false, at.member("effect"), errors);
    if (seen.insert({taint.key(), taint.effect()}).second) continue;
    errors.duplicate_json(at, "{\"key\":" + quote(taint.key()) + ",\"effect\":" + quote(taint.effect()) + "}");
  }
}

void check_amounts(const ResourceMap& amounts, const Path& path, Errors& errors) {
  for (const auto* entry : sorted(amounts)) check_resource_value(entry->first, entry->second, path.key(entry->first), errors);
}

void check_pod_cidrs(const NodeSpec& spec, const Path& path, Errors& errors) {
  if (spec.pod_cidrs_size() > 2)
    errors.invalid(path, json_of(spec.pod_cidrs()), "may specify no more than one CIDR for each IP family");
  for (int i = 0; i < spec.pod_cidrs_size(); ++i) {
    // In no certain form: nodes that are there have what they were once given.
    if (read_address_range(spec.pod_cidrs(i))) continue;
    errors.invalid_text(path.index(i), spec.pod_cidrs(i), "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
  }
}

void check_addresses(const NodeStatus& status, const Path& path, Errors& errors) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (int i = 0; i < status.addresses_size(); ++i) {
    const NodeAddress& address = status.addresses(i);
    if (!seen.insert({address.type(), address.address()}).second) {
      errors.duplicate_json(path.index(i),
                            "{\"type\":" + quote(address.type()) + ",\"address\":" + quote(address.address()) + "}");
    }
  }
}

void check_whole(const Node& node, Errors& errors) {
  check_taints(node.spec().taints(), Path("spec").member("taints"), errors);
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
