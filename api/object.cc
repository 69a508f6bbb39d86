#include "api/object.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/kinds.h"
#include "api/value.h"

namespace ph::api {

namespace pb = google::protobuf;

namespace {

const pb::FieldDescriptor* metadata_field(const pb::Message& object) {
  const pb::FieldDescriptor* field = object.GetDescriptor()->FindFieldByName("metadata");
  PH_ASSERT(field);
  PH_ASSERT(field->message_type() == meta::v1::ObjectMeta::descriptor());
  return field;
}

const pb::FieldDescriptor* member_field(const Object& object, std::string_view member) {
  const Field* field = object.schema().field(member);
  return field == nullptr ? nullptr : field->path.front();
}

constexpr const char* kStatus = "status";

}  // namespace

const meta::v1::ObjectMeta& metadata(const pb::Message& object) {
  return static_cast<const meta::v1::ObjectMeta&>(object.GetReflection()->GetMessage(object, metadata_field(object)));
}

meta::v1::ObjectMeta& mutable_metadata(pb::Message& object) {
  return static_cast<meta::v1::ObjectMeta&>(*object.GetReflection()->MutableMessage(&object, metadata_field(object)));
}

struct Object::Document {
  meta::v1::ObjectMeta metadata;
  nlohmann::json members = nlohmann::json::object();
};

Object::Object() = default;
Object::Object(Object&&) noexcept = default;
Object& Object::operator=(Object&&) noexcept = default;
Object::~Object() = default;

Object::Object(std::unique_ptr<pb::Message> message) : message_(std::move(message)) {
  if (message_) schema_ = &schema_of(*message_);
}

Object::Object(const Schema& schema, meta::v1::ObjectMeta metadata, nlohmann::json members)
    : schema_(&schema), document_(std::make_unique<Document>()) {
  PH_ASSERT(!schema.descriptor);
  PH_ASSERT(members.is_object());
  document_->metadata = std::move(metadata);
  document_->members = std::move(members);
  if (!schema.kind) return;
  document_->members["kind"] = schema.kind->kind;
  document_->members["apiVersion"] = schema.kind->api_version();
}

Object Object::make(const Schema& schema) {
  if (schema.descriptor) return Object(Scheme::builtin().make(schema));
  return Object(schema, {}, nlohmann::json::object());
}

Object Object::clone() const {
  if (document_) return Object(*schema_, document_->metadata, document_->members);
  if (!message_) return {};
  Object out;
  out.schema_ = schema_;
  out.message_.reset(message_->New());
  out.message_->CopyFrom(*message_);
  return out;
}

const meta::v1::ObjectMeta& Object::metadata() const { return document_ ? document_->metadata : api::metadata(*message_); }
meta::v1::ObjectMeta& Object::mutable_metadata() { return document_ ? document_->metadata : api::mutable_metadata(*message_); }

Value Object::value() { return document_ ? Value::of(document_->members, document_->metadata, *schema_) : Value::of(*message_); }

Value Object::value() const {
  if (!document_) return Value::of(static_cast<const pb::Message&>(*message_));
  return Value::of(static_cast<const nlohmann::json&>(document_->members), document_->metadata, *schema_);
}

nlohmann::json& Object::members() {
  PH_ASSERT(document_);
  return document_->members;
}

const nlohmann::json& Object::members() const {
  PH_ASSERT(document_);
  return document_->members;
}

// -- The top-level members

bool has_status(const Object& object) {
  if (!object.message()) return object.members().contains(kStatus) || object.schema().field(kStatus) != nullptr;
  return member_field(object, kStatus) != nullptr;
}

void clear_status(Object& object) {
  if (!object.message()) {
    object.members().erase(kStatus);
  } else if (const auto* status = member_field(object, kStatus)) {
    object.message()->GetReflection()->ClearField(object.message(), status);
  }
}

void restore_status(Object& object, const Object& old) {
  if (!object.message()) {
    const auto found = old.members().find(kStatus);
    if (found == old.members().end()) {
      object.members().erase(kStatus);
    } else {
      object.members()[kStatus] = *found;
    }
    return;
  }
  const auto* status = member_field(object, kStatus);
  if (status == nullptr) return;
  const auto* reflection = object.message()->GetReflection();
  if (!reflection->HasField(*old.message(), status)) {
    reflection->ClearField(object.message(), status);
    return;
  }
  reflection->MutableMessage(object.message(), status)->CopyFrom(reflection->GetMessage(*old.message(), status));
}

void restore_all_but_status(Object& object, const Object& old) {
  if (!object.message()) {
    nlohmann::json members = old.members();
    members.erase(kStatus);
    if (const auto status = object.members().find(kStatus); status != object.members().end()) {
      members[kStatus] = std::move(*status);
    }
    object.members() = std::move(members);
    return;
  }
  Object merged = old.clone();
  std::vector<const pb::FieldDescriptor*> taken{member_field(object, "metadata")};
  if (const auto* status = member_field(object, kStatus)) taken.push_back(status);
  const auto* reflection = object.message()->GetReflection();
  reflection->SwapFields(merged.message(), object.message(), taken);
  reflection->Swap(merged.message(), object.message());
}

bool spec_differs(const Object& a, const Object& b, bool but_status) {
  if (!a.message()) {
    const auto differs = [&](const nlohmann::json& one, const nlohmann::json& other) {
      for (auto member = one.begin(); member != one.end(); ++member) {
        if (but_status && member.key() == kStatus) continue;
        const auto found = other.find(member.key());
        if (found == other.end() || *found != *member) return true;
      }
      return false;
    };
    return differs(a.members(), b.members()) || differs(b.members(), a.members());
  }
  const Value left = a.value(), right = b.value();
  return std::ranges::any_of(a.schema().fields, [&](const Field& field) {
    if (field.name == "metadata" || (but_status && field.name == kStatus)) return false;
    return !Value::equal(left.member(field), right.member(field));
  });
}

}  // namespace ph::api
