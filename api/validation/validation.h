// What the validation of several kinds shares. A kind's own rules are `validate`, `validate_update` and, where its status has
// rules, `validate_status`, in api/validation/<kind>.cc; metadata of the object itself is checked before them, in metadata.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"
#include "api/names.h"
#include "api/quantity.h"
#include "api/rules.h"
#include "api/selector.h"
#include "api/sorted.h"
#include "api/validation/quote.h"

namespace ph::api {

using StringMap = google::protobuf::Map<std::string, std::string>;
using ResourceMap = google::protobuf::Map<std::string, meta::v1::Quantity>;

inline constexpr std::string_view kImmutable = "field is immutable";
inline constexpr std::string_view kNonNegative = "must be greater than or equal to 0";

// -- Metadata and its parts (metadata.cc)
void check_labels(const StringMap& labels, const Path& path, Errors& errors);
void check_label_name(std::string_view name, const Path& path, Errors& errors);
void check_annotations(const StringMap& annotations, const Path& path, Errors& errors);
void check_finalizers(const google::protobuf::RepeatedPtrField<std::string>& finalizers, const Path& path, Errors& errors);
void check_label_selector(const meta::v1::LabelSelector& selector, const Path& path, Errors& errors);
// Of what objects are made from: annotations and labels, nothing else.
void check_template_metadata(const meta::v1::ObjectMeta& metadata, const Path& path, Errors& errors);
bool is_empty(const meta::v1::LabelSelector& selector);

// -- Single values (values.cc)
void check_nonnegative(std::int64_t value, const Path& path, Errors& errors);
void check_subdomain(std::string_view value, const Path& path, Errors& errors);
void check_label(std::string_view value, const Path& path, Errors& errors);
void check_qualified(std::string_view value, const Path& path, Errors& errors);
// "example.com/ingress-controller".
void check_prefixed_path(std::string_view text, const Path& path, Errors& errors);
// Of a driver of volumes or devices: a subdomain, in which capitals count as small.
void check_driver_name(const std::string& name, const Path& path, Errors& errors);
void check_port(std::int64_t port, const Path& path, Errors& errors);
void check_port_or_name(const meta::v1::IntOrString& port, const Path& path, Errors& errors);
void check_ip_text(std::string_view value, const Path& path, Errors& errors);
// "10.0.0.0/8". `check_new_cidr`: in canonical form, as the newest kinds want it.
void check_cidr(std::string_view value, const Path& path, Errors& errors);
void check_new_cidr(std::string_view value, const Path& path, Errors& errors);
void check_wildcard_host(std::string_view value, const Path& path,
                         Errors& errors);  // a subdomain, the first label of which may be "*"
void check_path_segment_text(std::string_view value, const Path& path, Errors& errors);  // not empty, and fit for a path
// One of `supported`; empty is "Required value" when `required`.
void check_one_of(std::string_view value, std::initializer_list<std::string_view> supported, const Path& path, Errors& errors);

// No more than `max` items: calls `check(item, path of the item)` for each.
template <class List, class Check>
void check_items(const List& items, std::size_t max, const Path& path, Errors& errors, Check check) {
  const auto count = static_cast<std::size_t>(items.size());
  if (count > max) errors.too_many(path, count, max);
  for (std::size_t i = 0; i < count; ++i) check(items[static_cast<int>(i)], path.index(i));
}
// Where there is "*", there is nothing else; `what`: of what there may be no others.
void check_lone_star(const google::protobuf::RepeatedPtrField<std::string>& values, std::string_view what, const Path& path,
                     Errors& errors);

bool same(const Message& a, const Message& b);  // by meaning: 1000m is 1
bool same(const ResourceMap& a, const ResourceMap& b);
bool same(const StringMap& a, const StringMap& b);
void check_immutable(const Message& now, const Message& old, const Path& path, Errors& errors);
void check_immutable(std::string_view now, std::string_view old, const Path& path, Errors& errors);

bool is_int(const meta::v1::IntOrString& value);
std::string json_of(const meta::v1::IntOrString& value);
std::string json_of(const google::protobuf::RepeatedPtrField<std::string>& values);
bool is_percent(std::string_view text);
// The number of `50%`; nothing for other values.
std::optional<int> percent_of(const meta::v1::IntOrString& value);
void check_nonnegative_int_or_percent(const meta::v1::IntOrString& value, const Path& path, Errors& errors);
void check_at_most_100_percent(const meta::v1::IntOrString& value, const Path& path, Errors& errors);

// -- Resources (resources.cc)
std::optional<Quantity> quantity_of(const meta::v1::Quantity& quantity);
void check_nonnegative_quantity(const meta::v1::Quantity& quantity, const Path& path, Errors& errors);
void check_resource_name(std::string_view name, const Path& path, Errors& errors);
void check_container_resource_name(std::string_view name, const Path& path, Errors& errors);
// A quantity of a resource: not negative, and whole where the resource is counted in units.
void check_resource_value(std::string_view resource, const meta::v1::Quantity& quantity, const Path& path, Errors& errors);
bool is_native_resource(std::string_view name);
bool is_extended_resource(std::string_view name);
bool is_hugepages(std::string_view name);
bool is_integer_resource(std::string_view name);

// -- Pods and their templates (pod*.cc, containers.cc, volumes.cc …)
struct PodOptions {
  bool in_template = false;          // of a workload, not a pod itself
  bool any_se_linux_policy = false;  // not only Recursive: the pod has had one from before
};
void check_pod_spec(const core::v1::PodSpec& spec, const meta::v1::ObjectMeta& metadata, const Path& path,
                    const PodOptions& options, Errors& errors);
void check_pod_template(const core::v1::PodTemplateSpec& pod_template, const Path& path, Errors& errors);
// A template of pods that are restarted always and that a selector must find. `owner`: the kind, as messages name it.
void check_selected_template(const core::v1::PodTemplateSpec& pod_template, const LabelSelector& selector, std::string_view owner,
                             const Path& path, Errors& errors);
// Nothing when it cannot be one.
std::optional<LabelSelector> parsed(const meta::v1::LabelSelector& selector);
std::string json_of(const StringMap& map);
void check_tolerations(const google::protobuf::RepeatedPtrField<core::v1::Toleration>& tolerations, const Path& path,
                       Errors& errors);
void check_node_selector(const core::v1::NodeSelector& selector, const Path& path, Errors& errors);
void check_taint_effect(std::string_view effect, bool may_be_empty, const Path& path, Errors& errors);

// -- Volumes and claims
void check_claim_spec(const core::v1::PersistentVolumeClaimSpec& spec, const Path& path, Errors& errors);
void check_persistent_volume_spec(const core::v1::PersistentVolumeSpec& spec, std::string_view name, bool inlined,
                                  const Path& path, Errors& errors);
void check_access_modes(const google::protobuf::RepeatedPtrField<std::string>& modes, const Path& path, Errors& errors);

}  // namespace ph::api
