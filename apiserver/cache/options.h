// How much of the past the watch caches of a server hold.
#pragma once

#include <cstddef>

#include "base/time.h"

namespace ph::apiserver {

struct CacheOptions {
  // -- The windows: events from which a watch can begin, or go on
  Duration window = std::chrono::minutes(10);  // events are held this long at most, but for the newest `events_min` of a resource
  std::size_t events_min = 100;
  std::size_t events_max = 100'000;  // of a resource
  // Of all resources together, counting what nothing but an event holds any more. The oldest events of the biggest windows go first,
  // and none gets smaller than `bytes_min`; small ones are never larger. The newest revision of a resource stays whatever it costs.
  std::size_t bytes_max = 64 << 20;
  std::size_t bytes_min = 256 << 10;

  // -- The backlogs: events before the windows, which somebody who reads has still to be sent
  std::size_t backlog_max = 64 << 20;  // of all resources together; beyond it those that are furthest behind are ended
  // So long a watch may go without reading anything while events are held for it; then it is ended.
  Duration unread_max = std::chrono::minutes(1);

  // How much of the store's history is looked at when caches are filled.
  std::size_t history_records_max = 20'000;
  std::size_t history_bytes_max = 16 << 20;
};

}  // namespace ph::apiserver
