// PEM texts: blocks of base64 between BEGIN and END. What the bytes mean is not looked at.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ph::api {

struct PemBlock {
  std::string type;  // CERTIFICATE, CERTIFICATE REQUEST, …
  bool has_headers = false;
  std::string bytes;
};

// The next whole block; `text` continues behind it. Nothing when there is none any more: what is no block is passed over.
std::optional<PemBlock> next_pem_block(std::string_view& text);

}  // namespace ph::api
