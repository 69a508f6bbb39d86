// What encrypts the stored objects of some resources: several providers with several keys, of which the first writes and any reads.
// Stored bytes begin with the provider and the key: "k8s:enc:aescbc:v1:key1:". Reference: "Encrypting Confidential Data at Rest".
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/storage/encryption/kms.h"
#include "base/rng.h"

namespace ph::apiserver::encryption {

// Encrypted bytes begin so, whatever has encrypted them; no others do.
inline constexpr std::string_view kEncrypted = "k8s:enc:";

struct Key {
  std::string name, secret;  // the secret's bytes
};

struct Provider {
  enum class Kind { Identity, AesCbc, AesGcm, Secretbox, Kms } kind = Kind::Identity;
  std::vector<Key> keys;     // of identity and kms: none
  KmsOptions kms_options;    // of kms
  std::shared_ptr<Kms> kms;  // null until it has been opened: nothing is read or written by it then
};

struct Opened {
  std::string bytes;
  bool stale = false;  // it would be written in another way today
};

// Whom to ask for what.
struct Lesson {
  std::shared_ptr<Kms> kms;
  std::string_view bytes;  // for Kms::learn; of those that were asked about
};

// Threads: any, as far as the Rng's; with an opened kms, those of its executor.
class Providers {
 public:
  Providers() = default;  // nothing is encrypted
  explicit Providers(std::vector<Provider> list) : list_(std::move(list)) {}

  // Opens those that ask a service.
  void open_kms(const std::function<std::shared_ptr<Kms>(const KmsOptions&)>& made);
  const std::vector<Provider>& list() const { return list_; }

  // Why nothing can be sealed now.
  std::optional<std::string> unable() const;
  // What must be learnt before these bytes can be opened; nothing: they can be, or never will.
  std::optional<Lesson> needed_for(std::string_view bytes) const;
  // Only when it is able. The bytes to store under `key`, to which they are bound where the provider can do that.
  std::string seal(std::string_view key, std::string bytes, Rng& rng) const;
  // Or why not, in upstream's words.
  std::expected<Opened, std::string> open(std::string_view key, std::string_view bytes) const;
  bool is_stale(std::string_view bytes) const;

 private:
  std::vector<Provider> list_{Provider{}};
};

}  // namespace ph::apiserver::encryption
