// Converters that ask the webhook of a CustomResourceDefinition.
#pragma once

#include "apiserver/extensions/custom_kind.h"

namespace ph::apiserver {

// They share their connections. The core outlives them; belongs to its executor.
MakeConverter webhook_converters(Core& core);

}  // namespace ph::apiserver
