// EventRateLimit: so many events a second, of all, of a namespace, of a user, or of what tells of one object. Whoever is faster is asked
// to wait. Upstream: plugin/pkg/admission/eventratelimit
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/kinds.h"
#include "api/validation/quote.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/recently_used.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Event;

struct Limit {
  std::string type;
  std::int64_t qps = 0, burst = 0, cache_size = 0;
};

constexpr std::int64_t kCacheSize = 4096, kCacheSizeMax = 1 << 20;

// A bucket of `burst` tokens that fills again by `qps` a second. Its times are the clock's.
class Bucket {
 public:
  bool take(const Limit& limit, Steady now) {
    const auto burst = static_cast<double>(limit.burst);
    if (!filled_at_) tokens_ = burst;
    else tokens_ = std::min(burst, tokens_ + static_cast<double>(limit.qps) * seconds(now - *filled_at_));
    filled_at_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  static double seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

  double tokens_ = 0;
  std::optional<Steady> filled_at_;
};

// One limit, with a bucket for each key that has been used of late.
class Enforcer {
 public:
  explicit Enforcer(Limit limit) : limit_(std::move(limit)), buckets_(static_cast<std::size_t>(limit_.cache_size)) {}

  const std::string& type() const { return limit_.type; }
  std::string key_of(const AdmissionRequest& request) const {
    if (limit_.type == "Namespace") return request.key.namespace_name;
    if (limit_.type == "User") return request.user->name;
    if (limit_.type == "SourceAndObject") return source_and_object(request.object->as<Event>());
    return {};  // Server
  }

  bool accepts(const std::string& key, Steady now) { return buckets_.at(key).take(limit_, now); }

 private:
  static std::string source_and_object(const Event& event) {
    const auto& about = event.involved_object();
    return event.source().component() + event.source().host() + about.kind() + about.namespace_() + about.name() + about.uid() +
           about.api_version();
  }

  const Limit limit_;
  RecentlyUsed<Bucket> buckets_;
};

class EventRateLimit final : public AdmissionPlugin {
 public:
  EventRateLimit(const Clock& clock, const std::vector<Limit>& limits) : clock_(clock) {
    for (const Limit& limit : limits) enforcers_.push_back(std::make_unique<Enforcer>(limit));
  }
  std::string_view name() const override { return "EventRateLimit"; }

  // Events of events.k8s.io are stored as these. A dry run costs nothing.
  void validate(const AdmissionRequest& request) override {
    if (!is_for(request, "", "events") || !request.object || request.dry_run) return;
    std::string reached;
    for (const auto& enforcer : enforcers_) {
      const std::string key = enforcer->key_of(request);
      if (!enforcer->accepts(key, clock_.steady())) {
        reached = fmt::format("limit reached on type {} for key {}", enforcer->type(), key);
      }
    }
    if (reached.empty()) return;
    meta::v1::Status status = api::too_many_requests(fmt::format("Too many requests: {}", reached), 0).status();
    status.clear_details();
    throw api::ApiError(std::move(status));
  }

 private:
  const Clock& clock_;
  std::vector<std::unique_ptr<Enforcer>> enforcers_;
};

Limit read_limit(const nlohmann::json& document, const std::string& where) {
  ConfigurationMembers members(document, where);
  Limit limit{.type = members.text("type"),
              .qps = members.whole("qps").value_or(0),
              .burst = members.whole("burst").value_or(0),
              .cache_size = members.whole("cacheSize").value_or(0)};
  members.end();
  const bool known =
      limit.type == "Server" || limit.type == "Namespace" || limit.type == "User" || limit.type == "SourceAndObject";
  if (!known) {
    members.fail(
        fmt::format("type: Unsupported value: {}: supported values: \"Namespace\", \"Server\", \"SourceAndObject\", \"User\"",
                    api::quote(limit.type)));
  }
  if (limit.qps <= 0) members.fail(fmt::format("qps: Invalid value: {}: must be positive", limit.qps));
  if (limit.burst <= 0) members.fail(fmt::format("burst: Invalid value: {}: must be positive", limit.burst));
  if (limit.cache_size < 0) members.fail(fmt::format("cacheSize: Invalid value: {}: must not be negative", limit.cache_size));
  if (limit.cache_size > kCacheSizeMax) {
    members.fail(fmt::format("cacheSize: Invalid value: {}: must be no more than {}", limit.cache_size, kCacheSizeMax));
  }
  if (limit.cache_size == 0) limit.cache_size = kCacheSize;
  return limit;
}

}  // namespace

std::unique_ptr<AdmissionPlugin> event_rate_limit(const AdmissionWorld& world) {
  const nlohmann::json document = configuration_of(world.configurations, "EventRateLimit");
  ConfigurationMembers members(document, "EventRateLimit");
  members.must_be("eventratelimit.admission.k8s.io/v1alpha1", "Configuration");
  std::vector<Limit> limits;
  members.each("limits",
               [&](const nlohmann::json& element, const std::string& where) { limits.push_back(read_limit(element, where)); });
  members.end();
  if (limits.empty()) members.fail("limits: Invalid value: []: must not be empty");
  return std::make_unique<EventRateLimit>(world.clock, limits);
}

}  // namespace ph::apiserver::admission
