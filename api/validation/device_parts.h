// What the kinds of resource.k8s.io share: names of pools and devices, and what claims and classes ask for. Expressions of
// selectors are not compiled here: that there is one, and its length, is all that is checked.
#pragma once

#include <functional>

#include "api/validation/validation.h"

namespace ph::api {

inline constexpr std::size_t kDeviceRequestsMax = 32, kDeviceConfigMax = 32, kDeviceSelectorsMax = 32, kBindingConditionsMax = 4;

// -- Names (device_parts.cc)
void check_pool(const std::string& name, const Path& path, Errors& errors);
// name, or domain/name: of attributes and capacities.
void check_device_key(std::string_view name, const Path& path, Errors& errors);
void check_full_device_key(std::string_view name, const Path& path, Errors& errors);
// Conditions a scheduler waits for: each once.
void check_binding_conditions(const google::protobuf::RepeatedPtrField<std::string>& conditions, const Path& path,
                              Errors& errors);

// -- Parts of claims and classes (device_parts.cc)

// The requests of a claim, each with the names of its alternatives.
using RequestNames = std::map<std::string, std::set<std::string>>;
RequestNames request_names(const resources::v1::DeviceClaim& claim);
// A request, or one of its alternatives: "request/alternative".
void check_request_reference(const std::string& text, const RequestNames& names, const Path& path, Errors& errors);
// Each once.
void check_request_references(const google::protobuf::RepeatedPtrField<std::string>& references, const RequestNames& names,
                              const Path& path, Errors& errors);
void check_device_selectors(const google::protobuf::RepeatedPtrField<resources::v1::DeviceSelector>& selectors, const Path& path,
                            Errors& errors);
void check_device_configuration(const resources::v1::DeviceConfiguration& configuration, const Path& path, Errors& errors);
// Parameters for a driver, or data of one: a JSON object.
void check_raw_object(const meta::v1::RawExtension& raw, std::size_t bytes_max, const Path& path, Errors& errors);
void check_device_tolerations(const google::protobuf::RepeatedPtrField<resources::v1::DeviceToleration>& tolerations,
                              const Path& path, Errors& errors);
void check_device_claim(const resources::v1::DeviceClaim& claim, const Path& path, Errors& errors);

// Calls `check(item, path)` for each item and refuses names that come again, and more than `max` of them.
template <class List, class Name, class Check>
void check_set(const List& items, std::size_t max, const Path& path, Errors& errors, Name name_of, Check check) {
  std::set<std::string_view> seen;
  check_items(items, max, path, errors, [&](const auto& item, const Path& here) {
    check(item, here);
    const std::string_view name = name_of(item);
    if (!seen.insert(name).second) errors.duplicate(here, name);
  });
}

}  // namespace ph::api
