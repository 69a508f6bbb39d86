// How Go prints objects of the API, where upstream's messages show them.
#pragma once

#include <string>

#include "meta/v1.pb.h"

namespace ph::controllers {

// "&LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelectorRequirement{},}"
std::string go_text(const meta::v1::LabelSelector& selector);

}  // namespace ph::controllers
