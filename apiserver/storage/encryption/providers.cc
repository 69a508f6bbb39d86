// Upstream: apiserver/pkg/storage/value, …/encrypt/aes, …/encrypt/secretbox, …/encrypt/identity
#include "apiserver/storage/encryption/providers.h"

#include <algorithm>
#include <optional>

#include "base/aes.h"
#include "base/secretbox.h"

namespace ph::apiserver::encryption {
namespace {

using Kind = Provider::Kind;

constexpr std::string_view kOnlyIdentity = "identity transformer tried to read encrypted data";

std::string_view prefix_of(Kind kind) {
  switch (kind) {
    case Kind::AesCbc: return "k8s:enc:aescbc:v1:";
    case Kind::AesGcm: return "k8s:enc:aesgcm:v1:";
    case Kind::Secretbox: return "k8s:enc:secretbox:v1:";
    case Kind::Kms: return "k8s:enc:kms:v2:";
    case Kind::Identity: break;
  }
  return "";
}

// What stands before the encrypted bytes, and is not the same twice.
std::size_t nonce_size(Kind kind) {
  switch (kind) {
    case Kind::AesGcm: return kGcmNonce;
    case Kind::Secretbox: return kSecretboxNonce;
    case Kind::AesCbc: return kAesBlock;
    case Kind::Identity:
    case Kind::Kms: break;
  }
  return 0;
}

std::string encrypt(Kind kind, const Key& key, std::string_view name, std::string_view bytes, Rng& rng) {
  const std::string nonce = random_bytes(rng, nonce_size(kind));
  switch (kind) {
    case Kind::AesGcm: return nonce + aes_gcm_seal(key.secret, nonce, name, bytes);
    case Kind::Secretbox: return nonce + secretbox_seal(key.secret, nonce, bytes);
    case Kind::AesCbc: return nonce + aes_cbc_encrypt(key.secret, nonce, bytes);
    case Kind::Identity:
    case Kind::Kms: break;
  }
  return std::string(bytes);
}

std::optional<std::string> decrypt(Kind kind, const Key& key, std::string_view name, std::string_view nonce,
                                   std::string_view bytes) {
  switch (kind) {
    case Kind::AesGcm: return aes_gcm_open(key.secret, nonce, name, bytes);
    case Kind::Secretbox: return secretbox_open(key.secret, nonce, bytes);
    case Kind::AesCbc: return aes_cbc_decrypt(key.secret, nonce, bytes);
    case Kind::Identity:
    case Kind::Kms: break;
  }
  return std::nullopt;
}

std::string_view failure_of(Kind kind) {
  switch (kind) {
    case Kind::AesGcm: return "cipher: message authentication failed";
    case Kind::Secretbox: return "secretbox: message authentication failed";
    case Kind::AesCbc:
    case Kind::Identity:
    case Kind::Kms: break;
  }
  return "invalid padding on input";
}

// What is behind the name of a service.
std::optional<std::string_view> behind_name(const Provider& provider, std::string_view bytes) {
  const std::string head = provider.kms_options.name + ":";
  if (!bytes.starts_with(head)) return std::nullopt;
  return bytes.substr(head.size());
}

std::expected<Opened, std::string> open_with_kms(const Provider& provider, std::string_view name, std::string_view bytes) {
  const auto envelope = behind_name(provider, bytes);
  if (!envelope) return std::unexpected("no matching prefix found");
  if (!provider.kms) return std::unexpected("the plugin is not asked here");
  auto out = provider.kms->open(name, *envelope);
  if (!out) return std::unexpected(std::move(out.error()));
  return Opened{std::move(*out), provider.kms->is_stale(*envelope)};
}

// Of one provider; the first of its keys that is named so and fits.
std::expected<Opened, std::string> open_with(const Provider& provider, std::string_view name, std::string_view bytes) {
  if (provider.kind == Kind::Identity) {
    if (bytes.starts_with(kEncrypted)) return std::unexpected(std::string(kOnlyIdentity));
    return Opened{std::string(bytes), false};
  }
  if (provider.kind == Kind::Kms) return open_with_kms(provider, name, bytes);
  std::string why = provider.kind == Kind::Secretbox ? "no matching key was found for the provided Secretbox transformer"
                                                     : "no matching key was found for the provided AES transformer";
  for (const Key& key : provider.keys) {
    if (!bytes.starts_with(key.name + ":")) continue;
    const std::string_view sealed = bytes.substr(key.name.size() + 1);
    const std::size_t head = nonce_size(provider.kind);
    if (sealed.size() < head) {
      why = "the stored data was shorter than the required size";
      continue;
    }
    auto out = decrypt(provider.kind, key, name, sealed.substr(0, head), sealed.substr(head));
    if (out) return Opened{std::move(*out), &key != &provider.keys.front()};
    why = failure_of(provider.kind);
  }
  return std::unexpected(std::move(why));
}

}  // namespace

void Providers::open_kms(const std::function<std::shared_ptr<Kms>(const KmsOptions&)>& made) {
  for (Provider& provider : list_) {
    if (provider.kind == Kind::Kms) provider.kms = made(provider.kms_options);
  }
}

std::optional<std::string> Providers::unable() const {
  const Provider& writer = list_.front();
  if (writer.kind != Kind::Kms) return std::nullopt;
  if (!writer.kms) return "the plugin is not asked here";
  return writer.kms->unable();
}

std::optional<Lesson> Providers::needed_for(std::string_view bytes) const {
  for (const Provider& provider : list_) {
    if (!provider.kms || !bytes.starts_with(prefix_of(Kind::Kms))) continue;
    const auto envelope = behind_name(provider, bytes.substr(prefix_of(Kind::Kms).size()));
    if (envelope && !provider.kms->is_known(*envelope)) return Lesson{provider.kms, *envelope};
  }
  return std::nullopt;
}

std::string Providers::seal(std::string_view key, std::string bytes, Rng& rng) const {
  const Provider& writer = list_.front();
  if (writer.kind == Kind::Identity) return bytes;
  std::string out(prefix_of(writer.kind));
  if (writer.kind == Kind::Kms) {
    PH_ASSERT(writer.kms);
    return out + writer.kms_options.name + ":" + writer.kms->seal(key, bytes, rng);
  }
  out += writer.keys.front().name + ":";
  return out + encrypt(writer.kind, writer.keys.front(), key, bytes, rng);
}

std::expected<Opened, std::string> Providers::open(std::string_view key, std::string_view bytes) const {
  if (list_.size() == 1 && list_.front().kind == Kind::Identity) return open_with(list_.front(), key, bytes);
  std::string why = "no matching prefix found";
  for (const Provider& provider : list_) {
    const std::string_view prefix = prefix_of(provider.kind);
    if (!bytes.starts_with(prefix)) continue;
    auto out = open_with(provider, key, bytes.substr(prefix.size()));
    if (out) {
      out->stale |= &provider != &list_.front();
      return out;
    }
    if (provider.kind != Kind::Identity) why = out.error();
  }
  return std::unexpected(std::move(why));
}

bool Providers::is_stale(std::string_view bytes) const {
  const Provider& writer = list_.front();
  if (writer.kind == Kind::Identity) return bytes.starts_with(kEncrypted);
  if (writer.kind == Kind::Kms) {
    const std::string_view prefix = prefix_of(writer.kind);
    const auto envelope = bytes.starts_with(prefix) ? behind_name(writer, bytes.substr(prefix.size())) : std::nullopt;
    return !envelope || !writer.kms || writer.kms->is_stale(*envelope);
  }
  return !bytes.starts_with(std::string(prefix_of(writer.kind)) + writer.keys.front().name + ":");
}

}  // namespace ph::apiserver::encryption
