// Names and amounts of resources: cpu, memory, hugepages-2Mi, example.com/gpu …
#include <fmt/format.h>

#include "api/validation/validation.h"

namespace ph::api {
namespace {

constexpr std::string_view kDefaultPrefix = "kubernetes.io/";

bool in(std::string_view name, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, name) != list.end();
}

bool is_container_resource(std::string_view name) {
  return in(name, {"cpu", "memory", "ephemeral-storage"}) || is_hugepages(name);
}

// Names without a prefix that mean something, to quotas, too.
bool is_standard_resource(std::string_view name) {
  return is_container_resource(name) ||
         in(name,
            {"requests.cpu", "requests.memory", "requests.ephemeral-storage", "limits.cpu", "limits.memory",
             "limits.ephemeral-storage", "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
             "persistentvolumeclaims", "storage", "requests.storage", "services.nodeports", "services.loadbalancers"}) ||
         name.starts_with("requests.hugepages-");
}

bool is_quota_object(std::string_view name) {
  return in(name, {"pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
                   "persistentvolumeclaims", "services.nodeports", "services.loadbalancers"});
}

bool is_prefixed(std::string_view name) { return name.find('/') != name.npos; }

}  // namespace

bool is_hugepages(std::string_view name) { return name.starts_with("hugepages-"); }

bool is_native_resource(std::string_view name) { return !is_prefixed(name) || name.find(kDefaultPrefix) != name.npos; }

bool is_extended_resource(std::string_view name) {
  if (is_native_resource(name) || name.starts_with("requests.")) return false;
  return check_qualified_name("requests." + std::string(name)).empty();
}

bool is_integer_resource(std::string_view name) { return is_quota_object(name) || is_extended_resource(name); }

std::optional<Quantity> quantity_of(const meta::v1::Quantity& quantity) {
  return quantity.string().empty() ? std::optional(Quantity()) : Quantity::parse(quantity.string());
}

void check_nonnegative_quantity(const meta::v1::Quantity& quantity, const Path& path, Errors& errors) {
  const auto value = quantity_of(quantity);
  if (!value) return errors.invalid_text(path, quantity.string(), "must be a valid quantity");
  if (value->sign() < 0) errors.invalid_text(path, value->text(), kNonNegative);
}

void check_resource_name(std::string_view name, const Path& path, Errors& errors) {
  const auto complaints = check_qualified_name(name);
  errors.invalid_each(path, name, complaints);
  if (!complaints.empty()) return;
  if (!is_prefixed(name) && !is_standard_resource(name)) {
    errors.invalid_text(path, name, "must be a standard resource type or fully qualified");
  }
}

void check_container_resource_name(std::string_view name, const Path& path, Errors& errors) {
  check_resource_name(name, path, errors);
  if (!is_prefixed(name)) {
    if (!is_container_resource(name)) errors.invalid_text(path, name, "must be a standard resource for containers");
  } else if (!is_native_resource(name) && !is_extended_resource(name)) {
    errors.invalid_text(path, name, "doesn't follow extended resource name standard");
  }
}

void check_resource_value(std::string_view resource, const meta::v1::Quantity& quantity, const Path& path, Errors& errors) {
  check_nonnegative_quantity(quantity, path, errors);
  const auto value = quantity_of(quantity);
  if (value && is_integer_resource(resource) && value->milli_value() % 1000 != 0) {
    errors.invalid_text(path, value->text(), "must be an integer");
  }
}

}  // namespace ph::api
