#include "apiserver/flowcontrol/priority_level.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace ph::apiserver {
namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// How much of what a request is expected to take comes from the last one.
constexpr double kNewest = 0.05;

}  // namespace

std::vector<std::size_t> deal(std::uint64_t hash, std::size_t deck, std::size_t hand) {
  std::vector<std::size_t> out, sorted;
  out.reserve(hand);
  sorted.reserve(hand);
  for (std::size_t i = 0; i < hand; ++i) {
    const std::uint64_t left = deck - i;
    std::size_t card = hash % left;
    hash /= left;
    // The card-th of those that are left: those dealt before are skipped, in their order.
    auto place = sorted.begin();
    for (; place != sorted.end() && *place <= card; ++place) ++card;
    sorted.insert(place, card);
    out.push_back(card);
  }
  return out;
}

PriorityLevel::PriorityLevel(const Clock& clock, std::shared_ptr<const LevelSpec> spec)
    : clock_(clock), noted_(clock.steady()), period_(noted_) {
  set_spec(std::move(spec));
}

void PriorityLevel::set_spec(std::shared_ptr<const LevelSpec> spec) {
  spec_ = std::move(spec);
  // Never fewer: somebody may wait in them.
  queues_.resize(std::max({queues_.size(), spec_->queue_count, std::size_t{1}}));
}

void PriorityLevel::set_limit(int seats) {
  limit_ = std::max(1, seats);
  give();
}

std::size_t PriorityLevel::queue_of(std::uint64_t hash) const {
  if (!spec_->queues) return 0;
  const std::vector<std::size_t> hand = deal(hash, spec_->queue_count, spec_->hand);
  return *std::ranges::min_element(hand, {}, [&](std::size_t queue) { return queues_[queue].width; });
}

std::unique_ptr<PriorityLevel::Occupied> PriorityLevel::try_enter(std::size_t queue, int width) {
  if (!spec_->exempt && (waiting_ > 0 || !fits(width))) return nullptr;
  enter(queue, width);
  return std::make_unique<Occupied>(*this, queue, width);
}

void PriorityLevel::enter(std::size_t queue, int width) {
  note_demand();
  in_use_ += width;
  wanted_ += width;
  Queue& from = queues_[queue];
  now_ = from.start = std::max(from.start, now_);
  from.start += width * expected_;
}

void PriorityLevel::leave(std::size_t queue, int width, Duration took) {
  note_demand();
  in_use_ -= width;
  wanted_ -= width;
  // The queue was charged what was expected.
  queues_[queue].start += width * (seconds(took) - expected_);
  expected_ += kNewest * (seconds(took) - expected_);
  give();
}

PriorityLevel::Queue* PriorityLevel::next() {
  Queue* out = nullptr;
  for (Queue& queue : queues_) {
    if (!queue.waiting.empty() && (!out || queue.start < out->start)) out = &queue;
  }
  return out;
}

void PriorityLevel::give() {
  while (waiting_ > 0) {
    Queue* const queue = next();
    Waiting& first = *queue->waiting.front();
    if (!fits(first.width_)) return;
    queue->waiting.erase(queue->waiting.begin());
    queue->width -= first.width_;
    --waiting_;
    wanted_ -= first.width_;
    first.queued_ = false;
    enter(first.queue_, first.width_);
    first.seats_ = std::make_unique<Occupied>(*this, first.queue_, first.width_);
    first.told_.set();
  }
}

// -- What is wanted

void PriorityLevel::note_demand() {
  const Steady now = clock_.steady();
  const double lasted = seconds(now - noted_);
  noted_ = now;
  sum_ += wanted_ * lasted;
  squares_ += static_cast<double>(wanted_) * wanted_ * lasted;
  most_ = std::max(most_, wanted_);
}

SeatDemand PriorityLevel::take_demand() {
  note_demand();
  SeatDemand out{.most = most_};
  if (const double lasted = seconds(noted_ - period_); lasted > 0) {
    out.average = sum_ / lasted;
    out.deviation = std::sqrt(std::max(0.0, squares_ / lasted - out.average * out.average));
  }
  period_ = noted_;
  sum_ = squares_ = 0;
  most_ = wanted_;
  return out;
}

// -- One request

PriorityLevel::Occupied::Occupied(PriorityLevel& level, std::size_t queue, int width)
    : level_(level), queue_(queue), width_(width), begun_(level.clock_.steady()) {}

PriorityLevel::Occupied::~Occupied() { level_.leave(queue_, width_, level_.clock_.steady() - begun_); }

PriorityLevel::Waiting::Waiting(PriorityLevel& level, std::size_t queue, int width)
    : level_(level), queue_(queue), width_(width) {
  level_.note_demand();
  Queue& in = level_.queues_[queue];
  if (in.waiting.empty()) in.start = std::max(in.start, level_.now_);
  in.waiting.push_back(this);
  in.width += width;
  level_.wanted_ += width;
  ++level_.waiting_;
}

PriorityLevel::Waiting::~Waiting() {
  if (!queued_) return;
  level_.note_demand();
  Queue& in = level_.queues_[queue_];
  std::erase(in.waiting, this);
  in.width -= width_;
  level_.wanted_ -= width_;
  --level_.waiting_;
  level_.give();
}

}  // namespace ph::apiserver
