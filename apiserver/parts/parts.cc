#include "apiserver/parts/parts.h"

namespace ph::apiserver {
namespace {

struct PartEntry {
  std::string_view resource, part, verb;
  Verb handler;
};

constexpr PartEntry kParts[] = {
#define PART(resource, part, verb, handler) {resource, part, verb, &handler},
#include "apiserver/parts/parts.def"
#undef PART
};

}  // namespace

Verb part_verb(std::string_view resource, std::string_view part, std::string_view verb) {
  for (const PartEntry& entry : kParts) {
    const bool of_resource = entry.resource.empty() || entry.resource == resource;
    if (of_resource && entry.part == part && entry.verb == verb) return entry.handler;
  }
  return nullptr;
}

const PartView* part_view(std::string_view part) { return part == "scale" ? &kScaleView : nullptr; }

}  // namespace ph::apiserver
