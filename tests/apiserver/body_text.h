// The body of an answer, however it is made.
#pragma once

#include <string>

#include "base/transport.h"

namespace ph::apiserver::testing {

// All of it but a stream.
inline std::string body_text(HttpResponse& response) {
  std::string out;
  for (const SharedBytes& piece : response.render ? response.render() : response.body) out += *piece;
  while (const SharedBytes piece = response.next_piece ? response.next_piece() : nullptr) out += *piece;
  return out;
}

}  // namespace ph::apiserver::testing
