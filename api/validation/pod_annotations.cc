// The annotations of pods and their templates that mean something to Kubernetes.
#include <charconv>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/json_text.h"
#include "api/validation/pod_parts.h"

namespace ph::api {

using namespace core::v1;

namespace {

constexpr std::string_view kMirror = "kubernetes.io/config.mirror";
constexpr std::string_view kTolerations = "scheduler.alpha.kubernetes.io/tolerations";
constexpr std::string_view kDeletionCost = "controller.kubernetes.io/pod-deletion-cost";
constexpr std::string_view kSeccompPod = "seccomp.security.alpha.kubernetes.io/pod";
constexpr std::string_view kSeccompContainer = "container.seccomp.security.alpha.kubernetes.io/";
constexpr std::string_view kAppArmor = "container.apparmor.security.beta.kubernetes.io/";
constexpr std::string_view kLocalhost = "localhost/";

bool has_container(const PodSpec& spec, std::string_view name) {
  const auto named = [&](const auto& container) { return container.name() == name; };
  return std::ranges::any_of(spec.init_containers(), named) || std::ranges::any_of(spec.containers(), named) ||
         std::ranges::any_of(spec.ephemeral_containers(),
                             [&](const auto& one) { return one.ephemeral_container_common().name() == name; });
}

// A number of 32 bits that begins with neither a plus nor a zero too many.
bool is_cost(std::string_view text) {
  std::int32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  return text == "0" || text.front() == '-' || (text.front() >= '1' && text.front() <= '9');
}

void check_tolerations_json(const std::string& text, const Path& path, Errors& errors) {
  std::string problem = json_syntax_error(text, DecodeOptions{}.depth_max);
  PodSpec read;
  if (problem.empty()) {
    try {
      decode_json(fmt::format("{{\"tolerations\":{}}}", text), read);
    } catch (const DecodeError& error) {
      problem = error.what();
    }
  }
  if (!problem.empty()) return errors.invalid_text(path, kTolerations, problem);
  check_tolerations(read.tolerations(), path.member(kTolerations), errors);
}

void check_seccomp(std::string_view profile, const Path& path, Errors& errors) {
  if (profile == "runtime/default" || profile == "docker/default" || profile == "unconfined") return;
  if (profile.starts_with(kLocalhost)) return check_descending_path(profile.substr(kLocalhost.size()), path, errors);
  errors.invalid_text(path, profile, "must be a valid seccomp profile");
}

void check_app_armor(std::string_view container, std::string_view profile, const PodSpec& spec, const Path& path,
                     Errors& errors) {
  if (!has_container(spec, container)) errors.invalid_text(path, container, "container not found");
  const bool known =
      profile.empty() || profile == "runtime/default" || profile == "unconfined" || profile.starts_with(kLocalhost);
  if (!known) errors.invalid_text(path, profile, fmt::format("invalid AppArmor profile name: {}", quote(profile)));
}

}  // namespace

void check_pod_annotations(const StringMap& annotations, const PodSpec& spec, const Path& path, Errors& errors) {
  if (annotations.empty()) return;
  const auto value = [&](std::string_view name) {
    const auto found = annotations.find(std::string(name));
    return found == annotations.end() ? nullptr : &found->second;
  };
  if (const std::string* mirror = value(kMirror); mirror && spec.node_name().empty()) {
    errors.invalid_text(path.key(kMirror), *mirror, "must set spec.nodeName if mirror pod annotation is set");
  }
  if (const std::string* tolerations = value(kTolerations); tolerations && !tolerations->empty())
    check_tolerations_json(*tolerations, path, errors);
  if (const std::string* cost = value(kDeletionCost); cost && !is_cost(*cost))
    errors.invalid_text(path.key(kDeletionCost), *cost, "must be a 32bit integer");
  if (const std::string* profile = value(kSeccompPod)) check_seccomp(*profile, path.member(kSeccompPod), errors);
  const auto all = sorted(annotations);
  for (const auto* entry : all) {
    if (entry->first.starts_with(kSeccompContainer)) check_seccomp(entry->second, path.member(entry->first), errors);
  }
  for (const auto* entry : all) {
    if (!entry->first.starts_with(kAppArmor)) continue;
    check_app_armor(std::string_view(entry->first).substr(kAppArmor.size()), entry->second, spec, path.key(entry->first), errors);
  }
}

void check_pod_annotations_change(const StringMap& now, const StringMap& old, const Path& path, Errors& errors) {
  for (const auto* entry : sorted(old)) {
    const auto found = now.find(entry->first);
    if ((found == now.end() ? std::string_view() : std::string_view(found->second)) == entry->second) continue;
    const Path at = path.key(entry->first);
    if (entry->first.starts_with(kAppArmor)) errors.forbidden(at, "may not remove or update AppArmor annotations");
    if (entry->first == kMirror) errors.forbidden(at, "may not remove or update mirror pod annotation");
  }
  for (const auto* entry : sorted(now)) {
    if (old.contains(entry->first)) continue;
    const Path at = path.key(entry->first);
    if (entry->first.starts_with(kAppArmor)) errors.forbidden(at, "may not add AppArmor annotations");
    if (entry->first == kMirror) errors.forbidden(at, "may not add mirror pod annotation");
  }
}

}  // namespace ph::api
