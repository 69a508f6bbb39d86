#include "scheduler/cluster/pruned.h"

#include <algorithm>

#include "api/wire_records.h"

namespace ph::scheduler {

namespace wire = api::wire;

std::string pruned(std::string_view message, std::span<const Kept> kept) {
  std::string out;
  for (wire::Records in(message); in.next();) {
    const auto keep = std::ranges::find(kept, in.field(), &Kept::number);
    if (keep == kept.end()) continue;
    if (keep->wanted && in.type() == wire::kBytes && !keep->wanted(in.text())) continue;
    if (keep->inside.empty() || in.type() != wire::kBytes) {
      out += in.whole();
    } else {
      wire::append_bytes(keep->number, pruned(in.text(), keep->inside), out);
    }
  }
  return out;
}

unsigned first_inside(std::string_view message, unsigned number) {
  for (wire::Records in(message); in.next();) {
    if (!in.is(number, wire::kBytes)) continue;
    wire::Records inner(in.text());
    return inner.next() ? static_cast<unsigned>(inner.field()) : 0;
  }
  return 0;
}

std::string_view string_at(std::string_view message, std::span<const int> path) {
  std::string_view found;
  for (wire::Records in(message); in.next();) {
    if (!in.is(static_cast<unsigned>(path.front()), wire::kBytes)) continue;
    found = path.size() == 1 ? in.text() : string_at(in.text(), path.subspan(1));
  }
  return found;
}

}  // namespace ph::scheduler
