#include "apiserver/flowcontrol/shares.h"

#include <algorithm>
#include <cmath>

namespace ph::apiserver {
namespace {

constexpr double kSlowness = 0.977;  // what stays of a demand that has gone, a period later
constexpr int kSteps = 50;           // of bisection: more than a double can tell apart

struct Range {
  double least, wanted, most;
  double at(double proportion) const { return std::clamp(proportion * wanted, least, most); }
};

double total(const std::vector<Range>& ranges, double proportion) {
  double sum = 0;
  for (const Range& range : ranges) sum += range.at(proportion);
  return sum;
}

// The proportion of what is wanted that uses up the seats.
double fair_proportion(const std::vector<Range>& ranges, double seats) {
  double low = 0, high = 1;
  while (total(ranges, high) < seats) {
    if (high > seats * 2) return high;  // all have the most they may have
    high *= 2;
  }
  for (int i = 0; i < kSteps; ++i) {
    const double middle = (low + high) / 2;
    (total(ranges, middle) < seats ? low : high) = middle;
  }
  return high;
}

}  // namespace

std::vector<SeatBounds> divide_seats(const std::vector<const LevelSpec*>& levels, int seats) {
  double shares = 0;
  for (const LevelSpec* level : levels) shares += level->shares;
  std::vector<SeatBounds> out;
  for (const LevelSpec* level : levels) {
    SeatBounds bounds;
    if (shares > 0) bounds.nominal = static_cast<int>(std::ceil(seats * level->shares / shares));
    bounds.least = bounds.nominal - static_cast<int>(std::round(bounds.nominal * level->lendable));
    bounds.most = seats;
    if (level->borrowing) bounds.most = bounds.nominal + static_cast<int>(std::round(bounds.nominal * *level->borrowing));
    bounds.most = std::max(bounds.most, bounds.least);
    out.push_back(bounds);
  }
  return out;
}

double smooth_demand(double before, const SeatDemand& now, double periods) {
  const double envelope = now.average + now.deviation;
  const double stays = std::pow(kSlowness, periods);
  return std::max(envelope, stays * before + (1 - stays) * envelope);
}

std::vector<int> lend_seats(const std::vector<SeatWish>& wishes, int seats) {
  std::vector<Range> ranges;
  for (const SeatWish& wish : wishes) {
    const double least = std::max(wish.bounds.least, std::min(wish.bounds.nominal, wish.most_wanted));
    ranges.push_back({.least = std::min<double>(least, wish.bounds.most),
                      .wanted = std::max(least, wish.demand),
                      .most = static_cast<double>(wish.bounds.most)});
  }
  const double proportion = fair_proportion(ranges, seats);
  std::vector<int> out;
  for (const Range& range : ranges) out.push_back(static_cast<int>(std::round(range.at(proportion))));
  return out;
}

}  // namespace ph::apiserver
