// ConversionReview, v1 and v1beta1: what a conversion webhook is sent, and what its answer says. Pure. Reference: "Versions in
// CustomResourceDefinitions", "Webhook conversion".
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "api/object.h"

namespace ph::apiserver {

// There is no good answer. In upstream's words, whole.
class FailedConversion : public std::runtime_error {
 public:
  // `type`: upstream's name of the failure, as metrics show it.
  FailedConversion(const std::string& why, std::string_view type) : std::runtime_error(why), type(type) {}
  const std::string type;
};

inline constexpr std::string_view kCallFailure = "conversion_webhook_call_failure";

// "conversion webhook for stable.example.com/v1, Kind=CronTab"
std::string conversion_of(const api::Object& object);

// `version`: of the review, "v1" or "v1beta1".
std::string conversion_review_text(std::string_view version, std::string_view uid, std::span<const api::Object> objects,
                                   const api::Schema& to);
// The objects of an answer, each with the metadata of the one it was made of, but for labels and annotations; cut to the schema, with
// its defaults. Throws FailedConversion.
std::vector<api::Object> read_conversion_review(const std::string& text, std::string_view version, std::string_view uid,
                                                std::span<const api::Object> objects, const api::Schema& to);

}  // namespace ph::apiserver
