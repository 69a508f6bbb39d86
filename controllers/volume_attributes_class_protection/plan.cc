#include "controllers/volume_attributes_class_protection/plan.h"

namespace ph::controllers::class_protection {
namespace {

void note(const std::string& name, std::vector<std::string>& out) {
  if (!name.empty() && std::ranges::find(out, name) == out.end()) out.push_back(name);
}

}  // namespace

std::vector<std::string> named_by(const Claim& claim) {
  std::vector<std::string> out;
  note(claim.spec().volume_attributes_class_name(), out);
  note(claim.status().current_volume_attributes_class_name(), out);
  note(claim.status().modify_volume_status().target_volume_attributes_class_name(), out);
  return out;
}

std::vector<std::string> named_by(const Volume& volume) {
  std::vector<std::string> out;
  note(volume.spec().volume_attributes_class_name(), out);
  return out;
}

}  // namespace ph::controllers::class_protection
