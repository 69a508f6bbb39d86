// What server-side apply does with documents of a schema: judging them, the fields they speak of, merging, and taking fields
// away. Documents are taken literally (literal.h). But for `typed_error`, which says what is wrong with one, all of it is for
// documents that nothing is wrong with.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "api/patch/field_set.h"
#include "api/patch/literal.h"

namespace ph::api {

// In upstream's words, with paths; empty when nothing is. In what is stored keys may repeat, in what is applied not.
enum class Repeats { Allowed, Refused };
std::string typed_error(const Literal& document, Repeats repeats);

// What somebody who says this speaks for: leaves, the items of lists, the entries of maps, and what is there but empty. Not the
// structs, lists and maps around them.
FieldSet said_by(const Literal& document);
// Sets outlive schemas: what has become one value is owned as one, not in parts.
FieldSet with_atoms_whole(const Schema& schema, const FieldSet& fields);
// With the declared members on the way to each.
FieldSet with_parents(const Schema& schema, const FieldSet& fields);

// `config` laid over `live`. Lists of items that are told apart take the order of `config`; what only `live` has stays at its
// place as far as that allows.
nlohmann::json merged(const Literal& live, const Literal& config);
// Without these fields. What loses all that was in it stays, empty.
nlohmann::json without_fields(const Literal& document, const FieldSet& fields);

}  // namespace ph::api
