// What a control loop is written against. A loop says what it watches and reconciles keys; queues, workers, retries, backoff,
// read-your-own-writes, events, metrics, pausing and leadership belong to the runtime (docs/controllers.md).
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/sync.h"
#include "informers/client.h"
#include "informers/informer.h"
#include "informers/kinds.h"
#include "informers/metadata_view.h"
#include "informers/pod_view.h"
#include "informers/recorder.h"

namespace ph::controllers {

using informers::Client;
using informers::Created;
using informers::DeleteOptions;
using informers::EventRecorder;
using informers::Informer;
using informers::Informers;
using informers::Kind;
using informers::KindRef;
using informers::Made;
using informers::Patch;
using informers::Patched;
using informers::PodView;
using informers::Ref;
using informers::Removed;

// What loops of one daemon are given. References outlive the loops.
struct World {
  Executor& executor;
  const Clock& clock;
  Rng& rng;
  Client& client;  // of this loop: the runtime sees its writes
  Informers& informers;
  EventRecorder& events;  // source.component is the loop's
  Log log;
  const struct Options* options;                        // controllers/runtime/options.h
  std::vector<informers::detail::AnyInformer*>& asked;  // the runtime's: what must be complete before the loop starts
  Metrics* metrics = nullptr;                           // of what the runtime cannot count; may be null

  // Asked for by the time the loop is constructed, it is complete before the first key is reconciled.
  template <class T>
  Informer<T>& informer() const {
    Informer<T>& informer = informers.informer<T>();
    ask(informer.any());
    return informer;
  }

 private:
  // Key functions come here with every event: each informer is noted once.
  void ask(informers::detail::AnyInformer& informer) const {
    if (std::ranges::find(asked, &informer) == asked.end()) asked.push_back(&informer);
  }
};

// When a key is to be looked at again, if nothing changes before.
class Outcome {
 public:
  static Outcome done() { return Outcome(Kind::Done, {}, {}); }
  static Outcome again_at(Time at) { return Outcome(Kind::At, at, {}); }
  static Outcome again_after(Duration delay) { return Outcome(Kind::After, {}, delay); }
  // At the next rate-limited turn, as after an error but without one.
  static Outcome again() { return Outcome(Kind::Again, {}, {}); }

  enum class Kind { Done, At, After, Again };
  Kind kind() const { return kind_; }
  Time at() const { return at_; }
  Duration delay() const { return delay_; }

 private:
  Outcome(Kind kind, Time at, Duration delay) : kind_(kind), at_(at), delay_(delay) {}
  Kind kind_;
  Time at_;
  Duration delay_;
};

// Level-triggered: `reconcile` looks at what is. It may be called twice, late, or for nothing; never twice at once for one
// key. An exception that leaves it is logged, counted and retried with backoff.
class Loop {
 public:
  virtual ~Loop() = default;
  virtual Task<Outcome> reconcile(ObjectKey key) = 0;
  // Runs beside the workers from start to stop, for loops that keep a view of their own or act on time. It is destroyed
  // at stop.
  virtual Task<void> run_beside() { co_return; }
  // An object of a kind that `watches_kinds` follows is gone: the server said so. Comes before the keys it brings.
  virtual void ended(const informers::MetadataView&) {}
};

// Collects what a loop's entry function declares.
class LoopBuilder {
 public:
  using Keys = std::vector<ObjectKey>;

  // Every change of a T for which `when` holds (of its state before or after) brings its own key.
  template <class T>
  LoopBuilder& reconciles(std::function<bool(const T&)> when = {}) {
    return watches<T>([when = std::move(when)](const T& object, const World&) -> Keys {
      if (when && !when(object)) return {};
      return {key_for(object)};
    });
  }
  // Every change of a T whose controller is of kind `Owner` brings the owner's key.
  template <class Owner, class T>
  LoopBuilder& owns() {
    const std::string kind = api::schema_of<Owner>().kind->kind;
    const std::string group = api::schema_of<Owner>().kind->group;
    return watches<T>([kind, group](const T& object, const World&) -> Keys { return owner_keys(object, kind, group); });
  }
  // Changes of a T bring its own key after the time that `when` names; nothing: they do not. `before` is null for a new one (at the
  // start: for all), `after` for one that is gone. Like `reconciles` it is for kinds the loop writes: its own writes of them are waited for.
  template <class T>
  LoopBuilder& reconciles_changes(std::function<std::optional<Duration>(const T* before, const T* after)> when) {
    sources_.push_back([when = std::move(when)](const World& world) {
      Source source;
      source.informer = world.informer<T>().any().shared_from_this();
      source.resource = source.informer->decoder().resource;
      source.keys = [](const void* object) { return Keys{key_for(*static_cast<const T*>(object))}; };
      source.keys_wake = false;
      source.wakes = [when](const void* before, const void* after) -> std::vector<Wake> {
        const auto delay = when(static_cast<const T*>(before), static_cast<const T*>(after));
        if (!delay) return {};
        return {{key_for(*static_cast<const T*>(after ? after : before)), *delay}};
      };
      return source;
    });
    return *this;
  }
  // Like `owns`, for what changes by the dozen: its changes are gathered for so long.
  template <class Owner, class T>
  LoopBuilder& owns_many(Duration batch) {
    const std::string kind = api::schema_of<Owner>().kind->kind;
    const std::string group = api::schema_of<Owner>().kind->group;
    sources_.push_back([kind, group, batch](const World& world) {
      Source source;
      source.informer = world.informer<T>().any().shared_from_this();
      source.resource = source.informer->decoder().resource;
      source.keys = [kind, group](const void* object) { return owner_keys(*static_cast<const T*>(object), kind, group); };
      source.keys_wake = false;
      source.wakes = [keys = source.keys, batch](const void* before, const void* after) {
        std::vector<Wake> out;
        for (const void* object : {before, after}) {
          if (!object) continue;
          for (ObjectKey& key : keys(object)) out.push_back({std::move(key), batch});
        }
        return out;
      };
      return source;
    });
    again_after_ = std::max(again_after_, batch);
    return *this;
  }
  // Every change of a T brings the keys `to_keys` names (called with the state before and after).
  template <class T>
  LoopBuilder& watches(std::function<Keys(const T&, const World&)> to_keys) {
    sources_.push_back([to_keys = std::move(to_keys)](const World& world) {
      Source source;
      source.informer = world.informer<T>().any().shared_from_this();
      source.resource = source.informer->decoder().resource;
      source.keys = [to_keys, &world](const void* object) { return to_keys(*static_cast<const T*>(object), world); };
      return source;
    });
    return *this;
  }
  // A key, and how long it may wait for what else brings it.
  struct Wake {
    ObjectKey key;
    Duration delay{};
  };
  // Every change of a T seen whole: `before` is null for a new one (at the start: for all), `after` for one that is gone. For kinds
  // that change often in what concerns nobody. Not for kinds the loop writes: its own writes of them are not waited for.
  template <class T>
  LoopBuilder& watches_changes(std::function<std::vector<Wake>(const T* before, const T* after, const World&)> wakes) {
    sources_.push_back([wakes = std::move(wakes)](const World& world) {
      Source source;
      source.informer = world.informer<T>().any().shared_from_this();
      source.resource = source.informer->decoder().resource;
      source.keys = [](const void*) { return Keys(); };
      source.wakes = [wakes, &world](const void* before, const void* after) {
        return wakes(static_cast<const T*>(before), static_cast<const T*>(after), world);
      };
      return source;
    });
    return *this;
  }
  // The same over the metadata of every resource that discovery names and `when` takes, as kinds come and go. One that cannot be
  // listed holds the loop up for half a minute at most. One such source a loop.
  using KindKeys = std::function<Keys(const Kind&, const informers::MetadataView&, const World&)>;
  LoopBuilder& watches_kinds(informers::Kinds::Wanted when, KindKeys to_keys) {
    kinds_ = {when, std::move(to_keys)};
    return *this;
  }
  // The same of objects that are gone, alone.
  LoopBuilder& watches_ends_of_kinds(informers::Kinds::Wanted when, KindKeys to_keys) {
    kinds_ = {when, std::move(to_keys), true};
    return *this;
  }
  // Only needs the informer to be complete before it starts.
  template <class T>
  LoopBuilder& reads() {
    reads_.push_back([](const World& world) { world.informer<T>(); });
    return *this;
  }
  // source.component of the loop's events; without this it is the loop's name.
  LoopBuilder& event_source(std::string component) {
    component_ = std::move(component);
    return *this;
  }
  template <class L>
  void with() {
    make_ = [](const World& world) -> std::unique_ptr<Loop> { return std::make_unique<L>(world); };
  }

  // -- For the runtime.
  struct Source {
    std::shared_ptr<informers::detail::AnyInformer> informer;
    const api::Resource* resource = nullptr;
    std::function<Keys(const void*)> keys;                                               // whose writes and changes an object is
    bool keys_wake = true;                                                               // false: a change brings none of them
    std::function<void(const void*)> ended = {};                                         // is told of objects that are gone
    std::function<std::vector<Wake>(const void* before, const void* after)> wakes = {};  // besides `keys`
  };
  struct KindSource {
    informers::Kinds::Wanted when = nullptr;  // null: the loop follows none
    KindKeys keys;
    bool ends_only = false;
  };
  using SourceMaker = std::function<Source(const World&)>;
  const std::vector<SourceMaker>& sources() const { return sources_; }
  const std::vector<std::function<void(const World&)>>& readers() const { return reads_; }
  const KindSource& kinds() const { return kinds_; }
  const std::string& component() const { return component_; }
  // How long a key waits for the look that follows its writes.
  Duration again_after() const { return again_after_; }
  const std::function<std::unique_ptr<Loop>(const World&)>& maker() const { return make_; }

 private:
  template <class T>
  static ObjectKey key_for(const T& object) {
    if constexpr (std::is_base_of_v<google::protobuf::Message, T>) {
      return key_of(object);
    } else {
      return object.key();
    }
  }
  static Keys owner_keys(const google::protobuf::Message& object, const std::string& kind, const std::string& group);
  static Keys owner_keys(const PodView& pod, const std::string& kind, const std::string& group);

  std::vector<SourceMaker> sources_;
  KindSource kinds_;
  std::vector<std::function<void(const World&)>> reads_;
  std::string component_;
  Duration again_after_{};
  std::function<std::unique_ptr<Loop>(const World&)> make_;
};

}  // namespace ph::controllers
