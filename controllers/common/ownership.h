// Who an object belongs to: adoption of orphans that a selector matches, release of those it no longer does.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/selector.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {

// The owner's side.
struct Owner {
  const api::Resource* resource = nullptr;
  ObjectKey key;
  std::string uid;
  bool deleting = false;
  std::string finalizer = {};  // put on what is adopted, taken from what is released; empty: none
};
template <class T>
Owner owner_of(const T& object) {
  return {.resource = api::Scheme::builtin().resource(api::schema_of<T>()),
          .key = key_of(object),
          .uid = object.metadata().uid(),
          .deleting = object.metadata().has_deletion_timestamp()};
}
meta::v1::OwnerReference controller_reference(const Owner& owner);

// Whom an owner's selector selects: of an empty one, or one that the server let in and we cannot read, nothing rather than everything.
api::LabelSelector owner_selector(const meta::v1::LabelSelector& from);

// What an owner has to do about an object of its namespace.
enum class Claim { Ignore, Keep, Adopt, Release };
// `controller_uid`: of the object's controller; empty: it is an orphan.
Claim judge_claim(const Owner& owner, std::string_view controller_uid, bool selected, bool object_deleting);

// Adopts and releases for one reconcile. Before the first adoption the owner is read live: a cache may still show an owner
// that was deleted, and the garbage collector would then delete what it adopted.
class Claimer {
 public:
  Claimer(Client& client, Owner owner) : client_(client), owner_(std::move(owner)) {}

  // Whether the object is the owner's now. Throws when the owner is gone or the object refuses.
  Task<bool> adopt(const api::Resource& resource, ObjectKey key, std::string uid);
  Task<void> release(const api::Resource& resource, ObjectKey key, std::string uid);

 private:
  Task<void> check_owner();

  Client& client_;
  const Owner owner_;
  bool checked_ = false;
};

// The controller of a message; null: none.
const meta::v1::OwnerReference* controller_of(const meta::v1::ObjectMeta& metadata);
// Its UID; empty: none.
std::string_view controller_uid(const google::protobuf::Message& object);
std::string_view controller_uid(const PodView& pod);

// Those of `objects` that are the owner's, in that order, after orphans that it `selects` were adopted, and its own that it no
// longer selects released. The objects are of its namespace; others than its own and orphans are passed over. Throws as Claimer
// does; what was adopted and released before that stays so.
template <class T, class Selects>
Task<std::vector<Ref<T>>> claim_all(Client& client, Owner owner, std::vector<Ref<T>> objects, Selects selects) {
  const informers::detail::Decoder of = informers::Followed<T>::decoder();
  Claimer claimer(client, owner);
  std::vector<Ref<T>> out;
  for (const Ref<T>& object : objects) {
    const void* const any = object.get();
    switch (judge_claim(owner, controller_uid(*object), selects(*object), of.deleting(any))) {
      case Claim::Ignore: break;
      case Claim::Keep: out.push_back(object); break;
      case Claim::Release: co_await claimer.release(*of.resource, of.key(any).owned(), std::string(of.uid(any))); break;
      case Claim::Adopt: {
        const bool adopted = co_await claimer.adopt(*of.resource, of.key(any).owned(), std::string(of.uid(any)));
        if (adopted) out.push_back(object);
        break;
      }
    }
  }
  co_return out;
}

// Objects by the UID of their controller, and orphans by namespace. Every loop that follows T this way uses this one index.
template <class T>
void index_by_controller(Informer<T>& informer) {
  informer.add_index("controller", [](const T& object) -> std::vector<std::string> {
    const auto* owner = controller_of(object.metadata());
    return {owner ? owner->uid() : "orphans of " + object.metadata().namespace_()};
  });
}
// Those controlled by `uid`, and the orphans of the namespace; ordered by name within each.
template <class T>
std::vector<Ref<T>> controlled_or_orphaned(const Informer<T>& informer, const std::string& uid,
                                           const std::string& namespace_name) {
  std::vector<Ref<T>> out = informer.by_index("controller", uid);
  for (Ref<T>& orphan : informer.by_index("controller", "orphans of " + namespace_name)) out.push_back(std::move(orphan));
  return out;
}

}  // namespace ph::controllers
