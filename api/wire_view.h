// A view of one value in protobuf bytes: what Value shows of a message, without building it. Presence and equality are
// Value's (api/meaning.h), but that quantities are equal only when JSON shows the same text.
// Internal to api/. A view is cheap to copy and valid as long as the bytes are. The bytes are a message's own serialization,
// or the normal form: no member comes in pieces. Reading damaged bytes throws DecodeError.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"
#include "api/wire.h"

namespace ph::api {
class Meaning;
}

namespace ph::api::wire {

class View {
 public:
  View() = default;
  // A whole struct.
  View(const Schema& schema, std::string_view bytes) : schema_(&schema), item_{.bytes = bytes} {}

  explicit operator bool() const { return schema_ != nullptr; }
  const Schema& schema() const { return *schema_; }

  // A struct's members, found in one pass; absent ones are empty views.
  class Members {
   public:
    explicit Members(const View& of);
    View operator[](std::size_t member) const;

   private:
    const Schema& schema_;
    Index index_;
  };

  // A list's items in order; a map's entries in the order of their keys.
  std::vector<View> items() const;
  std::vector<std::pair<std::string_view, View>> entries() const;
  std::size_t size() const;
  // Compact JSON of anything but lists and maps.
  std::string json_text() const;

  // Deep equality of two values of one schema, by what JSON would show. Two absent ones are equal.
  static bool equal(const View& a, const View& b);
  // Certainly equal; at the price of a memory comparison.
  static bool same_bytes(const View& a, const View& b) {
    return a.item_.number == b.item_.number && a.item_.bytes == b.item_.bytes;
  }

 private:
  View(const Schema& schema, Item item, unsigned number) : schema_(&schema), item_(item), number_(number) {}
  friend class api::Meaning;
  // For what a zero and an equal value are.
  bool is_bare() const;
  bool is_zero_leaf() const;
  static bool equal_leaves(const View& a, const View& b);

  const Schema* schema_ = nullptr;
  Item item_;            // the value; of a list or map: the records it is made of
  unsigned number_ = 0;  // of those records
};

}  // namespace ph::api::wire
