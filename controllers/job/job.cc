// job: runs a Job's pods to the number of successes it wants, or to its failure, and counts each of them once.
//
//   reads     batch/v1 Job, v1 Pod   informers; the Job live before its first adoption, and before pods of one that is gone go free
//   writes    v1 Pod                 create, delete (pinned to the UID), patch of owner references and of the tracking finalizer
//             batch/v1 Job           status
//             v1 Event               SuccessfulCreate, SuccessfulDelete, FailedCreate, FailedDelete, Suspended, Resumed,
//                                    Completed, TooManySucceededPods, UnknownCompletionMode; of a failure, its reason
//   upstream  pkg/controller/job
//
// What it decides is in plan.cc, how pods are counted in status.cc.
#include <algorithm>

#include "controllers/common/conditions.h"
#include "controllers/common/pod_control.h"
#include "controllers/common/same.h"
#include "controllers/job/finalizers.h"
#include "controllers/job/metrics.h"
#include "controllers/job/plan.h"

namespace ph::controllers {

using batch::v1::Job;

namespace {

// Pods that are tracked for nobody have keys of their own, which no object's name can be.
constexpr char kOrphanMark = '/';
ObjectKey orphan_key(const PodView& pod) { return {std::string(pod.namespace_name.view()), kOrphanMark + pod.name}; }

// What pods do is gathered for so long, and so is what only a Job's status says.
constexpr Duration kBatch = 1s;

std::optional<Duration> patience_of(const Job* before, const Job* after) {
  const bool is_of_status = before && after && before->metadata().generation() == after->metadata().generation() &&
                            before->metadata().uid() == after->metadata().uid() &&
                            before->metadata().has_deletion_timestamp() == after->metadata().has_deletion_timestamp();
  return is_of_status ? kBatch : Duration::zero();
}

constexpr const char* kTrackedFor = "tracked for job";
// The key of the Job that controls the pod; nothing: none does.
std::optional<ObjectKey> job_of(const PodView& pod) {
  const informers::OwnerView* owner = pod.controller();
  if (!owner || owner->kind != "Job" || !owner->api_version.view().starts_with("batch/")) return std::nullopt;
  return ObjectKey{std::string(pod.namespace_name.view()), std::string(owner->name.view())};
}

// No server takes a template whose pods the Job does not select: each would be released as soon as it is seen, and another made.
bool selects_its_pods(const Job& job) {
  return owner_selector(job.spec().selector()).matches_map(job.spec().template_().metadata().labels());
}

bool is_known_mode(const Job& job) {
  const std::string& mode = job.spec().completion_mode();
  return mode.empty() || mode == "NonIndexed" || mode == "Indexed";
}

class Jobs final : public Loop {
 public:
  explicit Jobs(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        jobs_(world.informer<Job>()),
        pods_(world.informer<PodView>()),
        control_(world.client, world.events),
        metrics_(world.metrics) {
    index_pods_by_controller(pods_);
    pods_.add_index(kTrackedFor, [](const PodView& pod) -> std::vector<std::string> {
      const auto job = pod.job_tracked ? job_of(pod) : std::nullopt;
      if (!job) return {};
      return {job->text()};
    });
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    if (key.name.starts_with(kOrphanMark)) {
      co_await let_orphan_go(std::move(key));
      co_return Outcome::done();
    }
    const Ref<Job> job = jobs_.find(key);
    co_await let_strays_go(key, job);
    if (!job || job::is_managed_elsewhere(*job) || job::has_finished(*job)) {
      backoffs_.erase(key);
      co_return Outcome::done();
    }
    if (!is_known_mode(*job)) {
      events_.warning(informers::reference_to(*job), "UnknownCompletionMode",
                      "Skipped Job sync because completion mode is unknown");
      co_return Outcome::done();
    }
    const std::optional<job::Pods> pods = co_await own_pods(*job);
    // What was adopted comes back tracked, and the key with it.
    if (!pods) co_return Outcome::done();
    const Outcome outcome = co_await advance(job, *pods);
    co_return outcome;
  }

 private:
  // The Job's pods, after pods that it no longer selects were released. Nothing: orphans that it selects were adopted.
  Task<std::optional<job::Pods>> own_pods(const Job& job) {
    Owner owner = owner_of(job);
    owner.finalizer = job::kFinalizer;
    const api::LabelSelector selector = owner_selector(job.spec().selector());
    const auto selected = [&selector](const PodView& pod) { return selector.matches(labels_of(pod)); };
    job::Pods pods =
        co_await claim_all(client_, owner, controlled_or_orphaned(pods_, owner.uid, owner.key.namespace_name), selected);
    if (std::ranges::any_of(pods, [](const Ref<PodView>& pod) { return !pod->controller(); })) co_return std::nullopt;
    co_return pods;
  }

  // Makes and deletes what is to be, counts what has ended.
  Task<Outcome> advance(Ref<Job> job, const job::Pods& pods) {
    const auto about = informers::reference_to(*job);
    job::Backoff& backoff = backoffs_[key_of(*job)];
    if (backoff.uid != job->metadata().uid()) backoff = {.uid = job->metadata().uid()};
    metrics_.ended(backoff.observe(*job, pods, clock_.now()));
    const Steady begun = clock_.steady();
    const job::Observed observed{.job = *job, .pods = pods, .backoff = backoff, .now = clock_.now()};
    const job::Plan plan = job::plan(observed);
    const Effects effects = co_await carry_out(*job, plan, about);

    const job::Count count = job::count(observed, plan, effects.done);
    Job written = co_await write_status(*job, count.status);
    for (const job::Event& event : plan.events) events_.normal(about, event.reason, event.message);
    metrics_.judged(*job, count);
    const job::Released released = co_await job::release(client_, count.release);
    metrics_.let_go(*job, count.release, released.uids);
    const job::JobStatus status = job::conclude(observed, count, released.uids);
    written = co_await write_status(std::move(written), status);
    metrics_.counted(*job, job->status(), written.status());
    if (job::has_finished(written)) tell_end(written, about, *count.verdict);

    const std::exception_ptr error = released.error ? released.error : effects.error;
    metrics_.looked_at(*job, plan, !error, clock_.steady() - begun);
    if (error) std::rethrow_exception(error);
    if (plan.look_again) co_return Outcome::again_at(*plan.look_again);
    co_return Outcome::done();
  }

  struct Effects {
    job::Done done;
    std::exception_ptr error;
  };
  Task<Effects> carry_out(const Job& job, const job::Plan& plan, const core::v1::ObjectReference& about) {
    Effects out;
    if (!plan.remove.empty()) {
      out.error = co_await remove(plan, about);
      out.done.removed = !out.error;
    }
    if (!plan.create.empty() && selects_its_pods(job)) {
      const auto pod = [&job, &plan](int i) { return job::make_pod(job, plan.create[static_cast<std::size_t>(i)]); };
      const auto failure = co_await control_.create(static_cast<int>(plan.create.size()), pod, about, &out.done.created);
      if (failure) out.error = failure->error;
    }
    co_return out;
  }

  // The first failure.
  Task<std::exception_ptr> remove(const job::Plan& plan, const core::v1::ObjectReference& about) {
    job::Pods pods = plan.remove;
    std::exception_ptr error;
    if (!plan.removed_count) {
      const job::Released released = co_await job::release(client_, pods);
      error = released.error;
      // One that is still tracked would count as failed.
      std::erase_if(pods, [&](const Ref<PodView>& pod) { return !released.uids.contains(pod->uid); });
    }
    const auto failure = co_await control_.remove(std::move(pods), about);
    co_return failure && !error ? failure->error : error;
  }

  Task<Job> write_status(Job job, job::JobStatus status) {
    if (says_same(job.status(), status)) co_return job;
    *job.mutable_status() = std::move(status);
    Job written = co_await client_.update_status<Job>(std::move(job));
    co_return written;
  }

  void tell_end(const Job& job, const core::v1::ObjectReference& about, const job::Verdict& verdict) {
    metrics_.finished(job, verdict);
    if (!verdict.success) return events_.warning(about, verdict.reason, verdict.message);
    if (job.spec().has_completions() && job.status().succeeded() > job.spec().completions()) {
      events_.warning(about, "TooManySucceededPods", "Too many succeeded pods running after completion count reached");
    }
    events_.normal(about, "Completed", "Job completed");
  }

  // -- Pods that nobody will count any more

  // Those of Jobs that had this name, and of this one when it has finished.
  Task<void> let_strays_go(const ObjectKey& key, Ref<Job> job) {
    job::Pods strays;
    bool unknown = false;
    for (const Ref<PodView>& pod : pods_.by_index(kTrackedFor, key.text())) {
      const bool known = job && job->metadata().uid() == controller_uid(*pod);
      if (known && (job::is_managed_elsewhere(*job) || !job::has_finished(*job))) continue;
      strays.push_back(pod);
      unknown |= !known;
    }
    if (strays.empty()) co_return;
    // Our copy of the Jobs may be older than that of the pods, and a pod that is let go is never counted.
    const std::optional<Job> live = unknown ? co_await client_.find<Job>(key) : std::nullopt;
    if (live && !job::has_finished(*live)) {
      std::erase_if(strays, [&](const Ref<PodView>& pod) { return controller_uid(*pod) == live->metadata().uid(); });
    }
    const job::Released released = co_await job::release(client_, std::move(strays));
    if (released.error) std::rethrow_exception(released.error);
  }

  Task<void> let_orphan_go(ObjectKey key) {
    key.name.erase(0, 1);
    const Ref<PodView> pod = pods_.find(key);
    if (pod && pod->job_tracked && !pod->controller()) co_await job::release_orphan(client_, pod);
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  Informer<Job>& jobs_;
  Informer<PodView>& pods_;
  PodControl control_;
  const job::JobMetrics metrics_;
  std::map<ObjectKey, job::Backoff> backoffs_;  // of Jobs that have not finished
};

// An orphan concerns every Job that would adopt it, and when it is tracked, itself.
LoopBuilder::Keys keys_for_orphan(const PodView& pod, const World& world) {
  LoopBuilder::Keys out;
  if (pod.controller()) return out;
  if (pod.job_tracked) out.push_back(orphan_key(pod));
  for (const Ref<Job>& job : world.informers.informer<Job>().list(pod.namespace_name.view())) {
    if (!job::has_finished(*job) && owner_selector(job->spec().selector()).matches(labels_of(pod))) out.push_back(key_of(*job));
  }
  return out;
}

}  // namespace

void job_loop(LoopBuilder& loop) {
  loop.reconciles_changes<Job>(patience_of).owns_many<Job, PodView>(kBatch).watches<PodView>(keys_for_orphan).with<Jobs>();
}

}  // namespace ph::controllers
