// What several kinds' defaults share. The defaults of a kind itself are `set_defaults(Kind&)` in api/defaults/<kind>.cc.
#pragma once

#include <string_view>

#include "api/kinds.h"

namespace ph::api {

using ResourceMap = google::protobuf::Map<std::string, meta::v1::Quantity>;

// Rounds every quantity up to 1/1000.
void round_up(ResourceMap& resources);

// Of pods and pod templates alike; what only pods get is in pod.cc.
void default_pod_spec(core::v1::PodSpec& spec);
void default_volume(core::v1::Volume& volume);
void default_persistent_volume_spec(core::v1::PersistentVolumeSpec& spec);
void default_claim_spec(core::v1::PersistentVolumeClaimSpec& spec);
// Job and CronJob alike; the rest of a Job's defaults is in job.cc.
void default_job_template(batch::v1::JobSpec& spec);

// Always for the tag `latest` (which no tag and no digest mean, too), else IfNotPresent.
std::string_view pull_policy_of(std::string_view image);

}  // namespace ph::api
