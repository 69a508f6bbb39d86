#include "tests/sim/swarm/absurd.h"

#include <algorithm>
#include <array>
#include <limits>

#include "api/object.h"

namespace ph::sim::swarm {
namespace {

using google::protobuf::FieldDescriptor, google::protobuf::Message, google::protobuf::Reflection;

constexpr int kDepthMost = 8;

const std::vector<std::string> kWords{"",
                                      "x",
                                      " ",
                                      "a/b/c",
                                      "/",
                                      "ä€𝄞",
                                      "100%",
                                      "-5%",
                                      "%",
                                      "99999999999999999999",
                                      "-1",
                                      "1e99",
                                      "-3Ki",
                                      "12x",
                                      "0",
                                      "::1",
                                      "300.300.1.1",
                                      "10.0.0.1",
                                      "default",
                                      "web",
                                      "Pod",
                                      "v1",
                                      "apps/v1",
                                      "a/b/v1",
                                      "Node",
                                      "Always",
                                      "Never",
                                      "True",
                                      "False",
                                      "Failed",
                                      "Succeeded",
                                      "Running",
                                      "Recreate",
                                      "app",
                                      "In",
                                      "Exists",
                                      "DoesNotExist",
                                      "Orphan",
                                      "*",
                                      "* * * * *",
                                      "@every -1s",
                                      "TZ=x * * * * *",
                                      "Europe/Nowhere",
                                      "2026-13-45T99:00:00Z",
                                      std::string(300, 'a'),
                                      std::string(5000, '9')};

// What is no quantity at all cannot be read, here as in Kubernetes.
const std::vector<std::string> kQuantities{
    "-1", "0", "-3Ki", "1n", "100m", "1e18", "-9223372036854775807", "99999999999999999999Ei"};

// What a loop makes so many of.
bool makes(const FieldDescriptor& field) {
  static constexpr std::array kNames{"replicas", "parallelism", "completions", "min_replicas", "max_replicas"};
  return std::ranges::any_of(kNames, [&](const char* name) { return field.name() == name; });
}

class Spoiler {
 public:
  explicit Spoiler(Draw& draw) : draw_(draw) {}

  void spoil(Message& message, int depth = 0) {
    const FieldDescriptor* field = some_field(message);
    if (!field) return;
    const Reflection& reflection = *message.GetReflection();
    if (draw_.chance(0.2) && message.GetDescriptor()->name() != "Quantity") return reflection.ClearField(&message, field);
    if (field->is_map()) return fill(*reflection.AddMessage(&message, field));
    if (field->is_repeated()) return spoil_list(message, *field, depth);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const bool was = reflection.HasField(message, field);
      Message& member = *reflection.MutableMessage(&message, field);
      if (depth < kDepthMost && (was || draw_.chance(0.7))) spoil(member, depth + 1);
      return;
    }
    set(message, *field, false);
  }

 private:
  // Rather one that says something than one that does not.
  const FieldDescriptor* some_field(const Message& message) {
    std::vector<const FieldDescriptor*> present;
    message.GetReflection()->ListFields(message, &present);
    if (!present.empty() && draw_.chance(0.7)) return draw_.of(present);
    const int count = message.GetDescriptor()->field_count();
    return count == 0 ? nullptr : message.GetDescriptor()->field(draw_.between(0, count - 1));
  }

  void spoil_list(Message& message, const FieldDescriptor& field, int depth) {
    const Reflection& reflection = *message.GetReflection();
    const int size = reflection.FieldSize(message, &field);
    const bool of_messages = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (size > 0 && draw_.chance(0.2)) return reflection.RemoveLast(&message, &field);
    if (!of_messages) return set(message, field, true);
    if (size > 0 && depth < kDepthMost && draw_.chance(0.6))
      return spoil(*reflection.MutableRepeatedMessage(&message, &field, draw_.between(0, size - 1)), depth + 1);
    Message& added = *reflection.AddMessage(&message, &field);
    // Twice the same, or nothing at all.
    if (size > 0 && draw_.chance(0.5)) added.CopyFrom(reflection.GetRepeatedMessage(message, &field, 0));
  }

  // An entry of a map.
  void fill(Message& entry) {
    for (int i = 0; i < entry.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor& field = *entry.GetDescriptor()->field(i);
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) spoil(*entry.GetReflection()->MutableMessage(&entry, &field));
      else set(entry, field, false);
    }
  }

  std::int64_t number(const FieldDescriptor& field, bool wide) {
    if (makes(field)) return draw_.between(-3, 4);
    const std::int64_t most = wide ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int32_t>::max();
    return draw_.of(std::vector<std::int64_t>{-1, 0, 1, 2, 7, 1000, most, most - 1, -most, -most - 1});
  }

  void set(Message& message, const FieldDescriptor& field, bool add) {
    const Reflection& r = *message.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32: {
        const auto value = static_cast<std::int32_t>(number(field, false));
        return add ? r.AddInt32(&message, &field, value) : r.SetInt32(&message, &field, value);
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        const std::int64_t value = number(field, true);
        return add ? r.AddInt64(&message, &field, value) : r.SetInt64(&message, &field, value);
      }
      case FieldDescriptor::CPPTYPE_BOOL: {
        const bool value = draw_.chance(0.5);
        return add ? r.AddBool(&message, &field, value) : r.SetBool(&message, &field, value);
      }
      case FieldDescriptor::CPPTYPE_STRING: {
        const bool is_quantity = message.GetDescriptor()->name() == "Quantity";
        const std::string& value = draw_.of(is_quantity ? kQuantities : kWords);
        return add ? r.AddString(&message, &field, value) : r.SetString(&message, &field, value);
      }
      default: return;  // the kinds that loops look at have no others
    }
  }

  Draw& draw_;
};

}  // namespace

void spoil(Draw& draw, Message& object) {
  const meta::v1::ObjectMeta who = api::metadata(object);
  Spoiler spoiler(draw);
  for (int i = draw.between(1, 4); i > 0; --i) spoiler.spoil(object);
  meta::v1::ObjectMeta& metadata = api::mutable_metadata(object);
  metadata.set_name(who.name());
  metadata.set_namespace_(who.namespace_());
  metadata.set_uid(who.uid());
}

}  // namespace ph::sim::swarm
