#include "scheduler/framework/waiting_pods.h"

#include <fmt/format.h>

#include <algorithm>

namespace ph::scheduler {
namespace {

// Cancels its timer when the wait is over, or dropped.
struct Timer {
  Executor& executor;
  TimerId id;
  ~Timer() { executor.cancel(id); }
};

}  // namespace

void WaitingPods::decide(std::string_view uid, Verdict verdict) {
  const auto found = pods_.find(uid);
  if (found == pods_.end() || !found->second->verdict.waits()) return;
  found->second->verdict = std::move(verdict);
  found->second->decided.set();
}

void WaitingPods::allow(std::string_view uid, std::string_view plugin) {
  const auto found = pods_.find(uid);
  if (found == pods_.end()) return;
  std::erase_if(found->second->holds, [&](const Hold& hold) { return hold.plugin == plugin; });
  if (found->second->holds.empty()) decide(uid, Verdict::fits());
}

void WaitingPods::reject(std::string_view uid, std::string_view plugin, std::string message) {
  decide(uid, Verdict::owning(Code::Unschedulable, std::move(message)).by(plugin));
}

std::vector<std::string_view> WaitingPods::held_by(std::string_view uid) const {
  std::vector<std::string_view> out;
  const auto found = pods_.find(uid);
  if (found == pods_.end()) return out;
  for (const Hold& hold : found->second->holds) out.push_back(hold.plugin);
  return out;
}

std::vector<std::string> WaitingPods::list() const {
  std::vector<std::string> out;
  for (const auto& [uid, entry] : pods_) out.push_back(uid);
  return out;
}

void WaitingPods::add(std::string uid, std::vector<Hold> holds) {
  auto entry = std::make_shared<Entry>();
  entry->holds = std::move(holds);
  entry->added = executor_.clock().steady();
  pods_[std::move(uid)] = std::move(entry);
}

Task<Verdict> WaitingPods::wait(std::string uid) {
  const auto found = pods_.find(uid);
  if (found == pods_.end()) co_return Verdict::fits();
  const std::shared_ptr<Entry> entry = found->second;
  if (!entry->holds.empty()) {
    const Hold first = *std::ranges::min_element(entry->holds, {}, &Hold::timeout);
    const auto out_of_time = [this, uid, plugin = first.plugin, timeout = first.timeout] {
      const auto seconds = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count() / 1000.0;
      reject(uid, plugin, fmt::format("rejected due to timeout after waiting {}s at plugin {}", seconds, plugin));
    };
    const Timer timer{executor_, executor_.run_at(entry->added + first.timeout, out_of_time)};
    co_await entry->decided.wait();
  }
  pods_.erase(uid);
  co_return entry->verdict.waits() ? Verdict::fits() : std::move(entry->verdict);
}

}  // namespace ph::scheduler
