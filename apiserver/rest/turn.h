// Long work on the server's executor, in portions: whoever walks over many objects lets others have their turn.
#pragma once

#include <cstddef>

namespace ph::apiserver {

// Of showing an object as another kind (`shown`).
inline constexpr std::size_t kConversionCost = 400;

class Turn {
 public:
  // True when it is time to `co_await yield()`. `cost`: of one object, about so many times 50 ns.
  bool over(std::size_t cost) {
    spent_ += cost;
    if (spent_ < kTurn) return false;
    spent_ = 0;
    return true;
  }

 private:
  static constexpr std::size_t kTurn = 10'000;  // half a millisecond
  std::size_t spent_ = 0;
};

}  // namespace ph::apiserver
