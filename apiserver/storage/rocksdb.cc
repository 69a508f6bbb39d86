#include "apiserver/storage/rocksdb.h"

#include <fmt/format.h>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>

#include "apiserver/storage/metrics.h"
#include "apiserver/storage/records.h"
#include "apiserver/storage/rocks_group.h"
#include "apiserver/storage/rocks_history.h"
#include "apiserver/storage/rocks_view.h"
#include "base/sync.h"

namespace ph::apiserver {
namespace {

using Answer = std::expected<Revision, Refused>;

// A group is cut here, so that the first of very many does not wait for the last.
constexpr std::size_t kGroupBytes = 8 << 20;

constexpr int kExitStoreFailed = 74;  // sysexits' EX_IOERR

// What the executor's side knows; outlives the store in works that are still posted.
struct Visible {
  Revision revision;
  std::vector<Store::Follower> followers;
};

struct Request {
  // A commit, or something to read.
  Transaction transaction;
  Completion<Answer> done;
  Work read;
};

class RocksStore final : public Store {
 public:
  RocksStore(const std::string& path, Executor& executor, const Clock& clock, RocksOptions options)
      : executor_(executor),
        clock_(clock),
        options_(std::move(options)),
        metrics_{options_.metrics},
        database_(open_database(path, options_)),
        history_(*database_, options_),
        revision_(database_->revision),
        visible_(std::make_shared<Visible>(Visible{revision_, {}})),
        thread_([this] { run(); }) {
    pthread_setname_np(thread_.native_handle(), "ph-store");
    if (metrics_.in) hook_ = metrics_.in->on_scrape(executor, [this] { metrics_.size.set(static_cast<double>(size())); });
    database_->errors->watch([this](const rocksdb::Status& error) {
      try {
        check_status(error, "writing tables");
      } catch (const RocksError& words) {
        fail(words.what());
      }
    });
  }

  ~RocksStore() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    database_->errors->watch({});
  }

  Task<Answer> commit(Transaction transaction) override {
    const Completion<Answer> done;
    const Steady begun = clock_.steady();
    push({std::move(transaction), done, {}});
    Answer answer = co_await done.get();
    metrics_.wait.observe(clock_.steady() - begun);
    co_return answer;
  }

  Task<std::optional<Stored>> get(std::string key) override {
    return read<std::optional<Stored>>([this, key = std::move(key)] {
      auto held = read_value(*database_, key);
      return held ? std::optional(Stored{key, held->value, held->created, held->modified}) : std::nullopt;
    });
  }

  Task<std::vector<Stored>> range(std::string from, std::string to, std::size_t limit) override {
    return read<std::vector<Stored>>([this, from = std::move(from), to = std::move(to), limit] { return scan(from, to, limit); });
  }

  Revision revision() const override { return visible_->revision; }

  void follow(Follower follower) override { visible_->followers.push_back(std::move(follower)); }

  Task<std::optional<std::vector<Change>>> history(std::string prefix, Revision since) override {
    return read<std::optional<std::vector<Change>>>(
        [this, prefix = std::move(prefix), since] { return history_.since(prefix, since); });
  }

  Task<Recent> recent(std::string prefix, std::size_t records_max, std::size_t bytes_max) override {
    return read<Recent>([this, prefix = std::move(prefix), records_max, bytes_max] {
      return history_.recent(prefix, records_max, bytes_max, revision_);
    });
  }

  // Taken between two groups: everything in it is durable.
  Task<std::unique_ptr<StoreView>> view() override {
    return read<std::unique_ptr<StoreView>>([this] {
      return std::unique_ptr<StoreView>(
          std::make_unique<RocksView>(database_, revision_, history_.compacted(), history_.begins()));
    });
  }

 private:
  void push(Request request) {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(request));
    }
    wake_.notify_one();
  }

  // Reads stand in the queue with the commits: they see what was asked before them, and nothing that is not yet
  // durable. Their answers are posted like the changes: who reads has been told of every change that the answer shows.
  template <class T, class F>
  Task<T> read(F what) {
    const Completion<T> done;
    push({{}, {}, [this, done, what = std::move(what)] {
            try {
              executor_.post([done, answer = what()]() mutable { done.set(std::move(answer)); });
            } catch (...) {
              executor_.post([done, error = std::current_exception()] { done.fail(error); });
            }
          }});
    co_return co_await done.get();
  }

  std::vector<Stored> scan(const std::string& from, const std::string& to, std::size_t limit) const {
    const rocksdb::Slice upper(to);
    rocksdb::ReadOptions reading;
    reading.iterate_upper_bound = &upper;
    reading.fill_cache = false;
    if (limit == 0 || limit > 100) reading.readahead_size = 64 << 10;
    const std::unique_ptr<rocksdb::Iterator> it(database_->db->NewIterator(reading, database_->values));
    std::vector<Stored> found;
    for (it->Seek(from); it->Valid(); it->Next()) {
      if (limit != 0 && found.size() == limit) break;
      const auto record = decode_value(it->value().ToStringView());
      if (!record) throw RocksError(fmt::format("the value of {} is malformed; {}", it->key().ToStringView(), kDamagedRemedy));
      found.push_back({it->key().ToString(), share(std::string(record->value)), record->created, record->modified});
    }
    check_status(it->status(), "reading values");
    return found;
  }

  // On disk and on its way there. RocksDB may be asked on any thread.
  std::uint64_t size() const {
    std::uint64_t files = 0, buffers = 0;
    database_->db->GetAggregatedIntProperty("rocksdb.total-sst-files-size", &files);
    database_->db->GetAggregatedIntProperty("rocksdb.size-all-mem-tables", &buffers);
    return files + buffers;
  }

  // -- On the store's thread.

  void run() {
    std::deque<Request> batch;
    try {
      while (take(batch)) {
        while (!batch.empty()) {
          if (batch.front().read) {
            batch.front().read();
            batch.pop_front();
          } else {
            commit_group(batch);
          }
        }
      }
    } catch (const std::exception& error) {
      fail(error.what());
      // Only a test comes back from that. Nothing more is answered.
      while (take(batch)) batch.clear();
    }
  }

  // All that waits; false at the end, when nothing waits any more.
  bool take(std::deque<Request>& batch) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    batch.swap(queue_);
    return !batch.empty();
  }

  // The commits at the front of `batch`: one write, one sync.
  void commit_group(std::deque<Request>& batch) {
    RocksGroup group(*database_, revision_, clock_.now());
    std::vector<std::pair<Completion<Answer>, Answer>> answers;
    while (!batch.empty() && !batch.front().read && group.batch().GetDataSize() < kGroupBytes) {
      answers.emplace_back(batch.front().done, group.apply(batch.front().transaction));
      batch.pop_front();
    }
    if (!group.changes().empty()) write(group);
    if (failed_) return;
    metrics_.group.observe(static_cast<double>(answers.size()));
    for (const auto& [done, answer] : answers) (answer ? metrics_.applied : metrics_.refused).add();
    executor_.post(
        [visible = visible_, revision = revision_, changes = std::move(group.changes()), answers = std::move(answers)] {
          visible->revision = revision;
          if (!changes.empty()) {
            for (const Store::Follower& follower : visible->followers) follower(changes);
          }
          for (const auto& [done, answer] : answers) done.set(answer);
        });
  }

  void write(RocksGroup& group) {
    rocksdb::WriteBatch& batch = group.batch();
    batch.Put(database_->meta, rocksdb::Slice(kRevisionKey.data(), kRevisionKey.size()), encode_revision(group.revision()));
    history_.trim(batch, revision_, batch.GetDataSize(), clock_.now());
    rocksdb::WriteOptions writing;
    writing.sync = options_.sync;
    const Steady begun = clock_.steady();
    check_status(database_->db->Write(writing, &batch), "writing");
    metrics_.write.observe(clock_.steady() - begun);
    metrics_.bytes.add(batch.GetDataSize());
    if (writing.sync) metrics_.syncs.add();
    revision_ = group.revision();
    history_.reclaim();
  }

  // What is on the disk now is not known: serving on could show what a restart takes back.
  void fail(std::string_view what) {
    failed_ = true;
    const std::string message = fmt::format("the store cannot go on: {}", what);
    options_.log.error("the store cannot go on", "error", what);
    if (options_.fatal) return options_.fatal(message);
    std::fprintf(stderr, "%s\n", message.c_str());
    // At once, but without a core: it is the disk's fault, and often its space that lacks.
    std::_Exit(kExitStoreFailed);
  }

  Executor& executor_;
  const Clock& clock_;
  const RocksOptions options_;
  const StoreMetrics metrics_;

  // The store's thread's, once it runs.
  const std::shared_ptr<RocksDatabase> database_;  // shared with views
  RocksHistory history_;
  Revision revision_;

  const std::shared_ptr<Visible> visible_;  // the executor's

  std::mutex mutex_;  // guards the queue and `stopping_`
  std::condition_variable wake_;
  std::deque<Request> queue_;
  bool stopping_ = false;
  std::atomic<bool> failed_ = false;  // only a test sees it set
  std::thread thread_;
  ScrapeHook hook_;
};

}  // namespace

std::unique_ptr<Store> open_rocksdb_store(std::string path, Executor& executor, const Clock& clock, RocksOptions options) {
  return std::make_unique<RocksStore>(path, executor, clock, std::move(options));
}

}  // namespace ph::apiserver
