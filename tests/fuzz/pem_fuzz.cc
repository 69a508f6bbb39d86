// PEM texts of signing requests and certificates, and what is in them.
#include "api/json_text.h"
#include "api/pem.h"
#include "base/assert.h"
#include "net/signing_request.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {

void pem(std::string_view text) {
  const std::string_view whole = text;
  while (const auto block = api::next_pem_block(text)) {
    PH_ASSERT(text.size() < whole.size() && whole.ends_with(text));
    PH_ASSERT(block->bytes.size() < whole.size());

    std::string written = "-----BEGIN " + block->type + "-----\n";
    api::append_base64(block->bytes, written);
    written += "\n-----END " + block->type + "-----\n";
    std::string_view rest = written;
    const auto again = api::next_pem_block(rest);
    PH_ASSERT(again);
    PH_ASSERT(again->type == block->type && again->bytes == block->bytes && !again->has_headers);

    const bool is_request = net::signing_request_error(block->bytes).empty();
    PH_ASSERT(!is_request || !net::certificates_error(block->bytes).empty());
    if (!is_request) net::requested_organizations(block->bytes);
  }
}

}  // namespace ph::fuzz
