#include "apiserver/reviews/access_rules.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/names.h"
#include "api/validation/validation.h"

namespace ph::apiserver {

using api::Errors, api::Path;
using authorization::v1::NonResourceAttributes, authorization::v1::ResourceAttributes;

namespace {

// As upstream shows what it holds: members of a struct without names of their own in JSON.
std::string shown(const NonResourceAttributes& attributes) {
  return nlohmann::json{{"Path", attributes.path()}, {"Verb", attributes.verb()}}.dump();
}

template <class Requirement>
void check_values(const Requirement& requirement, const Path& path, Errors& errors) {
  const std::string& op = requirement.operator_();
  if ((op == "In" || op == "NotIn") && requirement.values().empty())
    errors.required(path.member("values"), "must be specified when `operator` is 'In' or 'NotIn'");
  if ((op == "Exists" || op == "DoesNotExist") && !requirement.values().empty())
    errors.forbidden(path.member("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  // Operators that nobody knows are let through: there may be newer ones.
}

void check_requirement(const meta::v1::FieldSelectorRequirement& requirement, const Path& path, Errors& errors) {
  if (requirement.key().empty()) errors.required(path.member("key"), "must be specified");
  check_values(requirement, path, errors);
}

void check_requirement(const meta::v1::LabelSelectorRequirement& requirement, const Path& path, Errors& errors) {
  check_values(requirement, path, errors);
  api::check_label_name(requirement.key(), path.member("key"), errors);
  for (int i = 0; i < requirement.values_size(); ++i) {
    const std::string& value = requirement.values(i);
    errors.invalid_each(path.member("values").index(static_cast<std::size_t>(i)), value, api::check_label_value(value));
  }
}

template <class Selector>
void check_selector(const Selector& selector, const Path& path, Errors& errors) {
  const bool raw = !selector.raw_selector().empty(), parsed = !selector.requirements().empty();
  if (raw && parsed)
    errors.invalid_text(path.member("rawSelector"), selector.raw_selector(),
                        "may not specified at the same time as requirements");
  if (!raw && !parsed) {
    errors.required(path.member("requirements"),
                    fmt::format("when {} is specified, requirements or rawSelector is required", path.text()));
  }
  for (int i = 0; i < selector.requirements_size(); ++i)
    check_requirement(selector.requirements(i), path.member("requirements").index(static_cast<std::size_t>(i)), errors);
}

template <class Spec>
void check_attributes(const Spec& spec, const Path& path, Errors& errors) {
  if (spec.has_resource_attributes() && spec.has_non_resource_attributes()) {
    errors.invalid(path.member("nonResourceAttributes"), shown(spec.non_resource_attributes()),
                   "cannot be specified in combination with resourceAttributes");
  }
  if (!spec.has_resource_attributes() && !spec.has_non_resource_attributes()) {
    errors.invalid(path.member("resourceAttributes"), "null",
                   "exactly one of nonResourceAttributes or resourceAttributes must be specified");
  }
}

template <class Spec>
void check_selectors(const Spec& spec, const Path& path, Errors& errors) {
  const ResourceAttributes& attributes = spec.resource_attributes();
  const Path here = path.member("resourceAttributes");
  if (attributes.has_field_selector()) check_selector(attributes.field_selector(), here.member("fieldSelector"), errors);
  if (attributes.has_label_selector()) check_selector(attributes.label_selector(), here.member("labelSelector"), errors);
}

void check_spec(const authorization::v1::SubjectAccessReviewSpec& spec, Errors& errors) {
  const Path path("spec");
  check_attributes(spec, path, errors);
  if (spec.user().empty() && spec.groups().empty())
    errors.invalid_text(path.member("user"), "", "at least one of user or group must be specified");
  check_selectors(spec, path, errors);
}

// Nobody stores it, so there is nothing to be said of it. In protobuf Go's clients write empty members too, which say nothing.
void check_metadata(meta::v1::ObjectMeta metadata, std::string_view why, Errors& errors) {
  metadata.clear_managed_fields();
  const nlohmann::json said = api::to_json(metadata);
  if (!said.empty()) errors.invalid(Path("metadata"), said.dump(), why);
}

}  // namespace

void check_review(const authorization::v1::SubjectAccessReview& review, Errors& errors) {
  check_spec(review.spec(), errors);
  check_metadata(review.metadata(), "must be empty", errors);
}

void check_review(const authorization::v1::SelfSubjectAccessReview& review, Errors& errors) {
  const Path path("spec");
  check_attributes(review.spec(), path, errors);
  check_selectors(review.spec(), path, errors);
  check_metadata(review.metadata(), "must be empty", errors);
}

void check_review(const authorization::v1::LocalSubjectAccessReview& review, Errors& errors) {
  check_spec(review.spec(), errors);
  meta::v1::ObjectMeta metadata = review.metadata();
  metadata.clear_namespace_();
  check_metadata(std::move(metadata), "must be empty except for namespace", errors);
  const Path path("spec");
  const ResourceAttributes& attributes = review.spec().resource_attributes();
  if (review.spec().has_resource_attributes() && attributes.namespace_() != review.metadata().namespace_()) {
    errors.invalid_text(path.member("resourceAttributes").member("namespace"), attributes.namespace_(),
                        "must match metadata.namespace");
  }
  if (review.spec().has_non_resource_attributes()) {
    errors.invalid(path.member("nonResourceAttributes"), shown(review.spec().non_resource_attributes()),
                   "disallowed on this kind of request");
  }
}

}  // namespace ph::apiserver
