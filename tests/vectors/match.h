// Whether an answer is what was recorded, where the recording stands for more than itself: `<uid:1>`, `<time>`, `<dump>`, …
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace ph::vectors {

using Json = nlohmann::json;

// What numbered placeholders stand for. One that was seen stands for the same text again, and no other of its kind does.
class Bindings {
 public:
  // Null: not known yet.
  const std::string* find(std::string_view placeholder) const;
  // False: another placeholder of that kind ("uid") has the value.
  bool bind(std::string_view placeholder, std::string_view value);
  void forget(std::string_view placeholder);
  // The text with what is known put in the place of placeholders; in paths percent-encoded.
  std::string fill(std::string text, bool in_path = false) const;
  // … in all strings of a document. A string that is one placeholder of a number becomes that number.
  Json fill(Json document) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;  // by placeholder, with its brackets
};

// Binds the placeholders of `recorded` that are met for the first time, also when it says no.
bool matches_text(std::string_view recorded, std::string_view got, Bindings& bindings);
bool matches(const Json& recorded, const Json& got, Bindings& bindings);

// The differences, a line each: the path, what was recorded, what was got. Empty when it matches.
std::string differences(const Json& recorded, const Json& got, Bindings& bindings);

// The first line's path without names and numbers, for counting: "spec.containers[].image".
std::string kind_of_difference(const std::string& differences);

// Brings the members of a list into the order of `key(member)`.
template <class Key>
void sort_list(Json& list, const Key& key) {
  std::vector<std::pair<decltype(key(Json())), std::size_t>> order;
  for (const Json& each : list) order.emplace_back(key(each), order.size());
  std::ranges::sort(order);
  Json out = Json::array();
  for (const auto& [unused, at] : order) out.push_back(list[at]);
  list = std::move(out);
}
inline void sort_list(Json& list) {
  sort_list(list, [](const Json& each) { return each.dump(); });
}

// A text cut to what fits a line.
std::string shortened(std::string text, std::size_t most = 300);

}  // namespace ph::vectors
