// What of an object a merge or strategic patch can change. The rest need not be turned into a document, and is left as it is.
#pragma once

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/object.h"
#include "api/schema.h"

namespace ph::api {

class Touched {
 public:
  // All of it.
  Touched() = default;
  // What `patch` speaks of, two levels deep: metadata.labels, status.conditions. Whatever is wrong with a patch, applied to
  // what it touches it fails as it would on the whole object. A document is touched as a whole: it is one already.
  Touched(const Schema& schema, const nlohmann::json& patch);

  // Moves what is touched from one object of the schema to another, which has none of it.
  void move(Object& from, Object& to) const;

 private:
  struct Member {
    const Field* field;
    bool whole = false;
    std::vector<const Field*> within;  // of a struct that is not touched as a whole
  };
  static Member member(const Field& field, const nlohmann::json& patch);

  bool everything_ = true;
  std::vector<Member> members_;
};

}  // namespace ph::api
