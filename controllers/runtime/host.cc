#include "controllers/runtime/host.h"

#include <list>
#include <set>

#include "base/within.h"

namespace ph::controllers {
namespace {

using informers::MetadataView;

// With a kind whose copy was complete, and cannot be compared with what the server has.
constexpr Duration kPatience = 2min;

std::string user_agent(const HostParts& parts, std::string_view loop) {
  return "kube-controller-manager/" + parts.version + " (pilothouse)/" + std::string(loop);
}

const char* text_of(const std::exception_ptr& error, std::string& keep) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    keep = e.what();
  } catch (...) {
    keep = "unknown exception";
  }
  return keep.c_str();
}

// One loop and all that runs it.
class Running {
 public:
  // `warm`: the informers were there before, and may be behind what was written meanwhile.
  Running(const HostParts& parts, const RuntimeMetrics& metrics, const LoopEntry& entry, bool warm)
      : entry_(entry),
        warm_(warm),
        log_(parts.log.named(entry.name)),
        executor_(parts.executor),
        builder_(built(entry)),
        client_(parts.transport(entry.name), user_agent(parts, entry.name)),
        event_client_(parts.transport(entry.name), user_agent(parts, entry.name)),
        recorder_(informers::event_recorder(parts.executor, event_client_, parts.rng,
                                            builder_.component().empty() ? std::string(entry.name) : builder_.component(), "",
                                            log_)),
        world_{parts.executor, parts.executor.clock(), parts.rng, client_,      parts.informers, *recorder_,
               log_,           &parts.options,         asked_,    parts.metrics},
        own_writes_(sources_),
        queue_(parts.executor, queue_metrics(metrics, queue_name(entry.name))),
        metrics_(loop_metrics(metrics, entry.name)),
        scope_(parts.executor, [this](std::exception_ptr error) {
          std::string text;
          log_.error("a task of the loop failed", "error", text_of(error, text));
        }) {
    client_.observe_writes(&own_writes_);
    for (Client* client : {&client_, &event_client_}) client->measure(parts.client_metrics);
    const auto workers = parts.options.workers.find(entry.name);
    workers_ = workers == parts.options.workers.end() ? entry.workers : workers->second;
    for (const auto& make : builder_.sources()) sources_.push_back(make(world_));
    for (const auto& read : builder_.readers()) read(world_);
    if (builder_.kinds().when) kinds().want(builder_.kinds().when);
    loop_ = builder_.maker()(world_);
    scope_.spawn(run());
  }

  ~Running() {
    // The tasks first: they use all the rest.
    scope_.cancel();
    queue_.stop();
    show();
    metrics_.running.set(0);
    runs_->set();
  }

  const LoopEntry& entry() const { return entry_; }
  bool runs() const { return runs_->is_set(); }
  // Set when it runs, and when it ends.
  std::shared_ptr<Event> running() const { return runs_; }
  bool idle() const { return queue_.depth() == 0 && queue_.in_work() == 0; }
  void show() const { queue_.show(); }

  LoopStats stats() const {
    LoopStats out = stats_;
    out.queue = queue_.stats();
    out.writes = own_writes_.stats();
    out.depth = queue_.depth();
    out.delayed = queue_.delayed();
    out.unfinished = queue_.in_work();
    if (const auto since = queue_.longest_running()) out.longest_running = executor_.clock().steady() - *since;
    return out;
  }

 private:
  static LoopBuilder built(const LoopEntry& entry) {
    LoopBuilder builder;
    entry.entry(builder);
    PH_ASSERT(builder.maker());
    return builder;
  }

  Task<void> run() {
    for (std::size_t i = 0; i < asked_.size(); ++i) {
      informers::detail::AnyInformer* informer = asked_[i];
      co_await informer->wait_synced();
      if (!informer->synced()) co_return;  // it was stopped
    }
    const bool by_kinds = builder_.kinds().when != nullptr;
    if (by_kinds) co_await kinds().wait_known();
    if (by_kinds) co_await kinds().wait_settled();
    if (warm_) co_await catch_up();
    for (Sources& sources : by_informer()) scope_.spawn(follow(std::move(sources)));
    if (by_kinds) follow_new_kinds();
    if (by_kinds) scope_.spawn(watch_kinds());
    for (int i = 0; i < workers_; ++i) scope_.spawn(work());
    scope_.spawn(beside());
    log_.debug("running", "workers", workers_);
    metrics_.running.set(1);
    runs_->set();
  }

  // What was written before this term began, by ourselves or by another leader, must be in the caches: nobody else's writes are
  // waited for later on.
  Task<void> catch_up() {
    std::vector<Task<void>> informers;
    for (informers::detail::AnyInformer* informer : asked_) informers.push_back(catch_up(*informer));
    if (builder_.kinds().when) {
      for (const KindRef& kind : kinds().list()) {
        const bool counts = builder_.kinds().when(*kind->resource) && kind->metadata->synced();
        if (counts) informers.push_back(catch_up(kind));
      }
    }
    co_await all(std::move(informers));
  }

  // A kind may vanish, or be one that cannot be listed any more.
  Task<void> catch_up(KindRef kind) { co_await within(kPatience, catch_up(kind->metadata->any())); }

  Task<void> catch_up(informers::detail::AnyInformer& informer) {
    for (Duration pause = 1s;; pause = std::min<Duration>(2 * pause, 30s)) {
      try {
        co_await informer.catch_up();
        co_return;
      } catch (const std::exception& error) {
        log_.warning("cannot find out how old the cache is", "error", error.what());
      }
      co_await sleep_for(pause);
    }
  }

  using Sources = std::vector<const LoopBuilder::Source*>;

  // Those of one informer share its events.
  std::vector<Sources> by_informer() const {
    std::vector<Sources> out;
    for (const LoopBuilder::Source& source : sources_) {
      const auto same = std::ranges::find_if(out, [&](const Sources& each) { return each.front()->informer == source.informer; });
      if (same != out.end()) same->push_back(&source);
      else out.push_back({&source});
    }
    return out;
  }

  Task<void> follow(Sources sources) {
    const auto events = sources.front()->informer->events();
    while (const auto event = co_await events->next()) {
      for (const LoopBuilder::Source* source : sources) take(*source, *event);
    }
  }

  void take(const LoopBuilder::Source& source, const informers::detail::AnyEvent& event) {
    if (source.ended && event.before && !event.after) source.ended(event.before.get());
    if (source.keys_wake && event.before) add_all(source.keys(event.before.get()));
    if (source.keys_wake && event.after) add_all(source.keys(event.after.get()));
    if (source.wakes && (event.before || event.after)) wake(source.wakes(event.before.get(), event.after.get()));
  }

  informers::Kinds& kinds() { return world_.informers.kinds(); }

  void follow_new_kinds() {
    for (const KindRef& kind : kinds().list()) {
      if (!builder_.kinds().when(*kind->resource) || !followed_.insert(kind).second) continue;
      LoopBuilder::Source source;
      source.informer = kind->metadata->any().shared_from_this();
      source.resource = kind->resource.get();
      source.keys = [this, kind](const void* object) {
        return builder_.kinds().keys(*kind, *static_cast<const MetadataView*>(object), world_);
      };
      source.ended = [this](const void* object) { loop_->ended(*static_cast<const MetadataView*>(object)); };
      if (builder_.kinds().ends_only) bring_ends_only(source);
      scope_.spawn(follow(sources_.insert(sources_.end(), std::move(source)), kind));
    }
  }

  // Nothing but the end of an object brings its keys.
  static void bring_ends_only(LoopBuilder::Source& source) {
    source.keys_wake = false;
    source.wakes = [keys = source.keys](const void* before, const void* after) {
      std::vector<LoopBuilder::Wake> out;
      if (before && !after) {
        for (ObjectKey& key : keys(before)) out.push_back({std::move(key), {}});
      }
      return out;
    };
  }

  Task<void> watch_kinds() {
    for (;;) {
      const std::uint64_t seen = kinds().version();
      follow_new_kinds();
      co_await kinds().wait_change(seen);
      if (kinds().version() == seen) co_return;  // they were stopped
    }
  }

  // Until the kind is gone.
  Task<void> follow(std::list<LoopBuilder::Source>::iterator source, KindRef kind) {
    co_await follow(Sources{&*source});
    own_writes_.forget(*source->informer);
    sources_.erase(source);
    followed_.erase(kind);
  }

  void add_all(const std::vector<ObjectKey>& keys) {
    for (const ObjectKey& key : keys) queue_.add(key);
  }

  void wake(const std::vector<LoopBuilder::Wake>& wakes) {
    for (const LoopBuilder::Wake& each : wakes) queue_.add_after(each.key, each.delay);
  }

  Task<void> beside() {
    for (Duration pause = 1s;; pause = std::min<Duration>(2 * pause, 60s)) {
      try {
        co_await loop_->run_beside();
        co_return;
      } catch (const std::exception& error) {
        log_.error("the loop's own task failed", "error", error.what());
      }
      co_await sleep_for(pause);
    }
  }

  Task<void> work() {
    while (const auto key = co_await queue_.next()) {
      if (own_writes_.settled(*key)) {
        co_await reconcile(*key);
        queue_.done(*key);
        continue;
      }
      // The key stays taken, so that no worker gets it; this worker goes on with others.
      ++stats_.held;
      metrics_.held.add();
      scope_.spawn(hold(*key));
    }
  }

  Task<void> hold(ObjectKey key) {
    for (;;) {
      try {
        co_await own_writes_.wait(key);
      } catch (const std::exception& error) {
        log_.warning("cannot find out what became of a write", "key", key, "error", error.what());
      }
      if (own_writes_.settled(key)) break;
      co_await sleep_for(1s);  // the server is away, or the informer has stopped
    }
    queue_.add(key);
    queue_.done(key);
  }

  Task<void> reconcile(ObjectKey key) {
    ++stats_.reconciles;
    std::optional<Outcome> outcome;
    try {
      outcome = co_await loop_->reconcile(key);
    } catch (const std::exception& error) {
      log_.warning("reconcile failed", "key", key, "failures", queue_.failures(key) + 1, "error", error.what());
    }
    if (!outcome) {
      ++stats_.errors;
      metrics_.failed.add();
      queue_.add_rate_limited(key);
      co_return;
    }
    if (outcome->kind() == Outcome::Kind::Again) {
      metrics_.again.add();
      queue_.add_rate_limited(key);
      co_return;
    }
    metrics_.done.add();
    queue_.forget(key);
    // What it wrote may come and go without an event, between two lists: once its writes are seen, the key is looked at.
    // (What was refused is not: the change that made the cache stale brings the key.)
    if (own_writes_.wrote(key)) queue_.add_after(key, builder_.again_after());
    if (outcome->kind() == Outcome::Kind::At) queue_.add_after(key, outcome->at() - executor_.clock().now());
    if (outcome->kind() == Outcome::Kind::After) queue_.add_after(key, outcome->delay());
  }

  const LoopEntry& entry_;
  const bool warm_;
  Log log_;
  Executor& executor_;
  LoopBuilder builder_;
  Client client_, event_client_;
  std::unique_ptr<EventRecorder> recorder_;
  std::vector<informers::detail::AnyInformer*> asked_;
  World world_;
  std::list<LoopBuilder::Source> sources_;
  std::set<KindRef> followed_;
  OwnWrites own_writes_;
  WorkQueue queue_;
  const LoopMetrics metrics_;
  std::unique_ptr<Loop> loop_;
  int workers_ = 1;
  LoopStats stats_;
  std::shared_ptr<Event> runs_ = std::make_shared<Event>();
  Scope scope_;
};

}  // namespace

struct LoopHost::Impl {
  Impl(HostParts parts, std::vector<const LoopEntry*> loops) : parts(std::move(parts)), loops(std::move(loops)) {
    if (!metrics.in) return;
    hook = metrics.in->on_scrape(this->parts.executor, [this] {
      for (const auto& loop : running) loop->show();
    });
  }

  HostParts parts;
  std::vector<const LoopEntry*> loops;
  const RuntimeMetrics metrics{parts.metrics};
  bool warm = false;
  std::vector<std::unique_ptr<Running>> running;
  ScrapeHook hook;
};

LoopHost::LoopHost(HostParts parts, std::vector<const LoopEntry*> loops)
    : impl_(std::make_unique<Impl>(std::move(parts), std::move(loops))) {}

LoopHost::~LoopHost() { stop(); }

void LoopHost::warm() {
  impl_->warm = true;
  // Making the sources asks for their informers; nothing else is kept.
  for (const LoopEntry* entry : impl_->loops) {
    LoopBuilder builder;
    entry->entry(builder);
    std::vector<informers::detail::AnyInformer*> asked;
    Client client(impl_->parts.transport(entry->name), user_agent(impl_->parts, entry->name));
    struct Silent final : EventRecorder {
      void record(core::v1::ObjectReference, std::string_view, std::string, std::string) override {}
    } silent;
    const World world{impl_->parts.executor,
                      impl_->parts.executor.clock(),
                      impl_->parts.rng,
                      client,
                      impl_->parts.informers,
                      silent,
                      impl_->parts.log,
                      &impl_->parts.options,
                      asked};
    for (const auto& make : builder.sources()) make(world);
    for (const auto& read : builder.readers()) read(world);
    if (builder.kinds().when) impl_->parts.informers.kinds().want(builder.kinds().when);
  }
}

void LoopHost::start() {
  if (running()) return;
  for (const LoopEntry* entry : impl_->loops) {
    impl_->running.push_back(std::make_unique<Running>(impl_->parts, impl_->metrics, *entry, impl_->warm));
  }
  impl_->warm = true;
}

void LoopHost::stop() { impl_->running.clear(); }

bool LoopHost::running() const { return !impl_->running.empty(); }

Task<void> LoopHost::wait_running() {
  while (running()) {
    const auto late = std::ranges::find_if(impl_->running, [](const auto& loop) { return !loop->runs(); });
    if (late == impl_->running.end()) co_return;
    const std::shared_ptr<Event> changed = (*late)->running();
    co_await changed->wait();
  }
}

bool LoopHost::idle() const {
  return std::ranges::all_of(impl_->running, [](const auto& loop) { return loop->idle(); });
}

std::optional<LoopStats> LoopHost::stats(std::string_view name) const {
  for (const auto& loop : impl_->running) {
    if (loop->entry().name == name || loop->entry().alias == name) return loop->stats();
  }
  return std::nullopt;
}

}  // namespace ph::controllers
