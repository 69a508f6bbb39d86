// The copy an informer keeps: objects by key, indexes, and what its followers have yet to see. No I/O, no waiting.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <unordered_set>

#include "informers/informer.h"

namespace ph::informers::detail {

// An object in its place. The key views the object's own strings, so it goes from one object to the next together with them; what
// it says never changes.
struct Held {
  mutable KeyView key;
  mutable AnyRef object;
};

// Orders objects and pointers to them, and finds them by key.
struct ByKey {
  using is_transparent = void;
  static KeyView of(const Held& held) { return held.key; }
  static KeyView of(const Held* held) { return held->key; }
  static KeyView of(KeyView key) { return key; }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return of(a) < of(b);
  }
};

using Objects = std::set<Held, ByKey>;
// Takes the place of the one with its key, if there is one.
void put(Objects& objects, const Decoder& decoder, AnyRef object);

// One follower's pending events, at most one of each object.
class Follower {
 public:
  explicit Follower(std::shared_ptr<const Decoder> decoder) : decoder_(std::move(decoder)) {}

  // Not both are null.
  void changed(const AnyRef& before, const AnyRef& after);
  void snapshot();
  void stop();

  // Nothing when the informer has stopped.
  Task<std::optional<AnyEvent>> next();
  std::size_t pending() const { return order_.size(); }

 private:
  struct Pending {
    KeyView key;           // of `before`, or else of `after`
    AnyRef before, after;  // neither: this stands for `Snapshot`
  };
  using Order = std::list<Pending>;  // of the first unseen changes
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(KeyView key) const { return KeyHash()(key); }
    std::size_t operator()(Order::iterator pending) const { return KeyHash()(pending->key); }
  };
  struct Same {
    using is_transparent = void;
    static KeyView of(KeyView key) { return key; }
    static KeyView of(Order::iterator pending) { return pending->key; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return of(a) == of(b);
    }
  };
  KeyView key_of(const Pending& pending) const;
  std::optional<AnyEvent> take();

  std::shared_ptr<const Decoder> decoder_;
  Order order_;
  std::unordered_set<Order::iterator, Hash, Same> pending_;
  bool stopped_ = false;
  ph::Event changed_;
};

class Copy {
 public:
  explicit Copy(std::shared_ptr<const Decoder> decoder);

  AnyRef find(KeyView key) const;
  std::vector<AnyRef> list(std::string_view namespace_name) const;
  std::vector<AnyRef> by_index(std::string_view index, std::string_view value) const;
  std::size_t count(std::string_view index, std::string_view value) const;
  void add_index(std::string name, std::function<std::vector<std::string>(const void*)> values);
  std::size_t size() const { return objects_.size(); }

  void put(AnyRef object);
  void drop(KeyView key);
  // Makes the copy what `objects` says; only differences are told.
  void replace(Objects objects);

  // A follower that will see what exists (and `Snapshot`, if the copy is complete), then every change.
  std::shared_ptr<Follower> follow(bool complete);
  // Tells all followers that the first state is complete.
  void snapshot();
  void stop();

 private:
  struct Index {
    std::function<std::vector<std::string>(const void*)> values;
    std::map<std::string, std::set<const Held*, ByKey>, std::less<>> entries;

    void add(std::vector<std::string> values, const Held& held);
    void remove(const std::vector<std::string>& values, const Held& held);
  };

  void added(const Held& held);
  void tell(const AnyRef& before, const AnyRef& after);

  std::shared_ptr<const Decoder> decoder_;
  Objects objects_;
  std::map<std::string, Index, std::less<>> indexes_;  // their entries point into `objects_`
  std::vector<std::weak_ptr<Follower>> followers_;
};

}  // namespace ph::informers::detail
