// The seats of one priority level and the queues before them: who is worked on now, and who is next.
//
// Flows are dealt hands of queues by their hash (shuffle sharding), so that a flow that floods fills few of them; a request joins the
// emptiest of its hand. Queues take turns by the work they were given (start-time fair queuing: Goyal, Vin, Cheng, SIGCOMM 1996):
// one that had much waits longer. Reference: "API Priority and Fairness"; KEP-1040.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/flowcontrol/flow_config.h"
#include "base/sync.h"
#include "base/time.h"

namespace ph::apiserver {

// How many seats were wanted during a period.
struct SeatDemand {
  double average = 0, deviation = 0;
  int most = 0;
};

// Belongs to one executor.
class PriorityLevel {
 public:
  PriorityLevel(const Clock& clock, std::shared_ptr<const LevelSpec> spec);
  PriorityLevel(const PriorityLevel&) = delete;
  PriorityLevel& operator=(const PriorityLevel&) = delete;

  const LevelSpec& spec() const { return *spec_; }
  // Who waits goes on waiting where he is.
  void set_spec(std::shared_ptr<const LevelSpec> spec);
  void set_limit(int seats);
  int limit() const { return limit_; }
  int in_use() const { return in_use_; }
  std::size_t waiting() const { return waiting_; }

  // The seats of one request. Ends on the executor, and before the level.
  class Occupied {
   public:
    Occupied(PriorityLevel& level, std::size_t queue, int width);
    ~Occupied();
    Occupied(const Occupied&) = delete;
    Occupied& operator=(const Occupied&) = delete;

   private:
    PriorityLevel& level_;
    const std::size_t queue_;
    const int width_;
    const Steady begun_;
  };

  // One request that waits in a queue, at a fixed place. What it has been given and not taken, it gives back.
  class Waiting {
   public:
    Waiting(PriorityLevel& level, std::size_t queue, int width);
    ~Waiting();
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

    Event& told() { return told_; }  // set when it has its seats; others may set it, too
    // Null: not yet.
    std::unique_ptr<Occupied> take() { return std::move(seats_); }

   private:
    friend class PriorityLevel;
    PriorityLevel& level_;
    const std::size_t queue_;
    const int width_;
    Event told_;
    std::unique_ptr<Occupied> seats_;
    bool queued_ = true;
  };

  // The queue of a flow with this hash: the one of its hand in which least waits.
  std::size_t queue_of(std::uint64_t hash) const;
  // Seats that can be had at once; null: others were there before.
  std::unique_ptr<Occupied> try_enter(std::size_t queue, int width);
  bool is_full(std::size_t queue) const { return queues_[queue].waiting.size() >= spec_->queue_length; }

  // Of the time since the last call.
  SeatDemand take_demand();

 private:
  struct Queue {
    std::vector<Waiting*> waiting;  // few: a queue is short, and most are empty
    int width = 0;                  // of all who wait
    double start = 0;               // when its next request begins, in the time that fairness counts
  };

  void enter(std::size_t queue, int width);
  void leave(std::size_t queue, int width, Duration took);
  void give();
  Queue* next();
  bool fits(int width) const { return in_use_ == 0 || in_use_ + width <= limit_; }
  // Counts what was wanted until now.
  void note_demand();

  const Clock& clock_;
  std::shared_ptr<const LevelSpec> spec_;
  int limit_ = 1;
  int in_use_ = 0;
  int wanted_ = 0;  // in use, and waited for
  std::size_t waiting_ = 0;
  std::vector<Queue> queues_;
  double now_ = 0;          // the start of what was begun last, in the time that fairness counts
  double expected_ = 1e-3;  // seconds that a request takes: what a queue is charged until it is known

  Steady noted_, period_;
  double sum_ = 0, squares_ = 0;  // of what was wanted, by seconds
  int most_ = 0;
};

// `hand` different numbers below `deck`, dealt by the hash.
std::vector<std::size_t> deal(std::uint64_t hash, std::size_t deck, std::size_t hand);

}  // namespace ph::apiserver
