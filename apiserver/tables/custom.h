// Rows of custom resources: the name, and the columns of their definition.
#pragma once

#include <string>
#include <vector>

#include "api/object.h"
#include "api/structural/json_path.h"
#include "apiserver/tables/printer.h"

namespace ph::apiserver {

// The columns of one resource, read once for many rows. `resource` outlives it.
class CustomColumns {
 public:
  explicit CustomColumns(const api::Resource& resource);

  std::vector<Column> columns() const;  // views into the resource
  Row row(const api::Object& object, Time now) const;

 private:
  const api::Resource& resource_;
  std::vector<api::structural::JsonPath> paths_;
};

}  // namespace ph::apiserver
