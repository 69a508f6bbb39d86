// Informers: a consistent local copy of the objects of a kind, kept up to date by one list and one watch that every loop
// of a daemon shares. The contract is docs/informers.md; in short:
//
//   - Reads (`find`, `list`, `by_index`) are synchronous, of one moment, and hand out pointers to const objects: holding one
//     keeps it alive, nobody can change it.
//   - The copy never goes backwards and never misses an object: a broken watch is resumed from the last revision seen; when
//     that is no longer possible (410) the difference between a new list and the copy is delivered as ordinary events.
//   - A stream begins with what exists, then `Snapshot`, then changes. Order holds per object; states may be skipped, never
//     reversed. A slow follower holds nobody up: its pending events of one object are merged.
//   - `revision()` is the newest revision the copy reflects (from events and bookmarks).
//
// Everything belongs to the daemon's loop executor. Decoding may happen elsewhere before it arrives.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <typeindex>
#include <vector>

#include "api/object.h"
#include "api/schema.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/revision.h"
#include "base/rng.h"
#include "base/sync.h"
#include "informers/client.h"
#include "informers/key_view.h"

namespace ph::informers {

struct MetadataView;  // informers/metadata_view.h
class Kinds;          // informers/kinds.h

template <class T>
using Ref = std::shared_ptr<const T>;

template <class T>
struct Event {
  enum Kind { Snapshot, Upserted, Removed } kind = Snapshot;
  Ref<T> before;  // null: new
  Ref<T> after;   // null: removed
};

namespace detail {

using AnyRef = std::shared_ptr<const void>;

// How a kind's bytes become the objects an informer holds. For messages it is api::decode_protobuf; a view brings its own.
struct Decoder {
  const api::Resource* resource = nullptr;
  bool metadata_only = false;
  std::string field_selector, label_selector;  // of the list and watch
  std::function<AnyRef(std::string_view protobuf)> decode;
  // Identity of a decoded object; what is viewed is the object's own.
  std::function<KeyView(const void*)> key;
  std::function<Revision(const void*)> revision;
  std::function<std::string_view(const void*)> uid;
  // It has a deletionTimestamp.
  std::function<bool(const void*)> deleting;
  // The object's MetadataView, which may be a part of it. None: it does not show its metadata.
  std::function<AnyRef(const AnyRef&)> metadata = {};
  api::ResourceRef kept_resource = nullptr;  // of one that may vanish: it lives as long as its informer
};

struct AnyEvent {
  int kind;
  AnyRef before, after;
};

class AnyStream {
 public:
  virtual ~AnyStream() = default;
  virtual Task<std::optional<AnyEvent>> next() = 0;
  // Nothing comes any more, also for who waits now.
  virtual void end() = 0;
};

// One kind's reflector and store, without its type. Shared: a kind may vanish while somebody reads or waits.
class AnyInformer : public std::enable_shared_from_this<AnyInformer> {
 public:
  virtual ~AnyInformer() = default;
  virtual AnyRef find(const ObjectKey& key) const = 0;
  virtual std::vector<AnyRef> list(std::string_view namespace_name) const = 0;
  virtual std::vector<AnyRef> by_index(std::string_view index, std::string_view value) const = 0;
  virtual std::size_t count(std::string_view index, std::string_view value) const = 0;
  virtual void add_index(std::string name, std::function<std::vector<std::string>(const void*)> values) = 0;
  virtual std::unique_ptr<AnyStream> events() = 0;
  virtual bool synced() const = 0;
  virtual Task<void> wait_synced() = 0;
  virtual Revision revision() const = 0;
  // Resumes when revision() >= `least`, or the informer stopped.
  virtual Task<void> wait_for(Revision least) = 0;
  // Resumes when the copy holds at least what the server had when this was called, or the informer stopped. Throws when the
  // server cannot be asked.
  virtual Task<void> catch_up() = 0;
  virtual std::size_t size() const = 0;
  virtual const Decoder& decoder() const = 0;
  // That of its lists and watches: who may follow a resource may not always list it as himself.
  virtual Client& client() = 0;
};

}  // namespace detail

// A kind that can be followed: a message class of a served resource, or a view. A view specialises `Followed` with a
// `decoder()`; see informers/views/.
template <class T>
struct Followed {
  static detail::Decoder decoder();
};

template <class T>
class Stream {
 public:
  explicit Stream(std::unique_ptr<detail::AnyStream> inner) : inner_(std::move(inner)) {}
  // Nothing when the informer has stopped.
  Task<std::optional<Event<T>>> next() {
    auto event = co_await inner_->next();
    if (!event) co_return std::nullopt;
    co_return Event<T>{static_cast<typename Event<T>::Kind>(event->kind), std::static_pointer_cast<const T>(event->before),
                       std::static_pointer_cast<const T>(event->after)};
  }

 private:
  std::unique_ptr<detail::AnyStream> inner_;
};

template <class T>
class Informer {
 public:
  explicit Informer(detail::AnyInformer& inner) : inner_(inner) {}

  Ref<T> find(const ObjectKey& key) const { return std::static_pointer_cast<const T>(inner_.find(key)); }
  // Ordered by namespace, then name. "" = all namespaces.
  std::vector<Ref<T>> list(std::string_view namespace_name = {}) const { return cast(inner_.list(namespace_name)); }
  // Ordered likewise. The index must have been added.
  std::vector<Ref<T>> by_index(std::string_view index, std::string_view value) const {
    return cast(inner_.by_index(index, value));
  }
  // How many `by_index` would give. Not of "namespace".
  std::size_t count(std::string_view index, std::string_view value) const { return inner_.count(index, value); }
  // Before the informer runs, or after (then it is built at once). Adding the same name again does nothing.
  void add_index(std::string name, std::function<std::vector<std::string>(const T&)> values) {
    inner_.add_index(std::move(name),
                     [values = std::move(values)](const void* object) { return values(*static_cast<const T*>(object)); });
  }
  Stream<T> events() { return Stream<T>(inner_.events()); }
  bool synced() const { return inner_.synced(); }
  Task<void> wait_synced() { return inner_.wait_synced(); }
  Revision revision() const { return inner_.revision(); }
  Task<void> wait_for(Revision least) { return inner_.wait_for(least); }
  Task<void> catch_up() { return inner_.catch_up(); }
  std::size_t size() const { return inner_.size(); }
  detail::AnyInformer& any() { return inner_; }

 private:
  static std::vector<Ref<T>> cast(std::vector<detail::AnyRef> list) {
    std::vector<Ref<T>> out;
    out.reserve(list.size());
    for (auto& item : list) out.push_back(std::static_pointer_cast<const T>(std::move(item)));
    return out;
  }
  detail::AnyInformer& inner_;
};

// All informers of a daemon: one per followed type, started on first use, and those of the kinds that discovery names.
class Informers {
 public:
  // All must outlive the informers. `rng` jitters backoffs. `metrics` may be null.
  Informers(Executor& executor, Client& client, Rng& rng, Log log, Metrics* metrics = nullptr);
  ~Informers();

  template <class T>
  Informer<T>& informer() {
    Slot& slot = slot_of(typeid(T));
    if (!slot.typed) {
      slot.any = make(Followed<T>::decoder());
      slot.typed = std::make_shared<Informer<T>>(*slot.any);
    }
    return *static_cast<Informer<T>*>(slot.typed.get());
  }
  // The same of those objects alone that a field selector takes, for who may see no others. The first who asks for T decides.
  template <class T>
  Informer<T>& informer_of(const std::string& field_selector) {
    if (!slot_of(typeid(T)).typed) {
      detail::Decoder decoder = Followed<T>::decoder();
      decoder.field_selector = field_selector;
      Slot& slot = slot_of(typeid(T));
      slot.any = make(std::move(decoder));
      slot.typed = std::make_shared<Informer<T>>(*slot.any);
    }
    return informer<T>();
  }
  // A new informer of the metadata of any resource. It has the index kByOwner, and runs until it is forgotten; whoever waits for it holds
  // it. Where all objects of the resource are followed already, or views of them that show it, it reads their copy; otherwise it asks
  // for PartialObjectMetadata.
  std::shared_ptr<Informer<MetadataView>> follow(api::ResourceRef resource);
  // Ends such an informer: its streams end, and a copy of its own stands still.
  void forget(Informer<MetadataView>& informer);
  // The metadata of all kinds that discovery names.
  Kinds& kinds();

  // Waits until every informer asked for so far has its first complete list; those of kinds, until they are settled.
  Task<void> wait_synced();
  // Ends all reflectors; streams end.
  void stop();

  // Counted over all informers since the start.
  struct Stats {
    std::size_t lists = 0;    // complete first states read, as lists or streams
    std::size_t watches = 0;  // watches the server accepted
    std::size_t events = 0;   // without bookmarks
    std::size_t resumes = 0;  // watches that went on from a known revision
    std::size_t errors = 0;   // lists and watches that failed or broke
    std::size_t relists = 0;  // of `lists`, those that replaced a state that was known
    std::size_t repeats = 0;  // events that told nothing new
  };
  Stats stats() const;

 private:
  struct Slot {
    std::shared_ptr<detail::AnyInformer> any;
    std::shared_ptr<void> typed;
  };
  Slot& slot_of(std::type_index type);
  std::shared_ptr<detail::AnyInformer> make(detail::Decoder decoder);
  std::shared_ptr<detail::AnyInformer> metadata_informer(api::ResourceRef resource);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

namespace detail {
// A MetadataView.
AnyRef metadata_of(const meta::v1::ObjectMeta& metadata);

// Who changed which field is often half of an object, and concerns nobody who holds a copy. Written back without it, an object keeps
// what the server has of it.
void drop_managed_fields(meta::v1::ObjectMeta& metadata);

// Whole messages of class T, but for their managed fields.
template <class T>
Decoder message_decoder(const api::Resource* resource) {
  return {.resource = resource,
          .decode = [](std::string_view bytes) -> AnyRef {
            auto object = std::make_shared<T>();
            api::decode_protobuf(bytes, *object);
            drop_managed_fields(*object->mutable_metadata());
            return object;
          },
          .key = [](const void* object) { return KeyView::of(*static_cast<const T*>(object)); },
          .revision =
              [](const void* object) {
                return Revision{std::strtoull(static_cast<const T*>(object)->metadata().resource_version().c_str(), nullptr, 10)};
              },
          .uid = [](const void* object) -> std::string_view { return static_cast<const T*>(object)->metadata().uid(); },
          .deleting = [](const void* object) { return static_cast<const T*>(object)->metadata().has_deletion_timestamp(); },
          .metadata = [](const AnyRef& object) { return metadata_of(static_cast<const T*>(object.get())->metadata()); }};
}
}  // namespace detail

template <class T>
detail::Decoder Followed<T>::decoder() {
  return detail::message_decoder<T>(api::Scheme::builtin().resource(api::schema_of<T>()));
}

}  // namespace ph::informers
