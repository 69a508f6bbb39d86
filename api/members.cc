#include "api/members.h"

#include <algorithm>

#include "api/kinds.h"
#include "api/schema.h"
#include "api/value.h"

namespace ph::api {

using google::protobuf::Message;

namespace {

const google::protobuf::FieldDescriptor* descriptor_of(const Message& object, std::string_view member) {
  const api::Field* field = api::schema_of(object).field(member);
  return field == nullptr ? nullptr : field->path.front();
}

}  // namespace

bool has_status(const Message& object) { return descriptor_of(object, "status") != nullptr; }

void clear_status(Message& object) {
  if (const auto* status = descriptor_of(object, "status")) object.GetReflection()->ClearField(&object, status);
}

void restore_status(Message& object, const Message& old) {
  const auto* status = descriptor_of(object, "status");
  if (status == nullptr) return;
  const auto* reflection = object.GetReflection();
  if (!reflection->HasField(old, status)) {
    reflection->ClearField(&object, status);
    return;
  }
  reflection->MutableMessage(&object, status)->CopyFrom(reflection->GetMessage(old, status));
}

void restore_all_but_status(Message& object, const Message& old) {
  const std::unique_ptr<Message> merged = clone(old);
  std::vector<const google::protobuf::FieldDescriptor*> taken{descriptor_of(object, "metadata")};
  if (const auto* status = descriptor_of(object, "status")) taken.push_back(status);
  object.GetReflection()->SwapFields(merged.get(), &object, taken);
  object.GetReflection()->Swap(merged.get(), &object);
}

bool spec_differs(const Message& a, const Message& b) {
  const api::Value left = api::Value::of(a);
  const api::Value right = api::Value::of(b);
  return std::ranges::any_of(api::schema_of(a).fields, [&](const api::Field& field) {
    if (field.name == "metadata" || field.name == "status") return false;
    return !api::Value::equal(left.member(field), right.member(field));
  });
}

std::unique_ptr<Message> clone(const Message& object) {
  std::unique_ptr<Message> copy(object.New());
  copy->CopyFrom(object);
  return copy;
}

}  // namespace ph::api
