// ControllerRevisions: the history of a pod template, as stateful sets and daemon sets keep it (upstream:
// pkg/controller/history).
//
// A revision's data is a patch that would bring the template back, and its bytes are how an owner knows its own template again:
// they are upstream's to the byte, so that whoever takes over a cluster makes no new revision and rolls nothing out.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/common/ownership.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {

using apps::v1::ControllerRevision;
using Revisions = std::vector<Ref<ControllerRevision>>;

// The label that says the hash of a stateful set's revision.
inline constexpr const char* kRevisionHash = "controller.kubernetes.io/hash";
// The label of a pod that says its revision: the name of a stateful set's, the hash of a daemon set's, whose revisions have it
// too.
inline constexpr const char* kPodRevision = "controller-revision-hash";

// -- Pure

// The data of a template's revision.
std::string revision_data(const core::v1::PodTemplateSpec& from);
// Whether a revision says that: in the same bytes, or in others, as older servers wrote it ("creationTimestamp": null,
// until 1.33) or somebody's JSON writer.
bool has_data(const ControllerRevision& revision, std::string_view data);
// Of a stateful set's revisions upstream's; a daemon set's are named there by a dump of memory, and new ones may differ.
std::string revision_hash(std::string_view data, std::optional<std::int32_t> collisions);
// The owner's name may be too long for it.
std::string revision_name(const std::string& owner, const std::string& hash);

// A revision of `owner`, not named yet and with the template's labels; its hash, and what else it is to carry, is for the caller
// to add.
ControllerRevision make_revision(const Owner& owner, const core::v1::PodTemplateSpec& from, std::string data,
                                 std::int64_t number);

// By number, then age, then name.
void sort_revisions(Revisions& revisions);
// After all of these: 1, when there are none.
std::int64_t next_number(const Revisions& revisions);
// The newest of sorted ones that says that; null: none.
Ref<ControllerRevision> newest_with(const Revisions& sorted, std::string_view data);
// The first `count` of sorted ones that are not in use; none when `count` is negative.
Revisions oldest_unused(const Revisions& sorted, std::int64_t count,
                        const std::function<bool(const ControllerRevision&)>& in_use);

// -- Writes. The informer has index_by_controller; who adopts and releases uses claim_all.

// What became of a new revision.
struct NewRevision {
  ControllerRevision revision;  // as stored; when it is another's: as it was sent
  bool existed = false;         // one of that name and data was there, whoever made it
  bool collided = false;        // one of that name says something else: the next number of collisions gives another name
};
// Throws what the server answers else.
Task<NewRevision> create_revision(Client& client, ControllerRevision revision);
// Throws when it is not what was seen any more.
Task<void> renumber_revision(Client& client, const ControllerRevision& revision, std::int64_t number);
// In order; those that have gone, or are others by now, are passed over.
Task<void> remove_revisions(Client& client, Revisions revisions);

}  // namespace ph::controllers
