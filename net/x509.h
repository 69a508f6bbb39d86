// Reading parsed certificates. Only for .cc files of this room.
#pragma once

#include "net/openssl.h"
#include "net/pki.h"

namespace ph::net::ssl {

CertificateInfo inspect(X509* cert);
// The values of one attribute of a name: NID_commonName, …
std::vector<std::string> name_entries(const X509_NAME* name, int nid);

}  // namespace ph::net::ssl
