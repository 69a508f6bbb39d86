// v1 ConfigMap.
#include <fmt/format.h>

#include "api/validation/validation.h"

namespace ph::api {

using core::v1::ConfigMap;

namespace {

constexpr std::size_t kBytesMax = 1024 * 1024;

}  // namespace

void validate(const ConfigMap& map, Errors& errors) {
  std::size_t bytes = 0;
  for (const auto* entry : sorted(map.data())) {
    const Path at = Path("data").key(entry->first);
    errors.invalid_each(at, entry->first, check_config_map_key(entry->first));
    if (map.binary_data().contains(entry->first)) {
      errors.invalid_text(at, entry->first, "duplicate of key present in binaryData");
    }
    bytes += entry->second.size();
  }
  for (const auto* entry : sorted(map.binary_data())) {
    errors.invalid_each(Path("binaryData").key(entry->first), entry->first, check_config_map_key(entry->first));
    bytes += entry->second.size();
  }
  // The size is the object's, not a field's.
  if (bytes > kBytesMax) errors.too_long(Path(""), kBytesMax);
}

void validate_update(const ConfigMap& now, const ConfigMap& old, Errors& errors) {
  if (old.immutable()) {
    constexpr std::string_view kFrozen = "field is immutable when `immutable` is set";
    if (!now.immutable()) errors.forbidden(Path("immutable"), kFrozen);
    if (!same(now.data(), old.data())) errors.forbidden(Path("data"), kFrozen);
    if (!same(now.binary_data(), old.binary_data())) errors.forbidden(Path("binaryData"), kFrozen);
  }
  validate(now, errors);
}

}  // namespace ph::api
