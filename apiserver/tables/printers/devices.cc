// The rows of device classes, claims and slices.
#include <fmt/ranges.h>

#include "apiserver/tables/printers/cells.h"

namespace ph::apiserver {

using namespace resources::v1;

namespace {

constexpr Column kNameAndAge[] = {{"Name", "string", "name"}, {"Age", "string"}};

template <class T>
void print_name(const T& object, Time now, Row& row) {
  row.cells = {object.metadata().name(), age(object.metadata().creation_timestamp(), now)};
}

constexpr Column kResourceClaimColumns[] = {{"Name", "string", "name"}, {"State", "string"}, {"Age", "string"}};

std::string state_of(const ResourceClaim& claim) {
  const bool deleted = claim.metadata().has_deletion_timestamp();
  std::vector<std::string_view> states;
  if (deleted) states.push_back("deleted");
  if (claim.status().has_allocation()) {
    states.push_back("allocated");
    if (!claim.status().reserved_for().empty()) states.push_back("reserved");
  } else if (!deleted) {
    states.push_back("pending");
  }
  return fmt::format("{}", fmt::join(states, ","));
}

void print_claim(const ResourceClaim& claim, Time now, Row& row) {
  row.cells = {claim.metadata().name(), state_of(claim), age(claim.metadata().creation_timestamp(), now)};
}

constexpr Column kResourceSliceColumns[] = {
    {"Name", "string", "name"}, {"Node", "string"}, {"Driver", "string"}, {"Pool", "string"}, {"Age", "string"}};

void print_slice(const ResourceSlice& slice, Time now, Row& row) {
  row.cells = {slice.metadata().name(), slice.spec().node_name(), slice.spec().driver(), slice.spec().pool().name(),
               age(slice.metadata().creation_timestamp(), now)};
}

}  // namespace

extern const Printer kDeviceClassPrinter = printer_of<DeviceClass, print_name<DeviceClass>>(kNameAndAge);
extern const Printer kResourceClaimTemplatePrinter =
    printer_of<ResourceClaimTemplate, print_name<ResourceClaimTemplate>>(kNameAndAge);
extern const Printer kResourceClaimPrinter = printer_of<ResourceClaim, print_claim>(kResourceClaimColumns);
extern const Printer kResourceSlicePrinter = printer_of<ResourceSlice, print_slice>(kResourceSliceColumns);

}  // namespace ph::apiserver
