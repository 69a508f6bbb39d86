#include "api/convert.h"

namespace ph::api {

events::v1::Event convert_event(const core::v1::Event& event) {
  events::v1::Event out;
  *out.mutable_metadata() = event.metadata();
  *out.mutable_event_time() = event.event_time();
  if (event.has_series()) {
    out.mutable_series()->set_count(event.series().count());
    *out.mutable_series()->mutable_last_observed_time() = event.series().last_observed_time();
  }
  out.set_reporting_controller(event.reporting_component());
  out.set_reporting_instance(event.reporting_instance());
  out.set_action(event.action());
  out.set_reason(event.reason());
  *out.mutable_regarding() = event.involved_object();
  if (event.has_related()) *out.mutable_related() = event.related();
  out.set_note(event.message());
  out.set_type(event.type());
  *out.mutable_deprecated_source() = event.source();
  *out.mutable_deprecated_first_timestamp() = event.first_timestamp();
  *out.mutable_deprecated_last_timestamp() = event.last_timestamp();
  out.set_deprecated_count(event.count());
  return out;
}

core::v1::Event convert_event(const events::v1::Event& event) {
  core::v1::Event out;
  *out.mutable_metadata() = event.metadata();
  *out.mutable_event_time() = event.event_time();
  if (event.has_series()) {
    out.mutable_series()->set_count(event.series().count());
    *out.mutable_series()->mutable_last_observed_time() = event.series().last_observed_time();
  }
  out.set_reporting_component(event.reporting_controller());
  out.set_reporting_instance(event.reporting_instance());
  out.set_action(event.action());
  out.set_reason(event.reason());
  *out.mutable_involved_object() = event.regarding();
  if (event.has_related()) *out.mutable_related() = event.related();
  out.set_message(event.note());
  out.set_type(event.type());
  *out.mutable_source() = event.deprecated_source();
  *out.mutable_first_timestamp() = event.deprecated_first_timestamp();
  *out.mutable_last_timestamp() = event.deprecated_last_timestamp();
  out.set_count(event.deprecated_count());
  return out;
}

namespace {

template <class From>
Object event(const Object& object) {
  return Object::of(convert_event(object.as<From>()));
}

template <class From>
Object autoscaler(const Object& object) {
  return Object::of(convert_autoscaler(object.as<From>()));
}

struct Entry {
  GroupVersionKind from, to;
  Conversion convert;
};

const Entry kConversions[] = {
    {{"", "v1", "Event"}, {"events.k8s.io", "v1", "Event"}, event<core::v1::Event>},
    {{"events.k8s.io", "v1", "Event"}, {"", "v1", "Event"}, event<events::v1::Event>},
    {{"autoscaling", "v1", "HorizontalPodAutoscaler"},
     {"autoscaling", "v2", "HorizontalPodAutoscaler"},
     autoscaler<autoscaling::v1::HorizontalPodAutoscaler>},
    {{"autoscaling", "v2", "HorizontalPodAutoscaler"},
     {"autoscaling", "v1", "HorizontalPodAutoscaler"},
     autoscaler<autoscaling::v2::HorizontalPodAutoscaler>},
};

}  // namespace

Conversion conversion(const GroupVersionKind& from, const GroupVersionKind& to) {
  for (const Entry& entry : kConversions) {
    if (entry.from == from && entry.to == to) return entry.convert;
  }
  return nullptr;
}

}  // namespace ph::api
