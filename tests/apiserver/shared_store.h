#pragma once

#include "apiserver/storage/store.h"

namespace ph::apiserver::testing {

// What several servers, one after the other, keep: the bytes themselves.
class Shared final : public Store {
 public:
  explicit Shared(Store& store) : store_(store) {}
  Task<std::expected<Revision, Refused>> commit(Transaction t) override { return store_.commit(std::move(t)); }
  Task<std::optional<Stored>> get(std::string key) override { return store_.get(std::move(key)); }
  Task<std::vector<Stored>> range(std::string from, std::string to, std::size_t limit) override {
    return store_.range(std::move(from), std::move(to), limit);
  }
  Revision revision() const override { return store_.revision(); }
  void follow(Follower follower) override { store_.follow(std::move(follower)); }
  Task<std::optional<std::vector<Change>>> history(std::string prefix, Revision since) override {
    return store_.history(std::move(prefix), since);
  }
  Task<Recent> recent(std::string prefix, std::size_t records, std::size_t bytes) override {
    return store_.recent(std::move(prefix), records, bytes);
  }
  Task<std::unique_ptr<StoreView>> view() override { return store_.view(); }

 private:
  Store& store_;
};

}  // namespace ph::apiserver::testing
