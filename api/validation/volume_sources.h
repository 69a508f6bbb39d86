// The sources of volumes that pods and persistent volumes have, in types of their own or one for both. What each must say.
#pragma once

#include "api/validation/validation.h"

namespace ph::api {

void check_source(const core::v1::HostPathVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::GCEPersistentDiskVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::AWSElasticBlockStoreVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::NFSVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::ISCSIVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::ISCSIPersistentVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::GlusterfsVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::GlusterfsPersistentVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::FlockerVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::RBDVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::RBDPersistentVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::CinderVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::CinderPersistentVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::CephFSVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::CephFSPersistentVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::QuobyteVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::FCVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::FlexVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::FlexPersistentVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::AzureFileVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::AzureFilePersistentVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::VsphereVirtualDiskVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::AzureDiskVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::PhotonPersistentDiskVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::PortworxVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::ScaleIOVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::ScaleIOPersistentVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::StorageOSVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::StorageOSPersistentVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::CSIVolumeSource& source, const Path& path, Errors& errors);
void check_source(const core::v1::CSIPersistentVolumeSource& source, const Path& path, Errors& errors);

// Whether an iSCSI initiator that is named leaves too little room for the volume's name beside the portal's.
template <class Source>
bool is_too_long_for_iscsi(const Source& source, std::string_view volume) {
  return source.has_initiator_name() && volume.size() + 1 + source.target_portal().size() > 64;
}
inline constexpr std::string_view kTooLongForIscsi =
    "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";

// The sources of one volume, one after the other: the first is judged, any other is one too many.
class OneSource {
 public:
  OneSource(const Path& path, Errors& errors) : path_(path), errors_(errors) {}

  // `member`: what a superfluous one is called; `judged_as`: what it is called where it is judged, when not the same.
  template <class Source>
  void check(bool set, const Source& source, std::string_view member, std::string_view judged_as = {}) {
    if (first(set, member)) check_source(source, path_.member(judged_as.empty() ? member : judged_as), errors_);
  }
  // Whether it is there and the first.
  bool first(bool set, std::string_view member) {
    if (!set) return false;
    if (sources_++ == 0) return true;
    errors_.forbidden(path_.member(member), "may not specify more than 1 volume type");
    return false;
  }
  // One that upstream takes beside another.
  template <class Source>
  void check_beside(bool set, const Source& source, std::string_view member) {
    if (!set) return;
    ++sources_;
    check_source(source, path_.member(member), errors_);
  }
  void end() {
    if (sources_ == 0) errors_.required(path_, "must specify a volume type");
  }

 private:
  const Path& path_;
  Errors& errors_;
  int sources_ = 0;
};

}  // namespace ph::api
