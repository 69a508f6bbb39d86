#include "informers/kinds.h"

#include <algorithm>

#include "base/within.h"

namespace ph::informers {
namespace {

// Upstream's, of its garbage collector: between two looks, and for a copy to become complete.
constexpr Duration kPeriod = 30s, kPatience = 30s;

}  // namespace

bool is_collectable(const api::Resource& resource) {
  return resource.plural != "events" && resource.has_verb("list") && resource.has_verb("watch") && resource.has_verb("delete");
}

Kinds::Kinds(Executor& executor, Client& client, Informers& informers, Rng& rng, Log log)
    : executor_(executor), informers_(informers), log_(std::move(log)), discoverer_(client), backoff_(rng), scope_(executor) {}

Kinds::~Kinds() { stop(); }

void Kinds::want(Wanted when) {
  const bool is_first = wanted_.empty();
  const bool is_new = wanted_.insert(when).second;
  if (stopped_ || !is_new) return;
  if (is_first) scope_.spawn(run());
  if (found_) take(*found_);
}

void Kinds::stop() {
  stopped_ = true;
  scope_.cancel();
  looked_.set();
  changed_.set();
}

KindRef Kinds::of_number(std::size_t number) const {
  const auto found = by_number_.find(number);
  return found == by_number_.end() ? nullptr : found->second;
}

KindRef Kinds::of_name(std::string_view api_version, std::string_view kind) const {
  const auto found = by_name_.find(std::string(api_version) + "/" + std::string(kind));
  return found == by_name_.end() ? nullptr : found->second;
}

Task<void> Kinds::wait_change(std::uint64_t seen) {
  while (version_ == seen && !stopped_) {
    changed_.reset();
    co_await changed_.wait();
  }
}

Task<void> Kinds::wait_known() {
  while (!found_ && !stopped_) {
    looked_.reset();
    co_await looked_.wait();
  }
}

bool Kinds::is_settled(const Kind& kind, Duration patience) const {
  return kind.metadata->synced() || executor_.clock().steady() - kind.since >= patience;
}

bool Kinds::settled(Duration patience) const {
  return std::ranges::all_of(list_, [&](const KindRef& kind) { return is_settled(*kind, patience); });
}

Task<void> Kinds::wait_settled() {
  while (!stopped_) {
    const auto late = std::ranges::find_if(list_, [this](const KindRef& kind) { return !is_settled(*kind, kPatience); });
    if (late == list_.end()) co_return;
    const KindRef kind = *late;
    co_await within(kind->since + kPatience - executor_.clock().steady(), kind->metadata->wait_synced());
  }
}

Task<void> Kinds::refresh() {
  const std::uint64_t next = begun_ + 1;
  asked_.set();
  while (ended_ < next && !stopped_) {
    looked_.reset();
    co_await looked_.wait();
  }
  if (failure_) std::rethrow_exception(failure_);
}

Task<void> Kinds::run() {
  for (;;) {
    asked_.reset();
    const Duration pause = co_await look();
    const Alarm alarm(pause, asked_);
    co_await asked_.wait();
  }
}

// How long until the next one, if nobody asks.
Task<Duration> Kinds::look() {
  const std::uint64_t number = ++begun_;
  Duration pause = kPeriod;
  try {
    found_ = co_await discoverer_.look();
    failure_ = nullptr;
    backoff_.reset();
    if (!found_->failures.empty()) log_.warning("discovery is not complete", "error", found_->complaint());
    take(*found_);
  } catch (const std::exception& error) {
    failure_ = std::current_exception();
    pause = std::min(kPeriod, backoff_.next());
    log_.warning("discovery failed", "error", error.what());
  }
  ended_ = number;
  looked_.set();
  co_return pause;
}

bool Kinds::is_wanted(const api::Resource& resource) const {
  return std::ranges::any_of(wanted_, [&](Wanted when) { return when(resource); });
}

std::size_t Kinds::number_of(const Name& name) { return numbers_.try_emplace(name, numbers_.size()).first->second; }

void Kinds::take(const Discovery& found) {
  std::map<Name, Held> held;
  for (auto& [name, one] : held_) {
    // It did not say that they are gone.
    if (found.failures.contains(one.kind->resource->kind.api_version())) held.emplace(name, one);
  }
  bool changed = false;
  for (const Discovery::Offer& offer : found.offers) {
    if (!is_wanted(*offer.resource)) continue;
    const Name name{offer.resource->kind.group, offer.resource->plural};
    const auto before = held_.find(name);
    const bool stays = held.contains(name) || (before != held_.end() && before->second.kind->resource == offer.resource);
    if (stays) {
      held.try_emplace(name, before->second).first->second.names = offer.names;
      continue;
    }
    changed = true;
    log_.debug("following a kind", "group", name.first, "resource", name.second);
    held.emplace(name, Held{std::make_shared<const Kind>(Kind{number_of(name), offer.resource, informers_.follow(offer.resource),
                                                              executor_.clock().steady()}),
                            offer.names});
  }
  for (const auto& [name, one] : held_) {
    const auto after = held.find(name);
    if (after != held.end() && after->second.kind == one.kind) continue;
    changed = true;
    informers_.forget(*one.kind->metadata);
  }
  held_ = std::move(held);
  index();
  if (!changed) return;
  ++version_;
  changed_.set();
}

void Kinds::index() {
  list_.clear();
  by_number_.clear();
  by_name_.clear();
  for (const auto& [name, one] : held_) {
    list_.push_back(one.kind);
    by_number_.emplace(one.kind->number, one.kind);
    for (const api::GroupVersionKind& kind : one.names) by_name_.emplace(kind.api_version() + "/" + kind.kind, one.kind);
  }
}

}  // namespace ph::informers
