// What every kind's rules are: api/rules.def as a table. Apart from rules.cc, so that errors can be had without all rules.
#include <unordered_map>

#include "api/kinds.h"
#include "api/object.h"
#include "api/rules.h"
#include "api/validation/finalizers.h"

namespace ph::api {

// The table of api/rules.def, read twice: to declare the functions and to list them.
#define PH_DEFAULTS_Defaults(type) void set_defaults(type&);
#define PH_DEFAULTS_None(type)
#define PH_VALIDATE_Validate(type)     \
  void validate(const type&, Errors&); \
  void validate_update(const type&, const type&, Errors&);
#define PH_VALIDATE_None(type)
#define PH_STATUS_Status(type) void validate_status(const type&, const type&, Errors&);
#define PH_STATUS_None(type)
#define RULES(type, name_rule, defaults, validates, status) \
  PH_DEFAULTS_##defaults(type) PH_VALIDATE_##validates(type) PH_STATUS_##status(type)
#include "api/rules.def"
#undef RULES
#undef PH_DEFAULTS_Defaults
#undef PH_DEFAULTS_None
#undef PH_VALIDATE_Validate
#undef PH_VALIDATE_None
#undef PH_STATUS_Status
#undef PH_STATUS_None

namespace {

// What is known of a message only at run time is known here at compile time: the casts are the table's.
template <class T>
struct As {
  static void defaults(Message& object) { set_defaults(static_cast<T&>(object)); }
  static void create(const Message& object, Errors& errors) { validate(static_cast<const T&>(object), errors); }
  static void update(const Message& object, const Message& old, Errors& errors) {
    validate_update(static_cast<const T&>(object), static_cast<const T&>(old), errors);
  }
  static void status(const Message& object, const Message& old, Errors& errors) {
    validate_status(static_cast<const T&>(object), static_cast<const T&>(old), errors);
  }
};

using Table = std::unordered_map<const google::protobuf::Descriptor*, KindRules>;

const Table& table() {
#define PH_DEFAULTS_Defaults(type) &As<type>::defaults
#define PH_DEFAULTS_None(type) nullptr
#define PH_VALIDATE_Validate(type) &As<type>::create, &As<type>::update
#define PH_VALIDATE_None(type) nullptr, nullptr
#define PH_STATUS_Status(type) &As<type>::status
#define PH_STATUS_None(type) nullptr
#define RULES(type, name_rule, defaults, validates, status) \
  {type::descriptor(), {PH_DEFAULTS_##defaults(type), PH_VALIDATE_##validates(type), PH_STATUS_##status(type), name_rule}},
  static const Table out = {
#include "api/rules.def"
  };
#undef RULES
  return out;
}

}  // namespace

const KindRules& rules_of(const Schema& schema) {
  static const KindRules none;
  const auto found = table().find(schema.descriptor);
  return found == table().end() ? none : found->second;
}

void validate_metadata(const Resource& resource, const meta::v1::ObjectMeta& metadata, Errors& errors) {
  const NameRule own_rule = resource.schema->custom ? &subdomain_name : rules_of(*resource.schema).name_rule;
  validate_metadata(metadata, resource.namespaced, own_rule ? own_rule : path_segment_name, Path("metadata"), errors);
  check_finalizer_names(resource, metadata, Path("metadata").member("finalizers"), errors);
}

}  // namespace ph::api
