#include "controllers/job/finalizers.h"

#include <nlohmann/json.hpp>

namespace ph::controllers::job {
namespace {

// `revision`: the only one it is for; empty: any.
Task<void> take(Client& client, Ref<PodView> pod, std::string revision) {
  nlohmann::json body = {
      {"metadata", {{"uid", pod->uid}, {"$deleteFromPrimitiveList/finalizers", nlohmann::json::array({kFinalizer})}}}};
  if (!revision.empty()) body["metadata"]["resourceVersion"] = std::move(revision);
  Patch patch = Patch::strategic(body.dump());
  // Another pod may have got the name: then this one is gone.
  patch.pinned = true;
  co_await client.try_patch_metadata(*api::Scheme::builtin().resource("", "v1", "pods"), pod->key(), std::move(patch));
}

}  // namespace

Task<Released> release(Client& client, Pods pods) {
  std::vector<Task<void>> patches;
  for (const Ref<PodView>& pod : pods) patches.push_back(take(client, pod, {}));
  const std::vector<Outcome_<void>> results = co_await all(std::move(patches));
  Released out;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i].error) out.uids.insert(pods[i]->uid);
    else if (!out.error) out.error = results[i].error;
  }
  co_return out;
}

Task<void> release_orphan(Client& client, Ref<PodView> pod) { return take(client, pod, std::to_string(pod->revision.value)); }

}  // namespace ph::controllers::job
