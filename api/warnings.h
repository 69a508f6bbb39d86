// What is taken as it is, and told to be old or risky, in upstream's words: texts of `Warning` headers. Threads: any.
#pragma once

#include <string>
#include <vector>

#include "api/kinds.h"

namespace ph::api {

using Warnings = std::vector<std::string>;

Warnings warnings_of(const networking::v1::Ingress& ingress);
Warnings warnings_of(const networking::v1::NetworkPolicy& policy);
Warnings warnings_of(const node::v1::RuntimeClass& object);
Warnings warnings_of(const storage::v1::CSIDriver& driver);
Warnings warnings_of(const storage::v1::CSIStorageCapacity& capacity);
Warnings warnings_of(const storage::v1::StorageClass& object);

}  // namespace ph::api
