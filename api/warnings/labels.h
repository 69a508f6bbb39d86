// Labels of nodes that have another name now.
#pragma once

#include <string_view>

#include "api/kinds.h"
#include "api/rules.h"
#include "api/warnings/warnings.h"

namespace ph::api {

// Empty when the label is as good as any.
std::string_view deprecation_of(std::string_view label);

// `path`: where it stands, or where the map stands of which it is a key.
void warn_of_label(std::string_view label, const Path& path, Warnings& out);
// Of keys of the expressions of a selector's term.
void warn_of_terms(const core::v1::NodeSelectorTerm& term, const Path& path, Warnings& out);
void warn_of_terms(const core::v1::NodeSelector& selector, const Path& path, Warnings& out);

}  // namespace ph::api
