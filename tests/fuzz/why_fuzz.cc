// Questions to the scheduler, a query in the first line and a body below it: what is taken means something.
#include "api/errors.h"
#include "base/assert.h"
#include "scheduler/why/question.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {

void why(std::string_view text) {
  const auto line = std::min(text.find('\n'), text.size());
  try {
    const auto asked = scheduler::why::question_of(text.substr(0, line), text.substr(std::min(line + 1, text.size())));
    PH_ASSERT(!asked.pod.namespace_name.empty() && !asked.pod.name.empty());
    for (const auto& added : asked.edits.added) {
      PH_ASSERT(added.count >= 0 && added.count <= scheduler::why::kAddedNodesMost && !added.like.empty());
    }
    for (const auto& node : asked.edits.nodes) PH_ASSERT(!node.metadata().name().empty());
    for (const auto& name : asked.edits.drained) PH_ASSERT(!name.empty());
    for (const auto& name : asked.edits.uncordoned) PH_ASSERT(!name.empty());
    for (const auto& label : asked.edits.labels) PH_ASSERT(!label.node.empty() && !label.key.empty());
    for (const auto& taint : asked.edits.taints) {
      PH_ASSERT(!taint.node.empty() && !taint.taint.key().empty() && (taint.away || !taint.taint.effect().empty()));
    }
  } catch (const api::ApiError& error) {
    PH_ASSERT(error.code() == 400);
  }
}

}  // namespace ph::fuzz
