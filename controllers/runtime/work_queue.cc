#include "controllers/runtime/work_queue.h"

#include <algorithm>

namespace ph::controllers {

Duration RateLimiter::next(const ObjectKey& key, Steady now) {
  const int failed = failures_[key]++;
  // 5 ms · 2^18 is more than the longest delay.
  const Duration own = std::min(kLongest, kFirst * (std::int64_t{1} << std::min(failed, 18)));
  return std::max(own, bucket_delay(now));
}

// Tokens may be owed: who comes after waits for his own.
Duration RateLimiter::bucket_delay(Steady now) {
  tokens_ = std::min(kBurst, tokens_ + std::chrono::duration<double>(now - filled_).count() * kPerSecond);
  filled_ = now;
  tokens_ -= 1;
  if (tokens_ >= 0) return {};
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(-tokens_ / kPerSecond));
}

int RateLimiter::failures(const ObjectKey& key) const {
  const auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

WorkQueue::~WorkQueue() { stop(); }

void WorkQueue::add(const ObjectKey& key) {
  if (stopped_) return;
  if (!dirty_.try_emplace(key, now()).second) return;
  ++stats_.adds;
  metrics_.adds.add();
  if (working_.contains(key)) return;  // `done` queues it
  queue_.push_back(key);
  changed_.set();
}

void WorkQueue::add_after(const ObjectKey& key, Duration delay) {
  if (stopped_) return;
  if (delay <= Duration::zero()) return add(key);
  const Steady due = now() + delay;
  const auto [entry, fresh] = delayed_.try_emplace(key);
  if (!fresh) {
    if (entry->second.due <= due) return;
    executor_.cancel(entry->second.timer);
  }
  entry->second = {due, executor_.run_at(due, [this, key] {
                     delayed_.erase(key);
                     add(key);
                   })};
}

void WorkQueue::add_rate_limited(const ObjectKey& key) {
  if (stopped_) return;
  ++stats_.retries;
  metrics_.retries.add();
  add_after(key, limiter_.next(key, now()));
}

Task<std::optional<ObjectKey>> WorkQueue::next() {
  for (;;) {
    if (stopped_) co_return std::nullopt;
    if (!queue_.empty()) {
      ObjectKey key = std::move(queue_.front());
      queue_.pop_front();
      const auto dirty = dirty_.find(key);
      PH_ASSERT(dirty != dirty_.end());
      const Steady taken = now();
      stats_.queue_duration += taken - dirty->second;
      metrics_.queue_duration.observe(taken - dirty->second);
      dirty_.erase(dirty);
      const bool alone = working_.emplace(key, taken).second;
      PH_ASSERT(alone);
      co_return std::optional<ObjectKey>(std::move(key));
    }
    changed_.reset();
    co_await changed_.wait();
  }
}

void WorkQueue::done(const ObjectKey& key) {
  const auto working = working_.find(key);
  if (working == working_.end()) return;  // stopped meanwhile
  const Duration worked = now() - working->second;
  stats_.work_duration += worked;
  metrics_.work_duration.observe(worked);
  working_.erase(working);
  if (!dirty_.contains(key)) return;
  queue_.push_back(key);
  changed_.set();
}

void WorkQueue::stop() {
  stopped_ = true;
  for (const auto& [key, delayed] : delayed_) executor_.cancel(delayed.timer);
  delayed_.clear();
  queue_.clear();
  dirty_.clear();
  working_.clear();
  changed_.set();
}

std::optional<Steady> WorkQueue::longest_running() const {
  std::optional<Steady> out;
  for (const auto& [key, since] : working_) out = out ? std::min(*out, since) : since;
  return out;
}

Duration WorkQueue::unfinished_work() const {
  Duration out{};
  for (const auto& [key, since] : working_) out += now() - since;
  return out;
}

void WorkQueue::show() const {
  const auto longest = longest_running();
  metrics_.depth.set(static_cast<double>(depth()));
  metrics_.longest_running.set(longest ? std::chrono::duration<double>(now() - *longest).count() : 0);
  metrics_.unfinished_work.set(std::chrono::duration<double>(unfinished_work()).count());
}

}  // namespace ph::controllers
