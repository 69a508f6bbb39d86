// A document that many small changes are made to: each costs what it touches, not what lies beside it. Internal to json_patch.cc.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace ph::api {

class PatchItems;

// A value of the document. It is kept as it came until somebody looks inside.
class PatchNode {
 public:
  using Members = std::map<std::string, PatchNode, std::less<>>;

  PatchNode();
  explicit PatchNode(nlohmann::json value);
  PatchNode(PatchNode&&) noexcept;
  PatchNode& operator=(PatchNode&&) noexcept;
  ~PatchNode();

  bool is_object() const { return members_ || value_.is_object(); }
  bool is_array() const { return items_ || value_.is_array(); }
  bool is_null() const { return !members_ && !items_ && value_.is_null(); }
  Members& members();   // of an object
  PatchItems& items();  // of an array

  // No less than how deep it is: 1 for a scalar and what is empty.
  std::size_t height() const { return height_; }
  // Something of that height is now within, so many levels below.
  void hold(std::size_t height, std::size_t below) { height_ = std::max(height_, height + below); }

  nlohmann::json copy() const;
  nlohmann::json take() &&;
  // As texts would be compared: 1 and 1.0 differ.
  bool equals(const nlohmann::json& other) const;

 private:
  PatchNode(nlohmann::json value, std::size_t height);
  friend class PatchItems;

  nlohmann::json value_;
  std::unique_ptr<Members> members_;
  std::unique_ptr<PatchItems> items_;
  std::size_t height_ = 1;
};

// A list in pieces: an insertion moves a piece's items, not all of them.
class PatchItems {
 public:
  PatchItems(nlohmann::json::array_t values, std::size_t height);

  std::size_t size() const { return size_; }
  PatchNode& at(std::size_t index);
  void insert(std::size_t index, PatchNode node);  // up to `size`
  PatchNode take(std::size_t index);
  template <class Use>
  void for_each(Use use) {
    for (auto& piece : pieces_) {
      for (PatchNode& node : piece) use(node);
    }
  }

 private:
  struct Place {
    std::size_t piece, index;
  };
  Place find(std::size_t index) const;

  std::vector<std::vector<PatchNode>> pieces_;  // none is empty
  std::size_t size_ = 0;
};

}  // namespace ph::api
