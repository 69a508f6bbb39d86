// What a CustomResourceDefinition makes of the server: one resource a version, over one store.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apiextensions/v1.pb.h"
#include "apiserver/rest/core.h"

namespace ph::apiserver {

// Makes the converter of a definition whose strategy is a webhook, given its versions.
using MakeConverter = std::function<std::shared_ptr<Converter>(const apiextensions::v1::CustomResourceDefinition& definition,
                                                               std::vector<api::ResourceRef> versions)>;

// The resources of an established definition, with the names it was given, ready for Core::serve: the version that stores first,
// whether it is served or not. Objects are kept as JSON of that version under upstream's keys.
std::vector<std::shared_ptr<Served>> served_by(const apiextensions::v1::CustomResourceDefinition& definition,
                                               const MakeConverter& make_converter);

// Where its objects are: "/registry/<group>/<plural>".
std::string storage_prefix_of(const apiextensions::v1::CustomResourceDefinition& definition);

}  // namespace ph::apiserver
