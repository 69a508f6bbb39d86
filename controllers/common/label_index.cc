#include "controllers/common/label_index.h"

namespace ph::controllers {

std::string label_value(std::string_view namespace_name, std::string_view key, std::string_view value) {
  std::string out;
  out.reserve(namespace_name.size() + key.size() + value.size() + 2);
  out.append(namespace_name).append("/").append(key).append("=").append(value);
  return out;
}

std::string any_label(std::string_view namespace_name) { return std::string(namespace_name) + "/"; }

void index_pods_by_label(Informer<PodView>& pods) {
  pods.add_index(kByLabel, [](const PodView& pod) {
    std::vector<std::string> out;
    out.reserve(pod.labels.size());
    for (const auto& [key, value] : pod.labels) out.push_back(label_value(pod.namespace_name, key, value));
    return out;
  });
}

}  // namespace ph::controllers
