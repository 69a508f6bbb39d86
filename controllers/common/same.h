// Whether two messages of one kind say the same: by their bytes, which are the same for the same content. Pure.
#pragma once

#include "api/codec.h"

namespace ph::controllers {

inline bool says_same(const google::protobuf::Message& a, const google::protobuf::Message& b) {
  return api::encode_protobuf(a) == api::encode_protobuf(b);
}

}  // namespace ph::controllers
