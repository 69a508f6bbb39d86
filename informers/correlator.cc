#include "informers/correlator.h"

#include <algorithm>

namespace ph::informers {
namespace {

using core::v1::Event;

constexpr std::size_t kSimilarMax = 10;
constexpr Duration kSimilarWithin = 10min;
constexpr double kBurst = 25, kPerSecond = 1.0 / 300;

// Parts are joined by a character no name contains.
template <class... Parts>
std::string joined(const Parts&... parts) {
  std::string out;
  ((out += parts, out += '\x1f'), ...);
  return out;
}

std::string source_and_object(const Event& event) {
  const auto& about = event.involved_object();
  return joined(event.source().component(), event.source().host(), about.kind(), about.namespace_(), about.name(), about.uid(),
                about.api_version());
}

std::string all_but_message(const Event& event) {
  return joined(source_and_object(event), event.involved_object().field_path(), event.type(), event.reason(),
                event.reporting_component(), event.reporting_instance());
}

}  // namespace

// Returns the key under which the event is counted.
std::string EventCorrelator::combine(Event& event, Time now) {
  const std::string key = all_but_message(event);
  Similar& similar = similar_[key];
  if (similar.last && now - *similar.last > kSimilarWithin) similar = {};
  similar.last = now;
  similar.messages.insert(event.message());
  if (similar.messages.size() < kSimilarMax) return joined(key, event.message());
  similar.messages.erase(similar.messages.begin());
  event.set_message("(combined from similar events): " + event.message());
  return key;
}

bool EventCorrelator::allowed(const Event& event, Time now) {
  Bucket& bucket = buckets_[source_and_object(event)];
  const double gained = std::chrono::duration<double>(now - bucket.filled).count() * kPerSecond;
  bucket.tokens = bucket.tokens ? std::min(kBurst, *bucket.tokens + std::max(0.0, gained)) : kBurst;
  bucket.filled = now;
  if (*bucket.tokens < 1) return false;
  *bucket.tokens -= 1;
  return true;
}

Correlated EventCorrelator::correlate(Event event, Time now) {
  Correlated out;
  out.key = combine(event, now);
  Known& known = known_[out.key];
  out.counts_up = known.count > 0;
  if (out.counts_up) {
    event.mutable_metadata()->set_name(known.name);
    *event.mutable_first_timestamp() = known.first;
  } else {
    known.name = event.metadata().name();
    known.first = event.first_timestamp();
  }
  event.set_count(++known.count);
  out.suppressed = !allowed(event, now);
  out.event = std::move(event);
  return out;
}

void EventCorrelator::stored(const Correlated& written) {
  Known& known = known_[written.key];
  known.name = written.event.metadata().name();
  known.count = written.event.count();
  known.first = written.event.first_timestamp();
}

}  // namespace ph::informers
