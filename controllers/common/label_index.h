// Who selects whom, without looking at everything of a namespace: pods by each of their labels, and what selects pods by one label that
// it asks for.
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "api/sorted.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {

inline constexpr const char* kByLabel = "label";              // of pods
inline constexpr const char* kBySelected = "selected label";  // of what selects pods

// The value of both indexes: of a label, and of a namespace for what asks for none.
std::string label_value(std::string_view namespace_name, std::string_view key, std::string_view value);
std::string any_label(std::string_view namespace_name);

void index_pods_by_label(Informer<PodView>& pods);

// Pods of the namespace that have the rarest of these labels; all of the namespace when there are none. Ordered by name; who asks looks
// at the rest himself. `labels`: a map.
template <class Map>
std::vector<Ref<PodView>> pods_with_some_of(const Informer<PodView>& pods, std::string_view namespace_name, const Map& labels) {
  std::string rarest;
  std::size_t fewest = 0;
  for (const auto& [key, value] : in_any_order(labels)) {
    std::string term = label_value(namespace_name, key, value);
    const std::size_t count = pods.count(kByLabel, term);
    // Of labels as rare the first by name.
    if (!rarest.empty() && std::tie(count, term) >= std::tie(fewest, rarest)) continue;
    rarest = std::move(term);
    fewest = count;
  }
  return rarest.empty() ? pods.list(namespace_name) : pods.by_index(kByLabel, rarest);
}

// Of what selects pods: the first label it asks for, or none. `labels`: a map of those it asks for by equality.
template <class Map>
std::string selected_label(std::string_view namespace_name, const Map& labels) {
  if (labels.empty()) return any_label(namespace_name);
  const auto* first = sorted(labels).front();
  return label_value(namespace_name, first->first, first->second);
}

// Those of an informer with the index kBySelected that may select a pod.
template <class T>
std::vector<Ref<T>> who_may_select(const PodView& pod, const Informer<T>& selecting) {
  std::vector<Ref<T>> out = selecting.by_index(kBySelected, any_label(pod.namespace_name));
  for (const auto& [key, value] : pod.labels) {
    auto more = selecting.by_index(kBySelected, label_value(pod.namespace_name, key, value));
    std::ranges::move(more, std::back_inserter(out));
  }
  return out;
}

}  // namespace ph::controllers
