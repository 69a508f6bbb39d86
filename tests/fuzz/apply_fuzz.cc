// Server-side apply of anything on anything: four lines, of which the first names the kind of object and who applies, the second
// is the object's JSON, the others two configurations, applied one after the other. Refused in one of the ways the server knows,
// or:
//
//   forced, and applied again, it changes nothing, times of owners included, if the object shows all that it says and has owners
//   without force it is refused with 409, or comes to the same
//   who applies something owns of it no more than it says, and everybody who is an owner owns something
//   the result is stored and read as itself
#include <algorithm>

#include <google/protobuf/message.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/encoded.h"
#include "api/errors.h"
#include "api/kinds.h"
#include "api/patch/apply.h"
#include "api/patch/patch_text.h"
#include "api/patch/typed.h"
#include "base/assert.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace ph::api;
using Json = nlohmann::json;

const Schema& schema_for(std::uint8_t which) {
  static const Schema* const kSchemas[] = {
      &schema_of<core::v1::ConfigMap>(), &schema_of<core::v1::Pod>(),  &schema_of<apps::v1::Deployment>(),
      &schema_of<core::v1::Service>(),   &schema_of<core::v1::Node>(), &schema_of<core::v1::ServiceAccount>(),
  };
  return *kSchemas[which % std::size(kSchemas)];
}

// None: refused.
Object read(const Schema& schema, const Json& document) {
  Object object = Object::make(schema);
  try {
    from_json(document, *object.message(), {});
  } catch (const DecodeError&) {
    return {};
  }
  return object;
}

Time at(int second) { return Time(std::chrono::seconds(second)); }

// None: refused, with `code`.
Object attempt(const Object& live, const Json& config, const std::string& manager, bool force, int second, int& code) {
  const Application application{.config = &config, .manager = manager, .subresource = {}, .force = force, .reset = {}};
  const AsVersion as_version = [](const Object&, const std::string&) { return Object(); };
  try {
    return apply(live.schema(), &live, application, as_version, at(second));
  } catch (const ApiError& error) {
    code = error.code();
    PH_ASSERT(code == 400 || code == 409 || code == 500);
  }
  return {};
}

void check_owners(const Object& object, const Json& config, const std::string& manager) {
  for (const auto& entry : object.metadata().managed_fields()) {
    const FieldSet fields = FieldSet::from_fields_v1(entry.fields_v1().raw());
    PH_ASSERT(!fields.empty());
    if (entry.manager() == manager && entry.operation() == "Apply") {
      PH_ASSERT(fields.without(said_by(Literal(object.schema(), config))).empty());
    }
  }
}

// The object after the configuration, or as it was.
Object applied(Object live, Json config, const std::string& manager, int second) {
  if (!config.is_object()) return live;
  config["apiVersion"] = live.schema().kind->api_version();
  config["kind"] = live.schema().kind->kind;
  make_whole(config);
  int code = 0;
  const Object asked = attempt(live, config, manager, false, second, code);
  Object forced = attempt(live, config, manager, true, second, code);
  PH_ASSERT(forced || !asked);
  if (!forced) return live;
  if (asked) PH_ASSERT(to_json(asked) == to_json(forced));
  if (!asked) PH_ASSERT(code == 409);
  check_owners(forced, config, manager);
  PH_ASSERT(to_json(decode_stored(forced.schema(), encode_stored(forced))) == to_json(forced));
  // What an object cannot show it cannot be compared by: null, and what is as good as not there.
  const Json shown = to_json(forced);
  if (!said_by(Literal(forced.schema(), config)).without(said_by(Literal(forced.schema(), shown))).empty()) return forced;
  // One that nobody owns anything of is as one before its first application.
  if (forced.metadata().managed_fields().empty()) return forced;
  const Object again = attempt(forced, config, manager, false, second + 1, code);
  PH_ASSERT(again);
  PH_ASSERT(to_json(again) == to_json(forced));
  return forced;
}

}  // namespace

void apply(std::string_view input) {
  Bytes bytes(input);
  Bytes choice(bytes.until('\n'));
  const Schema& schema = schema_for(choice.byte());
  const std::uint8_t who = choice.byte();
  Object object = read(schema, Json::parse(bytes.until('\n'), nullptr, false));
  if (!object) return;
  const Json first = Json::parse(bytes.until('\n'), nullptr, false), second = Json::parse(bytes.rest(), nullptr, false);
  object = applied(std::move(object), first, who % 2 ? "kubectl" : "a", 1);
  applied(std::move(object), second, who % 4 < 2 ? "a" : "kubectl", 2);
}

}  // namespace ph::fuzz
