#include "api/gated_fields.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "api/kinds.h"
#include "api/schema.h"

namespace ph::api {
namespace {

namespace pb = google::protobuf;

constexpr std::string_view kOff[] = {
    "ClusterTrustBundleProjection", "ContainerStopSignals",        "CoordinatedLeaderElection", "CrossNamespaceVolumeDataSource",
    "DRAListTypeAttributes",        "DRANodeAllocatableResources", "GenericWorkload",           "ImageVolumeWithDigest",
    "VolumeLimitScaling",
};

// From a message down to a field that goes.
using Steps = std::vector<const pb::FieldDescriptor*>;

bool is_off(const std::string& gate) { return std::ranges::find(kOff, gate) != std::end(kOff); }

bool is_gated(const Field& field) {
  // The gate of a stop signal is told by its copy in the status alone.
  if (field.path.back() == core::v1::Lifecycle::descriptor()->FindFieldByName("stop_signal")) return true;
  // Nodes were once configured by it; what is there remains.
  if (field.path.back() == core::v1::NodeSpec::descriptor()->FindFieldByName("config_source")) return true;
  return std::ranges::any_of(field.feature_gates, is_off);
}

bool is_of_reference(const Field& field) {
  return field.path.back()->containing_type() == core::v1::TypedObjectReference::descriptor();
}

class Finder {
 public:
  std::vector<Steps> find(const Schema& schema) {
    visit(schema);
    return std::move(found_);
  }

 private:
  void visit(const Schema& schema) {
    if (schema.type == Type::List) return visit(*schema.element);
    if (schema.type == Type::Map && steps_.back()->is_map()) {
      steps_.push_back(steps_.back()->message_type()->map_value());
      visit(*schema.element);
      return steps_.pop_back();
    }
    // Types within themselves (schemas) have no such fields.
    if (schema.type != Type::Struct || std::ranges::find(around_, &schema) != around_.end()) return;
    around_.push_back(&schema);
    for (const Field& field : schema.fields) {
      const std::size_t before = steps_.size();
      steps_.insert(steps_.end(), field.path.begin(), field.path.end());
      if (is_gated(field)) {
        found_.push_back(steps_);
        // Upstream drops the whole reference that names another namespace.
        if (is_of_reference(field)) found_.back().pop_back();
      } else {
        visit(*field.schema);
      }
      steps_.resize(before);
    }
    around_.pop_back();
  }

  Steps steps_;
  std::vector<const Schema*> around_;
  std::vector<Steps> found_;
};

const std::vector<Steps>& gated_fields_of(const Schema& schema) {
  static std::mutex mutex;
  static std::map<const Schema*, std::vector<Steps>> known;
  const std::scoped_lock lock(mutex);
  const auto [at, is_new] = known.try_emplace(&schema);
  if (is_new) at->second = Finder().find(schema);
  return at->second;
}

using At = std::span<const pb::FieldDescriptor* const>;

bool is_there(const pb::Message& message, At steps) {
  const pb::Reflection& reflection = *message.GetReflection();
  const pb::FieldDescriptor* field = steps.front();
  if (field->is_repeated()) {
    const int size = reflection.FieldSize(message, field);
    if (steps.size() == 1) return size > 0;
    for (int i = 0; i < size; ++i) {
      if (is_there(reflection.GetRepeatedMessage(message, field, i), steps.subspan(1))) return true;
    }
    return false;
  }
  if (!reflection.HasField(message, field)) return false;
  return steps.size() == 1 || is_there(reflection.GetMessage(message, field), steps.subspan(1));
}

bool names_another_namespace(const pb::Message& message, const pb::FieldDescriptor* field) {
  const auto& reference = static_cast<const core::v1::TypedObjectReference&>(message.GetReflection()->GetMessage(message, field));
  return reference.has_namespace_();
}

void clear(pb::Message& message, At steps) {
  const pb::Reflection& reflection = *message.GetReflection();
  const pb::FieldDescriptor* field = steps.front();
  if (steps.size() == 1) {
    const bool whole_reference = field->message_type() == core::v1::TypedObjectReference::descriptor();
    if (!whole_reference || names_another_namespace(message, field)) reflection.ClearField(&message, field);
  } else if (field->is_repeated()) {
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      clear(*reflection.MutableRepeatedMessage(&message, field, i), steps.subspan(1));
    }
  } else if (reflection.HasField(message, field)) {
    clear(*reflection.MutableMessage(&message, field), steps.subspan(1));
  }
}

}  // namespace

std::span<const std::string_view> gates_that_are_off() { return kOff; }

void drop_gated_fields(Object& now, const Object* old) {
  if (!now.message()) return;
  for (const Steps& steps : gated_fields_of(now.schema())) {
    if (!is_there(*now.message(), steps) || (old && is_there(*old->message(), steps))) continue;
    clear(*now.message(), steps);
  }
}

}  // namespace ph::api
