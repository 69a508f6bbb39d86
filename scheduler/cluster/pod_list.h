// PodList: the pods of a node in the order in which they came. A copy that is brought up to date copies what has changed since: a node may
// have ten thousand pods, and one more each cycle.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/cluster/pod_info.h"

namespace ph::scheduler {

class PodList {
 public:
  static constexpr std::size_t kNone = SIZE_MAX;

  PodList() : origin_(std::make_shared<const char>()) {}
  PodList(const PodList& other)
      : pods_(other.pods_), origin_(other.origin_), is_copy_(true), version_(other.version_), same_since_(other.version_) {
    other.copied();
  }
  PodList& operator=(const PodList& other) {
    if (this == &other) return *this;
    const bool is_older =
        origin_ && is_copy_ && origin_ == other.origin_ && version_ >= other.same_since_ && version_ <= other.version_;
    const std::size_t same = is_older ? std::min(other.same_, pods_.size()) : 0;
    pods_.erase(pods_.begin() + static_cast<std::ptrdiff_t>(same), pods_.end());
    pods_.insert(pods_.end(), other.pods_.begin() + static_cast<std::ptrdiff_t>(same), other.pods_.end());
    origin_ = other.origin_, is_copy_ = true;
    version_ = same_since_ = other.version_;
    other.copied();
    return *this;
  }

  operator std::span<const PodRef>() const { return pods_; }
  std::size_t size() const { return pods_.size(); }
  const PodRef& operator[](std::size_t at) const { return pods_[at]; }
  // Those that came last are looked at first: they are asked for most.
  std::size_t find(std::string_view uid) const {
    for (std::size_t at = pods_.size(); at-- > 0;) {
      if (pods_[at]->uid == uid) return at;
    }
    return kNone;
  }

  void add(PodRef pod) {
    changed(pods_.size());
    pods_.push_back(std::move(pod));
  }
  void replace(std::size_t at, PodRef pod) {
    changed(at);
    pods_[at] = std::move(pod);
  }
  void erase(std::size_t at) {
    changed(at);
    pods_.erase(pods_.begin() + static_cast<std::ptrdiff_t>(at));
  }

 private:
  void changed(std::size_t at) {
    if (is_copy_) origin_ = nullptr;  // it goes its own way
    ++version_;
    same_ = std::min(same_, at);
  }
  void copied() const {
    same_since_ = version_;
    same_ = pods_.size();
  }

  std::vector<PodRef> pods_;
  // Whose versions are counted; null: nobody's.
  std::shared_ptr<const char> origin_;
  bool is_copy_ = false;
  std::uint64_t version_ = 0;
  // So many at the beginning are what they were at this version.
  mutable std::uint64_t same_since_ = 0;
  mutable std::size_t same_ = 0;
};

}  // namespace ph::scheduler
