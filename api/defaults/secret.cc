// v1 Secret.
#include "api/defaults/defaults.h"
#include "api/sorted.h"

namespace ph::api {

void set_defaults(core::v1::Secret& secret) {
  if (secret.type().empty()) secret.set_type("Opaque");
  // stringData is for writing only: it ends up in data, and wins there.
  for (const auto* entry : sorted(secret.string_data())) (*secret.mutable_data())[entry->first] = entry->second;
  secret.clear_string_data();
}

}  // namespace ph::api
