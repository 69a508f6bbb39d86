// Store: an ordered map of keys to values with revisions, transactions and a feed of changes.
//
// Keys and values are upstream's (/registry/pods/default/a → the k8s\0 envelope), so that an etcd can stand behind the
// same interface. Promises, for every implementation:
//   - A transaction is judged and applied as one; all its changes have one revision, greater than any before.
//   - Nothing is visible before it is durable: `get`, `range`, `revision`, the feed and the answer to a commit show
//   only
//     what has been synced. A refusal, too, is answered only when the writes it was judged on are durable.
//   - Followers get every change once, in order of revision, before the answer to the commit that made it, and before
//   the
//     answer to any read that shows it.
//   - A failed sync ends the process: what may or may not be on disk must not be served.
// A store belongs to one executor: all calls come from there, all answers and feeds arrive there.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/revision.h"
#include "base/soon.h"
#include "base/task.h"
#include "base/time.h"
#include "base/transport.h"

namespace ph::apiserver {

// What must hold for a transaction to be applied; on any key, not only those it writes.
struct Precondition {
  enum class Kind { Absent, Exists, AtRevision };
  std::string key;
  Kind kind = Kind::Exists;
  Revision revision;  // for AtRevision: the key's last change
};

// A transaction names a key at most once among its mutations; deleting what is not there changes nothing.
struct Mutation {
  std::string key;
  std::optional<std::string> value;  // nothing: the key is deleted
  // Only the last value is kept on disk (events, node heartbeats): watches of such changes do not resume after a
  // restart.
  bool last_value_only = false;
};

struct Transaction {
  std::vector<Precondition> preconditions;
  std::vector<Mutation> mutations;
  std::string author;  // for the history: who asked
};

struct Stored {
  std::string key;
  SharedBytes value;
  Revision created;
  Revision modified;
};

// A transaction was refused: which of its preconditions did not hold, and what that key held.
struct Refused {
  std::size_t precondition = 0;
  std::optional<Stored> current;
};

struct Change {
  Revision revision;
  std::string key;
  SharedBytes value;     // null: deleted
  SharedBytes previous;  // null: there was none
  Revision created;      // of the key
  Time time;
  std::string author;
  Revision previous_modified;  // the revision of `previous`; 0 when there was none
};

// The newest recorded changes, oldest first, and from where on they are all there.
struct Recent {
  std::vector<Change> changes;
  Revision since;  // every later change is in `changes`, …
  // … except under these prefixes, where only those after that revision are (see Mutation::last_value_only).
  std::vector<std::pair<std::string, Revision>> gaps;
  Revision until;  // the store's revision when this was read
};

// Everything a store holds at one revision, while the store goes on. Read by one thread at a time, any; a view may
// outlive its store.
class StoreView {
 public:
  // Holds until the next call of `next`.
  struct Item {
    std::string_view key;
    std::string_view value;
    Revision created;
    Revision modified;
  };

  virtual ~StoreView() = default;
  virtual Revision revision() const = 0;
  // History is kept from this revision on; its first change was made then. No time: nothing is kept.
  virtual Revision history_since() const = 0;
  virtual std::optional<Time> history_begins() const = 0;
  // The next key in order; nothing at the end. Throws what reading the store throws.
  virtual std::optional<Item> next() = 0;
};

class Store {
 public:
  using Follower = std::function<void(std::span<const Change>)>;

  virtual ~Store() = default;

  // The revision of the changes; when nothing changed, the newest one the answer rests on.
  virtual Task<std::expected<Revision, Refused>> commit(Transaction transaction) = 0;

  virtual Task<std::optional<Stored>> get(std::string key) = 0;

  // Keys in [from, to), in order, at most `limit` (0: all).
  virtual Task<std::vector<Stored>> range(std::string from, std::string to, std::size_t limit) = 0;

  // The newest durable revision. A fresh store is at 1.
  virtual Revision revision() const = 0;

  // Calls `follower` with every durable change from now on. Followers cannot be taken back; they must outlive the
  // store's last commit.
  virtual void follow(Follower follower) = 0;

  // The recorded changes of keys with this prefix after `since`, oldest first; nothing when some of them are no longer
  // kept.
  virtual Task<std::optional<std::vector<Change>>> history(std::string prefix, Revision since) = 0;

  // What history remembers of the last changes with this prefix. Looks at no more than `records_max` records and
  // `bytes_max` bytes of history, whatever their prefix, so that it is quick however much is kept.
  virtual Task<Recent> recent(std::string prefix, std::size_t records_max, std::size_t bytes_max) = 0;

  // The present, to be read at leisure, in the bytes that are stored.
  virtual Task<std::unique_ptr<StoreView>> view() = 0;

  // By their keys: values that are there and cannot be read (encryption/encrypted_store.h), each with the reason. As far as somebody has
  // tried. It only grows.
  using Unreadable = std::map<std::string, std::string, std::less<>>;
  virtual const Unreadable& unreadable() const {
    static const Unreadable kNone;
    return kNone;
  }
  // Whether the same value would be stored in other bytes today.
  virtual Soon<bool> is_stale(std::string /*key*/) { return false; }
};

}  // namespace ph::apiserver
