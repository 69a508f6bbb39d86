// A store whose values are encrypted on their way in and decrypted on their way out. What is behind it, and so its snapshots, history
// and views, holds them encrypted.
#pragma once

#include <memory>

#include "apiserver/storage/encryption/configuration.h"
#include "apiserver/storage/store.h"
#include "base/log.h"
#include "base/rng.h"

namespace ph::apiserver::encryption {

// Values that cannot be decrypted are as if they were not there, and their prefix is `unreadable` from then on: nobody may be served
// of it. Belongs to the executor of `store`. The Rng outlives it.
//
// What is sealed by a service that cannot seal just now is not committed: 500. What is to be read and needs a seed that is not known waits
// until the service has told it, or refused to; history waits for one answer, and is done without.
class EncryptedStore : public Store {
 public:
  // From now on. What was unreadable remains so.
  virtual void use(Configuration configuration) = 0;
};
std::unique_ptr<EncryptedStore> encrypted_store(std::unique_ptr<Store> store, Configuration configuration, Rng& rng, Log log);

}  // namespace ph::apiserver::encryption
