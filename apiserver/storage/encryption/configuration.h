// Which resources are encrypted, and by what: EncryptionConfiguration of apiserver.config.k8s.io/v1.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/storage/encryption/providers.h"

namespace ph::apiserver::encryption {

// Constant. Threads: any.
class Configuration {
 public:
  struct Entry {
    std::vector<std::string> resources;  // PLURAL, PLURAL.GROUP, *.GROUP, *. (the core group), *.*
    Providers providers;
  };

  Configuration() = default;  // nothing is encrypted
  explicit Configuration(std::vector<Entry> entries) : entries_(std::move(entries)) {}

  // Opens the providers that ask a service; all of them are returned.
  std::vector<std::shared_ptr<Kms>> open_kms(const std::function<std::shared_ptr<Kms>(const KmsOptions&)>& made);

  // Those of the first entry that names the resource; else of the first that means its group, or all.
  const Providers& of(std::string_view group, std::string_view plural) const;
  // The same by the key of an object.
  const Providers& of_key(std::string_view key) const;

 private:
  std::vector<Entry> entries_;
};

// JSON or YAML. Throws std::invalid_argument: it is none, or not a valid one, or asks for what is not there (kms v1).
Configuration read_configuration(std::string_view text);

}  // namespace ph::apiserver::encryption
