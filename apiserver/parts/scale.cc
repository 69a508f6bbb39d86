// …/scale: the replicas of a workload, in one shape for all kinds that have them.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/errors.h"
#include "api/kinds.h"
#include "api/object.h"
#include "api/patch/scale_owners.h"
#include "api/rules.h"
#include "api/selector.h"
#include "api/value.h"
#include "apiserver/parts/parts.h"
#include "apiserver/rest/applying.h"
#include "apiserver/rest/audited.h"
#include "apiserver/rest/body.h"
#include "apiserver/rest/conversions.h"
#include "apiserver/rest/encode.h"
#include "apiserver/rest/negotiate.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/patching.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/validate.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {
namespace {

using autoscaling::v1::Scale;

std::string selector_text(const api::Value& selector) {
  if (!selector) return {};
  switch (selector.schema().type) {
    case api::Type::String: return selector.text();
    case api::Type::Map: {
      google::protobuf::Map<std::string, std::string> labels;
      for (const std::string& key : selector.keys()) labels[key] = selector.entry(key).text();
      return api::LabelSelector::from_map(labels).text();
    }
    default: {
      meta::v1::LabelSelector labels;
      api::from_json(selector.json(), labels);
      return api::LabelSelector::from(labels).text();
    }
  }
}

Scale scale_of(const api::Resource& resource, const api::Object& object) {
  const api::ScalePaths& paths = resource.scale;
  const api::Value workload = object.value();
  Scale scale;
  const meta::v1::ObjectMeta& from = object.metadata();
  meta::v1::ObjectMeta& to = *scale.mutable_metadata();
  to.set_name(from.name());
  to.set_namespace_(from.namespace_());
  to.set_uid(from.uid());
  to.set_resource_version(from.resource_version());
  *to.mutable_creation_timestamp() = from.creation_timestamp();
  scale.mutable_spec()->set_replicas(static_cast<std::int32_t>(workload.at_path(paths.spec_replicas).integer()));
  scale.mutable_status()->set_replicas(static_cast<std::int32_t>(workload.at_path(paths.status_replicas).integer()));
  scale.mutable_status()->set_selector(selector_text(workload.at_path(paths.selector)));
  return scale;
}

// Structs on the way that are not there are made.
void set_at(api::Value at, std::string_view dotted, const nlohmann::json& value) {
  for (;;) {
    const auto dot = std::min(dotted.find('.'), dotted.size());
    const api::Field* field = at.schema().field(dotted.substr(0, dot));
    if (field == nullptr) return;
    if (dot == dotted.size()) return at.set_member(*field, value);
    if (!at.member(*field)) at.set_member(*field, nlohmann::json::object());
    at = at.member(*field);
    dotted.remove_prefix(dot + 1);
  }
}

void check(const Scale& scale) {
  if (scale.spec().replicas() >= 0) return;
  api::Errors errors;
  errors.invalid(api::Path("spec.replicas"), std::to_string(scale.spec().replicas()), "must be greater than or equal to 0");
  throw api::invalid("Scale.autoscaling", scale.metadata().name(), errors.list());
}

// The workload with the replicas the scale asks for; what the scale pins is checked with the update.
api::Object rescaled(const api::Resource& resource, const api::Object& stored, const Scale& scale) {
  // What a custom kind may have is told by its schema, and by its own paths.
  if (!resource.schema->custom) check(scale);
  api::Object object = stored.clone();
  set_at(object.value(), resource.scale.spec_replicas, scale.spec().replicas());
  meta::v1::ObjectMeta& metadata = object.mutable_metadata();
  if (!resource.schema->custom || !scale.metadata().resource_version().empty()) {
    metadata.set_resource_version(scale.metadata().resource_version());
  }
  if (!scale.metadata().uid().empty()) metadata.set_uid(scale.metadata().uid());
  return object;
}

// Upstream's server of custom kinds knows of scales under that name alone.
void check_custom_body(const Call& call) {
  if (!call.served->resource->schema->custom) return;
  const auto found = kind_of_body(call.request);
  if (!found ||
      ((found->kind.empty() || found->kind == "Scale") && (found->version.empty() || found->api_version() == "autoscaling/v1"))) {
    return;
  }
  throw api::bad_request("no kind is registered for the type v1.Scale in scheme \"pkg/apiserver/customresource_handler.go:781\"");
}

// As what a scale is shown in a table: not as its workload. Those of custom kinds have columns of their own.
const api::Resource& shown_as(bool custom) {
  static const auto scales = [](const char* group) {
    api::Resource out;
    out.kind = *api::schema_of<Scale>().kind;
    out.kind.group = group;
    out.plural = "scales";
    out.schema = &api::schema_of<Scale>();
    return out;
  };
  static const api::Resource kBuiltIn = scales("autoscaling"), kCustom = scales("apiextensions.k8s.io");
  return custom ? kCustom : kBuiltIn;
}

HttpResponse answer_with(const Core& core, const Call& call, const Scale& scale) {
  if (call.form.as == As::Object) return answer_message(call.form, 200, scale);
  Encoding encoding = encoding_of(core.front, call);
  encoding.resource = &shown_as(call.served->resource->schema->custom);
  const Revision revision = parse_revision(scale.metadata().resource_version());
  const auto entry = std::make_shared<const Entry>(Entry{call.key().text(), revision, share(api::encode_envelope(scale))});
  HttpResponse response;
  response.headers.add("Content-Type", std::string(content_type(call.form.format, false)));
  response.body.push_back(share(encode_entry(encoding, entry)));
  return response;
}

// As the version has it that the call asks for: its paths lead to the replicas.
Task<HttpResponse> answer_scale(Core& core, const Call& call, EntryRef entry) {
  const EntryRef shown = co_await shown_soon(core, call, std::move(entry));
  const api::Object object = decode_entry(*call.served->resource, *shown);
  co_return answer_with(core, call, scale_of(*call.served->resource, object));
}

// What `make` makes of the object in that version.
Task<HttpResponse> write_scale(Core& core, Call& call, const Make& make, WriteRequest write) {
  Served& served = *call.served;
  const Make through = [&](const api::Object& stored) {
    return served.stored_as ? to_stored(served, make(served.to_shown(stored))) : make(stored);
  };
  WriteResult result = co_await update_object(core, storage_of(served), call.key(), UpdateKind::Main, through, std::move(write));
  co_return co_await answer_scale(core, call, std::move(result.entry));
}

Task<HttpResponse> apply_scale(Core& core, Call& call) {
  const WriteOptions options = write_options(call.request, call.query, "PatchOptions");
  audit_patch(call);
  const Applying applying = co_await Applying::read(core, call, options);
  const api::Resource& resource = *call.served->resource;
  const Make make = [&](const api::Object& stored) {
    call.warnings.clear();
    Scale shown = scale_of(resource, stored);
    api::owners_to_scale(stored.metadata(), resource.scale.spec_replicas, *shown.mutable_metadata());
    const api::Object live = api::Object::of(std::move(shown));
    const api::Object scale = applying.over(api::schema_of<Scale>(), &live, call.warnings);
    api::Object object = rescaled(resource, stored, scale.as<Scale>());
    api::owners_from_scale(scale.metadata(), resource.scale.spec_replicas, resource.kind.api_version(),
                           object.mutable_metadata());
    return object;
  };
  co_return co_await write_scale(core, call, make, write_request(call, {}, options.dry_run));
}

}  // namespace

const PartView kScaleView{
    .show = [](const api::Resource& resource, const api::Object& object) { return api::Object::of(scale_of(resource, object)); },
    .take = [](const api::Resource& resource, const api::Object& object,
               const api::Object& scale) { return rescaled(resource, object, scale.as<Scale>()); }};

Task<HttpResponse> get_scale(Core& core, Call& call) {
  EntryRef entry = call.served->cache->find(call.key().text());
  if (!entry) throw api::not_found(call.served->qualified, call.info.name);
  co_return co_await answer_scale(core, call, std::move(entry));
}

Task<HttpResponse> update_scale(Core& core, Call& call) {
  const WriteOptions options = write_options(call.request, call.query, "UpdateOptions");
  check_custom_body(call);
  api::Object body = read_body(call.request, api::schema_of<Scale>(), options.unknown, call.warnings);
  audit_object(call, body);
  match_name(call, body);
  match_namespace(call, body);
  const Scale& scale = body.as<Scale>();
  const Make make = [&](const api::Object& stored) {
    check_uid(*call.served, call.key(), options.dry_run, scale.metadata().uid(), stored.metadata().uid());
    return rescaled(*call.served->resource, stored, scale);
  };
  co_return co_await write_scale(core, call, make, write_request(call, options.manager, options.dry_run));
}

Task<HttpResponse> patch_scale(Core& core, Call& call) {
  if (is_apply(call.request)) co_return co_await apply_scale(core, call);
  const PatchType type = patch_type(call.request);
  const WriteOptions options = write_options(call.request, call.query, "PatchOptions");
  audit_patch(call);
  const Make make = [&](const api::Object& stored) {
    call.warnings.clear();
    const api::Object shown = api::Object::of(scale_of(*call.served->resource, stored));
    api::Object scale = apply_patch(type, call.request.body, shown, options.unknown, call.warnings);
    match_name(call, scale);
    match_namespace(call, scale);
    return rescaled(*call.served->resource, stored, scale.as<Scale>());
  };
  co_return co_await write_scale(core, call, make, write_request(call, options.manager, options.dry_run));
}

}  // namespace ph::apiserver
