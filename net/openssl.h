// OpenSSL's handles as owners, and its errors as exceptions. Only for .cc files of this room.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ph::net::ssl {

template <auto free>
struct Deleter {
  template <class T>
  void operator()(T* handle) const {
    free(handle);
  }
};

using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Deleter<X509_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

// What OpenSSL has queued as errors of this thread, emptied.
inline std::string take_errors() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (!text.empty()) text += "; ";
    text += reason ? reason : "unknown error";
  }
  return text.empty() ? "unknown error" : text;
}

[[noreturn]] inline void fail(std::string_view what) { throw std::runtime_error(std::string(what) + ": " + take_errors()); }

inline void check(bool ok, std::string_view what) {
  if (!ok) fail(what);
}

// Reads from `pem`, which must outlive it.
inline Bio reader(std::string_view pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

inline std::string contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

// Without it OpenSSL would ask at the terminal.
inline int no_password(char*, int, int, void*) { return -1; }

inline Key read_private_key(std::string_view pem) {
  Key key(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, no_password, nullptr));
  check(key != nullptr, "cannot read the private key");
  return key;
}

inline Cert read_certificate(std::string_view pem) {
  Cert cert(PEM_read_bio_X509(reader(pem).get(), nullptr, nullptr, nullptr));
  check(cert != nullptr, "cannot read the certificate");
  return cert;
}

}  // namespace ph::net::ssl
