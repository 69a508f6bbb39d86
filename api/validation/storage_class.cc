// storage.k8s.io/v1 StorageClass and VolumeAttributesClass.
#include <fmt/format.h>

#include "api/validation/validation.h"
#include "base/ascii.h"

namespace ph::api {

using storage::v1::StorageClass, storage::v1::VolumeAttributesClass;

namespace {

constexpr std::size_t kParametersBytesMax = 256 * 1024, kParametersMax = 512;
constexpr int kToldMax = 100;  // of equal terms: their number is the client's, squared

void check_parameters(const StringMap& parameters, bool may_be_empty, const Path& path, Errors& errors) {
  if (parameters.size() > kParametersMax) return errors.too_long(path, kParametersMax);
  std::size_t bytes = 0;
  for (const auto* entry : sorted(parameters)) {
    if (entry->first.empty()) errors.invalid_text(path, "", "field can not be empty.");
    bytes += entry->first.size() + entry->second.size();
  }
  if (bytes > kParametersBytesMax) errors.too_long(path, kParametersBytesMax);
  if (parameters.empty() && !may_be_empty) errors.required(path, "must contain at least one key/value pair");
}

void check_driver(const std::string& name, const Path& path, Errors& errors) {
  if (name.empty()) return errors.required(path);
  check_qualified(lower_ascii(name), path, errors);
}

// Values by label.
using Topology = std::map<std::string_view, std::set<std::string_view>>;

Topology check_topology(const core::v1::TopologySelectorTerm& term, const Path& path, Errors& errors) {
  Topology out;
  for (int i = 0; i < term.match_label_expressions_size(); ++i) {
    const auto& expression = term.match_label_expressions(i);
    const Path at = path.index(static_cast<std::size_t>(i)), values = at.member("values");
    if (expression.values().empty()) errors.required(values);
    std::set<std::string_view> seen;
    for (int v = 0; v < expression.values_size(); ++v) {
      if (!seen.insert(expression.values(v)).second)
        errors.duplicate(values.index(static_cast<std::size_t>(v)), expression.values(v));
    }
    check_label_name(expression.key(), at.member("key"), errors);
    if (out.contains(expression.key())) errors.duplicate(at.member("key"), expression.key());
    out[expression.key()] = std::move(seen);
  }
  return out;
}

void check_topologies(const google::protobuf::RepeatedPtrField<core::v1::TopologySelectorTerm>& terms, const Path& path,
                      Errors& errors) {
  // Upstream compares with as many empty terms as there are terms, besides those before.
  std::map<Topology, int> seen{{Topology(), terms.size()}};
  for (int i = 0; i < terms.size(); ++i) {
    const Path at = path.index(static_cast<std::size_t>(i)).member("matchLabelExpressions");
    int& count = seen[check_topology(terms[i], at, errors)];
    for (int c = 0; c < std::min(count, kToldMax); ++c) errors.duplicate(at, "");
    ++count;
  }
}

}  // namespace

void validate(const StorageClass& object, Errors& errors) {
  check_driver(object.provisioner(), Path("provisioner"), errors);
  check_parameters(object.parameters(), true, Path("parameters"), errors);
  if (!object.reclaim_policy().empty())
    check_one_of(object.reclaim_policy(), {"Delete", "Retain"}, Path("reclaimPolicy"), errors);
  if (!object.has_volume_binding_mode()) {
    errors.required(Path("volumeBindingMode"));
  } else {
    check_one_of(object.volume_binding_mode(), {"Immediate", "WaitForFirstConsumer"}, Path("volumeBindingMode"), errors);
  }
  check_topologies(object.allowed_topologies(), Path("allowedTopologies"), errors);
}

void validate_update(const StorageClass& now, const StorageClass& old, Errors& errors) {
  validate(now, errors);
  if (!same(now.parameters(), old.parameters())) {
    errors.invalid(Path("parameters"), now.parameters().empty() ? "null" : json_of(now.parameters()), kImmutable);
  }
  check_immutable(now.provisioner(), old.provisioner(), Path("provisioner"), errors);
  check_immutable(now.reclaim_policy(), old.reclaim_policy(), Path("reclaimPolicy"), errors);
  check_immutable(now.volume_binding_mode(), old.volume_binding_mode(), Path("volumeBindingMode"), errors);
}

void validate(const VolumeAttributesClass& object, Errors& errors) {
  check_driver(object.driver_name(), Path("driverName"), errors);
  check_parameters(object.parameters(), false, Path("parameters"), errors);
}

void validate_update(const VolumeAttributesClass& now, const VolumeAttributesClass& old, Errors& errors) {
  if (now.driver_name() != old.driver_name()) errors.forbidden(Path("driverName"), "updates to driverName are forbidden.");
  if (!same(now.parameters(), old.parameters())) errors.forbidden(Path("parameters"), "updates to parameters are forbidden.");
  validate(now, errors);
}

}  // namespace ph::api
