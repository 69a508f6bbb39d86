// networking.k8s.io/v1 ServiceCIDR and IPAddress.
#include <fmt/format.h>

#include "api/addresses.h"
#include "api/validation/validation.h"

namespace ph::api {

using networking::v1::IPAddress, networking::v1::ParentReference, networking::v1::ServiceCIDR;
using Strings = google::protobuf::RepeatedPtrField<std::string>;

namespace {

constexpr int kCidrsMax = 2;

bool is_of_one_family(const Strings& cidrs) {
  const auto first = read_address_range(cidrs[0]), second = read_address_range(cidrs[1]);
  return first && second && first->address.is_v6 == second->address.is_v6;
}

// Empty lists are shown as null.
std::string shown(const Strings& cidrs) { return cidrs.empty() ? "null" : json_of(cidrs); }

void check_cidrs(const Strings& cidrs, const Path& path, Errors& errors) {
  if (cidrs.empty()) return errors.required(path, "at least one CIDR required");
  if (cidrs.size() > kCidrsMax) return errors.invalid(path, json_of(cidrs), "may only hold up to 2 values");
  if (cidrs.size() == kCidrsMax && is_of_one_family(cidrs)) {
    return errors.invalid(path, json_of(cidrs),
                          "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64");
  }
  for (int i = 0; i < cidrs.size(); ++i) check_new_cidr(cidrs[i], path.index(static_cast<std::size_t>(i)), errors);
}

// As upstream shows its own type.
std::string shown(const ParentReference& parent) {
  return fmt::format(R"({{"Group":{},"Resource":{},"Namespace":{},"Name":{}}})", quote(parent.group()), quote(parent.resource()),
                     quote(parent.namespace_()), quote(parent.name()));
}

}  // namespace

void validate(const ServiceCIDR& object, Errors& errors) {
  check_cidrs(object.spec().cidrs(), Path("spec").member("cidrs"), errors);
}

// A second range, of the other family, may be added.
void validate_update(const ServiceCIDR& now, const ServiceCIDR& old, Errors& errors) {
  const Path path = Path("spec").member("cidrs");
  const Strings &wanted = now.spec().cidrs(), &before = old.spec().cidrs();
  const bool grows = before.size() == 1 && wanted.size() == 2;
  if (wanted.size() != before.size() && !grows) return errors.invalid(path, shown(wanted), kImmutable);
  for (int i = 0; i < before.size(); ++i) check_immutable(wanted[i], before[i], path.index(static_cast<std::size_t>(i)), errors);
  if (grows) check_cidrs(wanted, path, errors);
}

void validate(const IPAddress& object, Errors& errors) {
  const Path path = Path("spec").member("parentRef");
  if (!object.spec().has_parent_ref()) return errors.required(path);
  const ParentReference& parent = object.spec().parent_ref();
  // That of services is the group without a name.
  if (!parent.group().empty()) check_subdomain(parent.group(), path.member("group"), errors);
  check_path_segment_text(parent.resource(), path.member("resource"), errors);
  check_path_segment_text(parent.name(), path.member("name"), errors);
  if (!parent.namespace_().empty()) check_path_segment_text(parent.namespace_(), path.member("namespace"), errors);
}

void validate_update(const IPAddress& now, const IPAddress& old, Errors& errors) {
  validate(now, errors);
  const auto& wanted = now.spec();
  if (wanted.has_parent_ref() == old.spec().has_parent_ref() && same(wanted.parent_ref(), old.spec().parent_ref())) return;
  errors.invalid(Path("spec").member("parentRef"), wanted.has_parent_ref() ? shown(wanted.parent_ref()) : "null", kImmutable);
}

}  // namespace ph::api
