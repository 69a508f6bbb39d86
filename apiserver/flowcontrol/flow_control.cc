#include "apiserver/flowcontrol/flow_control.h"

#include <algorithm>

#include "api/codec.h"
#include "base/assert.h"
#include "base/within.h"

namespace ph::apiserver {

using flowcontrol::v1::FlowSchema, flowcontrol::v1::PriorityLevelConfiguration;

namespace {

constexpr Duration kPeriod = 10s;  // after which seats are lent anew

template <class T>
WatchCache* cache_of(ObjectReader& reader) {
  WatchCache* const cache = reader.cache(*reader.resource(api::schema_of<T>()));
  PH_ASSERT(cache != nullptr);
  return cache;
}

template <class T>
std::vector<T> read_all(WatchCache& cache) {
  std::vector<T> out;
  const Snapshot snapshot = cache.snapshot();
  for (const EntryRef& entry : *snapshot.entries) api::decode_envelope(*entry->protobuf, out.emplace_back());
  return out;
}

std::uint64_t hash_of(const Flow& flow) {
  return std::hash<std::string>()(flow.schema->schema.metadata().name() + '\0' + flow.distinguisher);
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

struct FlowControl::Families {
  Metrics* in = nullptr;
  static std::vector<const char*> labels() { return {"flow_schema", "priority_level"}; }

  // clang-format off
  Family<Gauge> executing{in, {Stability::Beta, "apiserver_flowcontrol_current_executing_requests",
      "Requests that have seats.", labels()}};
  Family<Gauge> executing_seats{in, {Stability::Beta, "apiserver_flowcontrol_current_executing_seats",
      "Seats that requests have.", labels()}};
  Family<Gauge> waiting{in, {Stability::Beta, "apiserver_flowcontrol_current_inqueue_requests",
      "Requests that wait for seats.", labels()}};
  Family<Counter> dispatched{in, {Stability::Beta, "apiserver_flowcontrol_dispatched_requests_total",
      "Requests that were begun.", labels()}};
  Family<Counter> rejected{in, {Stability::Beta, "apiserver_flowcontrol_rejected_requests_total",
      "Requests that were refused because others were there before.", {"flow_schema", "priority_level", "reason"}}};
  Family<Histogram> waited{in, {Stability::Beta, "apiserver_flowcontrol_request_wait_duration_seconds",
      "How long requests waited until they were begun or refused.", {"execute", "flow_schema", "priority_level"},
      {0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30}}};
  Family<Gauge> nominal{in, {Stability::Beta, "apiserver_flowcontrol_nominal_limit_seats",
      "Seats that belong to the level.", {"priority_level"}}};
  // clang-format on
};

// In the order of their ends: the seats go back while the level is there.
struct Seated {
  std::shared_ptr<PriorityLevel> level;
  std::shared_ptr<const FlowSchemaInUse> schema;
  int width = 0;
  std::unique_ptr<PriorityLevel::Occupied> seats;

  Seated(std::shared_ptr<PriorityLevel> level, std::shared_ptr<const FlowSchemaInUse> schema, int width,
         std::unique_ptr<PriorityLevel::Occupied> seats, Duration waited)
      : level(std::move(level)), schema(std::move(schema)), width(width), seats(std::move(seats)) {
    const FlowSeries& series = this->schema->series;
    series.dispatched.add();
    series.waited.observe(waited);
    series.executing.add(1);
    series.executing_seats.add(width);
  }
  ~Seated() {
    schema->series.executing.add(-1);
    schema->series.executing_seats.add(-width);
  }
};

FlowControl::FlowControl(ObjectReader& reader, const Clock& clock, FlowControlOptions options, Metrics* metrics)
    : sources_{cache_of<FlowSchema>(reader), cache_of<PriorityLevelConfiguration>(reader)},
      clock_(clock),
      options_(options),
      families_(std::make_unique<Families>(Families{metrics})),
      lent_(clock.steady()) {}

FlowControl::~FlowControl() = default;

// -- What requests count as

std::array<std::uint64_t, 2> FlowControl::versions() const { return {sources_[0]->version(), sources_[1]->version()}; }

std::shared_ptr<const FlowControl::Known> FlowControl::present() {
  std::shared_ptr<const Known> known = known_.get();
  const auto now = versions();
  if (known && known->versions == now) return known;
  auto next = std::make_shared<Known>();
  next->config = FlowConfig::make(read_all<FlowSchema>(*sources_[0]), read_all<PriorityLevelConfiguration>(*sources_[1]),
                                  [this](const std::string& schema, const std::string& level) { return series(schema, level); });
  next->versions = now;
  use(next->config);
  known_.set(next);
  return next;
}

Flow FlowControl::classify(const Identity& user, const RequestInfo& request) { return present()->config.classify(user, request); }

std::optional<Flow> FlowControl::classify_here(const Identity& user, const RequestInfo& request) const {
  const std::shared_ptr<const Known> known = known_.get();
  if (!known || known->versions != versions()) return std::nullopt;
  return known->config.classify(user, request);
}

FlowSeries FlowControl::series(const std::string& schema, const std::string& level) const {
  return {.dispatched = families_->dispatched.with({schema, level}),
          .executing = families_->executing.with({schema, level}),
          .executing_seats = families_->executing_seats.with({schema, level}),
          .waiting = families_->waiting.with({schema, level}),
          .waited = families_->waited.with({"true", schema, level}),
          .waited_in_vain = families_->waited.with({"false", schema, level})};
}

// -- Who has how many seats

void FlowControl::use(const FlowConfig& config) {
  std::erase_if(levels_, [&](const auto& entry) { return !config.levels().contains(entry.first); });
  for (const auto& [name, spec] : config.levels()) {
    Level& level = levels_[name];
    if (level.seats) level.seats->set_spec(spec);
    else level.seats = std::make_shared<PriorityLevel>(clock_, spec);
  }
  // Everybody begins with what is his.
  const std::vector<SeatBounds> bounds = divide();
  std::size_t i = 0;
  for (auto& [name, level] : levels_) {
    families_->nominal.with({name}).set(bounds[i].nominal);
    level.seats->set_limit(bounds[i++].nominal);
  }
}

std::vector<SeatBounds> FlowControl::divide() const {
  std::vector<const LevelSpec*> specs;
  for (const auto& [name, level] : levels_) specs.push_back(&level.seats->spec());
  return divide_seats(specs, options_.seats);
}

void FlowControl::lend_when_due() {
  const Duration since = clock_.steady() - lent_;
  if (since >= kPeriod) lend(seconds(since) / seconds(kPeriod));
}

void FlowControl::lend(double periods) {
  lent_ = clock_.steady();
  const std::vector<SeatBounds> bounds = divide();
  std::vector<SeatWish> wishes;
  std::size_t i = 0;
  for (auto& [name, level] : levels_) {
    const SeatDemand demand = level.seats->take_demand();
    level.demand = smooth_demand(level.demand, demand, periods);
    wishes.push_back({.bounds = bounds[i++], .most_wanted = demand.most, .demand = level.demand});
  }
  const std::vector<int> limits = lend_seats(wishes, options_.seats);
  i = 0;
  for (auto& [name, level] : levels_) level.seats->set_limit(limits[i++]);
}

std::optional<FlowControl::LevelState> FlowControl::level(const std::string& name) const {
  const auto found = levels_.find(name);
  if (found == levels_.end()) return std::nullopt;
  const PriorityLevel& seats = *found->second.seats;
  return LevelState{seats.limit(), seats.in_use(), seats.waiting()};
}

// -- Taking them

void FlowControl::refused(const FlowSchemaInUse& schema, std::string_view reason, Duration waited) const {
  families_->rejected.with({schema.schema.metadata().name(), schema.level->name, reason}).add();
  schema.series.waited_in_vain.observe(waited);
}

Soon<Seat> FlowControl::enter(const Flow& flow, int width) {
  lend_when_due();
  const auto found = levels_.find(flow.schema->level->name);
  if (found == levels_.end()) {  // its level has gone since it was told: it is as if it had come in time
    return std::make_shared<Seated>(nullptr, flow.schema, 0, nullptr, Duration{});
  }
  const std::shared_ptr<PriorityLevel>& level = found->second.seats;
  const std::size_t queue = level->spec().queues ? level->queue_of(hash_of(flow)) : 0;
  if (auto seats = level->try_enter(queue, width)) {
    return std::make_shared<Seated>(level, flow.schema, width, std::move(seats), Duration{});
  }
  if (!level->spec().queues || level->is_full(queue)) {
    refused(*flow.schema, level->spec().queues ? "queue-full" : "concurrency-limit", {});
    return Seat();
  }
  return wait(flow, level, queue, width);
}

Task<Seat> FlowControl::wait(Flow flow, std::shared_ptr<PriorityLevel> level, std::size_t queue, int width) {
  // Whoever is dropped while he waits has given up.
  struct Refusal {
    const FlowControl& control;
    const FlowSchemaInUse& schema;
    const Steady begun;
    std::string_view reason = "cancelled";
    Duration waited() const { return control.clock_.steady() - begun; }
    ~Refusal() {
      if (!reason.empty()) control.refused(schema, reason, waited());
    }
  };
  Refusal refusal{*this, *flow.schema, clock_.steady()};
  const Counted counted(flow.schema->series.waiting);
  PriorityLevel::Waiting waiting(*level, queue, width);
  const Alarm alarm(options_.wait_max, waiting.told());
  co_await waiting.told().wait();
  auto seats = waiting.take();
  refusal.reason = seats ? "" : "time-out";
  if (!seats) co_return Seat();
  co_return std::make_shared<Seated>(level, flow.schema, width, std::move(seats), refusal.waited());
}

// -- Answers

void count_dispatched(const Flow& flow) {
  if (flow) flow.schema->series.dispatched.add();
}

void add_flow_headers(const Flow& flow, HttpResponse& response) {
  if (!flow || flow.schema->schema.metadata().uid().empty()) return;
  response.headers.set("X-Kubernetes-PF-FlowSchema-UID", flow.schema->schema.metadata().uid());
  response.headers.set("X-Kubernetes-PF-PriorityLevel-UID", flow.schema->level->uid);
}

}  // namespace ph::apiserver
