#include "api/errors.h"
#include "api/object.h"
#include "api/patch/managed_fields.h"
#include "api/rules.h"
#include "api/times.h"
#include "apiserver/rest/aside.h"
#include "apiserver/rest/members.h"
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

void fill_system_fields(Core& core, const Served& served, meta::v1::ObjectMeta& metadata) {
  if (is_nonzero(metadata.resource_version())) throw api::unforeseen("resourceVersion should not be set on objects to be created");
  api::set_time(metadata.mutable_creation_timestamp(), core.now());
  metadata.set_uid(core.rng.uuid());
  metadata.clear_deletion_timestamp();
  metadata.clear_deletion_grace_period_seconds();
  metadata.clear_self_link();
  metadata.set_generation(served.has(kGeneration) ? 1 : 0);
}

// A name nobody has. Another write may take it before the commit: that one then says so.
std::string generate_name(Core& core, const Served& served, const meta::v1::ObjectMeta& metadata) {
  const std::string base = metadata.generate_name().substr(0, kGeneratedNameMax - kSuffixLength);
  std::string name;
  for (int i = 0; i < kNameTries; ++i) {
    name = base + core.rng.text(kSuffixLength, kNameAlphabet);
    if (!served.cache->find(ObjectKey{metadata.namespace_(), name}.text())) break;
  }
  return name;
}

[[noreturn]] void refuse_existing(const Served& served, const std::string& name, bool generated) {
  api::ApiError error = api::already_exists(served.qualified, name);
  if (!generated) throw error;
  meta::v1::Status status = error.status();
  status.set_message(status.message() + ", the server was not able to generate a unique name for the object");
  throw api::ApiError(std::move(status));
}

}  // namespace

Task<WriteResult> create_object(Core& core, Served& served, std::unique_ptr<Message> object, WriteRequest request) {
  meta::v1::ObjectMeta& metadata = api::mutable_metadata(*object);
  fill_system_fields(core, served, metadata);
  if (served.resource->subresource("status") != nullptr && !served.has(kKeepsStatus)) clear_status(*object);
  const bool generated = metadata.name().empty() && !metadata.generate_name().empty();

  std::set<std::string> refused;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Round round(core, served, request, key_of_object(*object), absent(served, key_of_object(*object)), refused);
    if (attempt == 0) {
      round.admit("CREATE", object.get(), nullptr, false);
      if (!request.manager.empty()) {
        co_await aside(core, request.size, [&, now = core.now()] {
          api::record_update(*object, nullptr, {request.manager, "Update", request.subresource}, now);
        });
      }
      if (generated) metadata.set_name(generate_name(core, served, metadata));
    }
    round.rename(absent(served, key_of_object(*object)), key_of_object(*object));
    if (attempt == 0) {
      served.rules->prepare_create(round.context(), *object);
      co_await aside(core, request.size, [&] { validate_create(served, *object); });
      round.admit("CREATE", object.get(), nullptr, true);
    }
    served.rules->before_commit(round.context(), object.get(), nullptr);
    if (auto entry = co_await round.store(*object, nullptr)) co_return WriteResult{std::move(*entry), false};
    if (round.lost_object()) refuse_existing(served, metadata.name(), generated);
  }
  throw api::conflict(served.qualified, metadata.name(), kModified);
}

}  // namespace ph::apiserver
