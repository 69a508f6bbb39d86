// The recorder: which events become writes (correlation), and the task that writes them.
#include "informers/recorder.h"

#include <nlohmann/json.hpp>

#include "api/times.h"
#include "base/sync.h"
#include "informers/correlator.h"

namespace ph::informers {
namespace {

using core::v1::Event;

constexpr std::size_t kQueueMax = 1000;
constexpr int kTriesMax = 12;
constexpr Duration kRetryDelay = 10s;

class Recorder final : public EventRecorder {
 public:
  Recorder(Executor& executor, Client& client, Rng& rng, std::string component, std::string host, Log log)
      : executor_(executor),
        client_(client),
        rng_(rng),
        component_(std::move(component)),
        host_(std::move(host)),
        log_(std::move(log)),
        scope_(executor) {
    scope_.spawn(write_all());
  }

  void record(core::v1::ObjectReference about, std::string_view type, std::string reason, std::string message) override {
    // People can do without the thousandth event that waits for an absent server.
    if (queue_.size() >= kQueueMax) return;
    const Time now = executor_.clock().now();
    Event event;
    auto* metadata = event.mutable_metadata();
    metadata->set_namespace_(about.namespace_().empty() ? "default" : about.namespace_());
    metadata->set_name(fresh_name(about.name(), now));
    *event.mutable_involved_object() = std::move(about);
    event.set_type(std::string(type));
    event.set_reason(std::move(reason));
    event.set_message(std::move(message));
    event.mutable_source()->set_component(component_);
    event.mutable_source()->set_host(host_);
    event.set_reporting_component(component_);
    event.set_reporting_instance(host_);
    event.set_count(1);
    api::set_time(event.mutable_first_timestamp(), now);
    api::set_time(event.mutable_last_timestamp(), now);
    queue_.push(std::move(event));
  }

 private:
  // `<object>.<hex of time>`; two of one instant differ.
  std::string fresh_name(std::string_view object, Time now) {
    last_stamp_ = std::max(last_stamp_ + 1, static_cast<std::uint64_t>(now.time_since_epoch().count()));
    return fmt::format("{}.{:x}", object, last_stamp_);
  }

  Task<void> write_all() {
    while (auto event = co_await queue_.next()) {
      Correlated write = correlator_.correlate(std::move(*event), executor_.clock().now());
      if (write.suppressed) continue;
      for (int tries = 1;; ++tries) {
        if (co_await written(write)) break;
        if (tries == kTriesMax) {
          log_.warning("event was not written", "object", write.event.involved_object().name(), "reason", write.event.reason());
          break;
        }
        const double part = tries == 1 ? rng_.fraction() : 1.0;
        co_await sleep_for(Duration(static_cast<Duration::rep>(part * static_cast<double>(kRetryDelay.count()))));
      }
    }
  }

  // Whether there is nothing more to do: done, or refused for good.
  Task<bool> written(Correlated& write) {
    const std::string object = write.event.involved_object().name();
    try {
      if (write.counts_up) {
        const bool found = co_await patched(write.event);
        if (found) co_return true;
        write.counts_up = false;  // the event has expired: it is written anew
      }
      Event event = write.event;
      event.mutable_metadata()->clear_resource_version();
      write.event = co_await client_.create<Event>(std::move(event));
      correlator_.stored(write);
      co_return true;
    } catch (const api::ApiError& error) {
      if (error.is("AlreadyExists")) {
        // Another component's event about the object, of the same instant.
        write.event.mutable_metadata()->set_name(fresh_name(object, executor_.clock().now()));
        co_return false;
      }
      log_.debug("event was refused", "object", object, "reason", write.event.reason(), "error", error.what());
      co_return true;
    } catch (const std::exception& error) {
      log_.debug("event could not be sent", "object", object, "error", error.what());
      co_return false;
    }
  }

  Task<bool> patched(const Event& event) {
    const nlohmann::json patch = {{"count", event.count()},
                                  {"lastTimestamp", api::rfc3339(api::to_time(event.last_timestamp()))},
                                  {"message", event.message()}};
    const Patched patched = co_await client_.try_patch<Event>(key_of(event), Patch::strategic(patch.dump()));
    co_return patched == Patched::Yes;
  }

  Executor& executor_;
  Client& client_;
  Rng& rng_;
  const std::string component_, host_;
  Log log_;
  std::uint64_t last_stamp_ = 0;
  EventCorrelator correlator_;
  Channel<Event> queue_;
  Scope scope_;
};

}  // namespace

std::unique_ptr<EventRecorder> event_recorder(Executor& executor, Client& client, Rng& rng, std::string component,
                                              std::string host, Log log) {
  return std::make_unique<Recorder>(executor, client, rng, std::move(component), std::move(host), std::move(log));
}

core::v1::ObjectReference reference_to(const google::protobuf::Message& object) {
  core::v1::ObjectReference out;
  if (const auto& kind = api::schema_of(object).kind) {
    out.set_kind(kind->kind);
    out.set_api_version(kind->api_version());
  }
  const meta::v1::ObjectMeta& metadata = api::metadata(object);
  out.set_namespace_(metadata.namespace_());
  out.set_name(metadata.name());
  out.set_uid(metadata.uid());
  out.set_resource_version(metadata.resource_version());
  return out;
}

}  // namespace ph::informers
