// The recorder of events.k8s.io/v1: series instead of counts and aggregates. Upstream: client-go tools/events
#include <fmt/format.h>

#include <list>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "api/errors.h"
#include "api/kinds.h"
#include "api/times.h"
#include "base/sync.h"
#include "informers/recorder.h"

namespace ph::informers {
namespace {

using events::v1::Event;

constexpr std::size_t kQueueMax = 1000;
constexpr std::size_t kRememberedMax = 4096;
constexpr int kTriesMax = 12;
constexpr Duration kRetryDelay = 10s;
constexpr Duration kSeriesEnds = 6min;  // when nothing has been added for so long
constexpr int kLooksPerRefresh = 5;     // a series that goes on is written every half hour

// Events of one key are one event that happens again.
std::string key_of_series(const Event& event) {
  std::string out = fmt::format("{}\n{}\n{}\n{}\n{}\n", event.type(), event.action(), event.reason(),
                                event.reporting_controller(), event.reporting_instance());
  out += event.regarding().SerializeAsString();
  out += '\n';
  if (event.has_related()) out += event.related().SerializeAsString();
  return out;
}

class SeriesRecorder final : public EventRecorder {
 public:
  SeriesRecorder(Executor& executor, Client& client, std::string controller, std::string instance, Log log)
      : executor_(executor),
        client_(client),
        controller_(std::move(controller)),
        instance_(std::move(instance)),
        log_(std::move(log)),
        scope_(executor) {
    scope_.spawn(write_all());
  }

  void record(core::v1::ObjectReference about, std::string_view type, std::string reason, std::string message) override {
    std::string action = reason;
    report({.about = std::move(about),
            .type = type,
            .reason = std::move(reason),
            .action = std::move(action),
            .note = std::move(message)});
  }

  void report(Happening what) override {
    // People can do without the thousandth event that waits for an absent server.
    if (queue_.size() >= kQueueMax) return;
    const Time now = executor_.clock().now();
    Event event;
    auto* metadata = event.mutable_metadata();
    metadata->set_namespace_(what.about.namespace_().empty() ? "default" : what.about.namespace_());
    metadata->set_name(fresh_name(what.about.name(), now));
    api::set_time(event.mutable_event_time(), now);
    event.set_reporting_controller(controller_);
    event.set_reporting_instance(instance_);
    event.set_action(std::move(what.action));
    event.set_reason(std::move(what.reason));
    *event.mutable_regarding() = std::move(what.about);
    if (what.related) *event.mutable_related() = *std::move(what.related);
    event.set_note(std::move(what.note));
    event.set_type(std::string(what.type));

    const std::string key = key_of_series(event);
    if (const auto known = by_key_.find(key); known != by_key_.end()) return count_up(known->second, now);
    remember(key, event);
    queue_.push(std::move(event));
  }

 private:
  struct Remembered {
    std::string key;
    Event event;
  };
  using Memory = std::list<Remembered>;

  // `<object>.<hex of time>`; two of one instant differ.
  std::string fresh_name(std::string_view object, Time now) {
    last_stamp_ = std::max(last_stamp_ + 1, static_cast<std::uint64_t>(now.time_since_epoch().count()));
    return fmt::format("{}.{:x}", object, last_stamp_);
  }

  void remember(const std::string& key, const Event& event) {
    memory_.push_front({key, event});
    by_key_.emplace(key, memory_.begin());
    if (memory_.size() > kRememberedMax) forget(std::prev(memory_.end()));
    if (!tends_) {
      tends_ = true;
      scope_.spawn(tend());
    }
  }

  Memory::iterator forget(Memory::iterator which) {
    by_key_.erase(which->key);
    return memory_.erase(which);
  }

  // The second time is written at once, what follows when the series is looked at.
  void count_up(Memory::iterator which, Time now) {
    memory_.splice(memory_.begin(), memory_, which);
    Event& event = which->event;
    const bool first = !event.has_series();
    event.mutable_series()->set_count(first ? 2 : event.series().count() + 1);
    api::set_time(event.mutable_series()->mutable_last_observed_time(), now);
    if (first) queue_.push(event);
  }

  // Ends what nothing has been added to for a while, as long as anything is remembered.
  Task<void> tend() {
    for (int looks = 1; !memory_.empty(); ++looks) {
      co_await sleep_for(kSeriesEnds);
      const Time over = executor_.clock().now() - kSeriesEnds;
      for (auto at = memory_.begin(); at != memory_.end();) {
        const Event& event = at->event;
        const bool series = event.has_series();
        const bool ended = api::to_time(series ? event.series().last_observed_time() : event.event_time()) < over;
        if (series && (ended || looks % kLooksPerRefresh == 0)) queue_.push(event);
        at = ended ? forget(at) : std::next(at);
      }
    }
    tends_ = false;
  }

  Task<void> write_all() {
    while (const auto event = co_await queue_.next()) {
      for (int tries = 1;; ++tries) {
        if (co_await written(*event)) break;
        if (tries == kTriesMax) {
          log_.warning("event was not written", "object", event->regarding().name(), "reason", event->reason());
          break;
        }
        co_await sleep_for(kRetryDelay);
      }
    }
  }

  // Whether there is nothing more to do: done, or refused for good.
  Task<bool> written(const Event& event) {
    try {
      if (event.has_series()) {
        const nlohmann::json patch = {
            {"series",
             {{"count", event.series().count()},
              {"lastObservedTime", api::rfc3339_micro(api::to_time(event.series().last_observed_time()))}}}};
        const Patched patched = co_await client_.try_patch<Event>(key_of(event), Patch::strategic(patch.dump()));
        if (patched == Patched::Yes) co_return true;
      }
      Event made = event;
      co_await client_.create<Event>(std::move(made));
      co_return true;
    } catch (const api::ApiError& error) {
      log_.debug("event was refused", "object", event.regarding().name(), "reason", event.reason(), "error", error.what());
      co_return true;
    } catch (const std::exception& error) {
      log_.debug("event could not be sent", "object", event.regarding().name(), "error", error.what());
      co_return false;
    }
  }

  Executor& executor_;
  Client& client_;
  const std::string controller_, instance_;
  Log log_;
  std::uint64_t last_stamp_ = 0;
  Memory memory_;  // the last that happened first
  std::unordered_map<std::string, Memory::iterator> by_key_;
  bool tends_ = false;
  Channel<Event> queue_;
  Scope scope_;
};

}  // namespace

std::unique_ptr<EventRecorder> series_recorder(Executor& executor, Client& client, std::string controller, std::string instance,
                                               Log log) {
  return std::make_unique<SeriesRecorder>(executor, client, std::move(controller), std::move(instance), std::move(log));
}

}  // namespace ph::informers
