#include "api/errors.h"
#include "api/gated_fields.h"
#include "api/object.h"
#include "api/rules.h"
#include "api/times.h"
#include "apiserver/rest/conversions.h"
#include "apiserver/rest/managers.h"
#include "apiserver/rest/round.h"
#include "apiserver/rest/validate.h"

namespace ph::apiserver {
namespace {

constexpr std::size_t kGeneratedNameMax = 63;
constexpr std::size_t kSuffixLength = 5;
constexpr int kNameTries = 8;

// What is no number counts as none here.
bool is_nonzero(std::string_view revision) {
  return revision.find_first_not_of('0') != revision.npos && revision.find_first_not_of("0123456789") == revision.npos;
}

// Names for an object that has none of its own, as long as there is reason to hope.
class NameGenerator {
 public:
  NameGenerator(Core& core, const Served& served, const meta::v1::ObjectMeta& metadata) : core_(core), served_(served) {
    active_ = metadata.name().empty() && !metadata.generate_name().empty();
  }

  bool active() const { return active_; }
  void leave() { active_ = false; }

  // A name nobody has. Another write may take it before the commit: then the next one is asked for. False when enough have been
  // tried; the last one stays.
  bool rename(meta::v1::ObjectMeta& metadata) {
    // What is no beginning of a name is the name.
    if (api::rules_of(*served_.resource->schema).name_rule == &api::ip_address_name) {
      metadata.set_name(metadata.generate_name());
      return tries_++ == 0;
    }
    const std::string base = metadata.generate_name().substr(0, kGeneratedNameMax - kSuffixLength);
    while (tries_ < kNameTries) {
      ++tries_;
      metadata.set_name(base + core_.rng.text(kSuffixLength, kNameAlphabet));
      if (!served_.cache->find(ObjectKey{metadata.namespace_(), metadata.name()}.text())) return true;
    }
    return false;
  }

 private:
  Core& core_;
  const Served& served_;
  bool active_ = false;
  int tries_ = 0;
};

// Whether what stands in the way is on its way out.
bool is_going(const Served& served, const std::string& key) {
  const EntryRef entry = served.cache->find(key);
  return entry && decode_entry(*served.resource, *entry).metadata().has_deletion_timestamp();
}

[[noreturn]] void refuse_existing(const Served& served, const meta::v1::ObjectMeta& metadata, bool generated) {
  meta::v1::Status status = api::already_exists(served.qualified, metadata.name()).status();
  if (is_going(served, ObjectKey{metadata.namespace_(), metadata.name()}.text())) {
    status.set_message("object is being deleted: " + status.message());
  }
  if (!generated) throw api::ApiError(std::move(status));
  status.set_message(status.message() + ", the server was not able to generate a unique name for the object");
  status.mutable_details()->set_retry_after_seconds(1);
  throw api::ApiError(std::move(status));
}

// What clients, and who is asked about their objects, have no say in.
void settle_new(const Served& served, api::Object& object) {
  meta::v1::ObjectMeta& metadata = object.mutable_metadata();
  metadata.clear_deletion_timestamp();
  metadata.clear_deletion_grace_period_seconds();
  metadata.clear_self_link();
  // Where it counts nothing it is the client's, as any other member.
  if (served.has(kGeneration)) metadata.set_generation(1);
  if (served.resource->subresource("status") != nullptr && !served.has(kKeepsStatus)) clear_status(object);
}

meta::v1::ObjectMeta system_fields(const meta::v1::ObjectMeta& metadata) {
  meta::v1::ObjectMeta out;
  out.set_uid(metadata.uid());
  out.set_namespace_(metadata.namespace_());
  *out.mutable_creation_timestamp() = metadata.creation_timestamp();
  return out;
}

// Of an object that somebody outside has changed: it stays the one it was, in the namespace of the request.
void settle_changed(const Served& served, api::Object& object, const meta::v1::ObjectMeta& as_made) {
  meta::v1::ObjectMeta& metadata = object.mutable_metadata();
  if (metadata.namespace_() != as_made.namespace_()) {
    throw api::bad_request("the namespace of the provided object does not match the namespace sent on the request");
  }
  metadata.set_uid(as_made.uid());
  *metadata.mutable_creation_timestamp() = as_made.creation_timestamp();
  metadata.clear_resource_version();
  settle_new(served, object);
}

}  // namespace

void prepare_new(const Served& served, api::Object& object, Time now, Rng& rng) {
  meta::v1::ObjectMeta& metadata = object.mutable_metadata();
  if (is_nonzero(metadata.resource_version()))
    throw api::unforeseen("resourceVersion should not be set on objects to be created");
  api::set_time(metadata.mutable_creation_timestamp(), now);
  metadata.set_uid(rng.uuid());
  settle_new(served, object);
}

Task<WriteResult> create_object(Core& core, Served& served, api::Object object, WriteRequest request) {
  if (!request.prepared) prepare_new(served, object, core.now(), core.rng);
  NameGenerator names(core, served, object.metadata());

  Race race(core.lines);
  bool admitted = false, named = !names.active();
  for (int attempt = 0; attempt < kAttempts;) {
    Round round(core, served, request, "CREATE", object.key(), absent(served, object.key()), race);
    if (!admitted) {
      // What admission adds belongs to nobody.
      if (!request.manager.empty() && !request.prepared) {
        const ManagerRecord record(core, request, nullptr);
        co_await converting(core, request.conversions, request.size, [&] { record.write(object); });
      }
      const meta::v1::ObjectMeta as_made = system_fields(object.metadata());
      co_await round.admit(&object, nullptr);
      if (round.changed_outside()) settle_changed(served, object, as_made);
      // It may have been given a name.
      if (!object.metadata().name().empty()) names.leave();
      named = !names.active();
    }
    if (!named && !names.rename(object.mutable_metadata())) refuse_existing(served, object.metadata(), true);
    round.rename(absent(served, object.key()), object.key());
    if (!admitted || !named) {
      api::drop_gated_fields(object, nullptr);
      served.rules->prepare_create(round.context(), object);
      round.rename(absent(served, object.key()), object.key());
      co_await converting(core, request.conversions, request.size, [&] { validate_create(served, request, object); });
      co_await round.validate(&object, nullptr);
    }
    admitted = named = true;
    co_await round.before_commit(&object, nullptr);
    if (auto entry = co_await round.store(object, nullptr)) {
      co_return WriteResult{.entry = std::move(*entry), .removed = false, .spent = {.object = std::move(object)}};
    }
    if (round.sent_to_wait()) continue;
    if (!round.lost_object()) {
      ++attempt;
      continue;
    }
    if (!names.active()) refuse_existing(served, object.metadata(), false);
    named = false;
  }
  throw api::conflict(served.qualified, object.metadata().name(), kModified);
}

}  // namespace ph::apiserver
