// Names of pools, devices and their keys; what requests for devices are made of.
#include "api/validation/device_parts.h"

#include <fmt/format.h>

#include "api/json_text.h"

namespace ph::api {

using namespace resources::v1;
using Strings = google::protobuf::RepeatedPtrField<std::string>;

namespace {

constexpr std::size_t kPoolMax = 253, kIdentifierMax = 32;
constexpr std::size_t kExpressionMax = 10 * 1024, kParametersMax = 10 * 1024;
constexpr int kJsonDepthMax = 512;

std::string_view text_of(const std::string& text) { return text; }

void check_identifier(std::string_view name, const Path& path, Errors& errors) {
  if (name.size() > kIdentifierMax) errors.too_long(path, kIdentifierMax);
  errors.invalid_each(path, name, check_c_identifier(name));
}

}  // namespace

void check_pool(const std::string& name, const Path& path, Errors& errors) {
  if (name.empty()) return errors.required(path);
  if (name.size() > kPoolMax) errors.too_long(path, kPoolMax);
  std::string_view rest = name;
  while (true) {
    const auto slash = rest.find('/');
    check_subdomain(rest.substr(0, slash), path, errors);
    if (slash == rest.npos) return;
    rest.remove_prefix(slash + 1);
  }
}

void check_device_key(std::string_view name, const Path& path, Errors& errors) {
  const auto slash = name.find('/');
  if (slash == name.npos) return check_identifier(name, path, errors);
  const std::string domain(name.substr(0, slash));
  if (domain.empty()) errors.required(path, "the domain must not be empty");
  else check_driver_name(domain, path, errors);
  if (slash + 1 == name.size()) errors.required(path, "the name must not be empty");
  else check_identifier(name.substr(slash + 1), path, errors);
}

void check_full_device_key(std::string_view name, const Path& path, Errors& errors) {
  check_device_key(name, path, errors);
  if (name.find('/') == name.npos)
    errors.invalid_text(path, name, "a fully qualified name must be a domain and a name separated by a slash");
}

void check_binding_conditions(const Strings& conditions, const Path& path, Errors& errors) {
  check_set(conditions, kBindingConditionsMax, path, errors, text_of,
            [&](const std::string& condition, const Path& here) { check_label_name(condition, here, errors); });
}

RequestNames request_names(const DeviceClaim& claim) {
  RequestNames out;
  for (const DeviceRequest& request : claim.requests()) {
    auto& alternatives = out[request.name()];
    for (const DeviceSubRequest& alternative : request.first_available()) alternatives.insert(alternative.name());
  }
  return out;
}

void check_request_reference(const std::string& text, const RequestNames& names, const Path& path, Errors& errors) {
  const auto slash = text.find('/');
  const std::string request = text.substr(0, slash);
  const std::string alternative = slash == text.npos ? "" : text.substr(slash + 1);
  if (alternative.find('/') == alternative.npos) {
    check_label(request, path, errors);
    if (slash != text.npos) check_label(alternative, path, errors);
  }
  const auto found = names.find(request);
  const bool known = found != names.end() && (slash == text.npos || found->second.contains(alternative));
  if (known) return;
  errors.invalid_text(path, text,
                      "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'");
}

void check_request_references(const Strings& references, const RequestNames& names, const Path& path, Errors& errors) {
  check_set(references, kDeviceRequestsMax, path, errors, text_of,
            [&](const std::string& text, const Path& here) { check_request_reference(text, names, here, errors); });
}

void check_device_selectors(const google::protobuf::RepeatedPtrField<DeviceSelector>& selectors, const Path& path,
                            Errors& errors) {
  check_items(selectors, kDeviceSelectorsMax, path, errors, [&](const DeviceSelector& selector, const Path& here) {
    const Path cel = here.member("cel");
    if (!selector.has_cel()) errors.required(cel);
    else if (selector.cel().expression().size() > kExpressionMax) errors.too_long(cel.member("expression"), kExpressionMax);
    else if (selector.cel().expression().empty()) {
      errors.invalid_text(
          cel.member("expression"), "",
          "compilation failed: ERROR: <input>:1:0: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', "
          "'-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}");
    }
  });
}

void check_raw_object(const meta::v1::RawExtension& raw, std::size_t bytes_max, const Path& path, Errors& errors) {
  constexpr std::string_view kOmitted = "<value omitted>";
  const std::string& text = raw.raw();
  if (text.size() > bytes_max) return errors.too_long(path, bytes_max);
  const std::string why = json_syntax_error(text, kJsonDepthMax);
  if (!why.empty()) return errors.invalid_text(path, kOmitted, fmt::format("error parsing data as JSON: {}", why));
  const auto first = text.find_first_not_of(" \t\r\n");
  if (text.compare(first, 4, "null") == 0) return errors.required(path);
  if (text[first] != '{') errors.invalid_text(path, kOmitted, "parameters must be a valid JSON object");
}

void check_device_configuration(const DeviceConfiguration& configuration, const Path& path, Errors& errors) {
  const Path opaque = path.member("opaque");
  if (!configuration.has_opaque()) return errors.required(opaque);
  check_driver_name(configuration.opaque().driver(), opaque.member("driver"), errors);
  const Path parameters = opaque.member("parameters");
  if (configuration.opaque().parameters().raw().empty()) errors.required(parameters);
  else check_raw_object(configuration.opaque().parameters(), kParametersMax, parameters, errors);
}

void check_device_tolerations(const google::protobuf::RepeatedPtrField<DeviceToleration>& tolerations, const Path& path,
                              Errors& errors) {
  constexpr std::size_t kMax = 16;
  check_items(tolerations, kMax, path, errors, [&](const DeviceToleration& one, const Path& here) {
    if (!one.key().empty()) check_label_name(one.key(), here.member("key"), errors);
    if (one.operator_() == "Exists") {
      if (!one.value().empty()) errors.invalid_text(here.member("value"), one.value(), "must be empty for operator `Exists`");
    } else if (one.operator_() == "Equal") {
      errors.invalid_each(here.member("value"), one.value(), check_label_value(one.value()));
    } else {
      check_one_of(one.operator_(), {"Equal", "Exists"}, here.member("operator"), errors);
    }
    if (!one.effect().empty()) check_one_of(one.effect(), {"NoExecute", "NoSchedule", "None"}, here.member("effect"), errors);
  });
}

}  // namespace ph::api
