// Which kinds are warned about, and when: warnings.def as a table.
#include <unordered_map>

#include "api/kinds.h"
#include "api/warnings/parts.h"

namespace ph::api {
namespace {

enum class When { Created, Written, Respecified };

struct Teller {
  Warnings (*tell)(const google::protobuf::Message& object);
  When when;
};

// What is known of a message only at run time is known here at compile time: the casts are the table's.
template <class T>
Warnings tell(const google::protobuf::Message& object) {
  return warnings_of(static_cast<const T&>(object));
}

const Teller* teller_of(const Schema& schema) {
  static const std::unordered_map<const google::protobuf::Descriptor*, Teller> table = {
#define WARNS(type, when) {type::descriptor(), {&tell<type>, When::when}},
#include "api/warnings/warnings.def"
#undef WARNS
  };
  const auto found = table.find(schema.descriptor);
  return found == table.end() ? nullptr : &found->second;
}

}  // namespace

Warnings warnings_of(const Object& object, const Object* old) {
  const Teller* teller = object.message() ? teller_of(object.schema()) : nullptr;
  if (!teller || (old && teller->when == When::Created)) return {};
  if (old && teller->when == When::Respecified && object.metadata().generation() == old->metadata().generation()) return {};
  return teller->tell(*object.message());
}

}  // namespace ph::api
