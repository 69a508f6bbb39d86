// How one resource is shown as a row: its columns and a function that fills them. One line a resource in printers/printers.def.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/kinds.h"
#include "api/object.h"
#include "base/time.h"

namespace ph::apiserver {

struct Column {
  std::string_view name;
  std::string_view type = "string";
  std::string_view format = "";
  int priority = 0;  // above 0: shown by `-o wide` only
  std::string_view description = "";
};

// Any JSON, as text.
struct RawCell {
  std::string json;
};
using Cell = std::variant<std::string, std::int64_t, bool, RawCell>;

struct Row {
  std::vector<Cell> cells;
  // A pod that has ended says so in the row's condition: "Succeeded" or "Failed".
  std::string_view completed_reason, completed_message;
};

// Fills the cells, as many as there are columns. Pure. Threads: any.
using PrintRow = void (*)(const api::Object& object, Time now, Row& row);

struct Printer {
  std::span<const Column> columns;
  PrintRow print = nullptr;
};

// A printer of the concrete message type T.
template <class T, void (*kPrint)(const T&, Time, Row&)>
constexpr Printer printer_of(std::span<const Column> columns) {
  return {columns, [](const api::Object& object, Time now, Row& row) { kPrint(object.as<T>(), now, row); }};
}

// What a resource without a printer of its own is shown with: its name and when it was made.
extern const Printer kDefaultPrinter;

}  // namespace ph::apiserver
