// OwnWrites: which keys of a loop must wait until its informers have seen what it wrote. The rules are in docs/informers.md,
// "Read-your-own-writes". One for each loop; belongs to the loop executor.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <vector>

#include "controllers/runtime/loop.h"

namespace ph::controllers {

// What became of a loop's writes, as far as it was not plain.
struct OwnWriteStats {
  std::uint64_t unknown = 0;   // nobody knew whether they were carried out
  std::uint64_t stale = 0;     // refused because the cache was behind
  std::uint64_t resolved = 0;  // live reads that told; of these
  std::uint64_t gone = 0;      // … found nothing
};

class OwnWrites final : public informers::WriteObserver {
 public:
  // What became of writes with an unknown outcome is found out by the informers' client.
  explicit OwnWrites(const std::list<LoopBuilder::Source>& sources) : sources_(sources) {}

  void answered(const informers::Write& write, std::string_view object) override;
  void refused(const informers::Write& write, const api::ApiError& error) override;
  void unknown(const informers::Write& write) override;

  // Everything written for `key` has been seen.
  bool settled(const ObjectKey& key);
  // Something was written, or may have been, for `key` that has not been seen.
  bool wrote(const ObjectKey& key);
  // Resumes when `key` is settled, or an informer has stopped. Throws when a live read fails.
  Task<void> wait(ObjectKey key);
  // The informer's kind is gone: it will show nothing more, and nothing of it is waited for.
  void forget(const informers::detail::AnyInformer& informer);
  const OwnWriteStats& stats() const { return stats_; }

 private:
  using AnyInformer = informers::detail::AnyInformer;

  struct Condition {
    enum Kind { Reached, Gone, Unknown } kind = Reached;
    std::shared_ptr<AnyInformer> informer;
    Revision least;            // Reached; Gone: reaching it will do as well, if it is not zero
    ObjectKey object;          // Gone, Unknown (an empty name: any of the namespace)
    std::string uid;           // Gone; Unknown of a delete: the one that was asked for, if any
    bool for_good = false;     // Gone: that it is being deleted is not enough
    bool refused = false;      // nothing was written: the cache is stale
    std::uint64_t number = 0;  // of all there ever were
  };

  static bool met(const Condition& condition);
  // The end of the object, or of the one with that UID, is to be seen, or that it is ending; it was there no more, or was ending, at
  // `answered` (if not zero).
  static Condition gone(const std::shared_ptr<AnyInformer>& informer, const ObjectKey& object, const std::string& uid,
                        Revision answered);
  void add(const LoopBuilder::Source& source, const std::vector<ObjectKey>& keys, Condition condition);
  // The keys of the object as cached, and as `object` (when there are bytes).
  static std::vector<ObjectKey> keys_of(const LoopBuilder::Source& source, const ObjectKey& key, std::string_view object);
  // What to wait for instead of `unknown`, by a live read.
  Task<Condition> resolve(Condition unknown);
  void suspect(const informers::Write& write, bool refused);

  const std::list<LoopBuilder::Source>& sources_;
  std::map<ObjectKey, std::vector<Condition>> pending_;
  std::uint64_t conditions_ = 0;
  OwnWriteStats stats_;
};

}  // namespace ph::controllers
