#include "api/structural/objects.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/kinds.h"
#include "api/structural/document.h"
#include "api/structural/structural.h"
#include "base/assert.h"

namespace ph::api::structural {

namespace {

constexpr const char* kMetadata = "metadata";

// Metadata as the typed thing it is; unknown members of it are complained about by their paths.
meta::v1::ObjectMeta take_metadata(Json& document, std::vector<std::string>& complaints) {
  meta::v1::PartialObjectMetadata partial;
  const auto found = document.find(kMetadata);
  if (found == document.end() || found->is_null()) return {};
  Json around = Json::object();
  around[kMetadata] = std::move(*found);
  document.erase(found);
  from_json(around, partial, {.unknown = Unknown::Warn, .warnings = &complaints});
  return std::move(*partial.mutable_metadata());
}

Object read(const Schema& schema, Json document, std::vector<std::string>& complaints) {
  PH_ASSERT(schema.structural);
  const Structural& structural = *schema.structural;
  meta::v1::ObjectMeta metadata = take_metadata(document, complaints);
  std::vector<std::string> unknown;
  Errors errors;
  structural.coerce(document, false, errors, &unknown);
  if (!errors.empty()) throw DecodeError(fmt::format("{}: {}", errors.list().front().field, errors.list().front().detail));
  structural.prune(document, &unknown);
  for (const std::string& path : unknown) complaints.push_back(fmt::format("unknown field \"{}\"", path));
  return Object(schema, std::move(metadata), std::move(document));
}

void tell(std::vector<std::string> complaints, const DecodeOptions& options) {
  if (options.unknown == Unknown::Ignore || complaints.empty()) return;
  if (options.unknown == Unknown::Strict)
    throw DecodeError(fmt::format("strict decoding error: {}", fmt::join(complaints, ", ")));
  if (options.warnings) std::ranges::move(complaints, std::back_inserter(*options.warnings));
}

}  // namespace

Object read_object(const Schema& schema, std::string_view text, const DecodeOptions& options) {
  std::vector<std::string> complaints;
  DecodeOptions collecting = options;
  if (options.unknown != Unknown::Ignore) collecting.unknown = Unknown::Warn;
  collecting.warnings = &complaints;
  Object out = read(schema, read_document(text, collecting), complaints);
  tell(std::move(complaints), options);
  return out;
}

Object read_object(const Schema& schema, Json document, const DecodeOptions& options) {
  check_depth(document, options.depth_max);
  std::vector<std::string> complaints;
  Object out = read(schema, std::move(document), complaints);
  tell(std::move(complaints), options);
  return out;
}

Object as_version(const Object& object, const Schema& to) {
  PH_ASSERT(to.structural);
  Object out(to, object.metadata(), object.members());
  to.structural->prune(out.members());
  to.structural->apply_defaults(out.members());
  return out;
}

}  // namespace ph::api::structural
