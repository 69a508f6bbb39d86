// A client's TLS settings for a context that another library makes. Only for this room's .cc files.
#pragma once

#include "net/tls.h"

struct ssl_ctx_st;

namespace ph::net {

// Certificate, trust and the server's name go into `ctx`; whether certificates are checked at all is up to who owns it.
// Throws std::runtime_error when a certificate or key cannot be read.
void apply_client_settings(ssl_ctx_st* ctx, const TlsClientOptions& options);

}  // namespace ph::net
