// Reading parsed certificates. Only for .cc files of this room.
#pragma once

#include "net/openssl.h"
#include "net/pki.h"

namespace ph::net::ssl {

CertificateInfo inspect(X509* cert);

}  // namespace ph::net::ssl
