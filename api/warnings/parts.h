// What the warnings of several kinds have in common.
#pragma once

#include <initializer_list>
#include <string_view>

#include "api/kinds.h"
#include "api/rules.h"
#include "api/warnings/warnings.h"

namespace ph::api {

#define WARNS(type, when) Warnings warnings_of(const type& object);
#include "api/warnings/warnings.def"
#undef WARNS

// Amounts of bytes that are no whole number.
void warn_of_fractions(const google::protobuf::Map<std::string, meta::v1::Quantity>& amounts, const Path& path,
                       std::initializer_list<std::string_view> resources, Warnings& out);

// Kinds of volumes that work no more.
void warn_of_source(const core::v1::VolumeSource& source, const Path& path, Warnings& out);
void warn_of_source(const core::v1::PersistentVolumeSource& source, const Path& path, Warnings& out);

// Of pods and of templates: `metadata` and `spec` are within `path`.
void warn_of_pod(const meta::v1::ObjectMeta& metadata, const core::v1::PodSpec& spec, const Path* path, Warnings& out);
void warn_of_claim(const core::v1::PersistentVolumeClaimSpec& spec, const Path& path, Warnings& out);

}  // namespace ph::api
