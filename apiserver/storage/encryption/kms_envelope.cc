// Upstream: apiserver/pkg/storage/value/encrypt/envelope/kmsv2, …/encrypt/aes
#include "apiserver/storage/encryption/kms_envelope.h"

#include <fmt/format.h>

#include "api/codec.h"
#include "api/wire_records.h"
#include "base/aes.h"
#include "base/hmac.h"
#include "base/sha256.h"

namespace ph::apiserver::encryption {
namespace {

namespace wire = api::wire;

constexpr std::size_t kInfoSize = 32;
constexpr std::size_t kKeyIdMax = 1024, kWrappedMax = 1024, kAnnotationsMax = 32 * 1024;

std::string entry_of(const std::string& name, const std::string& value) {
  std::string entry;
  wire::append_bytes(1, name, entry);
  wire::append_bytes(2, value, entry);
  return entry;
}

// All but the object.
void append_source(const Wrapped& source, Envelope::Kind kind, std::string& out) {
  wire::append_bytes(2, source.key_id, out);
  wire::append_bytes(3, source.bytes, out);
  for (const auto& [name, value] : source.annotations) wire::append_bytes(4, entry_of(name, value), out);
  if (kind == Envelope::Kind::Key) return;  // zero
  wire::append_varint(5 << 3 | wire::kVarint, out);
  wire::append_varint(static_cast<std::uint64_t>(kind), out);
}

Envelope read_records(std::string_view bytes, std::uint64_t& kind) {
  Envelope out;
  for (wire::Records in(bytes); in.next();) {
    if (in.is(1, wire::kBytes)) out.sealed = in.text();
    if (in.is(2, wire::kBytes)) out.source.key_id = in.text();
    if (in.is(3, wire::kBytes)) out.source.bytes = in.text();
    if (in.is(5, wire::kVarint)) kind = in.number();
    if (!in.is(4, wire::kBytes)) continue;
    const auto [name, value] = wire::text_entry(in.text());
    out.source.annotations[std::string(name)] = value;
  }
  return out;
}

// A fully qualified domain name, as annotations are to have.
bool is_qualified(std::string_view name) {
  if (name.empty() || name.size() > 253 || name.find('.') == name.npos) return false;
  char before = '.';
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!letter && c != '-' && c != '.') return false;
    if (!letter && (before == '.' || (before == '-' && c == '.'))) return false;
    before = c;
  }
  return before != '.' && before != '-';
}

}  // namespace

std::string Envelope::source_id() const {
  std::string text;
  append_source(source, kind, text);
  return sha256_hex(text);
}

std::expected<Envelope, std::string> read_envelope(std::string_view bytes) {
  try {
    std::uint64_t kind = 0;
    Envelope out = read_records(bytes, kind);
    if (kind > 1) return std::unexpected(fmt::format("unsupported encryptedDEKSourceType {}", kind));
    out.kind = static_cast<Envelope::Kind>(kind);
    if (out.sealed.empty()) return std::unexpected("encrypted data is empty");
    if (auto problem = problem_of(out.source)) return std::unexpected(std::move(*problem));
    return out;
  } catch (const api::DecodeError& error) {
    return std::unexpected(error.what());
  }
}

std::string write_envelope(const Envelope& envelope) {
  std::string out;
  wire::append_bytes(1, envelope.sealed, out);
  append_source(envelope.source, envelope.kind, out);
  return out;
}

std::optional<std::string> problem_of_key_id(std::string_view key_id) {
  if (key_id.empty()) return "keyID is empty";
  if (key_id.size() <= kKeyIdMax) return std::nullopt;
  return fmt::format("keyID is {} bytes, which exceeds the max size of {}", key_id.size(), kKeyIdMax);
}

std::optional<std::string> problem_of(const Wrapped& wrapped) {
  if (wrapped.bytes.empty()) return "encrypted DEK source is empty";
  if (wrapped.bytes.size() > kWrappedMax)
    return fmt::format("encrypted DEK source is {} bytes, which exceeds the max size of {}", wrapped.bytes.size(), kWrappedMax);
  if (auto problem = problem_of_key_id(wrapped.key_id)) return problem;
  std::size_t size = 0;
  for (const auto& [name, value] : wrapped.annotations) {
    if (!is_qualified(name))
      return fmt::format("annotations: Invalid value: \"{}\": should be a domain with at least two segments separated by dots",
                         name);
    size += name.size() + value.size();
  }
  if (size <= kAnnotationsMax) return std::nullopt;
  return fmt::format("total size of annotations is {}, which exceeds the max size of {}", size, kAnnotationsMax);
}

std::string derived_key(std::string_view seed, std::string_view info) { return hmac_sha256(seed, std::string(info) + '\1'); }

std::string random_bytes(Rng& rng, std::size_t size) {
  std::string out;
  while (out.size() < size) {
    std::uint64_t bits = rng.next();
    for (int i = 0; i < 8 && out.size() < size; ++i, bits >>= 8) out.push_back(static_cast<char>(bits & 0xff));
  }
  return out;
}

std::string seal_with_seed(std::string_view seed, std::string_view key, std::string_view bytes, Rng& rng) {
  const std::string info = random_bytes(rng, kInfoSize), nonce = random_bytes(rng, kGcmNonce);
  return info + nonce + aes_gcm_seal(derived_key(seed, info), nonce, key, bytes);
}

std::optional<std::string> open_sealed(Envelope::Kind kind, std::string_view secret, std::string_view key,
                                       std::string_view sealed) {
  std::string derived(secret);
  if (kind == Envelope::Kind::Seed) {
    if (sealed.size() < kInfoSize) return std::nullopt;
    derived = derived_key(secret, sealed.substr(0, kInfoSize));
    sealed.remove_prefix(kInfoSize);
  }
  if (sealed.size() < kGcmNonce) return std::nullopt;
  return aes_gcm_open(derived, sealed.substr(0, kGcmNonce), key, sealed.substr(kGcmNonce));
}

bool is_secret(Envelope::Kind kind, std::string_view secret) {
  return kind == Envelope::Kind::Seed ? secret.size() >= kSeedSize : is_aes_key(secret);
}

}  // namespace ph::apiserver::encryption
