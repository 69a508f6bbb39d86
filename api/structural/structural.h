// The structural schema of one version of a custom kind: what its documents are cut to, filled with and judged by, and the
// api::Schema that all generic code walks over them. Built once from the CustomResourceDefinition, then immutable; threads: any.
//
// A document is the JSON object with apiVersion and kind. Its `metadata` may be in it, or be held apart: it is never cut or
// filled here, and judged only where the schema restricts names.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/rules.h"
#include "api/schema.h"
#include "apiextensions/v1.pb.h"

namespace ph::api::structural {

using Json = nlohmann::json;
using apiextensions::v1::JSONSchemaProps;

struct Node;

class Structural {
 public:
  // Of a schema that the rules of CustomResourceDefinition let pass. Of any other it still is something: what is not understood
  // is left out. `kind` names the root; without one (a schema within a schema) the root has no kind and no metadata.
  static std::shared_ptr<const Structural> build(const JSONSchemaProps& schema, const GroupVersionKind& kind = {});

  Structural(const Structural&) = delete;
  Structural& operator=(const Structural&) = delete;
  ~Structural();

  // Lives as long as this does.
  const Schema& schema() const;
  // Of a list of the kind, whose `element` is the above: for descriptions alone, objects have none.
  const Schema& list_schema() const;
  // The schema as it was written, JSON; made anew each time.
  std::string open_api() const;
  const Node& root() const;

  // -- In the order in which a write goes through them

  // Drops what the schema does not have. `unknown` gets the paths of what was dropped, in order and without repeats, no more
  // than a hundred: "spec.foo", "spec.list[0].foo".
  void prune(Json& document, std::vector<std::string>* unknown = nullptr) const;
  // Of embedded resources, and not of the document itself: metadata loses what ObjectMeta does not have. What is wrong with
  // its types, or with those of apiVersion and kind, is an error, or dropped as well. `unknown` as above.
  void coerce(Json& document, bool drop_invalid, Errors& errors, std::vector<std::string>* unknown = nullptr) const;
  // Fills in defaults, and drops null where neither null nor a default is allowed.
  void apply_defaults(Json& document) const;
  // Fills in defaults alone: who applies null must hear that it is not allowed.
  void fill_defaults(Json& document) const;

  // Everything wrong with a document, in upstream's order: the schema, embedded resources, the keys of lists. `metadata`: of a
  // document that is without.
  void validate(const Json& document, Errors& errors, const meta::v1::ObjectMeta* metadata = nullptr) const;
  // … and of its update: what was wrong before and has not changed may stay.
  void validate_update(const Json& document, const Json& old, Errors& errors, const meta::v1::ObjectMeta* metadata = nullptr,
                       const meta::v1::ObjectMeta* old_metadata = nullptr) const;
  // The three parts alone, for a value at `path`.
  void validate_schema(const Json& value, std::string_view path, Errors& errors) const;
  void validate_embedded(const Json& value, std::string_view path, bool root_is_resource, Errors& errors) const;
  void validate_lists(const Json& value, std::string_view path, Errors& errors) const;

 private:
  struct Impl;
  explicit Structural(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

// Formats that are not checked: a warning each, `unrecognized format "int128"`, as creating and updating a definition answers.
std::vector<std::string> unrecognized_formats(const JSONSchemaProps& schema);

// Where in a schema there are rules in CEL: "<path>.properties[spec].x-kubernetes-validations". A server that does not know CEL
// refuses them at the door; nothing here runs them.
std::vector<std::string> rule_paths(const JSONSchemaProps& schema, const std::string& path);

// What is wrong with a pattern, in the words of Go's regexp; empty when nothing is.
std::string pattern_error(std::string_view pattern);

}  // namespace ph::api::structural
