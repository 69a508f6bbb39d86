// What workload loops share about pods: which count, which are available since when, which are deleted first, and how one is
// made from a template.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/selector.h"
#include "controllers/common/ownership.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {

// Neither finished nor on its way out.
bool is_active(const PodView& pod);
bool is_terminating(const PodView& pod);
// Since when (or from when on) a ready pod is available; nothing while it is not ready.
std::optional<Time> available_from(const PodView& pod, Duration min_ready);

// As index_by_controller does for messages.
void index_pods_by_controller(Informer<PodView>& pods);

api::Lookup labels_of(const PodView& pod);

// Whether a selector selects pods that are asked about one after the other: those of one template have the same labels, and are looked
// at once. Both the selector and each pod live until the next one is asked about.
class PodSelection {
 public:
  explicit PodSelection(const api::LabelSelector& selector) : selector_(&selector) {}
  bool operator()(const PodView& pod);

 private:
  const api::LabelSelector* selector_;
  const informers::LabelViews* last_ = nullptr;
  bool selected_ = false;
};

// Of `pods` the `count` that are to go first, as upstream ranks them: unassigned, pending, not ready, cheap, crowded, young,
// restarted. `crowd` says how many related pods share the pod's node.
std::vector<Ref<PodView>> first_to_delete(std::vector<Ref<PodView>> pods, std::size_t count,
                                          const std::function<int(const PodView&)>& crowd, Time now);

// A pod of `owner` as its template says; the server makes the name from `<owner>-`.
core::v1::Pod pod_from_template(const core::v1::PodTemplateSpec& from, const Owner& owner);

}  // namespace ph::controllers
