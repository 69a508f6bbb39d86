#include "election/lease_election.h"

#include <atomic>
#include <stdexcept>

#include "api/codec.h"
#include "base/sync.h"
#include "election/elector.h"
#include "election/metrics.h"
#include "election/reconnecting.h"
#include "informers/client.h"
#include "informers/recorder.h"
#include "informers/request.h"

namespace ph::election {
namespace {

using coordination::v1::Lease;

ElectorConfig config_of(const ElectionParts& parts, const ElectionOptions& options) {
  const std::vector<std::string> wrong = problems(options);
  if (!wrong.empty()) throw std::invalid_argument(wrong.front());
  if (parts.identity.empty()) throw std::invalid_argument("lock identity is empty");
  return {.lease = {options.resource_namespace, options.resource_name},
          .identity = parts.identity,
          .lease_duration = options.lease_duration,
          .renew_deadline = options.renew_deadline,
          .retry_period = options.retry_period,
          .attempt_timeout = options.attempt_timeout(),
          .release = options.release_on_exit};
}

std::shared_ptr<const Term> term_of(const Lease& lease) {
  const api::Fence fence = api::fence_of(lease);
  return std::make_shared<Term>(
      Term{fence, api::fence_text(fence), informers::parse_revision(lease.metadata().resource_version())});
}

// What an answer that is no success means to the elector.
Answer answer_of(const api::ApiError& error) {
  if (error.code() == 404) return Answer::NotFound;
  if (error.code() == 409) return Answer::Conflict;
  return Answer::Error;
}

}  // namespace

struct LeaseElection::Impl {
  Impl(ElectionParts given, ElectionOptions given_options, ElectionCallbacks given_callbacks)
      : parts(std::move(given)),
        options(std::move(given_options)),
        callbacks(std::move(given_callbacks)),
        config(config_of(parts, options)),
        log(parts.log.named("election")),
        elector(config, parts.rng),
        transport(parts.connect),
        client(transport, parts.user_agent),
        recorder(informers::event_recorder(parts.executor, client, parts.rng, parts.component, "", log)),
        requests(parts.executor),
        watches(parts.executor),
        others(parts.executor) {
    if (parts.metrics != nullptr) show(*parts.metrics);
  }

  ~Impl() {
    *withdrawn = true;
    parts.leadership->end();
    parts.executor.cancel(timer);
    others.cancel();
    watches.cancel();
    requests.cancel();
  }

  void show(Metrics& metrics) {
    const ElectionMetrics families{&metrics};
    const std::string& name = options.resource_name;
    const auto update = [this, status = families.master_status.with({name}), slow_paths = families.slowpath.with({name}),
                         refused = families.refused.with({name})] {
      status.set(parts.leadership->leading() ? 1 : 0);
      slow_paths.set(static_cast<double>(elector.slow_paths()));
      refused.set(static_cast<double>(parts.leadership->refused_writes()));
    };
    update();
    metrics_hook = metrics.on_scrape(parts.executor, update);
  }

  Moment now() const { return {parts.executor.clock().steady(), parts.executor.clock().now()}; }

  void apply(Acts acts) {
    for (Act& act : acts) carry_out(std::move(act));
    arm();
  }

  void arm() {
    parts.executor.cancel(std::exchange(timer, 0));
    const auto at = elector.wake_at();
    if (!at) return;
    timer = parts.executor.run_at(*at, [this] {
      timer = 0;
      apply(elector.wake(now()));
    });
  }

  void carry_out(Act act) {
    switch (act.kind) {
      case Act::Kind::Get:
      case Act::Kind::Create:
      case Act::Kind::Update:
      case Act::Kind::Release:
        ++stats.requests;
        requests.spawn(request(act.kind, std::move(act.lease)));
        break;
      case Act::Kind::Abandon:
        ++stats.abandoned;
        requests.cancel();
        reconnect();
        break;
      case Act::Kind::Begin: begin(act.lease, act.until); break;
      case Act::Kind::Extend:
        ++stats.renewals;
        parts.leadership->extend(act.until);
        break;
      case Act::Kind::Doubt:
        log.warning("the lease is gone; it is made anew", "lease", config.lease);
        parts.leadership->doubt();
        break;
      case Act::Kind::End: end(act.text); break;
      case Act::Kind::NewLeader:
        log.info("new leader elected", "lease", config.lease, "identity", act.text);
        if (callbacks.new_leader) tell([call = callbacks.new_leader, who = std::move(act.text)] { call(who); });
        break;
      case Act::Kind::Finished: others.spawn(wind_up()); break;
    }
  }

  // -- Requests

  Task<void> request(Act::Kind kind, Lease lease) {
    std::optional<Lease> stored;
    Answer answer = Answer::NotFound;
    try {
      if (kind == Act::Kind::Get) {
        stored = co_await client.find<Lease>(config.lease);
      } else if (kind == Act::Kind::Create) {
        stored = co_await client.create<Lease>(std::move(lease));
      } else {
        stored = co_await client.update<Lease>(std::move(lease));
      }
      if (stored) answer = Answer::Ok;
    } catch (const api::ApiError& error) {
      answer = answer_of(error);
      log.info("the lease was not had", "lease", config.lease, "verb", name_of(kind), "error", error.what());
    } catch (const std::exception& error) {
      answer = Answer::Error;
      transport.give_up();
      log.warning("the lease could not be asked for", "lease", config.lease, "verb", name_of(kind), "error", error.what());
    }
    apply(elector.answered(now(), answer, stored ? &*stored : nullptr));
  }

  // Nothing that hangs on the connection is worth waiting for. The watch may be what is running now: its end comes later.
  void reconnect() {
    log.info("a request about the lease is given up, with its connection", "lease", config.lease);
    transport.give_up();
    others.spawn([](Impl& self) -> Task<void> {
      self.watches.cancel();
      self.watches.spawn(self.watch());
      co_return;
    }(*this));
  }

  Task<void> watch() {
    for (;;) {
      try {
        co_await watch_once();
      } catch (const std::exception& error) {
        // The elector asks every retry period anyway.
        log.debug("the lease cannot be watched", "lease", config.lease, "error", error.what());
      }
      co_await sleep_for(options.retry_period);
    }
  }

  Task<void> watch_once() {
    informers::ListOptions selection;
    selection.namespace_name = config.lease.namespace_name;
    selection.field_selector = "metadata.name=" + config.lease.name;
    const api::Resource& leases = *api::Scheme::builtin().resource(api::schema_of<Lease>());
    const auto events = co_await client.watch(leases, selection, false, false);
    while (const auto event = co_await events->next()) {
      if (event->type == "ERROR") co_return;
      if (event->type == "DELETED") apply(elector.observed_gone(now()));
      if (event->type != "ADDED" && event->type != "MODIFIED") continue;
      Lease lease;
      api::decode_protobuf(event->object, lease);
      apply(elector.observed(now(), lease));
    }
  }

  // -- Terms

  void begin(const Lease& lease, Steady until) {
    parts.leadership->begin(term_of(lease), until);
    reference = informers::reference_to(lease);
    if (std::exchange(leads, true)) return;  // the lease was deleted, and is ours again
    ++stats.terms;
    log.info("became leader", "lease", config.lease, "transitions", lease.spec().lease_transitions());
    recorder->normal(reference, "LeaderElection", parts.identity + " became leader");
    if (callbacks.started_leading) tell(callbacks.started_leading);
  }

  void end(const std::string& why) {
    PH_ASSERT(leads);
    leads = false;
    parts.leadership->end();
    log.warning("stopped leading", "lease", config.lease, "why", why);
    recorder->normal(reference, "LeaderElection", parts.identity + " stopped leading");
    others.spawn(end_work());
  }

  Task<void> end_work() {
    if (callbacks.stopped_leading) {
      const Completion<bool> done;
      tell(callbacks.stopped_leading, [done] { done.set(true); });
      co_await done.get();
    }
    apply(elector.ended(now()));
  }

  // Runs `call` where the daemon wants it, unless the election is destroyed before; then `after`, in any case.
  void tell(std::function<void()> call, std::function<void()> after = {}) {
    callbacks.on->post([call = std::move(call), after = std::move(after), withdrawn = withdrawn] {
      if (!*withdrawn) call();
      if (after) after();
    });
  }

  Task<void> wind_up() {
    watches.cancel();
    finished.set();
    co_return;
  }

  ElectionParts parts;
  ElectionOptions options;
  ElectionCallbacks callbacks;
  const ElectorConfig config;
  Log log;
  Elector elector;
  Reconnecting transport;
  informers::Client client;
  std::unique_ptr<informers::EventRecorder> recorder;
  core::v1::ObjectReference reference;  // to the lease of the present term
  bool leads = false;                   // between `begin` and `end`
  ElectionStats stats;
  ScrapeHook metrics_hook;
  TimerId timer = 0;
  ph::Event finished;
  std::shared_ptr<std::atomic<bool>> withdrawn = std::make_shared<std::atomic<bool>>(false);
  Scope requests, watches, others;
};

LeaseElection::LeaseElection(ElectionParts parts, ElectionOptions options, ElectionCallbacks callbacks)
    : impl_(std::make_unique<Impl>(std::move(parts), std::move(options), std::move(callbacks))) {}

LeaseElection::~LeaseElection() = default;

void LeaseElection::start() {
  impl_->apply(impl_->elector.start(impl_->now()));
  impl_->watches.spawn(impl_->watch());
}

Task<void> LeaseElection::stop() {
  impl_->apply(impl_->elector.stop(impl_->now()));
  co_await impl_->finished.wait();
}

ElectionStats LeaseElection::stats() const {
  ElectionStats out = impl_->stats;
  out.slow_paths = impl_->elector.slow_paths();
  out.connections = impl_->transport.connections();
  return out;
}

}  // namespace ph::election
