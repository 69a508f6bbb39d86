// Events of both groups: v1 and events.k8s.io/v1, which share one store.
#include <fmt/format.h>

#include "api/times.h"
#include "api/validation/validation.h"

namespace ph::api {

namespace {

constexpr std::size_t kReasonMax = 128, kActionMax = 128, kNoteMax = 1024, kReporterMax = 128;

// What both groups call by other names.
struct Parts {
  std::string_view involved_namespace, involved_member;  // "involvedObject" or "regarding"
  std::string_view reporter, reporter_member, instance, instance_member;
  std::string_view action, reason, note, note_member;
  bool has_time = false;
};

void check_namespace(const meta::v1::ObjectMeta& metadata, const Parts& parts, Errors& errors) {
  // Events of cluster-scoped objects live in `default` (or, from old clients, in kube-system).
  const Path at = Path(parts.involved_member).member("namespace");
  if (parts.involved_namespace.empty()) {
    if (metadata.namespace_() != "default" && metadata.namespace_() != "kube-system") {
      errors.invalid_text(at, parts.involved_namespace, "does not match event.namespace");
    }
  } else if (metadata.namespace_() != parts.involved_namespace) {
    errors.invalid_text(at, parts.involved_namespace, "does not match event.namespace");
  }
}

// An event with a time of its own comes from a client of the new API, and must be complete.
void check_new_style(const Parts& parts, Errors& errors) {
  if (parts.reporter.empty()) {
    errors.required(Path(parts.reporter_member));
  } else {
    check_qualified(parts.reporter, Path(parts.reporter_member), errors);
  }
  if (parts.instance.empty()) errors.required(Path(parts.instance_member));
  if (parts.instance.size() > kReporterMax) {
    errors.invalid(Path("reportingInstance"), "\"\"", fmt::format("can have at most {} characters", kReporterMax));
  }
  if (parts.action.empty()) errors.required(Path("action"));
  if (parts.action.size() > kActionMax)
    errors.invalid(Path("action"), "\"\"", fmt::format("can have at most {} characters", kActionMax));
  if (parts.reason.empty()) errors.required(Path("reason"));
  if (parts.reason.size() > kReasonMax)
    errors.invalid(Path("reason"), "\"\"", fmt::format("can have at most {} characters", kReasonMax));
  if (parts.note.size() > kNoteMax)
    errors.invalid(Path(parts.note_member), "\"\"", fmt::format("can have at most {} characters", kNoteMax));
}

Parts parts_of(const core::v1::Event& event) {
  return {.involved_namespace = event.involved_object().namespace_(),
          .involved_member = "involvedObject",
          .reporter = event.reporting_component(),
          .reporter_member = "reportingComponent",
          .instance = event.reporting_instance(),
          .instance_member = "reportingInstance",
          .action = event.action(),
          .reason = event.reason(),
          .note = event.message(),
          .note_member = "message",
          .has_time = !is_zero(event.event_time())};
}

Parts parts_of(const events::v1::Event& event) {
  return {.involved_namespace = event.regarding().namespace_(),
          .involved_member = "regarding",
          .reporter = event.reporting_controller(),
          .reporter_member = "reportingController",
          .instance = event.reporting_instance(),
          .instance_member = "reportingInstance",
          .action = event.action(),
          .reason = event.reason(),
          .note = event.note(),
          .note_member = "note",
          .has_time = !is_zero(event.event_time())};
}

}  // namespace

void validate(const core::v1::Event& event, Errors& errors) {
  const Parts parts = parts_of(event);
  check_namespace(event.metadata(), parts, errors);
  if (parts.has_time) check_new_style(parts, errors);
}

void validate_update(const core::v1::Event& now, const core::v1::Event& old, Errors& errors) {
  validate(now, errors);
  check_immutable(now.involved_object(), old.involved_object(), Path("involvedObject"), errors);
}

void validate(const events::v1::Event& event, Errors& errors) {
  const Parts parts = parts_of(event);
  check_namespace(event.metadata(), parts, errors);
  if (!parts.has_time) errors.required(Path("eventTime"));
  check_new_style(parts, errors);
  if (event.type() != "Normal" && event.type() != "Warning")
    errors.invalid_text(Path("type"), event.type(), "has invalid value: " + event.type());
  const auto empty = [&](bool is_empty, const char* member) {
    if (!is_empty) errors.invalid(Path(member), "", "needs to be unset");
  };
  empty(is_zero(event.deprecated_first_timestamp()), "firstTimestamp");
  empty(is_zero(event.deprecated_last_timestamp()), "lastTimestamp");
  empty(event.deprecated_count() == 0, "count");
  empty(event.deprecated_source().component().empty() && event.deprecated_source().host().empty(), "source");
}

void validate_update(const events::v1::Event& now, const events::v1::Event& old, Errors& errors) {
  check_immutable(now.regarding(), old.regarding(), Path("regarding"), errors);
  check_immutable(now.reason(), old.reason(), Path("reason"), errors);
  check_immutable(now.reporting_controller(), old.reporting_controller(), Path("reportingController"), errors);
  check_immutable(now.reporting_instance(), old.reporting_instance(), Path("reportingInstance"), errors);
  check_immutable(now.action(), old.action(), Path("action"), errors);
  check_immutable(now.type(), old.type(), Path("type"), errors);
  check_immutable(now.note(), old.note(), Path("note"), errors);
}

}  // namespace ph::api
