#include <fmt/format.h>

#include "api/quantity.h"
#include "api/warnings/parts.h"

namespace ph::api {
namespace {

constexpr const char* kSince125 = "deprecated in v1.22, non-functional in v1.25+";

template <class Source>
void warn_of_old_source(const Source& source, const Path& path, Warnings& out) {
  const auto warn = [&](bool there, std::string_view name, std::string_view text) {
    if (there) out.push_back(fmt::format("{}: {}", path.member(name).text(), text));
  };
  warn(source.has_photon_persistent_disk(), "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+");
  warn(source.has_scale_io(), "scaleIO", "deprecated in v1.16, non-functional in v1.22+");
  warn(source.has_flocker(), "flocker", kSince125);
  warn(source.has_storageos(), "storageOS", kSince125);
  warn(source.has_glusterfs(), "glusterfs", "deprecated in v1.25, non-functional in v1.26+");
  warn(source.has_cephfs(), "cephfs", "deprecated in v1.28, non-functional in v1.31+");
  warn(source.has_rbd(), "rbd", "deprecated in v1.28, non-functional in v1.31+");
}

}  // namespace

void warn_of_source(const core::v1::VolumeSource& source, const Path& path, Warnings& out) {
  if (source.has_git_repo()) {
    out.push_back(fmt::format("{}: deprecated in v1.11, and disabled by default in v1.33+", path.member("gitRepo").text()));
  }
  // Of volumes that claims are bound to upstream says nothing.
  if (source.has_quobyte()) out.push_back(fmt::format("{}: {}", path.member("quobyte").text(), kSince125));
  warn_of_old_source(source, path, out);
}

void warn_of_source(const core::v1::PersistentVolumeSource& source, const Path& path, Warnings& out) {
  warn_of_old_source(source, path, out);
}

void warn_of_fractions(const google::protobuf::Map<std::string, meta::v1::Quantity>& amounts, const Path& path,
                       std::initializer_list<std::string_view> resources, Warnings& out) {
  for (const std::string_view resource : resources) {
    const auto found = amounts.find(std::string(resource));
    if (found == amounts.end()) continue;
    const auto amount = Quantity::parse(found->second.string());
    // Amounts beyond 64 bits end there, at a whole one.
    if (!amount || *amount > Quantity::of(INT64_MAX) || Quantity::of(amount->value()) == *amount) continue;
    out.push_back(fmt::format("{}: fractional byte value \"{}\" is invalid, must be an integer", path.key(resource).text(),
                              amount->text()));
  }
}

}  // namespace ph::api
