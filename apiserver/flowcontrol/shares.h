// How the server's seats are divided among priority levels, and how those that are not wanted are lent.
// Reference: KEP-1040, "Dispatching", "Seat borrowing".
#pragma once

#include <optional>
#include <vector>

#include "apiserver/flowcontrol/flow_config.h"
#include "apiserver/flowcontrol/priority_level.h"

namespace ph::apiserver {

// What belongs to a level.
struct SeatBounds {
  int nominal = 0;  // its share of the server
  int least = 0;    // what it keeps when others want the rest
  int most = 0;     // what it may come to
};

// Of all `seats`, by their shares; in the order of the levels.
std::vector<SeatBounds> divide_seats(const std::vector<const LevelSpec*>& levels, int seats);

// How a level's demand moves on: at once when it grows, and slowly when it falls, over `periods` of ten seconds.
double smooth_demand(double before, const SeatDemand& now, double periods = 1);

struct SeatWish {
  SeatBounds bounds;
  int most_wanted = 0;  // within the last period
  double demand = 0;    // smoothed
};

// The limits for the next period: everyone as much of his demand as all others, within his bounds, so that all seats are given
// away if the bounds let them.
std::vector<int> lend_seats(const std::vector<SeatWish>& wishes, int seats);

}  // namespace ph::apiserver
