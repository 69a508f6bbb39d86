// ttl-after-finished: deletes a Job `ttlSecondsAfterFinished` seconds after it finished.
//
//   reads     batch/v1 Job     informer, and one live read before the delete
//   writes    batch/v1 Job     delete: foreground, pinned to the UID and revision that were judged
//   upstream  pkg/controller/ttlafterfinished
#include "controllers/ttl_after_finished/ttl_after_finished.h"

#include "api/saturating.h"
#include "api/times.h"
#include "base/metrics.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {

using batch::v1::Job;

std::optional<Time> expiry(const Job& job) {
  if (job.metadata().has_deletion_timestamp()) return std::nullopt;
  if (!job.spec().has_ttl_seconds_after_finished()) return std::nullopt;
  for (const auto& c : job.status().conditions()) {
    const bool finished = c.type() == "Complete" || c.type() == "Failed";
    if (!finished || c.status() != "True") continue;
    // Without its time nobody knows how long ago that was: the Job stays.
    if (api::is_zero(c.last_transition_time())) return std::nullopt;
    return api::later(api::to_time(c.last_transition_time()), std::chrono::seconds(job.spec().ttl_seconds_after_finished()));
  }
  return std::nullopt;
}

namespace {

struct TtlFamilies {
  Metrics* in = nullptr;

  Histogram late = single<Histogram>(in, {Stability::Alpha,
                                          "ttl_after_finished_controller_job_deletion_duration_seconds",
                                          "How long after their time jobs were deleted.",
                                          {},
                                          exponential_buckets(0.1, 2, 14)});
};

bool can_expire(const Job& job) { return expiry(job).has_value(); }

class TtlAfterFinished final : public Loop {
 public:
  explicit TtlAfterFinished(const World& world)
      : client_(world.client), clock_(world.clock), log_(world.log), jobs_(world.informer<Job>()), metrics_{world.metrics} {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<Job> cached = jobs_.find(key);
    const auto due = cached ? expiry(*cached) : std::nullopt;
    if (!due) co_return Outcome::done();
    if (*due > clock_.now()) co_return Outcome::again_at(*due);

    // The cache may lag behind a user who has just raised the TTL, and a delete cannot be undone: judge the live object, and
    // delete only what was judged.
    const std::optional<Job> live = co_await client_.find<Job>(key);
    const auto still_due = live ? expiry(*live) : std::nullopt;
    if (!still_due) co_return Outcome::done();
    if (*still_due > clock_.now()) co_return Outcome::again_at(*still_due);

    DeleteOptions options = DeleteOptions::foreground(live->metadata().uid());
    options.resource_version = live->metadata().resource_version();
    const Removed removed = co_await client_.remove<Job>(key, options);
    if (removed == Removed::Changed) co_return Outcome::again();
    if (removed == Removed::Yes) {
      metrics_.late.observe(api::elapsed(*still_due, clock_.now()));
      log_.info("job deleted", "job", key, "due", api::rfc3339(*still_due));
    }
    co_return Outcome::done();
  }

 private:
  Client& client_;
  const Clock& clock_;
  const Log log_;
  Informer<Job>& jobs_;
  const TtlFamilies metrics_;
};

}  // namespace

void ttl_after_finished(LoopBuilder& loop) { loop.reconciles<Job>(can_expire).with<TtlAfterFinished>(); }

}  // namespace ph::controllers
