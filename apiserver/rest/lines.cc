#include "apiserver/rest/lines.h"

namespace ph::apiserver {

Lines::Place::Place(Lines& lines, All::iterator line)
    : lines_(&lines), line_(line), stand_(line->second.emplace(line->second.end())) {
  if (stand_ == line_->second.begin()) stand_->turn.set();
}

Lines::Place::~Place() {
  if (lines_ == nullptr) return;
  Line& line = line_->second;
  const bool first = stand_ == line.begin();
  line.erase(stand_);
  if (line.empty()) {
    lines_->all_.erase(line_);
  } else if (first) {
    line.front().turn.set();
  }
}

}  // namespace ph::apiserver
