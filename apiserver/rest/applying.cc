#include "apiserver/rest/applying.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/errors.h"
#include "api/json_text.h"
#include "api/object_rules.h"
#include "api/patch/patch_text.h"
#include "api/yaml_duplicates.h"
#include "apiserver/rest/aside.h"
#include "apiserver/rest/managers.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {
namespace {

using nlohmann::json;

json read_configuration(const std::string& text) {
  json out;
  try {
    out = api::parse_patch(api::yaml_to_json(text)).document;
  } catch (const api::DecodeError& error) {
    throw api::bad_request(fmt::format("error decoding YAML: error converting YAML to JSON: {}", error.what()));
  } catch (const json::exception& error) {
    throw api::bad_request(fmt::format("error decoding YAML: error converting YAML to JSON: {}", error.what()));
  }
  if (out.is_null()) return json::object();
  if (out.is_object()) return out;
  throw api::bad_request(
      fmt::format("error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value "
                  "of type map[string]interface {{}}",
                  api::json_type_name(out)));
}

// What the resource, or this part of it, does not take from whoever comes through this door.
api::FieldSet reset_fields(const Served& served, std::string_view subresource) {
  api::FieldSet out;
  const auto add = [&out](std::string_view name) {
    const api::PathElement element = api::PathElement::field(name);
    out.insert({&element, 1});
  };
  const api::Resource& resource = *served.resource;
  if (resource.subresource("status") == nullptr) return out;
  if (subresource.empty()) add("status");
  if (subresource != "status") return out;
  for (const api::Field& field : resource.schema->fields) {
    const bool is_taken = field.name == "status" || (field.name == "metadata" && !resource.schema->custom);
    if (!is_taken) add(field.name);
  }
  return out;
}

}  // namespace

Applying::Applying(const Core& core, const Call& call, const WriteOptions& options)
    : call_(call),
      application_{.config = nullptr,
                   .manager = options.manager,
                   .subresource = call.info.subresource,
                   .force = options.force,
                   .reset = reset_fields(*call.served, call.info.subresource),
                   .set_defaults = &api::set_defaults},
      as_version_(versions_of(core, call.held)),
      now_(core.now()),
      unknown_(options.unknown) {}

Task<Applying> Applying::read(Core& core, const Call& call, const WriteOptions& options) {
  Applying out(core, call, options);
  co_await aside(core, call.request.body.size(), [&out] { out.read_body(); });
  co_return std::move(out);
}

void Applying::read_body() {
  config_ = std::make_shared<const json>(read_configuration(call_.request.body));
  application_.config = config_.get();
  if (unknown_ != api::Unknown::Ignore) duplicates_ = api::yaml_duplicates(call_.request.body);
}

api::Object Applying::over(const api::Schema& schema, const api::Object* live, std::vector<std::string>& warnings) const {
  api::Object object = api::apply(schema, live, application_, as_version_, now_);
  if (unknown_ == api::Unknown::Strict && !duplicates_.empty()) {
    throw api::bad_request(fmt::format("error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  {}",
                                       fmt::join(duplicates_, "\n  ")));
  }
  std::ranges::copy(duplicates_, std::back_inserter(warnings));
  match_name(call_, object);
  match_namespace(call_, object);
  return object;
}

}  // namespace ph::apiserver
