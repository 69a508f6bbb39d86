// What the loop of SELinux warnings shows.
#pragma once

#include "base/passing_series.h"

namespace ph::controllers::selinux_warning {

struct ConflictFamilies {
  Metrics* in = nullptr;

  PassingGauge conflicts{
      in,
      {Stability::Alpha,
       "selinux_warning_controller_selinux_volume_conflict",
       "Two pods that use a volume with other labels or change policies: 1 as long as they do.",
       {"property", "pod1_namespace", "pod1_name", "pod1_value", "pod2_namespace", "pod2_name", "pod2_value"}}};
};

}  // namespace ph::controllers::selinux_warning
