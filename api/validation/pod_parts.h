// The parts of a pod's validation that only its own files share.
#pragma once

#include <map>

#include "api/validation/validation.h"

namespace ph::api {

// Valid volumes by name: mounts may name these and no others.
using Volumes = std::map<std::string_view, const core::v1::VolumeSource*>;

// What the checks of one container need to know of its pod.
struct ContainerContext {
  const core::v1::PodSpec& pod;
  const Volumes& volumes;
  std::set<std::string_view> claims;  // of spec.resourceClaims
  std::int64_t grace_seconds = 0;
};

// A pod's annotations and spec, new or changed.
void check_pod_whole(const core::v1::Pod& pod, const PodOptions& options, Errors& errors);
// `pod`: its name; empty in templates.
Volumes check_volumes(const core::v1::PodSpec& spec, std::string_view pod, const Path& path, Errors& errors);
void check_containers(const ContainerContext& context, const Path& path, Errors& errors);
void check_init_containers(const ContainerContext& context, const Path& path, Errors& errors);
// Of pods alone: templates may have had spaces around images for too long.
void check_images_of_pod(const google::protobuf::RepeatedPtrField<core::v1::Container>& containers, const Path& path,
                         Errors& errors);
void check_ephemeral_containers(const ContainerContext& context, const Path& path, Errors& errors);

// Of one container.
void check_env(const google::protobuf::RepeatedPtrField<core::v1::EnvVar>& env, const Path& path, Errors& errors);
void check_env_from(const google::protobuf::RepeatedPtrField<core::v1::EnvFromSource>& from, const Path& path, Errors& errors);
void check_container_resources(const core::v1::ResourceRequirements& resources, const std::set<std::string_view>& claims,
                               const Path& path, Errors& errors);
void check_pod_resources(const core::v1::PodSpec& spec, const std::set<std::string_view>& claims, const Path& path,
                         Errors& errors);
void check_liveness(const core::v1::Probe& probe, const Path& path, Errors& errors);
void check_readiness(const core::v1::Probe& probe, const Path& path, Errors& errors);
void check_lifecycle(const core::v1::Lifecycle& lifecycle, std::int64_t grace_seconds, const Path& path, Errors& errors);
void check_security_context(const core::v1::SecurityContext& context, bool host_users, const Path& path, Errors& errors);
void check_pod_security(const core::v1::PodSpec& spec, const PodOptions& options, const Path& path, Errors& errors);
void check_host_users(const core::v1::PodSpec& spec, const Path& path, Errors& errors);
// What a pod of one operating system may not say (pod_windows.cc).
void check_linux(const core::v1::PodSpec& spec, const Path& path, Errors& errors);
void check_windows(const core::v1::PodSpec& spec, const Path& path, Errors& errors);
void check_windows_options(const core::v1::WindowsSecurityContextOptions& options, const Path& path, Errors& errors);
void check_host_processes(const core::v1::PodSpec& spec, const Path& path, Errors& errors);
// Annotations that mean something (pod_annotations.cc), and which of them may not be changed.
void check_pod_annotations(const StringMap& annotations, const core::v1::PodSpec& spec, const Path& path, Errors& errors);
void check_pod_annotations_change(const StringMap& now, const StringMap& old, const Path& path, Errors& errors);
void check_affinity(const core::v1::Affinity& affinity, const Path& path, Errors& errors);
void check_topology_spread(const core::v1::PodSpec& spec, const Path& path, Errors& errors);
void check_dns_config(const core::v1::PodSpec& spec, const Path& path, Errors& errors);

// Selectors of fields and resources, in env and in downward API volumes.
void check_field_ref(const core::v1::ObjectFieldSelector& ref, std::initializer_list<std::string_view> supported,
                     const Path& path, Errors& errors);
void check_resource_field_ref(const core::v1::ResourceFieldSelector& ref, bool in_volume, const Path& path, Errors& errors);
// A path below a mount: relative, without `..`.
void check_descending_path(std::string_view text, const Path& path, Errors& errors);
void check_no_backsteps(std::string_view text, const Path& path, Errors& errors);
bool has_backsteps(std::string_view text);

}  // namespace ph::api
