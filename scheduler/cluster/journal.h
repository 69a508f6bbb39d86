// Journal: what has happened lately, in its order, numbered. For whoever keeps results and repairs them by what has happened since.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

namespace ph::scheduler {

template <class T>
class Journal {
 public:
  std::uint64_t end() const { return start_ + log_.size(); }
  // Whether all since `from` are still known.
  bool reaches(std::uint64_t from) const { return from >= start_; }
  const T& at(std::uint64_t number) const { return log_[number - start_]; }

  void add(T one) {
    log_.push_back(std::move(one));
    if (log_.size() <= kMost) return;
    log_.pop_front();
    ++start_;
  }

 private:
  static constexpr std::size_t kMost = 4096;
  std::deque<T> log_;
  std::uint64_t start_ = 0;
};

}  // namespace ph::scheduler
