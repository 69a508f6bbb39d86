// Every built-in API kind. Precompiled: core/v1's header alone costs seconds a file otherwise.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "every_kind.h"  // made of the files in api/proto
