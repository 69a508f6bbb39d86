// horizontalpodautoscaling: gives workloads as many replicas as their metrics ask for.
//
//   reads     autoscaling/v2 HorizontalPodAutoscaler, v1 Pod (views)   informers; discovery, scales and metrics live, through the API
//   writes    the scale sub-resource of any kind                       update, pinned to what was judged
//             autoscaling/v2 HorizontalPodAutoscaler                   status
//             v1 Event                                                 SuccessfulRescale, FailedRescale, FailedGetScale, and why a
//                                                                      metric says nothing
//   upstream  pkg/controller/podautoscaler
//
// An autoscaler is looked at once in a period, whatever happens to it, and for the first time a period after it was seen.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/times.h"
#include "controllers/common/pods.h"
#include "controllers/horizontal_pod_autoscaler/measuring.h"
#include "controllers/horizontal_pod_autoscaler/metrics.h"
#include "controllers/horizontal_pod_autoscaler/pace.h"
#include "controllers/horizontal_pod_autoscaler/status.h"
#include "controllers/horizontal_pod_autoscaler/targets.h"
#include "controllers/runtime/options.h"

namespace ph::controllers {
namespace {

namespace hpa = horizontal_pod_autoscaler;
using autoscaling::v1::Scale;
using hpa::HorizontalPodAutoscaler;
using hpa::HorizontalPodAutoscalerStatus;

// What is wanted of a workload, and why.
struct Wish {
  std::int32_t replicas = 0;
  std::string reason;   // of the event about it
  bool known = true;    // false: nothing can be told, and nothing is done
  std::string failure;  // what went wrong, be anything known or not
  std::optional<google::protobuf::RepeatedPtrField<autoscaling::v2::MetricStatus>> metrics;  // where they were asked
};

class HorizontalPodAutoscaling final : public Loop {
 public:
  explicit HorizontalPodAutoscaling(const World& world)
      : clock_(world.clock),
        events_(world.events),
        client_(world.client),
        log_(world.log),
        options_(world.options->autoscaler),
        autoscalers_(world.informer<HorizontalPodAutoscaler>()),
        pods_(world.informer<PodView>()),
        targets_(world.client, world.clock),
        measuring_(world.client, world.clock, targets_),
        metrics_{world.metrics} {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<HorizontalPodAutoscaler> autoscaler = autoscalers_.find(key);
    if (!autoscaler) {
      known_.erase(key);
      co_return Outcome::done();
    }
    Known& known = known_.try_emplace(key, Known{.due = clock_.steady() + options_.sync_period}).first->second;
    if (const Duration early = known.due - clock_.steady(); early > Duration::zero()) co_return Outcome::again_after(early);
    known.due = clock_.steady() + options_.sync_period;
    const Steady begun = clock_.steady();
    const std::int32_t before = autoscaler->status().desired_replicas();
    const Done done = co_await look_at(*autoscaler);
    const std::string_view action = done.scaled ? hpa::action_text(done.before, done.after) : "none";
    const std::string_view error = done.failure.empty() ? "none" : "internal";
    if (!done.failure.empty()) log_.debug("autoscaler", "key", key, "was", before, "failure", done.failure);
    metrics_.reconciliations.with({action, error}).add();
    metrics_.duration.with({action, error}).observe(clock_.steady() - begun);
    const auto still = known_.find(key);
    co_return Outcome::again_after(still == known_.end() ? options_.sync_period : still->second.due - clock_.steady());
  }

 private:
  // What is remembered of an autoscaler as long as it is there.
  struct Known {
    Steady due{};
    hpa::History history;
    std::optional<api::LabelSelector> selector;  // of its workload's pods, when it was last seen
  };
  struct Done {
    bool scaled = false;
    std::int32_t before = 0, after = 0;
    std::string failure;
  };

  Task<Done> look_at(HorizontalPodAutoscaler autoscaler) {
    HorizontalPodAutoscalerStatus status = autoscaler.status();
    const auto& ref = autoscaler.spec().scale_target_ref();
    std::string group;
    std::string failure = parse_group(ref.api_version(), group);
    std::expected<hpa::Target, std::string> target = std::unexpected(failure);
    if (failure.empty()) target = co_await targets_.find(group, ref.kind());
    std::expected<Scale, std::string> scale = std::unexpected(target ? std::string() : target.error());
    if (target) scale = co_await targets_.scale(*target, autoscaler.metadata().namespace_(), ref.name());
    if (!scale) {
      events_.warning(informers::reference_to(autoscaler), "FailedGetScale", scale.error());
      set(status, "AbleToScale", false, "FailedGetScale",
          "the HPA controller was unable to get the target's current scale: " + scale.error());
      co_await write(autoscaler, std::move(status));
      co_return Done{.failure = scale.error()};
    }
    set(status, "AbleToScale", true, "SucceededGetScale", "the HPA controller was able to get the target's current scale");

    const std::int32_t current = scale->spec().replicas();
    Wish wish = co_await wish_for(autoscaler, *scale, status);
    if (!wish.known) {
      show(status, current, status.desired_replicas(), wish);
      co_await write(autoscaler, std::move(status));
      events_.warning(informers::reference_to(autoscaler), "FailedComputeMetricsReplicas", wish.failure);
      co_return Done{.failure = wish.failure};
    }
    if (wish.replicas != current) {
      const std::string refusal = co_await rescale(autoscaler, *target, *scale, wish, status);
      if (!refusal.empty()) {
        show(status, current, status.desired_replicas(), wish);
        co_await write(autoscaler, std::move(status));
        co_return Done{.failure = refusal};
      }
      api::set_time(status.mutable_last_scale_time(), clock_.now());
    }
    show(status, current, wish.replicas, wish);
    co_await write(autoscaler, std::move(status));
    co_return Done{wish.replicas != current, current, wish.replicas, wish.failure};
  }

  // Of an API version, which may be one that is none.
  static std::string parse_group(const std::string& api_version, std::string& group) {
    const auto slashes = std::ranges::count(api_version, '/');
    if (slashes > 1) return "unexpected GroupVersion string: " + api_version;
    group = slashes == 0 ? std::string() : api_version.substr(0, api_version.find('/'));
    return {};
  }

  Task<Wish> wish_for(HorizontalPodAutoscaler autoscaler, Scale scale, HorizontalPodAutoscalerStatus& status) {
    const hpa::Range range = hpa::range_of(autoscaler);
    const std::int32_t current = scale.spec().replicas();
    hpa::History& history = known_[key_of(autoscaler)].history;
    if (history.is_new()) history.proposed.push_back({current, clock_.steady()});
    if (current == 0 && range.least != 0) {
      set(status, "ScalingActive", false, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero");
      co_return Wish{.replicas = 0};
    }
    if (current > range.most) {
      co_return Wish{.replicas = range.most, .reason = "Current number of replicas above Spec.MaxReplicas"};
    }
    if (current < range.least) {
      co_return Wish{.replicas = range.least, .reason = "Current number of replicas below Spec.MinReplicas"};
    }
    co_return co_await wish_by_metrics(std::move(autoscaler), std::move(scale), status);
  }

  Task<Wish> wish_by_metrics(HorizontalPodAutoscaler autoscaler, Scale scale, HorizontalPodAutoscalerStatus& status) {
    Wish out;
    hpa::Pods pods;
    if (out.failure = select_pods(autoscaler, scale, pods, status); !out.failure.empty()) {
      out.known = false;
      out.metrics.emplace();
      co_return out;
    }
    const std::vector<hpa::Judgement> judgements = co_await judge_all(autoscaler, scale, pods);
    out.metrics.emplace();
    for (const hpa::Judgement& each : judgements) *out.metrics->Add() = each.status;
    const std::int32_t current = scale.spec().replicas();
    const hpa::Verdict verdict = hpa::verdict(judgements, current);
    set(status, "ScalingActive", verdict.valid, verdict.reason, verdict.message);
    out.failure = verdict.failure;
    out.known = verdict.valid;
    if (!verdict.valid) co_return out;

    const std::int32_t proposed = std::max(verdict.replicas, 0);
    // A proposal of none gives no metric the blame.
    if (proposed > current) out.reason = (proposed > 0 ? verdict.name : std::string()) + " above target";
    if (proposed < current) out.reason = "All metrics below target";
    const hpa::Paced paced = hpa::pace(autoscaler, known_[key_of(autoscaler)].history, current, proposed,
                                       options_.downscale_stabilization, clock_.steady());
    set(status, "AbleToScale", true, paced.able_reason, paced.able_message);
    set(status, "ScalingLimited", paced.limited, paced.limited_reason, paced.limited_message);
    out.replicas = paced.replicas;
    co_return out;
  }

  // The workload's pods, or why they cannot be told.
  std::string select_pods(const HorizontalPodAutoscaler& autoscaler, const Scale& scale, hpa::Pods& pods,
                          HorizontalPodAutoscalerStatus& status) {
    const auto about = informers::reference_to(autoscaler);
    const std::string& text = scale.status().selector();
    if (text.empty()) {
      events_.warning(about, "SelectorRequired", "selector is required");
      set(status, "ScalingActive", false, "InvalidSelector", "the HPA target's scale is missing a selector");
      return "selector is required";
    }
    std::optional<api::LabelSelector> selector;
    try {
      selector = api::LabelSelector::parse(text);
    } catch (const api::DecodeError& error) {
      const std::string why =
          fmt::format("couldn't convert selector into a corresponding internal selector object: {}", error.what());
      events_.warning(about, "InvalidSelector", why);
      set(status, "ScalingActive", false, "InvalidSelector", why);
      return error.what();
    }
    for (Ref<PodView>& pod : pods_.list(autoscaler.metadata().namespace_())) {
      if (selector->matches(labels_of(*pod))) pods.push_back(std::move(pod));
    }
    known_[key_of(autoscaler)].selector = std::move(selector);
    const std::vector<std::string> rivals = autoscalers_of(autoscaler.metadata().namespace_(), pods);
    if (rivals.size() < 2) return {};
    const std::string why =
        fmt::format("pods by selector {} are controlled by multiple HPAs: [{}]", text, fmt::join(rivals, " "));
    events_.warning(about, "AmbiguousSelector", why);
    set(status, "ScalingActive", false, "AmbiguousSelector", why);
    return why;
  }

  // Those whose workloads, as they were last seen, select any of the pods.
  std::vector<std::string> autoscalers_of(const std::string& namespace_name, const hpa::Pods& pods) const {
    std::vector<std::string> out;
    for (auto at = known_.lower_bound({namespace_name, {}}); at != known_.end() && at->first.namespace_name == namespace_name;
         ++at) {
      const auto& selector = at->second.selector;
      const auto matches = [&](const Ref<PodView>& pod) { return selector->matches(labels_of(*pod)); };
      if (selector && std::ranges::any_of(pods, matches)) out.push_back(at->first.text());
    }
    return out;
  }

  Task<std::vector<hpa::Judgement>> judge_all(HorizontalPodAutoscaler autoscaler, Scale scale, hpa::Pods pods) {
    const std::string& namespace_name = autoscaler.metadata().namespace_();
    const std::int32_t current = scale.spec().replicas();
    std::vector<hpa::Judgement> out;
    for (const hpa::MetricSpec& metric : autoscaler.spec().metrics()) {
      const Steady begun = clock_.steady();
      hpa::Measured measured = co_await measuring_.measure(metric, namespace_name, scale.status().selector());
      const hpa::Situation situation{pods, current, scale.status().replicas(), tolerance_of(autoscaler), timing()};
      const hpa::Judgement& judged = out.emplace_back(hpa::judge(metric, std::move(measured), situation, namespace_name));
      if (judged.failed()) events_.warning(informers::reference_to(autoscaler), judged.reason, judged.why);
      const std::string_view action = judged.failed() ? "none" : hpa::action_text(current, judged.replicas);
      const std::string_view error = judged.failed() ? "internal" : "none";
      metrics_.computations.with({action, error, metric.type()}).add();
      metrics_.computation_duration.with({action, error, metric.type()}).observe(clock_.steady() - begun);
    }
    co_return out;
  }

  hpa::Tolerance tolerance_of(const HorizontalPodAutoscaler& autoscaler) const {
    const auto& behavior = autoscaler.spec().behavior();
    const auto of = [&](const autoscaling::v2::HPAScalingRules& rules) {
      return rules.has_tolerance() ? hpa::fraction(rules.tolerance()).value_or(options_.tolerance) : options_.tolerance;
    };
    return {of(behavior.scale_down()), of(behavior.scale_up())};
  }

  hpa::Timing timing() const { return {clock_.now(), options_.cpu_initialization_period, options_.initial_readiness_delay}; }

  // Empty: done; else why not. The scale carries the revision it was read at: who changed it meanwhile is heard first.
  Task<std::string> rescale(const HorizontalPodAutoscaler& autoscaler, hpa::Target target, Scale scale, const Wish& wish,
                            HorizontalPodAutoscalerStatus& status) {
    const auto about = informers::reference_to(autoscaler);
    const std::int32_t before = scale.spec().replicas();
    scale.mutable_spec()->set_replicas(wish.replicas);
    std::string refusal = co_await targets_.set_scale(std::move(target), std::move(scale));
    if (!refusal.empty()) {
      events_.warning(about, "FailedRescale",
                      fmt::format("New size: {}; reason: {}; error: {}", wish.replicas, wish.reason, refusal));
      set(status, "AbleToScale", false, "FailedUpdateScale",
          "the HPA controller was unable to update the target scale: " + refusal);
      co_return refusal;
    }
    set(status, "AbleToScale", true, "SucceededRescale",
        fmt::format("the HPA controller was able to update the target scale to {}", wish.replicas));
    events_.normal(about, "SuccessfulRescale", fmt::format("New size: {}; reason: {}", wish.replicas, wish.reason));
    hpa::note_scaling(autoscaler, known_[key_of(autoscaler)].history, before, wish.replicas, clock_.steady());
    log_.info("scaled", "autoscaler", key_of(autoscaler), "from", before, "to", wish.replicas, "reason", wish.reason);
    co_return refusal;
  }

  void set(HorizontalPodAutoscalerStatus& status, std::string_view type, bool is, std::string reason, std::string message) const {
    hpa::set_condition(status, type, is, std::move(reason), std::move(message), clock_.now());
  }

  static void show(HorizontalPodAutoscalerStatus& status, std::int32_t current, std::int32_t desired, const Wish& wish) {
    status.clear_observed_generation();
    status.set_current_replicas(current);
    status.set_desired_replicas(desired);
    status.clear_current_metrics();
    if (wish.metrics) *status.mutable_current_metrics() = *wish.metrics;
  }

  Task<void> write(const HorizontalPodAutoscaler& autoscaler, HorizontalPodAutoscalerStatus status) {
    if (hpa::same(autoscaler.status(), status)) co_return;
    HorizontalPodAutoscaler changed = autoscaler;
    *changed.mutable_status() = std::move(status);
    try {
      co_await client_.try_update_status<HorizontalPodAutoscaler>(std::move(changed));
    } catch (const api::ApiError& error) {
      events_.warning(informers::reference_to(autoscaler), "FailedUpdateStatus", error.what());
      throw;
    }
  }

  const Clock& clock_;
  EventRecorder& events_;
  Client& client_;
  const Log log_;
  const AutoscalerOptions& options_;
  Informer<HorizontalPodAutoscaler>& autoscalers_;
  Informer<PodView>& pods_;
  hpa::Targets targets_;
  hpa::Measuring measuring_;
  const hpa::AutoscalerFamilies metrics_;
  std::map<ObjectKey, Known> known_;
};

}  // namespace

void horizontal_pod_autoscaler_loop(LoopBuilder& loop) {
  loop.reconciles<HorizontalPodAutoscaler>()
      .reads<PodView>()
      .event_source("horizontal-pod-autoscaler")
      .with<HorizontalPodAutoscaling>();
}

}  // namespace ph::controllers
