// ImageReview, imagepolicy.k8s.io/v1alpha1: what a backend that judges images is sent, and what it answers.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "core/v1.pb.h"

namespace ph::apiserver::webhook {

// What is asked about a pod: its images, the annotations that are for the backend, its namespace. `ephemeral`: of its ephemeral
// containers, else of the others.
nlohmann::json image_review_spec(const core::v1::Pod& pod, const std::string& namespace_name, bool ephemeral);
std::string image_review_text(const nlohmann::json& spec);

struct ImageVerdict {
  bool allowed = false;
  std::string reason;
};
// Throws BadAnswer: the text is no such review.
ImageVerdict read_image_review(std::string_view text);

}  // namespace ph::apiserver::webhook
