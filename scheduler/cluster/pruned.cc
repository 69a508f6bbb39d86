#include "scheduler/cluster/pruned.h"

#include <algorithm>

#include "informers/wire.h"

namespace ph::scheduler {

using informers::WireReader;

std::string pruned(std::string_view message, std::span<const Kept> kept) {
  std::string out;
  for (WireReader in(message); in.next();) {
    const auto keep = std::ranges::find(kept, in.field(), &Kept::number);
    if (keep == kept.end()) continue;
    if (keep->inside.empty() || !in.is_bytes()) out += in.whole();
    else informers::append_field(out, in.field(), pruned(in.text(), keep->inside));
  }
  return out;
}

std::string_view string_at(std::string_view message, std::span<const int> path) {
  std::string_view found;
  for (WireReader in(message); in.next();) {
    if (in.field() != path.front() || !in.is_bytes()) continue;
    found = path.size() == 1 ? in.text() : string_at(in.text(), path.subspan(1));
  }
  return found;
}

}  // namespace ph::scheduler
