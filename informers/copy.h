// The copy an informer keeps: objects by key, indexes, and what its followers have yet to see. No I/O, no waiting.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "informers/informer.h"

namespace ph::informers::detail {

// One follower's pending events, at most one of each object.
class Follower {
 public:
  explicit Follower(std::shared_ptr<const Decoder> decoder) : decoder_(std::move(decoder)) {}

  void changed(const ObjectKey& key, AnyRef before, AnyRef after);
  void snapshot();
  void stop();

  // Nothing when the informer has stopped.
  Task<std::optional<AnyEvent>> next();
  std::size_t pending() const { return order_.size(); }

 private:
  struct Pending {
    AnyRef before, after;
  };
  struct KeyHash {
    std::size_t operator()(const ObjectKey& key) const {
      return std::hash<std::string>()(key.name) * 31 + std::hash<std::string>()(key.namespace_name);
    }
  };
  std::optional<AnyEvent> take();

  std::shared_ptr<const Decoder> decoder_;
  // In the order of the first unseen change. Nothing stands for `Snapshot`.
  std::deque<std::optional<ObjectKey>> order_;
  std::unordered_map<ObjectKey, Pending, KeyHash> pending_;
  bool stopped_ = false;
  ph::Event changed_;
};

class Copy {
 public:
  explicit Copy(std::shared_ptr<const Decoder> decoder);

  AnyRef find(const ObjectKey& key) const;
  std::vector<AnyRef> list(std::string_view namespace_name) const;
  std::vector<AnyRef> by_index(std::string_view index, std::string_view value) const;
  void add_index(std::string name, std::function<std::vector<std::string>(const void*)> values);
  std::size_t size() const { return objects_.size(); }

  void put(AnyRef object);
  void drop(const ObjectKey& key);
  // Makes the copy what `objects` says; only differences are told.
  void replace(std::map<ObjectKey, AnyRef> objects);

  // A follower that will see what exists (and `Snapshot`, if the copy is complete), then every change.
  std::shared_ptr<Follower> follow(bool complete);
  // Tells all followers that the first state is complete.
  void snapshot();
  void stop();

 private:
  using Objects = std::map<ObjectKey, AnyRef>;
  struct Index {
    std::function<std::vector<std::string>(const void*)> values;
    std::map<std::string, Objects, std::less<>> entries;
  };

  void apply(const ObjectKey& key, AnyRef before, AnyRef after);
  static void index_object(Index& index, const ObjectKey& key, const AnyRef& object);
  static void unindex_object(Index& index, const ObjectKey& key, const AnyRef& object);

  std::shared_ptr<const Decoder> decoder_;
  Objects objects_;
  std::map<std::string, Index, std::less<>> indexes_;
  std::vector<std::weak_ptr<Follower>> followers_;
};

}  // namespace ph::informers::detail
