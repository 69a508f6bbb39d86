// Amounts that are numbers or percents.
#pragma once

#include "meta/v1.pb.h"

namespace ph::controllers {

// A number, or that part of `total`: "25%". What is neither, or a percentage that no int holds, is 0.
int scaled(const meta::v1::IntOrString& value, int total, bool round_up);

}  // namespace ph::controllers
