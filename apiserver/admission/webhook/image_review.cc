#include "apiserver/admission/webhook/image_review.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/sorted.h"
#include "apiserver/admission/webhook/review.h"

namespace ph::apiserver::webhook {

using nlohmann::json;

namespace {

constexpr const char *kVersion = "imagepolicy.k8s.io/v1alpha1", *kKind = "ImageReview";
constexpr std::string_view kForBackend = ".image-policy.k8s.io/";

// The nesting of an answer is bounded before it is looked at.
constexpr int kDepthMax = 64;

json document_of(std::string_view text) {
  const auto bounded = [](int depth, json::parse_event_t, json&) {
    if (depth > kDepthMax) throw BadAnswer("the answer is nested too deeply");
    return true;
  };
  return json::parse(text, bounded, false);
}

}  // namespace

json image_review_spec(const core::v1::Pod& pod, const std::string& namespace_name, bool ephemeral) {
  json containers = json::array();
  const auto add = [&](const std::string& image) { containers.push_back({{"image", image}}); };
  if (ephemeral) {
    for (const auto& each : pod.spec().ephemeral_containers()) add(each.ephemeral_container_common().image());
  } else {
    for (const auto& each : pod.spec().containers()) add(each.image());
    for (const auto& each : pod.spec().init_containers()) add(each.image());
  }
  json spec = {{"containers", std::move(containers)}, {"namespace", namespace_name}};
  for (const auto* annotation : sorted(pod.metadata().annotations())) {
    if (annotation->first.find(kForBackend) != std::string::npos) spec["annotations"][annotation->first] = annotation->second;
  }
  return spec;
}

std::string image_review_text(const json& spec) {
  return json{{"apiVersion", kVersion}, {"kind", kKind}, {"metadata", {{"creationTimestamp", nullptr}}}, {"spec", spec}}.dump();
}

ImageVerdict read_image_review(std::string_view text) {
  const json document = document_of(text);
  const auto says = [&](const char* member, const char* wanted) {
    const auto found = document.find(member);
    return found != document.end() && found->is_string() && found->get<std::string>() == wanted;
  };
  if (!document.is_object() || !says("apiVersion", kVersion) || !says("kind", kKind)) {
    throw BadAnswer(fmt::format("expected response.kind={}, Kind={}", kVersion, kKind));
  }
  const auto status = document.find("status");
  if (status == document.end() || !status->is_object()) throw BadAnswer("the answer has no status");
  ImageVerdict out;
  if (const auto allowed = status->find("allowed"); allowed != status->end()) {
    if (!allowed->is_boolean()) throw BadAnswer("status.allowed is neither true nor false");
    out.allowed = allowed->get<bool>();
  }
  if (const auto reason = status->find("reason"); reason != status->end() && reason->is_string()) {
    out.reason = reason->get<std::string>();
  }
  return out;
}

}  // namespace ph::apiserver::webhook
