#include "apiserver/cache/entry_changes.h"

namespace ph::apiserver {

void EntryChanges::visit(const EntryList& before, const EntryList& after,
                         const std::function<void(const Entry*, const Entry*)>& changed) {
  auto was = before.begin(), is = after.begin();
  while (was != before.end() || is != after.end()) {
    const Entry* const old = was == before.end() ? nullptr : was->get();
    const Entry* const now = is == after.end() ? nullptr : is->get();
    if (old == now) {
      ++was, ++is;
      continue;
    }
    const int order = !old ? 1 : !now ? -1 : old->key.compare(now->key);
    changed(order <= 0 ? old : nullptr, order >= 0 ? now : nullptr);
    if (order <= 0) ++was;
    if (order >= 0) ++is;
  }
}

}  // namespace ph::apiserver
