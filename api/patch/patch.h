// The three patches on JSON documents. The document and the patch are values; the result is a new document. Errors:
// DecodeError (400) for a patch that is malformed, ApplyError (422) for one that does not fit the document, MergeError (500) for
// what upstream did not think of, ApiError 413 for one with too many operations. Messages are upstream's. Threads: any.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/codec.h"
#include "api/schema.h"

namespace ph::api {

class ApplyError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class MergeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// RFC 6902; at most 10,000 operations, each of which costs what it touches; copies may not enlarge the document by more than
// 3 MiB in all. As upstream's library: indices may be negative (from the end), `test` takes a missing member for null, `replace`
// adds one, and an empty path is good for `test` and `replace` alone.
nlohmann::json json_patch(nlohmann::json document, nlohmann::json patch);
// What upstream says of the operations before it carries them out: DecodeError when they are none, else the members that mean
// nothing, `unknown field "[0].zz"`.
std::vector<std::string> check_json_patch(const nlohmann::json& patch);
// RFC 7386.
nlohmann::json merge_patch(nlohmann::json document, const nlohmann::json& patch);
// Strategic merge by the schema's merge keys, with the directives $patch, $retainKeys, $setElementOrder/… and
// $deleteFromPrimitiveList/…. Members the schema does not know are merged as a merge patch would.
nlohmann::json strategic_merge_patch(const Schema& schema, nlohmann::json document, nlohmann::json patch);

}  // namespace ph::api
