#include "apiserver/storage/memory.h"

#include <deque>
#include <map>

#include "apiserver/storage/gaps.h"
#include "apiserver/storage/judge.h"
#include "apiserver/storage/metrics.h"
#include "base/sync.h"

namespace ph::apiserver {
namespace {

class MemoryView final : public StoreView {
 public:
  MemoryView(std::vector<Stored> all, Revision revision, Revision since, std::optional<Time> begins)
      : all_(std::move(all)), revision_(revision), since_(since), begins_(begins) {}
  Revision revision() const override { return revision_; }
  Revision history_since() const override { return since_; }
  std::optional<Time> history_begins() const override { return begins_; }
  std::optional<Item> next() override {
    if (at_ == all_.size()) return std::nullopt;
    const Stored& stored = all_[at_++];
    return Item{stored.key, *stored.value, stored.created, stored.modified};
  }

 private:
  const std::vector<Stored> all_;
  const Revision revision_, since_;
  const std::optional<Time> begins_;
  std::size_t at_ = 0;
};

class MemoryStore final : public Store {
 public:
  MemoryStore(Executor& executor, const Clock& clock, MemoryOptions options)
      : executor_(executor), clock_(clock), options_(std::move(options)), metrics_{options_.metrics} {
    if (metrics_.in) hook_ = metrics_.in->on_scrape(executor, [this] { metrics_.size.set(static_cast<double>(bytes_)); });
  }

  Task<std::expected<Revision, Refused>> commit(Transaction transaction) override {
    PH_ASSERT(Executor::current() == &executor_);
    assert_distinct_keys(transaction);
    const Steady begun = clock_.steady();
    co_await yield();
    if (options_.fault) co_await options_.fault(transaction, MemoryOptions::Moment::BeforeWrite);
    auto answer = apply(transaction);
    (answer ? metrics_.applied : metrics_.refused).add();
    if (options_.fault) co_await options_.fault(transaction, MemoryOptions::Moment::AfterWrite);
    metrics_.wait.observe(clock_.steady() - begun);
    co_return answer;
  }

  Task<std::optional<Stored>> get(std::string key) override { co_return find(key); }

  Task<std::vector<Stored>> range(std::string from, std::string to, std::size_t limit) override {
    std::vector<Stored> found;
    for (auto it = state_.lower_bound(from); it != state_.end() && it->first < to; ++it) {
      if (limit != 0 && found.size() == limit) break;
      found.push_back(stored(*it));
    }
    co_return found;
  }

  Revision revision() const override { return revision_; }

  void follow(Follower follower) override { followers_.push_back(std::move(follower)); }

  Task<std::optional<std::vector<Change>>> history(std::string prefix, Revision since) override {
    if (since < compacted_ || since < gaps_.newest(prefix)) co_return std::nullopt;
    co_return changes_of(prefix, since);
  }

  Task<Recent> recent(std::string prefix, std::size_t records_max, std::size_t bytes_max) override {
    Revision since = compacted_;
    std::size_t records = 0;
    std::size_t bytes = 0;
    for (auto it = history_.rbegin(); it != history_.rend(); ++it) {
      bytes += it->previous ? it->previous->size() : 0;
      if (++records <= records_max && bytes <= bytes_max) continue;
      since = it->revision;
      break;
    }
    co_return Recent{changes_of(prefix, since), since, gaps_.after(prefix, since), revision_};
  }

  Task<std::unique_ptr<StoreView>> view() override {
    std::vector<Stored> all;
    for (const auto& entry : state_) all.push_back(stored(entry));
    const auto begins = history_.empty() ? std::nullopt : std::optional(history_.front().time);
    co_return std::make_unique<MemoryView>(std::move(all), revision_, compacted_, begins);
  }

 private:
  struct Value {
    SharedBytes bytes;
    Revision created;
    Revision modified;
  };
  using State = std::map<std::string, Value, std::less<>>;

  static Stored stored(const State::value_type& entry) {
    return {entry.first, entry.second.bytes, entry.second.created, entry.second.modified};
  }

  std::optional<Stored> find(std::string_view key) const {
    const auto found = state_.find(key);
    if (found == state_.end()) return std::nullopt;
    return stored(*found);
  }

  std::expected<Revision, Refused> apply(Transaction& transaction) {
    const auto unmet = first_unmet(transaction.preconditions, [&](const std::string& key) -> std::optional<Revision> {
      const auto found = state_.find(key);
      if (found == state_.end()) return std::nullopt;
      return found->second.modified;
    });
    if (unmet) return std::unexpected(Refused{*unmet, find(transaction.preconditions[*unmet].key)});

    const Revision next{revision_.value + 1};
    const Time now = clock_.now();
    std::vector<Change> changes;
    for (Mutation& mutation : transaction.mutations) {
      auto change = mutate(mutation, next);
      if (!change) continue;
      change->time = now;
      change->author = transaction.author;
      if (mutation.last_value_only) {
        gaps_.note(change->key, next);
      } else {
        history_.push_back(*change);
      }
      changes.push_back(std::move(*change));
    }
    if (changes.empty()) return revision_;
    revision_ = next;
    trim(now);
    for (const Follower& follower : followers_) follower(changes);
    return next;
  }

  std::optional<Change> mutate(Mutation& mutation, Revision revision) {
    auto found = state_.find(mutation.key);
    Change change{.revision = revision, .key = mutation.key, .created = revision};
    if (found != state_.end()) {
      change.previous = found->second.bytes;
      bytes_ -= change.previous->size();
      change.previous_modified = found->second.modified;
      change.created = found->second.created;
    }
    if (mutation.value) {
      change.value = share(std::move(*mutation.value));
      bytes_ += change.value->size();
      state_.insert_or_assign(mutation.key, Value{change.value, change.created, revision});
      return change;
    }
    if (found == state_.end()) return std::nullopt;
    state_.erase(found);
    return change;
  }

  void trim(Time now) {
    while (!history_.empty() &&
           (history_.size() > options_.history_records || history_.front().time < now - options_.history_duration)) {
      // All records of a revision go together.
      compacted_ = history_.front().revision;
      while (!history_.empty() && history_.front().revision == compacted_) history_.pop_front();
    }
  }

  std::vector<Change> changes_of(std::string_view prefix, Revision since) const {
    std::vector<Change> found;
    auto it = std::ranges::upper_bound(history_, since, {}, &Change::revision);
    for (; it != history_.end(); ++it) {
      if (it->key.starts_with(prefix)) found.push_back(*it);
    }
    return found;
  }

  Executor& executor_;
  const Clock& clock_;
  MemoryOptions options_;
  const StoreMetrics metrics_;
  std::size_t bytes_ = 0;  // of all values
  State state_;
  Revision revision_{1};
  Revision compacted_{1};  // history is complete after this
  std::deque<Change> history_;
  Gaps gaps_;
  std::vector<Follower> followers_;
  ScrapeHook hook_;
};

}  // namespace

std::unique_ptr<Store> memory_store(Executor& executor, const Clock& clock, MemoryOptions options) {
  return std::make_unique<MemoryStore>(executor, clock, std::move(options));
}

}  // namespace ph::apiserver
