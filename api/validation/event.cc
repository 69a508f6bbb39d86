// Events of both groups: v1 and events.k8s.io/v1, which share one store.
#include <fmt/format.h>

#include "api/internal_form.h"
#include "api/times.h"
#include "api/validation/validation.h"

namespace ph::api {

namespace {

constexpr std::size_t kReasonMax = 128, kActionMax = 128, kNoteMax = 1024, kReporterMax = 128;

// What both groups have by other names. Messages know most of it by those of v1.
struct Parts {
  std::string_view involved_namespace;
  std::string_view reporter, reporter_member, instance, action, reason, note;
  bool has_time = false;
};

void check_length(std::string_view value, std::size_t max, const char* member, Errors& errors) {
  if (value.size() > max) errors.invalid_text(Path(member), "", fmt::format("can have at most {} characters", max));
}

void check_present(std::string_view value, std::size_t max, const char* member, Errors& errors) {
  if (value.empty()) errors.required(Path(member));
  check_length(value, max, member, errors);
}

// Events of cluster-scoped objects live in `default`; those of new clients may live in kube-system, too.
void check_old_style(const meta::v1::ObjectMeta& metadata, const Parts& parts, Errors& errors) {
  const std::string_view wanted = parts.involved_namespace.empty() ? "default" : parts.involved_namespace;
  if (metadata.namespace_() == wanted) return;
  errors.invalid_text(Path("involvedObject").member("namespace"), parts.involved_namespace, "does not match event.namespace");
}

// An event with a time of its own comes from a client of the new API, and must be complete.
void check_new_style(const meta::v1::ObjectMeta& metadata, const Parts& parts, Errors& errors) {
  const std::string& space = metadata.namespace_();
  if (parts.involved_namespace.empty() && space != "default" && space != "kube-system")
    errors.invalid_text(Path("involvedObject").member("namespace"), "", "does not match event.namespace");
  if (parts.reporter.empty()) errors.required(Path(parts.reporter_member));
  check_qualified(parts.reporter, Path(parts.reporter_member), errors);
  check_present(parts.instance, kReporterMax, "reportingInstance", errors);
  check_present(parts.action, kActionMax, "action", errors);
  check_present(parts.reason, kReasonMax, "reason", errors);
  check_length(parts.note, kNoteMax, "message", errors);
}

void check_parts(const meta::v1::ObjectMeta& metadata, const Parts& parts, Errors& errors) {
  parts.has_time ? check_new_style(metadata, parts, errors) : check_old_style(metadata, parts, errors);
}

Parts parts_of(const core::v1::Event& event) {
  return {.involved_namespace = event.involved_object().namespace_(),
          .reporter = event.reporting_component(),
          .reporter_member = "reportingComponent",
          .instance = event.reporting_instance(),
          .action = event.action(),
          .reason = event.reason(),
          .note = event.message(),
          .has_time = !is_zero(event.event_time())};
}

Parts parts_of(const events::v1::Event& event) {
  return {.involved_namespace = event.regarding().namespace_(),
          .reporter = event.reporting_controller(),
          .reporter_member = "reportingController",
          .instance = event.reporting_instance(),
          .action = event.action(),
          .reason = event.reason(),
          .note = event.note(),
          .has_time = !is_zero(event.event_time())};
}

void check_series(const events::v1::EventSeries& series, Errors& errors) {
  if (series.count() < 2) errors.invalid_text(Path("series").member("count"), "", "should be at least 2");
  if (is_zero(series.last_observed_time())) errors.required(Path("series").member("lastObservedTime"));
}

// A member that nothing but the old API has.
void check_unset(bool is_set, const char* member, Errors& errors) {
  if (is_set) errors.invalid_text(Path(member), "", "needs to be unset");
}

template <class Stamp>
std::string json_of_stamp(const Stamp& stamp) {
  return is_zero(stamp) ? "null" : internal_json(stamp);
}

template <class Stamp>
void check_kept_stamp(const Stamp& now, const Stamp& old, const char* member, Errors& errors) {
  if (!same(now, old)) errors.invalid(Path(member), json_of_stamp(now), kImmutable);
}

}  // namespace

void validate(const core::v1::Event& event, Errors& errors) { check_parts(event.metadata(), parts_of(event), errors); }

void validate_update(const core::v1::Event& now, const core::v1::Event&, Errors& errors) { validate(now, errors); }

void validate(const events::v1::Event& event, Errors& errors) {
  check_parts(event.metadata(), parts_of(event), errors);
  if (event.has_series()) check_series(event.series(), errors);
  if (is_zero(event.event_time())) errors.required(Path("eventTime"));
  if (event.type() != "Normal" && event.type() != "Warning")
    errors.invalid_text(Path("type"), "", "has invalid value: " + event.type());
  check_unset(!is_zero(event.deprecated_first_timestamp()), "firstTimestamp", errors);
  check_unset(!is_zero(event.deprecated_last_timestamp()), "lastTimestamp", errors);
  check_unset(event.deprecated_count() != 0, "count", errors);
  const auto& source = event.deprecated_source();
  check_unset(!source.component().empty() || !source.host().empty(), "source", errors);
}

// All but the series is fixed. The reason is compared twice.
void validate_update(const events::v1::Event& now, const events::v1::Event& old, Errors& errors) {
  check_parts(now.metadata(), parts_of(now), errors);
  if (now.has_series() && !(old.has_series() && same(now.series(), old.series()))) check_series(now.series(), errors);
  check_immutable(now.regarding(), old.regarding(), Path("involvedObject"), errors);
  check_immutable(now.reason(), old.reason(), Path("reason"), errors);
  check_immutable(now.note(), old.note(), Path("message"), errors);
  check_immutable(now.deprecated_source(), old.deprecated_source(), Path("source"), errors);
  check_kept_stamp(now.deprecated_first_timestamp(), old.deprecated_first_timestamp(), "firstTimestamp", errors);
  check_kept_stamp(now.deprecated_last_timestamp(), old.deprecated_last_timestamp(), "lastTimestamp", errors);
  if (now.deprecated_count() != old.deprecated_count()) errors.invalid(Path("count"), now.deprecated_count(), kImmutable);
  check_immutable(now.reason(), old.reason(), Path("reason"), errors);
  check_immutable(now.type(), old.type(), Path("type"), errors);
  check_kept_stamp(now.event_time(), old.event_time(), "eventTime", errors);
  check_immutable(now.action(), old.action(), Path("action"), errors);
  if (now.has_related() != old.has_related() || !same(now.related(), old.related()))
    errors.invalid(Path("related"), now.has_related() ? internal_json(now.related()) : "null", kImmutable);
  check_immutable(now.reporting_controller(), old.reporting_controller(), Path("reportingController"), errors);
  check_immutable(now.reporting_instance(), old.reporting_instance(), Path("reportingInstance"), errors);
}

}  // namespace ph::api
