// Strings that repeat, held once: namespaces, label keys and values, nodes, images.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace ph::informers {

// A string of which the process keeps one copy for all who hold it. Cheap to copy and to compare; `view()` is valid while any
// copy lives. Threads: any.
class Interned {
 public:
  Interned() = default;
  Interned(std::string_view text);
  Interned(const std::string& text) : Interned(std::string_view(text)) {}
  Interned(const char* text) : Interned(std::string_view(text)) {}
  Interned(const Interned& other);
  Interned(Interned&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Interned& operator=(Interned other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~Interned();

  std::string_view view() const;
  operator std::string_view() const { return view(); }
  bool empty() const { return node_ == nullptr; }
  bool operator==(const Interned& other) const { return node_ == other.node_; }
  bool operator==(std::string_view other) const { return view() == other; }
  bool operator==(const std::string& other) const { return view() == other; }
  bool operator==(const char* other) const { return view() == other; }

  // How many strings are kept; for tests and metrics.
  static std::size_t kept();

 private:
  struct Node;
  struct Table;
  Node* node_ = nullptr;
};

}  // namespace ph::informers
