// TeamNodes: nodes with a label `team` are for pods with the same one. Such pods prefer them, and go elsewhere when they are full.
#include <cstring>
#include <string_view>

#include "scheduler/foreign/plugin_abi.h"

namespace {

std::string_view view(const ph_text& text) { return {text.data, text.size}; }

// Empty: there is no such label.
std::string_view team_of(const ph_label* labels, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (view(labels[i].key) == "team") return view(labels[i].value);
  }
  return {};
}

void say(ph_words* why, std::string_view text) {
  why->size = text.size() < why->capacity ? text.size() : why->capacity;
  std::memcpy(why->data, text.data(), why->size);
}

int32_t filter(void*, const ph_pod* pod, const ph_node* node, ph_words* why) {
  const std::string_view team = team_of(node->labels, node->label_count);
  if (team.empty() || team == team_of(pod->labels, pod->label_count)) return PH_YES;
  say(why, "node(s) belonged to another team");
  return PH_NEVER;
}

int32_t score(void*, const ph_pod*, const ph_node* node, int64_t* out, ph_words*) {
  // What the filter has let through has the pod's team, or none.
  *out = team_of(node->labels, node->label_count).empty() ? 0 : 100;
  return PH_YES;
}

constexpr std::string_view kName = "TeamNodes";

const ph_plugin kPlugin = {
    .abi = PH_PLUGIN_ABI,
    .size = sizeof(ph_plugin),
    .name = {kName.data(), kName.size()},
    .reads_of_pod = PH_POD_LABELS,
    .reads_of_node = PH_NODE_LABELS,
    .flags = PH_PLUGIN_KEEPABLE,
    .create = nullptr,
    .destroy = nullptr,
    .filter = filter,
    .score = score,
};

}  // namespace

extern "C" const ph_plugin* ph_scheduler_plugin(void) { return &kPlugin; }
