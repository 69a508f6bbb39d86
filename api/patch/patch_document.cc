#include "api/patch/patch_document.h"

#include <algorithm>

namespace ph::api {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kPiece = 512;

std::size_t height_of(const Json& value) {
  std::size_t height = 0;
  if (value.is_structured()) {
    for (const Json& inner : value) height = std::max(height, height_of(inner));
  }
  return height + 1;
}

bool equal(const Json& a, const Json& b) {
  if (a.is_object() && b.is_object()) {
    return a.size() == b.size() &&
           std::ranges::equal(a.get_ref<const Json::object_t&>(), b.get_ref<const Json::object_t&>(),
                              [](const auto& x, const auto& y) { return x.first == y.first && equal(x.second, y.second); });
  }
  if (a.is_array() && b.is_array()) return std::ranges::equal(a, b, equal);
  return a.is_number_float() == b.is_number_float() && a == b;
}

}  // namespace

PatchNode::PatchNode() = default;
PatchNode::PatchNode(Json value) : PatchNode(std::move(value), 0) { height_ = height_of(value_); }
PatchNode::PatchNode(Json value, std::size_t height) : value_(std::move(value)), height_(height) {}
PatchNode::PatchNode(PatchNode&&) noexcept = default;
PatchNode& PatchNode::operator=(PatchNode&&) noexcept = default;
PatchNode::~PatchNode() = default;

PatchNode::Members& PatchNode::members() {
  if (!members_) {
    members_ = std::make_unique<Members>();
    for (auto& [name, value] : value_.get_ref<Json::object_t&>()) {
      members_->emplace_hint(members_->end(), name, PatchNode(std::move(value), height_ - 1));
    }
    value_ = nullptr;
  }
  return *members_;
}

PatchItems& PatchNode::items() {
  if (!items_) {
    items_ = std::make_unique<PatchItems>(std::move(value_.get_ref<Json::array_t&>()), height_ - 1);
    value_ = nullptr;
  }
  return *items_;
}

Json PatchNode::copy() const {
  if (members_) {
    Json out = Json::object();
    for (const auto& [name, node] : *members_) out.emplace(name, node.copy());
    return out;
  }
  if (!items_) return value_;
  Json::array_t out;
  out.reserve(items_->size());
  items_->for_each([&](const PatchNode& node) { out.push_back(node.copy()); });
  return out;
}

Json PatchNode::take() && {
  if (members_) {
    Json out = Json::object();
    for (auto& [name, node] : *members_) out.emplace(name, std::move(node).take());
    return out;
  }
  if (!items_) return std::move(value_);
  Json::array_t out;
  out.reserve(items_->size());
  items_->for_each([&](PatchNode& node) { out.push_back(std::move(node).take()); });
  return out;
}

bool PatchNode::equals(const Json& other) const {
  if (members_) {
    if (!other.is_object() || other.size() != members_->size()) return false;
    return std::ranges::equal(*members_, other.get_ref<const Json::object_t&>(),
                              [](const auto& a, const auto& b) { return a.first == b.first && a.second.equals(b.second); });
  }
  if (!items_) return equal(value_, other);
  if (!other.is_array() || other.size() != items_->size()) return false;
  bool same = true;
  std::size_t i = 0;
  items_->for_each([&](const PatchNode& node) { same = same && node.equals(other[i++]); });
  return same;
}

PatchItems::PatchItems(Json::array_t values, std::size_t height) : size_(values.size()) {
  pieces_.reserve(size_ / kPiece + 1);
  for (std::size_t from = 0; from < size_; from += kPiece) {
    auto& piece = pieces_.emplace_back();
    const std::size_t end = std::min(size_, from + kPiece);
    piece.reserve(end - from);
    for (std::size_t i = from; i < end; ++i) piece.push_back(PatchNode(std::move(values[i]), height));
  }
}

PatchItems::Place PatchItems::find(std::size_t index) const {
  std::size_t piece = 0;
  while (index >= pieces_[piece].size()) index -= pieces_[piece++].size();
  return {piece, index};
}

PatchNode& PatchItems::at(std::size_t index) {
  const Place place = find(index);
  return pieces_[place.piece][place.index];
}

void PatchItems::insert(std::size_t index, PatchNode node) {
  if (pieces_.empty()) pieces_.emplace_back();
  // Behind the last one there is no item to find.
  const Place place = index < size_ ? find(index) : Place{pieces_.size() - 1, pieces_.back().size()};
  auto& piece = pieces_[place.piece];
  piece.insert(piece.begin() + static_cast<std::ptrdiff_t>(place.index), std::move(node));
  ++size_;
  if (piece.size() < 2 * kPiece) return;
  std::vector<PatchNode> half(std::make_move_iterator(piece.begin() + kPiece), std::make_move_iterator(piece.end()));
  piece.resize(kPiece);
  pieces_.insert(pieces_.begin() + static_cast<std::ptrdiff_t>(place.piece) + 1, std::move(half));
}

PatchNode PatchItems::take(std::size_t index) {
  const Place place = find(index);
  auto& piece = pieces_[place.piece];
  PatchNode out = std::move(piece[place.index]);
  piece.erase(piece.begin() + static_cast<std::ptrdiff_t>(place.index));
  if (piece.empty()) pieces_.erase(pieces_.begin() + static_cast<std::ptrdiff_t>(place.piece));
  --size_;
  return out;
}

}  // namespace ph::api
