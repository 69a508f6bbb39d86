#include "controllers/persistent_volume_binder/in_tree.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "api/csi_migration.h"

namespace ph::controllers::volume_binder {
namespace {

constexpr std::string_view kInTree = "kubernetes.io/";
constexpr std::string_view kHostPath = "kubernetes.io/host-path";
// Those upstream's manager has besides; they neither make nor delete.
constexpr std::array<std::string_view, 3> kOthers = {"kubernetes.io/csi", "kubernetes.io/local-volume", "kubernetes.io/nfs"};

bool is_other(std::string_view name) { return std::ranges::find(kOthers, name) != kOthers.end(); }

std::string unknown(std::string_view name) { return fmt::format("no volume plugin matched name: {}", name); }

constexpr const char* kNotDeletable = "no deletable volume plugin matched";

std::string no_deleter(const Volume& volume, const char* why) {
  return fmt::format("error getting deleter volume plugin for volume \"{}\": {}", volume.metadata().name(), why);
}

// Upstream's deletes what lies below /tmp on the manager's own machine, and nothing else. Nothing is deleted there by this one.
std::string host_path_problem(const Volume& volume) {
  constexpr std::string_view kBelow = "/tmp/";
  const std::string& path = volume.spec().persistent_volume_source().host_path().path();
  const auto at = path.find(kBelow);
  const bool would_be_deleted = at != std::string::npos && at + kBelow.size() < path.size();
  if (would_be_deleted) return no_deleter(volume, kNotDeletable);
  return fmt::format("host_path deleter only supports /tmp/.+ but received provided {}", path);
}

}  // namespace

Provisioner provisioner_of(const StorageClass& of) {
  const std::string& name = of.provisioner();
  if (const api::MigratedPlugin* plugin = api::migrated_plugin(name)) return {.name = std::string(plugin->driver)};
  if (!name.starts_with(kInTree)) return {.name = name};
  if (name == kHostPath) {
    return {.name = name,
            .problem = fmt::format("Failed to create provisioner: provisioning in volume plugin \"{}\" is disabled", name),
            .is_told = true};
  }
  return {.problem = is_other(name) ? "no provisionable volume plugin matched" : unknown(name)};
}

std::string deletion_problem(const Volume& volume) {
  const auto& source = volume.spec().persistent_volume_source();
  if (const std::string& maker = annotation(volume, kProvisionedBy); !maker.empty()) {
    if (!maker.starts_with(kInTree)) return {};
    if (maker == kHostPath) return host_path_problem(volume);
    return is_other(maker) ? kNotDeletable : unknown(maker);
  }
  if (source.has_host_path()) return host_path_problem(volume);
  const bool is_known = source.has_csi() || source.has_local() || source.has_nfs();
  return no_deleter(volume, is_known ? kNotDeletable : "no volume plugin matched");
}

}  // namespace ph::controllers::volume_binder
