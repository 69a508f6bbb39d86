#include "apiserver/tables/printers/cells.h"

#include <fmt/format.h>

#include "api/saturating.h"
#include "api/selector.h"
#include "api/sorted.h"
#include "api/times.h"

namespace ph::apiserver {

namespace {

template <class T>
std::string age_of(const T& since, Time now) {
  if (api::is_zero(since)) return std::string(kUnknown);
  return api::human_duration(api::elapsed(api::to_time(since), now));
}

template <class Get>
std::string joined(const core::v1::PodSpec& pod, Get get) {
  std::string out;
  for (const auto& container : pod.containers()) {
    if (&container != &pod.containers(0)) out += ',';
    out += get(container);
  }
  return out;
}

}  // namespace

std::string age(const meta::v1::Time& since, Time now) { return age_of(since, now); }
std::string age(const meta::v1::MicroTime& since, Time now) { return age_of(since, now); }

std::string labels_text(const google::protobuf::Map<std::string, std::string>& labels) {
  std::string out;
  for (const auto* entry : sorted(labels)) {
    if (!out.empty()) out += ',';
    out += entry->first + "=" + entry->second;
  }
  return or_text(std::move(out), kNone);
}

std::string selector_text(const meta::v1::LabelSelector& selector) {
  try {
    return or_text(api::LabelSelector::from(selector).text(), kNone);
  } catch (const api::DecodeError&) {
    return "<error>";
  }
}

std::string container_names(const core::v1::PodSpec& pod) {
  return joined(pod, [](const auto& container) -> const std::string& { return container.name(); });
}

std::string container_images(const core::v1::PodSpec& pod) {
  return joined(pod, [](const auto& container) -> const std::string& { return container.image(); });
}

std::string quantity_text(const google::protobuf::Map<std::string, meta::v1::Quantity>& list, const std::string& key) {
  const auto found = list.find(key);
  return found == list.end() ? std::string() : found->second.string();
}

std::string int_or_string(const meta::v1::IntOrString& value) {
  return value.type() == 1 ? value.str_val() : std::to_string(value.int_val());
}

std::string access_modes(const google::protobuf::RepeatedPtrField<std::string>& modes) {
  static constexpr std::pair<std::string_view, std::string_view> kShort[] = {
      {"ReadWriteOnce", "RWO"}, {"ReadOnlyMany", "ROX"}, {"ReadWriteMany", "RWX"}, {"ReadWriteOncePod", "RWOP"}};
  std::string out;
  for (const auto& [mode, text] : kShort) {
    if (std::ranges::find(modes, mode) == modes.end()) continue;
    if (!out.empty()) out += ',';
    out += text;
  }
  return out;
}

}  // namespace ph::apiserver
