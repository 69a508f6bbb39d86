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

#include "admissionregistration/v1.pb.h"
#include "apidiscovery/v2.pb.h"
#include "apiextensions/v1.pb.h"
#include "apiregistration/v1.pb.h"
#include "apps/v1.pb.h"
#include "authentication/v1.pb.h"
#include "authorization/v1.pb.h"
#include "autoscaling/v1.pb.h"
#include "autoscaling/v2.pb.h"
#include "batch/v1.pb.h"
#include "coordination/v1.pb.h"
#include "core/v1.pb.h"
#include "discovery/v1.pb.h"
#include "events/v1.pb.h"
#include "flowcontrol/v1.pb.h"
#include "meta/runtime.pb.h"
#include "meta/v1.pb.h"
#include "options.pb.h"
#include "policy/v1.pb.h"
#include "rbac/v1.pb.h"
#include "resources/v1.pb.h"
#include "scheduling/v1.pb.h"
#include "storage/v1.pb.h"
