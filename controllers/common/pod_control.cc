#include "controllers/common/pod_control.h"

#include <algorithm>

namespace ph::controllers {

using core::v1::ObjectReference;
using core::v1::Pod;

namespace {

std::optional<PodControl::Failure> failure_of(std::exception_ptr error) {
  if (!error) return std::nullopt;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return PodControl::Failure{e.what(), error};
  }
}

}  // namespace

Task<std::optional<PodControl::Failure>> PodControl::create(int count, std::function<Pod(int)> pod, ObjectReference about,
                                                            int* made) {
  const Batches batches = co_await slow_start(count, [this, &pod, &about](int i) { return create_one(pod(i), about); });
  if (made) *made = batches.succeeded;
  co_return failure_of(batches.error);
}

// Whether another one is worth trying.
Task<bool> PodControl::create_one(Pod pod, const ObjectReference& about) {
  try {
    const Created<Pod> created = co_await client_.try_create<Pod>(std::move(pod));
    if (created.made == Made::NamespaceEnding) co_return false;
    if (created.made != Made::Yes) throw *created.refusal;
    events_.normal(about, "SuccessfulCreate", "Created pod: " + created.object.metadata().name());
    co_return true;
  } catch (const std::exception& error) {
    events_.warning(about, "FailedCreate", std::string("Error creating: ") + error.what());
    throw;
  }
}

Task<std::optional<PodControl::Failure>> PodControl::remove(std::vector<Ref<PodView>> pods, ObjectReference about) {
  std::vector<Task<void>> deletions;
  for (const Ref<PodView>& pod : pods) deletions.push_back(remove_one(pod->key(), pod->uid, about));
  std::exception_ptr error;
  for (const Outcome_<void>& result : co_await all(std::move(deletions))) {
    if (result.error && !error) error = result.error;
  }
  co_return failure_of(error);
}

Task<void> PodControl::remove_one(ObjectKey key, std::string uid, const ObjectReference& about) {
  DeleteOptions options;
  options.uid = std::move(uid);
  try {
    const Removed removed = co_await client_.remove<Pod>(key, options);
    if (removed == Removed::Yes) events_.normal(about, "SuccessfulDelete", "Deleted pod: " + key.name);
  } catch (const std::exception& error) {
    events_.warning(about, "FailedDelete", std::string("Error deleting: ") + error.what());
    throw;
  }
}

Task<Batches> slow_start(int count, std::function<Task<bool>(int)> one) {
  Batches out;
  int next = 0;
  bool goes_on = true;
  for (int size = 1; next < count && goes_on; size *= 2) {
    std::vector<Task<bool>> batch;
    const int end = std::min(count, next + size);
    while (next < end) batch.push_back(one(next++));
    for (const Outcome_<bool>& result : co_await all(std::move(batch))) {
      const bool succeeded = result.value.value_or(false);
      if (succeeded) ++out.succeeded;
      if (!succeeded) goes_on = false;
      if (result.error && !out.error) out.error = result.error;
    }
  }
  co_return out;
}

}  // namespace ph::controllers
