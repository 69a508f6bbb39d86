// Reflector: keeps a Copy up to date with lists and watches. The rules are in docs/informers.md, "How it reads".
#pragma once

#include <exception>
#include <map>

#include "informers/copy.h"
#include "informers/informer.h"
#include "informers/live_state.h"
#include "informers/metrics.h"

namespace ph::informers::detail {

// client-go's: 0.8 s doubling to 30 s, each with up to its own length on top.
class Backoff {
 public:
  explicit Backoff(Rng& rng) : rng_(rng) {}
  Duration next();
  void reset() { delay_ = kFirst; }

 private:
  static constexpr Duration kFirst = 800ms, kLongest = 30s;
  Rng& rng_;
  Duration delay_ = kFirst;
};

class Reflector final : public AnyInformer {
 public:
  // All references must outlive it.
  Reflector(Executor& executor, Client& client, Rng& rng, Log log, Informers::Stats& stats, Decoder decoder,
            InformerSeries series = {});
  ~Reflector() override;

  void start();
  // For good: the copy stays as it is, and whoever waits goes on.
  void stop();
  bool stopped() const { return stopped_; }
  // Sets the gauges; the counters are kept as things happen.
  void show() const;

  AnyRef find(const ObjectKey& key) const override { return copy_.find(key); }
  std::vector<AnyRef> list(std::string_view namespace_name) const override { return copy_.list(namespace_name); }
  std::vector<AnyRef> by_index(std::string_view index, std::string_view value) const override {
    return copy_.by_index(index, value);
  }
  std::size_t count(std::string_view index, std::string_view value) const override { return copy_.count(index, value); }
  void add_index(std::string name, std::function<std::vector<std::string>(const void*)> values) override {
    copy_.add_index(std::move(name), std::move(values));
  }
  std::unique_ptr<AnyStream> events() override;
  bool synced() const override { return synced_; }
  Task<void> wait_synced() override;
  Revision revision() const override { return revision_; }
  Task<void> wait_for(Revision least) override;
  Task<void> catch_up() override;
  std::size_t size() const override { return copy_.size(); }
  const Decoder& decoder() const override { return *decoder_; }
  Client& client() override { return client_; }

 private:
  // What somebody waits for who wants to know what the server has.
  struct Look {
    LiveState state;
    std::exception_ptr error;
    ph::Event done;
  };

  Task<void> run();
  Task<void> look();
  Task<void> list_once();
  Task<void> watch_once();
  // What to wait before the next try; throws nothing.
  Duration after_error(const api::ApiError& error);
  Duration after_failure(const char* what);
  ListOptions selection() const;
  void apply(const RawEvent& event);
  void complete(Objects objects, Revision revision);
  void advance(Revision revision);

  Executor& executor_;
  Client& client_;
  Rng& rng_;
  Log log_;
  Informers::Stats& stats_;
  const InformerSeries series_;
  std::shared_ptr<const Decoder> decoder_;
  Copy copy_;
  Backoff backoff_;

  Revision revision_;
  bool synced_ = false, stopped_ = false;
  bool must_read_ = true;      // the next thing is a complete state
  bool from_anywhere_ = true;  // … of whatever revision: there is none to go on from
  bool streams_lists_ = true;  // the server has not refused `sendInitialEvents`
  bool healthy_ = false;       // something was delivered since the last error
  Steady heard_{};             // when the server last said anything
  ph::Event synced_event_;
  std::multimap<Revision, ph::Event*> waiting_;
  std::shared_ptr<Look> look_, next_look_;  // the one that has begun, and the one that has not
  bool looking_ = false;
  Scope scope_;
};

}  // namespace ph::informers::detail
