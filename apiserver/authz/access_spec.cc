#include "apiserver/authz/access_spec.h"

namespace ph::apiserver {

using authorization::v1::ResourceAttributes;

namespace {

constexpr std::pair<api::Operator, std::string_view> kOperators[] = {
    {api::Operator::Equals, "In"},   {api::Operator::In, "In"},         {api::Operator::NotEquals, "NotIn"},
    {api::Operator::NotIn, "NotIn"}, {api::Operator::Exists, "Exists"}, {api::Operator::NotExists, "DoesNotExist"},
};

// Empty for those that a review has no word for.
std::string_view word_of(api::Operator op) {
  for (const auto& [known, word] : kOperators) {
    if (known == op) return word;
  }
  return {};
}

void write_fields(const RequestInfo& request, ResourceAttributes& out) {
  if (request.fields.empty()) return;
  auto& selector = *out.mutable_field_selector();
  for (const api::FieldSelector::Term& term : request.fields) {
    auto* requirement = selector.add_requirements();
    requirement->set_key(term.field);
    requirement->set_operator_(term.equals ? "In" : "NotIn");
    requirement->add_values(term.value);
  }
}

void write_labels(const RequestInfo& request, ResourceAttributes& out) {
  for (const api::Requirement& from : request.labels) {
    const std::string_view word = word_of(from.op);
    if (word.empty()) continue;
    auto* requirement = out.mutable_label_selector()->add_requirements();
    requirement->set_key(from.key);
    requirement->set_operator_(std::string(word));
    requirement->mutable_values()->Assign(from.values.begin(), from.values.end());
  }
}

std::vector<api::FieldSelector::Term> fields_of(const authorization::v1::FieldSelectorAttributes& from) {
  std::vector<api::FieldSelector::Term> out;
  try {
    if (!from.raw_selector().empty()) return api::FieldSelector::parse(from.raw_selector()).terms();
  } catch (const api::DecodeError&) {
  }
  for (const auto& requirement : from.requirements()) {
    const std::string& op = requirement.operator_();
    if (requirement.values_size() != 1 || (op != "In" && op != "NotIn")) continue;
    out.push_back({requirement.key(), op == "In", requirement.values(0)});
  }
  return out;
}

std::vector<api::Requirement> labels_of(const authorization::v1::LabelSelectorAttributes& from) {
  std::vector<api::Requirement> out;
  try {
    if (!from.raw_selector().empty()) return api::LabelSelector::parse(from.raw_selector()).requirements();
  } catch (const api::DecodeError&) {
  }
  for (const auto& requirement : from.requirements()) {
    meta::v1::LabelSelector one;
    *one.add_match_expressions() = requirement;
    try {
      for (const api::Requirement& read : api::LabelSelector::from(one).requirements()) out.push_back(read);
    } catch (const api::DecodeError&) {
    }
  }
  return out;
}

}  // namespace

authorization::v1::SubjectAccessReviewSpec spec_of(const Attributes& attributes) {
  const Identity& user = attributes.user;
  const RequestInfo& request = attributes.request;
  authorization::v1::SubjectAccessReviewSpec out;
  out.set_user(user.name);
  out.set_uid(user.uid);
  out.mutable_groups()->Assign(user.groups.begin(), user.groups.end());
  for (const auto& [key, values] : user.extra) (*out.mutable_extra())[key].mutable_items()->Assign(values.begin(), values.end());
  if (!request.is_resource) {
    out.mutable_non_resource_attributes()->set_path(request.path);
    out.mutable_non_resource_attributes()->set_verb(request.verb);
    return out;
  }
  ResourceAttributes& resource = *out.mutable_resource_attributes();
  resource.set_namespace_(request.namespace_name);
  resource.set_verb(request.verb);
  resource.set_group(request.group);
  resource.set_version(request.version);
  resource.set_resource(request.resource);
  resource.set_subresource(request.subresource);
  resource.set_name(request.name);
  write_fields(request, resource);
  write_labels(request, resource);
  return out;
}

void read_attributes(const ResourceAttributes& from, RequestInfo& into) {
  into.is_resource = true;
  into.verb = from.verb();
  into.group = from.group();
  into.version = from.version();
  into.resource = from.resource();
  into.subresource = from.subresource();
  into.namespace_name = from.namespace_();
  into.name = from.name();
  into.fields = fields_of(from.field_selector());
  into.labels = labels_of(from.label_selector());
}

}  // namespace ph::apiserver
