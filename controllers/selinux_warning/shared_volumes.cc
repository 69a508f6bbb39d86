#include "controllers/selinux_warning/shared_volumes.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ph::controllers::selinux_warning {
namespace {

constexpr const char *kLabel = "SELinuxLabel", *kPolicy = "SELinuxChangePolicy";

using Parts = std::array<std::string_view, 4>;
// A level may have colons of its own.
Parts parts_of(std::string_view label) {
  Parts out;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto end = i + 1 < out.size() ? label.find(':') : label.npos;
    out[i] = label.substr(0, end);
    label = end == label.npos ? std::string_view() : label.substr(end + 1);
  }
  return out;
}

bool is_mounted(const SharedVolumes::Use& use, bool can_mount) {
  return can_mount && !use.asks_for_recursive && !use.label.empty();
}
std::string policy_of(bool is_mounted) { return is_mounted ? "MountOption" : "Recursive"; }

}  // namespace

bool labels_conflict(std::string_view a, std::string_view b) {
  const Parts of_a = parts_of(a), of_b = parts_of(b);
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    if (!of_a[i].empty() && !of_b[i].empty() && of_a[i] != of_b[i]) return true;
  }
  return false;
}

// Upstream's words, whose second form has no space behind the property.
std::string Conflict::message() const {
  constexpr const char* kEnd = "If both pods land on the same node, only one of them may access the volume.";
  if (pod.namespace_name == other.namespace_name)
    return fmt::format("{0} \"{1}\" conflicts with pod {2} that uses the same volume as this pod with {0} \"{3}\". {4}", property,
                       value, other.name, other_value, kEnd);
  return fmt::format("{0}\"{1}\" conflicts with another pod that uses the same volume as this pod with a different {0}. {2}",
                     property, value, kEnd);
}

void SharedVolumes::count(const Volume& volume, const ObjectKey* of, int by, std::map<Conflict, int>& changes) const {
  const auto compare = [&](const ObjectKey& a, const Use& of_a, const ObjectKey& b, const Use& of_b) {
    const bool a_is_mounted = is_mounted(of_a, volume.can_mount), b_is_mounted = is_mounted(of_b, volume.can_mount);
    const auto note = [&](const char* property, const std::string& value, const std::string& other) {
      changes[{property, a, value, b, other}] += by;
      changes[{property, b, other, a, value}] += by;
    };
    if (a_is_mounted != b_is_mounted) note(kPolicy, policy_of(a_is_mounted), policy_of(b_is_mounted));
    if (a_is_mounted && b_is_mounted && labels_conflict(of_a.label, of_b.label)) note(kLabel, of_a.label, of_b.label);
  };
  for (auto a = volume.pods.begin(); a != volume.pods.end(); ++a) {
    if (of && a->first != *of) continue;
    for (auto b = of ? volume.pods.begin() : std::next(a); b != volume.pods.end(); ++b) {
      if (a != b) compare(a->first, a->second, b->first, b->second);
    }
  }
}

void SharedVolumes::set(const std::string& name, const ObjectKey& pod, const Use* use, std::map<Conflict, int>& changes) {
  Volume& volume = volumes_[name];
  // All of its pods are concerned, not only this one.
  const bool driver_has_changed = use && use->can_mount != volume.can_mount;
  const ObjectKey* of = driver_has_changed ? nullptr : &pod;
  count(volume, of, -1, changes);
  if (use) {
    volume.can_mount = use->can_mount;
    volume.pods[pod] = *use;
  } else {
    volume.pods.erase(pod);
  }
  count(volume, of, +1, changes);
  if (volume.pods.empty()) volumes_.erase(name);
}

SharedVolumes::Change SharedVolumes::put(const ObjectKey& pod, const Uses& uses) {
  std::map<Conflict, int> changes;
  std::vector<std::string>& names = names_[pod];
  for (const std::string& name : names) {
    if (!uses.contains(name)) set(name, pod, nullptr, changes);
  }
  names.clear();
  for (const auto& [name, use] : uses) {
    set(name, pod, &use, changes);
    names.push_back(name);
  }
  if (names.empty()) names_.erase(pod);
  Change out;
  for (const auto& [conflict, by] : changes) {
    if (by == 0) continue;
    int& known = conflicts_[conflict];
    const int before = std::exchange(known, known + by);
    if (before == 0) out.begun.push_back(conflict);
    if (known == 0) {
      out.ended.push_back(conflict);
      conflicts_.erase(conflict);
    }
  }
  return out;
}

std::vector<Conflict> SharedVolumes::conflicts() const {
  std::vector<Conflict> out;
  for (const auto& [conflict, times] : conflicts_) out.push_back(conflict);
  return out;
}

}  // namespace ph::controllers::selinux_warning
