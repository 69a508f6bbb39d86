// What binds claims to persistent volumes: classes, who is bound to whom, and which volume is the best for a claim. For the scheduler,
// which binds claims that wait for their first pod, and for whoever binds the others.
// Reference: https://kubernetes.io/docs/concepts/storage/persistent-volumes/
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>

#include "api/kinds.h"

namespace ph::api {

// Written by whoever binds: the claim's volume and the volume's claim are known on both sides; the binding is not the user's.
inline constexpr const char* kBindCompleted = "pv.kubernetes.io/bind-completed";
inline constexpr const char* kBoundByController = "pv.kubernetes.io/bound-by-controller";
// Of a claim: the node that its volume is to be provisioned for.
inline constexpr const char* kSelectedNode = "volume.kubernetes.io/selected-node";
// The provisioner of classes whose volumes are made by hand.
inline constexpr std::string_view kNoProvisioner = "kubernetes.io/no-provisioner";

// Empty: none. An annotation of old goes before the field.
const std::string& class_of(const core::v1::PersistentVolumeClaim& claim);
const std::string& class_of(const core::v1::PersistentVolume& volume);

// The volume names this claim as its own, whether the claim knows or not.
bool is_bound_to(const core::v1::PersistentVolume& volume, const core::v1::PersistentVolumeClaim& claim);
// The claim has its volume, for good.
bool is_fully_bound(const core::v1::PersistentVolumeClaim& claim);

// What a claim asks of a volume, one by one.
bool is_large_enough(const core::v1::PersistentVolume& volume, const core::v1::PersistentVolumeClaim& claim);
bool has_same_mode(const core::v1::PersistentVolume& volume, const core::v1::PersistentVolumeClaim& claim);
bool has_access_modes(const core::v1::PersistentVolume& volume, const core::v1::PersistentVolumeClaim& claim);

// A volume that may be chosen, and whether the node in question can reach it.
struct VolumeChoice {
  const core::v1::PersistentVolume* volume;
  bool reachable = true;
};

// The volume that a claim is to be bound to on a node: the one that is kept for it, or else the smallest available one that is large
// enough and has its class, mode, access modes and labels. Null: there is none (or the one that is kept for it is out of reach).
// `taken`: names of volumes chosen for other claims. Throws DecodeError for a selector that cannot be.
const core::v1::PersistentVolume* find_matching_volume(const core::v1::PersistentVolumeClaim& claim,
                                                       std::span<const VolumeChoice> choices,
                                                       const std::set<std::string, std::less<>>& taken);

}  // namespace ph::api
