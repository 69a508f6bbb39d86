// Shape: the types of a KubeSchedulerConfiguration, and reading a document as Go reads it into them: what has another type fails with
// Go's words, what nobody knows is told, zeros that say nothing are left out.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ph::scheduler {

struct Shape;

struct Member {
  enum Kind {
    Bool,
    Int32,
    Int64,
    Float,
    String,
    Bytes,
    Duration,  // "15s"; as Go spells it afterwards
    Raw,       // any JSON
    Object,
    Affinity,   // core/v1 NodeAffinity
    Constraint  // core/v1 TopologySpreadConstraint
  };
  enum Presence {
    Always,   // written even when it is zero
    Omitted,  // left out when it is zero
    Pointer   // zero differs from absent
  };
  const char* name;
  Kind kind;
  Presence presence = Omitted;
  const Shape* shape = nullptr;    // of Object
  bool list = false;               // of such values
  const char* embedded = nullptr;  // Go's name of the struct that the member comes with
};

struct Shape {
  const char* name;  // of Go's struct
  std::span<const Member> members;
};

extern const Shape kConfigurationShape;
// Of the arguments of a plugin of that name. Null: they are anybody's.
const Shape* shape_of_arguments(std::string_view plugin);

// The document in its shape. `unknown` gets what is in it and in no shape: `unknown field "profiles[0].pluginz"`. Throws
// api::DecodeError for values of another type.
nlohmann::json shaped(const nlohmann::ordered_json& document, const Shape& shape, std::vector<std::string>& unknown);

}  // namespace ph::scheduler
