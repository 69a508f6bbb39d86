// What a store counts. Upstream's programs see their store from outside only, so all but the size are our own names.
#pragma once

#include "base/metrics.h"

namespace ph::apiserver {

struct StoreMetrics {
  Metrics* in = nullptr;

  // clang-format off
  Gauge size = Family<Gauge>(in, {Stability::Stable, "apiserver_storage_size_bytes",
      "Bytes of the store on disk; in memory: of its values.", {"storage_cluster_id"}}) .with({"pilothouse-0"});
  Family<Counter> transactions{in, {Stability::Alpha, "pilothouse_store_transactions_total",
      "Transactions, by whether their preconditions held.", {"result"}}};
  Counter applied = transactions.with({"applied"});
  Counter refused = transactions.with({"refused"});
  Histogram group = single<Histogram>(in, {Stability::Alpha, "pilothouse_store_group_transactions",
      "Transactions that were judged together and became durable with one write and one sync.",
      {}, {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}});
  Histogram write = single<Histogram>(in, {Stability::Alpha, "pilothouse_store_write_duration_seconds",
      "How long the write and the sync of a group took.", {}, exponential_buckets(0.00001, 2, 18)});
  Counter syncs = single<Counter>(in, {Stability::Alpha, "pilothouse_store_syncs_total",
      "Writes that were synced to the disk.", {}});
  Counter bytes = single<Counter>(in, {Stability::Alpha, "pilothouse_store_written_bytes_total",
      "Bytes of the groups that were written, with their history.", {}});
  Histogram wait = single<Histogram>(in, {Stability::Alpha, "pilothouse_store_commit_duration_seconds",
      "How long commits took from being asked for until they were answered.", {}, exponential_buckets(0.00001, 2, 18)});
  // clang-format on
};

}  // namespace ph::apiserver
