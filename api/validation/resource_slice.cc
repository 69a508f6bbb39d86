// resource.k8s.io/v1 ResourceSlice.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/validation/device_parts.h"

namespace ph::api {

using namespace resources::v1;
using resources::v1::Counter;  // not the one of metrics.h

namespace {

constexpr std::size_t kDevicesMax = 128, kAdvancedDevicesMax = 64, kKeysMax = 32, kAttributeMax = 64, kTaintsMax = 16;
constexpr std::size_t kCounterSetsMax = 8, kCountersMax = 32, kConsumedSetsMax = 2, kValidValuesMax = 10;

// -- Attributes

// A number of a version without a leading zero, which is taken off `text`.
bool take_number(std::string_view& text) {
  const auto length = std::min(text.find_first_not_of("0123456789"), text.size());
  if (length == 0 || (length > 1 && text.front() == '0')) return false;
  text.remove_prefix(length);
  return true;
}

// Identifiers between dots; those that are numbers have no leading zeros where `numeric`.
bool are_identifiers(std::string_view text, bool numeric) {
  while (true) {
    const std::string_view one = text.substr(0, text.find('.'));
    const bool allowed =
        !one.empty() && one.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") == one.npos;
    const bool padded = one.size() > 1 && one.front() == '0' && one.find_first_not_of("0123456789") == one.npos;
    if (!allowed || (numeric && padded)) return false;
    if (one.size() == text.size()) return true;
    text.remove_prefix(one.size() + 1);
  }
}

// 1.2.3-pre.1+build, see semver.org.
bool is_semantic_version(std::string_view text) {
  for (int part = 0; part < 3; ++part) {
    if (part > 0) {
      if (!text.starts_with('.')) return false;
      text.remove_prefix(1);
    }
    if (!take_number(text)) return false;
  }
  if (const auto plus = text.find('+'); plus != text.npos) {
    if (!are_identifiers(text.substr(plus + 1), false)) return false;
    text = text.substr(0, plus);
  }
  return text.empty() || (text.starts_with('-') && are_identifiers(text.substr(1), true));
}

// As upstream shows it: its internal type, with all members.
std::string shown(const DeviceAttribute& attribute) {
  return fmt::format(R"({{"IntValue":{},"BoolValue":{},"StringValue":{},"VersionValue":{},)"
                     R"("IntValues":null,"BoolValues":null,"StringValues":null,"VersionValues":null}})",
                     attribute.has_int_() ? std::to_string(attribute.int_()) : "null",
                     attribute.has_bool_() ? (attribute.bool_() ? "true" : "false") : "null",
                     attribute.has_string() ? quote(attribute.string()) : "null",
                     attribute.has_version() ? quote(attribute.version()) : "null");
}

void check_attribute(const DeviceAttribute& attribute, const Path& path, Errors& errors) {
  if (attribute.has_string() && attribute.string().size() > kAttributeMax) errors.too_long(path.member("string"), kAttributeMax);
  if (attribute.has_version()) {
    const Path version = path.member("version");
    if (!is_semantic_version(attribute.version())) {
      errors.invalid_text(version, attribute.version(), "must be a string compatible with semver.org spec 2.0.0");
    }
    if (attribute.version().size() > kAttributeMax) errors.too_long(version, kAttributeMax);
  }
  const int values = attribute.has_int_() + attribute.has_bool_() + attribute.has_string() + attribute.has_version();
  if (values == 1) return;
  constexpr std::string_view kOne = "exactly one value must be specified";
  if (values == 0) errors.invalid_text(path, "", kOne);
  else errors.invalid(path, shown(attribute), kOne);
}

// -- Capacity

struct Amount {
  const meta::v1::Quantity& quantity;
  std::optional<Quantity> value = quantity_of(quantity);
  std::string text() const { return canonical_quantity(quantity.string()); }
  bool is_above(const Amount& other) const { return value && other.value && *value > *other.value; }
  __int128 whole() const { return value ? value->value() : 0; }
};

void check_step(const CapacityRequestPolicyRange& range, const Amount& preset, const Amount& capacity, const Path& path,
                Errors& errors) {
  const Amount min{range.min()}, step{range.step()};
  if (step.whole() == 0) return errors.invalid_text(path, step.text(), "must not be zero");
  const __int128 first = min.whole() + step.whole();
  if (capacity.value && first > capacity.whole()) {
    // A sum has the form of its first number.
    Quantity sum = min.value.value_or(Quantity());
    sum += step.value.value_or(Quantity());
    errors.invalid_text(path, step.text(),
                        fmt::format("one step {} is larger than capacity value: {}", sum.text(), capacity.text()));
  }
  const auto must_be_multiple = [&](const Amount& amount) {
    if ((amount.whole() - min.whole()) % step.whole() == 0) return;
    errors.invalid_text(path, amount.text(),
                        fmt::format("value is not a multiple of a given step ({}) from ({})", step.text(), min.text()));
  };
  must_be_multiple(preset);
  if (range.has_max()) must_be_multiple(Amount{range.max()});
}

void check_range(const CapacityRequestPolicy& policy, const Amount& capacity, const Path& path, Errors& errors) {
  const CapacityRequestPolicyRange& range = policy.valid_range();
  const Path at = path.member("validRange");
  if (!policy.has_default_()) errors.required(path.member("default"), "required when validRange is defined");
  if (!range.has_min()) return errors.required(at.member("min"), "required when validRange is defined");
  if (!policy.has_default_()) return;
  const Amount preset{policy.default_()}, min{range.min()};
  const Path lowest = at.member("min"), highest = at.member("max");
  if (min.is_above(capacity))
    errors.invalid_text(lowest, min.text(), fmt::format("min is larger than capacity value: {}", capacity.text()));
  if (min.is_above(preset)) errors.invalid_text(lowest, preset.text(), fmt::format("default is less than min: {}", min.text()));
  if (range.has_max()) {
    const Amount max{range.max()};
    if (max.is_above(capacity))
      errors.invalid_text(highest, max.text(), fmt::format("max is larger than capacity value: {}", capacity.text()));
    if (min.is_above(max)) errors.invalid_text(highest, min.text(), fmt::format("min is larger than max: {}", max.text()));
    if (preset.is_above(max))
      errors.invalid_text(highest, preset.text(), fmt::format("default is more than max: {}", max.text()));
  }
  if (range.has_step()) check_step(range, preset, capacity, at.member("step"), errors);
}

void check_valid_values(const CapacityRequestPolicy& policy, const Amount& capacity, const Path& path, Errors& errors) {
  const Path values = path.member("validValues");
  const auto count = static_cast<std::size_t>(policy.valid_values_size());
  if (!policy.has_default_()) errors.required(path.member("default"), "required when validValues is defined");
  if (count > kValidValuesMax) errors.too_many(values, count, kValidValuesMax);
  const Amount preset{policy.default_()};
  bool has_preset = false;
  for (std::size_t i = 0; i < count; ++i) {
    const Amount one{policy.valid_values(static_cast<int>(i))};
    if (one.is_above(capacity)) {
      errors.invalid_text(values.index(i), one.text(), fmt::format("option is larger than capacity value: {}", capacity.text()));
    }
    has_preset = has_preset || (one.value && preset.value && *one.value == *preset.value);
  }
  if (policy.has_default_() && !has_preset) {
    errors.invalid_text(values, preset.text(), "default value is not valid according to the requestPolicy");
  }
}

void check_capacity(const DeviceCapacity& capacity, bool shared, const Path& path, Errors& errors) {
  if (!capacity.has_request_policy()) return;
  const CapacityRequestPolicy& policy = capacity.request_policy();
  const Path at = path.member("requestPolicy");
  if (!shared) return errors.forbidden(at, "allowMultipleAllocations must be true");
  const Amount whole{capacity.value()};
  if (!policy.valid_values().empty() && policy.has_valid_range()) {
    errors.forbidden(at, "exactly one policy can be specified, cannot specify `validValues` and `validRange` at the same time");
  }
  if (!policy.valid_values().empty()) check_valid_values(policy, whole, at, errors);
  if (policy.has_valid_range()) check_range(policy, whole, at, errors);
}

// -- Counters and taints

void check_counters(const google::protobuf::Map<std::string, Counter>& counters, const Path& path, Errors& errors) {
  if (counters.empty()) return errors.required(path);
  if (counters.size() > kCountersMax) errors.too_many(path, counters.size(), kCountersMax);
  for (const auto* entry : sorted(counters)) check_label(entry->first, path, errors);
}

void check_counter_name(const std::string& name, const Path& path, Errors& errors) {
  if (name.empty()) errors.required(path);
  else check_label(name, path, errors);
}

void check_taint(const DeviceTaint& taint, const Path& path, Errors& errors) {
  check_label_name(taint.key(), path.member("key"), errors);
  errors.invalid_each(path.member("value"), taint.value(), check_label_value(taint.value()));
  if (taint.effect().empty()) errors.required(path.member("effect"));
  else check_one_of(taint.effect(), {"NoExecute", "NoSchedule", "None"}, path.member("effect"), errors);
}

// -- Where devices are

// Which of the ways to say it were used. `what_if_empty`: what is told of a node's name that is empty.
template <class Located>
std::vector<std::string> locations(const Located& it, std::string_view what_if_empty, const Path& path, Errors& errors) {
  std::vector<std::string> out;
  const Path name = path.member("nodeName");
  if (it.has_node_name() && it.node_name().empty()) {
    errors.invalid_text(name, "", what_if_empty);
  } else if (it.has_node_name()) {
    out.push_back("`nodeName`");
    check_subdomain(it.node_name(), name, errors);
  }
  if (it.has_node_selector()) {
    out.push_back("`nodeSelector`");
    check_node_selector(it.node_selector(), path.member("nodeSelector"), errors);
  }
  if (it.all_nodes()) out.push_back("`allNodes`");
  else if (it.has_all_nodes()) errors.invalid(path.member("allNodes"), "false", "must be either unset or set to true");
  return out;
}

// The terms of a selector as upstream shows them: its internal type, with all members.
std::string shown(const google::protobuf::RepeatedPtrField<core::v1::NodeSelectorRequirement>& requirements) {
  std::vector<std::string> out;
  for (const auto& one : requirements) {
    out.push_back(fmt::format(R"({{"Key":{},"Operator":{},"Values":{}}})", quote(one.key()), quote(one.operator_()),
                              one.values().empty() ? "null" : json_of(one.values())));
  }
  return out.empty() ? "null" : fmt::format("[{}]", fmt::join(out, ","));
}

std::string shown(const core::v1::NodeSelector& selector) {
  std::vector<std::string> out;
  for (const auto& term : selector.node_selector_terms()) {
    out.push_back(fmt::format(R"({{"MatchExpressions":{},"MatchFields":{}}})", shown(term.match_expressions()),
                              shown(term.match_fields())));
  }
  return out.empty() ? "null" : fmt::format("[{}]", fmt::join(out, ","));
}

void check_slice_location(const ResourceSliceSpec& spec, const Path& path, Errors& errors) {
  std::vector<std::string> set = locations(spec, "must be either unset or set to a non-empty string", path, errors);
  if (spec.has_node_selector() && spec.node_selector().node_selector_terms_size() != 1) {
    errors.invalid(path.member("nodeSelector").member("nodeSelectorTerms"), shown(spec.node_selector()),
                   "must have exactly one node selector term");
  }
  if (spec.per_device_node_selection()) {
    set.push_back("`perDeviceNodeSelection`");
  } else if (spec.has_per_device_node_selection()) {
    errors.invalid(path.member("perDeviceNodeSelection"), "false", "must be either unset or set to true");
  }
  constexpr std::string_view kOne = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  if (set.empty()) errors.required(path, kOne);
  if (set.size() > 1) {
    errors.invalid_text(path, fmt::format("{{{}}}", fmt::join(set, ", ")), fmt::format("{}, but multiple fields are set", kOne));
  }
}

void check_device_location(const Device& device, bool per_device, const Path& path, Errors& errors) {
  if (!per_device) {
    if (!device.has_node_name() && !device.has_node_selector() && !device.has_all_nodes()) return;
    return errors.invalid(
        path, "null",
        "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the "
        "ResourceSlice spec");
  }
  const std::vector<std::string> set = locations(device, "must not be empty", path, errors);
  constexpr std::string_view kOne =
      "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the "
      "ResourceSlice spec";
  if (set.empty()) errors.required(path, kOne);
  if (set.size() > 1) errors.invalid_text(path, fmt::format("{{{}}}", fmt::join(set, ", ")), kOne);
}

// -- Devices

void check_keys(const Device& device, const Path& path, Errors& errors) {
  const std::size_t keys = device.attributes().size() + device.capacity().size();
  if (keys > kKeysMax) {
    errors.invalid(path, static_cast<std::int64_t>(keys),
                   fmt::format("the total number of attributes and capacities must not exceed {}", kKeysMax));
  }
  const Path attributes = path.member("attributes"), capacity = path.member("capacity");
  for (const auto* entry : sorted(device.attributes())) {
    check_device_key(entry->first, attributes, errors);
    check_attribute(entry->second, attributes.key(entry->first), errors);
  }
  for (const auto* entry : sorted(device.capacity())) {
    check_device_key(entry->first, capacity, errors);
    check_capacity(entry->second, device.allow_multiple_allocations(), capacity.key(entry->first), errors);
  }
}

void check_bindings(const Device& device, const Path& path, Errors& errors) {
  const Path bound = path.member("bindingConditions"), failed = path.member("bindingFailureConditions");
  check_binding_conditions(device.binding_conditions(), bound, errors);
  check_binding_conditions(device.binding_failure_conditions(), failed, errors);
  if (device.binding_conditions().empty() && !device.binding_failure_conditions().empty()) {
    errors.invalid(bound, "null", "bindingConditions are required to use bindingFailureConditions");
  }
  if (!device.binding_conditions().empty() && device.binding_failure_conditions().empty()) {
    errors.invalid(failed, "null", "bindingFailureConditions are required to use bindingConditions");
  }
}

void check_device(const Device& device, bool per_device, const Path& path, Errors& errors) {
  check_label(device.name(), path.member("name"), errors);
  check_keys(device, path, errors);
  check_items(device.taints(), kTaintsMax, path.member("taints"), errors,
              [&](const DeviceTaint& taint, const Path& here) { check_taint(taint, here, errors); });
  check_set(
      device.consumes_counters(), kConsumedSetsMax, path.member("consumesCounters"), errors,
      [](const DeviceCounterConsumption& one) -> std::string_view { return one.counter_set(); },
      [&](const DeviceCounterConsumption& one, const Path& here) {
        check_counter_name(one.counter_set(), here.member("counterSet"), errors);
        check_counters(one.counters(), here.member("counters"), errors);
      });
  check_device_location(device, per_device, path, errors);
  check_bindings(device, path, errors);
}

void check_devices(const ResourceSliceSpec& spec, const Path& path, Errors& errors) {
  if (!spec.shared_counters().empty() && !spec.devices().empty()) {
    errors.invalid_text(path, "", "only one of `sharedCounters` or `devices` is allowed");
  }
  check_set(
      spec.shared_counters(), kCounterSetsMax, path.member("sharedCounters"), errors,
      [](const CounterSet& one) -> std::string_view { return one.name(); },
      [&](const CounterSet& one, const Path& here) {
        check_counter_name(one.name(), here.member("name"), errors);
        check_counters(one.counters(), here.member("counters"), errors);
      });
  const bool advanced = std::ranges::any_of(
      spec.devices(), [](const Device& one) { return !one.taints().empty() || !one.consumes_counters().empty(); });
  check_set(
      spec.devices(), advanced ? kAdvancedDevicesMax : kDevicesMax, path.member("devices"), errors,
      [](const Device& one) -> std::string_view { return one.name(); },
      [&](const Device& one, const Path& here) { check_device(one, spec.per_device_node_selection(), here, errors); });
}

void check_pool(const ResourcePool& pool, const Path& path, Errors& errors) {
  check_pool(pool.name(), path.member("name"), errors);
  if (pool.resource_slice_count() <= 0) {
    errors.invalid(path.member("resourceSliceCount"), pool.resource_slice_count(), "must be greater than zero");
  }
  if (pool.generation() < 0)
    errors.invalid(path.member("generation"), pool.generation(), "must be greater than or equal to zero");
}

// What a slice is about does not change.
void check_kept(const ResourceSliceSpec& now, const ResourceSliceSpec& old, const Path& path, Errors& errors) {
  check_immutable(now.pool().name(), old.pool().name(), path.member("pool").member("name"), errors);
  check_immutable(now.driver(), old.driver(), path.member("driver"), errors);
  if (now.has_node_name() == old.has_node_name() && now.node_name() == old.node_name()) return;
  errors.invalid(path.member("nodeName"), now.has_node_name() ? quote(now.node_name()) : "null", kImmutable);
}

void check_spec(const ResourceSliceSpec& spec, const ResourceSliceSpec* old, Errors& errors) {
  const Path path("spec");
  check_driver_name(spec.driver(), path.member("driver"), errors);
  check_pool(spec.pool(), path.member("pool"), errors);
  if (old != nullptr) check_kept(spec, *old, path, errors);
  check_slice_location(spec, path, errors);
  check_devices(spec, path, errors);
}

}  // namespace

void validate(const ResourceSlice& slice, Errors& errors) { check_spec(slice.spec(), nullptr, errors); }

void validate_update(const ResourceSlice& now, const ResourceSlice& old, Errors& errors) {
  check_spec(now.spec(), &old.spec(), errors);
}

}  // namespace ph::api
