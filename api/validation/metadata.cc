// metadata of every kind, and the parts of it that appear elsewhere: labels, annotations, selectors.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/codec.h"
#include "api/object.h"
#include "api/times.h"
#include "api/validation/finalizers.h"
#include "api/validation/validation.h"
#include "base/ascii.h"

namespace ph::api {

using meta::v1::ObjectMeta;
using meta::v1::OwnerReference;
using Strings = google::protobuf::RepeatedPtrField<std::string>;

namespace {

constexpr std::size_t kAnnotationsBytesMax = 256 * 1024;

}  // namespace

void check_label_name(std::string_view name, const Path& path, Errors& errors) {
  errors.invalid_each(path, name, check_qualified_name(name));
}

void check_labels(const StringMap& labels, const Path& path, Errors& errors) {
  for (const auto* label : sorted(labels)) {
    check_label_name(label->first, path, errors);
    errors.invalid_each(path, label->second, check_label_value(label->second));
  }
}

void check_annotations(const StringMap& annotations, const Path& path, Errors& errors) {
  std::size_t bytes = 0;
  for (const auto* annotation : sorted(annotations)) {
    // Upper case has always been accepted in keys of annotations.
    errors.invalid_each(path, annotation->first, check_qualified_name(lower_ascii(annotation->first)));
    bytes += annotation->first.size() + annotation->second.size();
  }
  if (bytes > kAnnotationsBytesMax) errors.too_long(path, kAnnotationsBytesMax);
}

void check_template_metadata(const ObjectMeta& metadata, const Path& path, Errors& errors) {
  check_annotations(metadata.annotations(), path.member("annotations"), errors);
  check_labels(metadata.labels(), path.member("labels"), errors);
  const auto refuse = [&](bool is_set, std::string_view member) {
    if (is_set) errors.forbidden(path.member(member), "cannot be set");
  };
  refuse(!metadata.name().empty(), "name");
  refuse(!metadata.generate_name().empty(), "generateName");
  refuse(!metadata.namespace_().empty(), "namespace");
  refuse(!metadata.self_link().empty(), "selfLink");
  refuse(!metadata.uid().empty(), "uID");  // so upstream spells it here
  refuse(!metadata.resource_version().empty(), "resourceVersion");
  refuse(metadata.generation() != 0, "generation");
  refuse(!is_zero(metadata.creation_timestamp()), "creationTimestamp");
  refuse(metadata.has_deletion_timestamp(), "deletionTimestamp");
  refuse(metadata.has_deletion_grace_period_seconds(), "deletionGracePeriodSeconds");
  refuse(!metadata.owner_references().empty(), "ownerReferences");
  refuse(!metadata.finalizers().empty(), "finalizers");
  refuse(!metadata.managed_fields().empty(), "managedFields");
}

bool is_empty(const meta::v1::LabelSelector& selector) {
  return selector.match_labels().empty() && selector.match_expressions().empty();
}

void check_label_selector(const meta::v1::LabelSelector& selector, const Path& path, Errors& errors) {
  check_labels(selector.match_labels(), path.member("matchLabels"), errors);
  for (int i = 0; i < selector.match_expressions_size(); ++i) {
    const auto& one = selector.match_expressions(i);
    const Path at = path.member("matchExpressions").index(i);
    if (one.operator_() == "In" || one.operator_() == "NotIn") {
      if (one.values().empty()) errors.required(at.member("values"), "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (one.operator_() == "Exists" || one.operator_() == "DoesNotExist") {
      if (!one.values().empty())
        errors.forbidden(at.member("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
      errors.invalid_text(at.member("operator"), one.operator_(), "not a valid selector operator");
    }
    check_label_name(one.key(), at.member("key"), errors);
    for (int v = 0; v < one.values_size(); ++v) {
      errors.invalid_each(at.member("values").index(v), one.values(v), check_label_value(one.values(v)));
    }
  }
}

void check_finalizers(const Strings& finalizers, const Path& path, Errors& errors) {
  bool orphan = false, foreground = false;
  for (const std::string& one : finalizers) {
    errors.invalid_each(path, one, check_qualified_name(one));
    orphan |= one == "orphan";
    foreground |= one == "foregroundDeletion";
  }
  if (orphan && foreground) {
    errors.invalid(path, json_of(finalizers), "finalizer orphan and foregroundDeletion cannot be both set");
  }
}

void check_finalizer_names(const Resource& resource, const ObjectMeta& metadata, const Path& path, Errors& errors) {
  static constexpr std::string_view kGeneric[] = {
      "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io",
      "coordination.k8s.io",          "node.k8s.io",          "policy"};
  const GroupVersionKind& kind = resource.kind;
  const bool generic = std::ranges::find(kGeneric, kind.group) != std::end(kGeneric) || resource.schema->custom ||
                       (kind.group.empty() && kind.kind == "Event");
  if (generic) return;
  for (int i = 0; i < metadata.finalizers_size(); ++i) {
    const std::string& one = metadata.finalizers(i);
    const bool standard = one == "kubernetes" || one == "orphan" || one == "foregroundDeletion";
    if (one.find('/') != one.npos || standard) continue;
    errors.invalid_text(path.index(i), one, "name is neither a standard finalizer name nor is it fully qualified");
  }
}

namespace {

void check_owner(const OwnerReference& owner, const Path& path, Errors& errors) {
  const auto slash = owner.api_version().find('/');
  const std::string_view version = std::string_view(owner.api_version()).substr(slash == std::string::npos ? 0 : slash + 1);
  // What is no group and version has none.
  if (version.empty() || version.find('/') != version.npos)
    errors.invalid_text(path.member("apiVersion"), owner.api_version(), "version must not be empty");
  if (owner.kind().empty()) errors.invalid_text(path.member("kind"), owner.kind(), "must not be empty");
  if (owner.name().empty()) errors.invalid_text(path.member("name"), owner.name(), "must not be empty");
  if (owner.uid().empty()) errors.invalid_text(path.member("uid"), owner.uid(), "must not be empty");
  if (owner.api_version() == "v1" && owner.kind() == "Event") {
    errors.invalid_message(path, owner, "/v1, Kind=Event is disallowed from being an owner");
  }
}

std::string json_list(const google::protobuf::RepeatedPtrField<OwnerReference>& owners) {
  std::vector<std::string> items;
  for (const OwnerReference& owner : owners) items.push_back(encode_json(owner));
  return fmt::format("[{}]", fmt::join(items, ","));
}

void check_owners(const google::protobuf::RepeatedPtrField<OwnerReference>& owners, const Path& path, Errors& errors) {
  std::string controller;
  for (const OwnerReference& owner : owners) {
    check_owner(owner, path, errors);
    if (!owner.controller()) continue;
    const std::string name = owner.kind() + "/" + owner.name();
    if (controller.empty()) {
      controller = name;
      continue;
    }
    errors.invalid(path, json_list(owners),
                   fmt::format("Only one reference can have Controller set to true. Found \"true\" in references for {} and {}",
                               controller, name));
  }
}

// What is judged on create and update alike.
void check_common(const ObjectMeta& metadata, const Path& path, Errors& errors) {
  check_labels(metadata.labels(), path.member("labels"), errors);
  check_annotations(metadata.annotations(), path.member("annotations"), errors);
  check_owners(metadata.owner_references(), path.member("ownerReferences"), errors);
}

void check_namespace(bool namespaced, const ObjectMeta& metadata, const Path& path, Errors& errors) {
  const std::string& value = metadata.namespace_();
  if (!namespaced) {
    if (!value.empty()) errors.forbidden(path, "not allowed on this type");
  } else if (value.empty()) {
    errors.required(path);
  } else {
    errors.invalid_each(path, value, label_name(value, false));
  }
}

void check_no_new_finalizers(const Strings& now, const Strings& old, const Path& path, Errors& errors) {
  std::set<std::string> fresh(now.begin(), now.end());
  for (const std::string& one : old) fresh.erase(one);
  if (fresh.empty()) return;
  std::vector<std::string> quoted;
  for (const std::string& one : fresh) quoted.push_back(quote(one));
  errors.forbidden(
      path, fmt::format("no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                        fmt::join(quoted, ", ")));
}

std::string json_of_time(const meta::v1::Time& time) { return quote(rfc3339(to_time(time))); }

}  // namespace

void validate_metadata(const ObjectMeta& it, bool namespaced, NameRule rule, const Path& path, Errors& errors) {
  if (!it.generate_name().empty())
    errors.invalid_each(path.member("generateName"), it.generate_name(), rule(it.generate_name(), true));
  if (it.name().empty()) {
    errors.required(path.member("name"), "name or generateName is required");
  } else {
    errors.invalid_each(path.member("name"), it.name(), rule(it.name(), false));
  }
  check_namespace(namespaced, it, path.member("namespace"), errors);
  check_nonnegative(it.generation(), path.member("generation"), errors);
  check_common(it, path, errors);
  check_finalizers(it.finalizers(), path.member("finalizers"), errors);
}

namespace {

// What no update changes.
void check_changes(const ObjectMeta& now, const ObjectMeta& old, const Path& path, Errors& errors) {
  if (old.has_deletion_timestamp())
    check_no_new_finalizers(now.finalizers(), old.finalizers(), path.member("finalizers"), errors);
  if (now.generation() != 0 && now.generation() < old.generation()) {
    errors.invalid(path.member("generation"), now.generation(), "must not be decremented");
  }
  check_immutable(now.name(), old.name(), path.member("name"), errors);
  if (!now.namespace_().empty()) check_immutable(now.namespace_(), old.namespace_(), path.member("namespace"), errors);
  if (!now.uid().empty()) check_immutable(now.uid(), old.uid(), path.member("uid"), errors);
  if (now.has_deletion_timestamp() &&
      (!old.has_deletion_timestamp() || to_time(now.deletion_timestamp()) != to_time(old.deletion_timestamp()))) {
    errors.invalid(path.member("deletionTimestamp"), json_of_time(now.deletion_timestamp()), kImmutable);
  }
  if (now.has_deletion_grace_period_seconds() && now.deletion_grace_period_seconds() != old.deletion_grace_period_seconds()) {
    errors.invalid(path.member("deletionGracePeriodSeconds"), now.deletion_grace_period_seconds(), kImmutable);
  }
}

// How often upstream judges the metadata once more where it judges the update of a kind: as that of a new object, and against the old
// one. All of that is told.
struct Again {
  std::string_view group, kind;
  int whole = 0, changes = 1;
};
constexpr Again kAgain[] = {
    {"", "ConfigMap", 1, 1},
    {"", "Event", 0, 0},
    {"", "Namespace", 1, 1},
    {"", "Node", 1, 1},
    {"", "PersistentVolume", 2, 0},
    {"", "PersistentVolumeClaim", 1, 1},
    {"", "Pod", 1, 1},
    {"", "Secret", 1, 1},
    {"", "ServiceAccount", 1, 1},
    {"apps", "ControllerRevision", 1, 1},
    {"batch", "Job", 1, 1},
    {"certificates.k8s.io", "CertificateSigningRequest", 1, 1},
    {"discovery.k8s.io", "EndpointSlice", 1, 0},
    {"networking.k8s.io", "IPAddress", 1, 1},
    {"networking.k8s.io", "Ingress", 1, 1},
    {"networking.k8s.io", "IngressClass", 1, 1},
    {"rbac.authorization.k8s.io", "ClusterRole", 1, 1},
    {"rbac.authorization.k8s.io", "ClusterRoleBinding", 1, 1},
    {"rbac.authorization.k8s.io", "Role", 1, 1},
    {"rbac.authorization.k8s.io", "RoleBinding", 1, 1},
    {"resource.k8s.io", "DeviceClass", 1, 1},
    {"resource.k8s.io", "ResourceClaim", 1, 1},
    {"resource.k8s.io", "ResourceClaimTemplate", 1, 1},
    {"storage.k8s.io", "StorageClass", 1, 1},
    {"storage.k8s.io", "VolumeAttributesClass", 1, 1},
};

Again again(const GroupVersionKind& kind) {
  for (const Again& one : kAgain) {
    if (one.group == kind.group && one.kind == kind.kind) return one;
  }
  return {};
}

}  // namespace

void validate_metadata_update(const Resource& resource, bool whole, const ObjectMeta& now, const ObjectMeta& old,
                              Errors& errors) {
  const Path path("metadata");
  Errors as_new, changes;
  validate_metadata(now, resource.namespaced, path_segment_name, path, as_new);
  check_changes(now, old, path, changes);
  // Nearly always: nothing is judged twice then.
  if (as_new.empty() && changes.empty() && now.finalizers().empty()) return;
  const Again more = whole ? again(resource.kind) : Again();
  Errors names;
  if (more.whole > 0) check_finalizer_names(resource, now, path.member("finalizers"), names);
  check_common(now, path, changes);
  errors.take(as_new);
  for (int i = 0; i < 1 + more.changes; ++i) errors.take(changes);
  as_new.take(std::move(names));
  for (int i = 0; i < more.whole; ++i) errors.take(as_new);
}

}  // namespace ph::api
