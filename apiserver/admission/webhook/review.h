// AdmissionReview, v1 and v1beta1: what a webhook is sent, and what its answer says.
#pragma once

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "meta/v1.pb.h"

namespace ph::apiserver::webhook {

// The text of a review; `request` has all its members.
std::string review_text(std::string_view version, nlohmann::json request);

// What an answer says; it is not an answer to what was asked otherwise.
struct Verdict {
  bool allowed = false;
  std::optional<meta::v1::Status> status;
  std::string patch;  // the text of a JSON patch; empty: none
  std::vector<std::string> warnings;
  std::map<std::string, std::string> audit_annotations;
};

// In upstream's words, as far as they follow on `failed calling webhook "…": `.
class BadAnswer : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws BadAnswer: the text is no review, is for another request, or says what such a webhook has no right to say.
Verdict read_review(const std::string& text, std::string_view version, std::string_view uid, bool mutating);

}  // namespace ph::apiserver::webhook
