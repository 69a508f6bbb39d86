// A container's environment.
#include <fmt/format.h>

#include "api/validation/pod_parts.h"
#include "base/ascii.h"

namespace ph::api {

using namespace core::v1;

namespace {

// "metadata.labels['key']": the path and the key.
std::optional<std::pair<std::string_view, std::string_view>> subscripted(std::string_view text) {
  const auto open = text.find("['");
  if (open == text.npos || open == 0 || !text.ends_with("']")) return std::nullopt;
  return std::pair(text.substr(0, open), text.substr(open + 2, text.size() - open - 4));
}

bool is_pod_field(std::string_view path) {
  constexpr std::string_view kFields[] = {
      "metadata.annotations", "metadata.labels", "metadata.name",      "metadata.namespace",
      "metadata.uid",         "spec.nodeName",   "spec.restartPolicy", "spec.serviceAccountName",
      "spec.schedulerName",   "status.phase",    "status.hostIP",      "status.hostIPs",
      "status.podIP",         "status.podIPs",   "spec.host"};
  return std::ranges::find(kFields, path) != std::end(kFields);
}

constexpr std::string_view kMemoryDivisors = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei";

void check_divisor(std::string_view resource, const meta::v1::Quantity& divisor, const Path& path, Errors& errors) {
  const auto value = quantity_of(divisor);
  if (!value || value->is_zero()) return;
  const std::string text = value->text();
  if (resource.ends_with(".cpu")) {
    if (text != "1m" && text != "1") {
      errors.invalid_text(path, resource, "only divisor's values 1m and 1 are supported with the cpu resource");
    }
    return;
  }
  const std::string_view name = resource.ends_with(".memory")              ? "memory"
                                : resource.ends_with(".ephemeral-storage") ? "local ephemeral storage"
                                                                           : "hugepages";
  const bool known = fmt::format(", {},", kMemoryDivisors).find(fmt::format(" {},", text)) != std::string::npos;
  if (!known)
    errors.invalid_text(path, resource,
                        fmt::format("only divisor's values {} are supported with the {} resource", kMemoryDivisors, name));
}

// A key of a config map or secret: the two share their members but no type.
template <class Ref>
void check_key_ref(const Ref& ref, const Path& path, Errors& errors) {
  check_subdomain(ref.local_object_reference().name(), path.member("name"), errors);
  if (ref.key().empty()) {
    errors.required(path.member("key"));
  } else {
    errors.invalid_each(path.member("key"), ref.key(), check_config_map_key(ref.key()));
  }
}

void check_file_key(const FileKeySelector& ref, const Path& path, Errors& errors) {
  if (ref.key().empty()) {
    errors.required(path.member("key"));
  } else {
    errors.invalid_each(path.member("key"), ref.key(), check_env_var_name(ref.key()));
  }
  if (ref.volume_name().empty()) errors.required(path.member("volumeName"));
  if (ref.path().empty()) {
    errors.required(path.member("path"));
  } else {
    check_descending_path(ref.path(), path.member("path"), errors);
  }
}

void check_value_from(const EnvVar& variable, const Path& path, Errors& errors) {
  const EnvVarSource& from = variable.value_from();
  int sources = 0;
  if (from.has_field_ref()) {
    ++sources;
    check_field_ref(from.field_ref(),
                    {"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
                     "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"},
                    path.member("fieldRef"), errors);
  }
  if (from.has_resource_field_ref()) {
    ++sources;
    check_resource_field_ref(from.resource_field_ref(), false, path.member("resourceFieldRef"), errors);
  }
  if (from.has_config_map_key_ref()) {
    ++sources;
    check_key_ref(from.config_map_key_ref(), path.member("configMapKeyRef"), errors);
  }
  if (from.has_secret_key_ref()) {
    ++sources;
    check_key_ref(from.secret_key_ref(), path.member("secretKeyRef"), errors);
  }
  if (from.has_file_key_ref()) {
    ++sources;
    check_file_key(from.file_key_ref(), path.member("fileKeyRef"), errors);
  }
  if (sources == 0) {
    errors.invalid_text(path, "",
                        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`");
  } else if (!variable.value().empty()) {
    errors.invalid_text(path, "", "may not be specified when `value` is not empty");
  } else if (sources > 1) {
    errors.invalid_text(path, "", "may not have more than one field specified at a time");
  }
}

}  // namespace

void check_field_ref(const ObjectFieldSelector& ref, std::initializer_list<std::string_view> supported, const Path& path,
                     Errors& errors) {
  if (ref.api_version().empty()) return errors.required(path.member("apiVersion"));
  if (ref.field_path().empty()) return errors.required(path.member("fieldPath"));
  const std::string& field = ref.field_path();
  const auto parts = subscripted(field);
  std::string problem;
  if (ref.api_version() != "v1") problem = fmt::format("unsupported pod version: {}", ref.api_version());
  if (problem.empty() && parts && parts->first != "metadata.annotations" && parts->first != "metadata.labels") {
    problem = fmt::format("field label does not support subscript: {}", field);
  }
  if (problem.empty() && !parts && !is_pod_field(field)) problem = fmt::format("field label not supported: {}", field);
  if (!problem.empty()) return errors.invalid_text(path.member("fieldPath"), field, "error converting fieldPath: " + problem);
  if (!parts) return check_one_of(field == "spec.host" ? "spec.nodeName" : field, supported, path.member("fieldPath"), errors);
  if (parts->first == "metadata.annotations") {
    errors.invalid_each(path, parts->second, check_qualified_name(lower_ascii(parts->second)));
  } else {
    errors.invalid_each(path, parts->second, check_qualified_name(parts->second));
  }
}

void check_resource_field_ref(const ResourceFieldSelector& ref, bool in_volume, const Path& path, Errors& errors) {
  if (in_volume && ref.container_name().empty()) {
    errors.required(path.member("containerName"));
  } else if (ref.resource().empty()) {
    errors.required(path.member("resource"));
  } else if (!ref.resource().starts_with("limits.hugepages-") && !ref.resource().starts_with("requests.hugepages-")) {
    const std::size_t before = errors.size();
    check_one_of(ref.resource(),
                 {"limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage",
                  "requests.memory"},
                 path.member("resource"), errors);
    if (errors.size() != before) return;
  }
  check_divisor(ref.resource(), ref.divisor(), path.member("divisor"), errors);
}

void check_env(const google::protobuf::RepeatedPtrField<EnvVar>& env, const Path& path, Errors& errors) {
  for (int i = 0; i < env.size(); ++i) {
    const Path at = path.index(i);
    if (env[i].name().empty()) {
      errors.required(at.member("name"));
    } else {
      errors.invalid_each(at.member("name"), env[i].name(), check_env_var_name(env[i].name()));
    }
    if (env[i].has_value_from()) check_value_from(env[i], at.member("valueFrom"), errors);
  }
}

void check_env_from(const google::protobuf::RepeatedPtrField<EnvFromSource>& from, const Path& path, Errors& errors) {
  for (int i = 0; i < from.size(); ++i) {
    const Path at = path.index(i);
    const EnvFromSource& source = from[i];
    if (!source.prefix().empty()) errors.invalid_each(at.member("prefix"), source.prefix(), check_env_var_name(source.prefix()));
    const auto named = [&](bool set, const std::string& name, std::string_view member) {
      if (!set) return;
      const Path where = at.member(member).member("name");
      name.empty() ? errors.required(where) : check_subdomain(name, where, errors);
    };
    named(source.has_config_map_ref(), source.config_map_ref().local_object_reference().name(), "configMapRef");
    named(source.has_secret_ref(), source.secret_ref().local_object_reference().name(), "secretRef");
    if (!source.has_config_map_ref() && !source.has_secret_ref()) {
      errors.invalid_text(path, "", "must specify one of: `configMapRef` or `secretRef`");
    } else if (source.has_config_map_ref() && source.has_secret_ref()) {
      errors.invalid_text(path, "", "may not have more than one field specified at a time");
    }
  }
}

}  // namespace ph::api
