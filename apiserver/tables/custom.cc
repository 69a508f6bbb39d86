#include "apiserver/tables/custom.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/structural/document.h"

namespace ph::apiserver {

using api::structural::JsonPath;

CustomColumns::CustomColumns(const api::Resource& resource) : resource_(resource) {
  for (const auto& column : resource.columns) paths_.push_back(JsonPath::parse(column.json_path));
}

std::vector<Column> CustomColumns::columns() const {
  std::vector<Column> out{{"Name", "string", "name"}};
  for (const auto& column : resource_.columns)
    out.push_back({column.name, column.type, column.format, column.priority, column.description});
  return out;
}

Row CustomColumns::row(const api::Object& object, Time now) const {
  const bool wants_metadata = std::ranges::any_of(paths_, &JsonPath::of_metadata);
  const nlohmann::json metadata = wants_metadata ? api::to_json(object.metadata()) : nlohmann::json();
  Row out;
  out.cells.emplace_back(object.metadata().name());
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    RawCell cell;
    api::structural::append_document(api::structural::table_cell(resource_.columns[i].type, paths_[i], object.members(),
                                                                 wants_metadata ? &metadata : nullptr, now),
                                     cell.json);
    out.cells.emplace_back(std::move(cell));
  }
  return out;
}

}  // namespace ph::apiserver
