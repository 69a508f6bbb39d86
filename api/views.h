// What generic algorithms ask of a view, whatever holds the value: the members of a struct by their index, the items of a list, the
// entries of a map in the order of their keys. Internal to api/.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "api/value.h"
#include "api/wire_view.h"

namespace ph::api {

struct ValueMembers {
  Value of;
  Value operator[](std::size_t member) const { return of.member(of.schema().fields[member]); }
};
inline ValueMembers members_of(const Value& value) { return {value}; }

inline std::vector<Value> items_of(const Value& list) {
  std::vector<Value> out;
  out.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) out.push_back(list.item(i));
  return out;
}

inline std::vector<std::pair<std::string, Value>> entries_of(const Value& map) {
  std::vector<std::pair<std::string, Value>> out;
  for (std::string& key : map.keys()) {
    Value entry = map.entry(key);
    out.emplace_back(std::move(key), std::move(entry));
  }
  return out;
}

namespace wire {

inline View::Members members_of(const View& view) { return View::Members(view); }
inline std::vector<View> items_of(const View& list) { return list.items(); }
inline std::vector<std::pair<std::string_view, View>> entries_of(const View& map) { return map.entries(); }

}  // namespace wire

}  // namespace ph::api
