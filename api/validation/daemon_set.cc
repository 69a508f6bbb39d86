// apps/v1 DaemonSet.
#include "api/internal_form.h"
#include "api/validation/workloads.h"

namespace ph::api {

using namespace apps::v1;

namespace {

void check_rolling(const RollingUpdateDaemonSet& rolling, const Path& path, Errors& errors) {
  check_nonnegative_int_or_percent(rolling.max_unavailable(), path.member("maxUnavailable"), errors);
  check_at_most_100_percent(rolling.max_unavailable(), path.member("maxUnavailable"), errors);
  check_nonnegative_int_or_percent(rolling.max_surge(), path.member("maxSurge"), errors);
  check_at_most_100_percent(rolling.max_surge(), path.member("maxSurge"), errors);
  const bool unavailable = !is_zero_amount(rolling.max_unavailable()), surge = !is_zero_amount(rolling.max_surge());
  if (unavailable && surge) {
    errors.invalid(path.member("maxSurge"), json_of(rolling.max_surge()), "may not be set when maxUnavailable is non-zero");
  }
  if (!unavailable && !surge) errors.required(path.member("maxUnavailable"), "cannot be 0 when maxSurge is 0");
}

void check_spec(const DaemonSetSpec& spec, const Path& path, Errors& errors) {
  // What is not there selects nothing; that it is not there is not said.
  std::optional<LabelSelector> selector = LabelSelector::nothing();
  if (spec.has_selector()) {
    check_label_selector(spec.selector(), path.member("selector"), errors);
    selector = parsed(spec.selector());
  }
  const auto& labels = spec.template_().metadata().labels();
  if (selector && !selector->matches_map(labels)) {
    errors.invalid(path.member("template").member("metadata").member("labels"), json_of(labels),
                   "`selector` does not match template `labels`");
  }
  if (spec.has_selector() && is_empty(spec.selector()))
    errors.invalid_message(path.member("selector"), spec.selector(), "empty selector is invalid for daemonset");
  check_selected_template(spec.template_(), LabelSelector(), "DaemonSet", path.member("template"), errors);
  check_nonnegative(spec.min_ready_seconds(), path.member("minReadySeconds"), errors);
  const DaemonSetUpdateStrategy& strategy = spec.update_strategy();
  const Path at = path.member("updateStrategy");
  if (strategy.type() == "RollingUpdate") {
    if (!strategy.has_rolling_update()) {
      errors.required(at.member("rollingUpdate"));
    } else {
      check_rolling(strategy.rolling_update(), at.member("rollingUpdate"), errors);
    }
  } else if (strategy.type() != "OnDelete") {
    errors.not_supported_json(at, internal_json(strategy), {"RollingUpdate", "OnDelete"});
  }
  if (spec.has_revision_history_limit())
    check_nonnegative(spec.revision_history_limit(), path.member("revisionHistoryLimit"), errors);
}

}  // namespace

void validate(const DaemonSet& object, Errors& errors) { check_spec(object.spec(), Path("spec"), errors); }

void validate_update(const DaemonSet& now, const DaemonSet& old, Errors& errors) {
  check_selector_kept(selector_of(now.spec()), selector_of(old.spec()), Path("spec").member("selector"), errors);
  check_spec(now.spec(), Path("spec"), errors);
}

void validate_status(const DaemonSet& now, const DaemonSet& old, Errors& errors) {
  const DaemonSetStatus& status = now.status();
  const Path path("status");
  const auto count = [&](std::int64_t value, const char* member) { check_nonnegative(value, path.member(member), errors); };
  count(status.current_number_scheduled(), "currentNumberScheduled");
  count(status.number_misscheduled(), "numberMisscheduled");
  count(status.desired_number_scheduled(), "desiredNumberScheduled");
  count(status.number_ready(), "numberReady");
  count(status.observed_generation(), "observedGeneration");
  count(status.updated_number_scheduled(), "updatedNumberScheduled");
  count(status.number_available(), "numberAvailable");
  count(status.number_unavailable(), "numberUnavailable");
  if (status.has_collision_count()) count(status.collision_count(), "collisionCount");
  if (old.status().has_collision_count() && status.collision_count() < old.status().collision_count()) {
    errors.invalid(path.member("collisionCount"), status.collision_count(), "cannot be decremented");
  }
}

}  // namespace ph::api
