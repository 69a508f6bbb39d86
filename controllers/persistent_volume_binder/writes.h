// Claims and volumes as they are to be written: changed copies, or nothing where they are so already. Pure.
#pragma once

#include <optional>
#include <string>

#include "controllers/persistent_volume_binder/names.h"

namespace ph::controllers::volume_binder {

// -- Specs and metadata

// The volume as the claim's. What it has been told of a claim by its user stays the user's.
std::optional<Volume> claimed_by(const Volume& volume, const Claim& claim);
// … and as nobody's again: what the user has told stays.
std::optional<Volume> given_up(const Volume& volume);
// The claim as the volume's.
std::optional<Claim> bound_to(const Claim& claim, const Volume& volume);
std::optional<Claim> with_provisioner(const Claim& claim, const std::string& name);
Claim with_class(const Claim& claim, const StorageClass& of);
// What was made by, or is asked of, a plugin that a CSI driver has taken over says so; and what is not says so no more.
std::optional<Claim> with_migration(const Claim& claim);
std::optional<Volume> with_migration(const Volume& volume);

// -- Statuses

std::optional<Volume> in_phase(const Volume& volume, const std::string& phase, const std::string& message);
// Without a volume it has no size and no modes.
std::optional<Claim> in_phase(const Claim& claim, const std::string& phase);
// What the volume has is told once, when the claim becomes bound: afterwards who resizes and modifies it says so. Nothing, too, of a
// volume without a size.
std::optional<Claim> told_bound(const Claim& claim, const Volume& volume);

}  // namespace ph::controllers::volume_binder
