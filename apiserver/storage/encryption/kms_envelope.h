// What stands behind "k8s:enc:kms:v2:NAME:": the message EncryptedObject of upstream's kmstypes/v2, and the encryption in it. An object
// has a key of its own, derived from a seed and from what stands before its bytes; the seed stands beside them, wrapped by the service.
// Pure functions. Threads: any.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/storage/encryption/kms_plugin.h"
#include "base/rng.h"

namespace ph::apiserver::encryption {

struct Envelope {
  // How `sealed` is encrypted. Key: with the wrapped secret itself, as upstream did before it had seeds; that is only read.
  enum class Kind { Key = 0, Seed = 1 };
  std::string_view sealed;
  Wrapped source;
  Kind kind = Kind::Seed;

  // The same for all objects under the same secret.
  std::string source_id() const;
};

inline constexpr std::size_t kSeedSize = 32;

// Throws nothing; why not: it is damaged, or is none. `sealed` is a view into `bytes`.
std::expected<Envelope, std::string> read_envelope(std::string_view bytes);
std::string write_envelope(const Envelope& envelope);

// Why a service's answer cannot be used, by upstream's limits; nothing: it can.
std::optional<std::string> problem_of(const Wrapped& wrapped);
std::optional<std::string> problem_of_key_id(std::string_view key_id);

// HKDF-Expand of RFC 5869 with SHA-256; the 32 bytes of one block.
std::string derived_key(std::string_view seed, std::string_view info);
// `key`: of the store; what is sealed can be put under no other.
std::string seal_with_seed(std::string_view seed, std::string_view key, std::string_view bytes, Rng& rng);
// Nothing when it is not what was sealed.
std::optional<std::string> open_sealed(Envelope::Kind kind, std::string_view secret, std::string_view key,
                                       std::string_view sealed);
// Whether that can be a secret of this kind.
bool is_secret(Envelope::Kind kind, std::string_view secret);

// Of `rng`; what keys and nonces are made of.
std::string random_bytes(Rng& rng, std::size_t size);

}  // namespace ph::apiserver::encryption
