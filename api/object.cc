#include "api/object.h"

#include "base/assert.h"

namespace ph::api {

namespace pb = google::protobuf;

namespace {

const pb::FieldDescriptor* metadata_field(const pb::Message& object) {
  const pb::FieldDescriptor* field = object.GetDescriptor()->FindFieldByName("metadata");
  PH_ASSERT(field);
  PH_ASSERT(field->message_type() == meta::v1::ObjectMeta::descriptor());
  return field;
}

}  // namespace

const meta::v1::ObjectMeta& metadata(const pb::Message& object) {
  return static_cast<const meta::v1::ObjectMeta&>(object.GetReflection()->GetMessage(object, metadata_field(object)));
}

meta::v1::ObjectMeta& mutable_metadata(pb::Message& object) {
  return static_cast<meta::v1::ObjectMeta&>(*object.GetReflection()->MutableMessage(&object, metadata_field(object)));
}

}  // namespace ph::api
