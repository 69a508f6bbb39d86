// Who names a VolumeAttributesClass. Pure.
#pragma once

#include <string>
#include <vector>

#include "api/kinds.h"
#include "controllers/common/protection.h"

namespace ph::controllers::class_protection {

using Claim = core::v1::PersistentVolumeClaim;
using Class = storage::v1::VolumeAttributesClass;
using Volume = core::v1::PersistentVolume;

inline constexpr const char* kFinalizer = "kubernetes.io/vac-protection";

// The classes that a claim wants, has, or is on its way to; each once.
std::vector<std::string> named_by(const Claim& claim);
std::vector<std::string> named_by(const Volume& volume);

// Those that were named before a change, and are no more; either state may be null.
template <class T>
std::vector<std::string> let_go(const T* before, const T* after) {
  std::vector<std::string> out;
  if (!before) return out;
  const std::vector<std::string> kept = after ? named_by(*after) : std::vector<std::string>();
  for (std::string& name : named_by(*before)) {
    if (std::ranges::find(kept, name) == kept.end()) out.push_back(std::move(name));
  }
  return out;
}

}  // namespace ph::controllers::class_protection
