// Any text as an encryption configuration, and any bytes as a value that is stored: refused, or what comes out again.
#include "apiserver/storage/encryption/configuration.h"
#include "base/assert.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {

using namespace ph::apiserver::encryption;

void encryption(std::string_view text) {
  SeededRng rng(1);
  try {
    const Configuration configuration = read_configuration(text);
    for (const char* key : {"/registry/secrets/default/a", "/registry/example.com/pandas/a", "/registry", ""}) {
      const Providers& providers = configuration.of_key(key);
      const auto opened = providers.open(key, providers.seal(key, "value", rng));
      PH_ASSERT(opened && opened->bytes == "value" && !opened->stale);
    }
  } catch (const std::invalid_argument& error) {
    PH_ASSERT(*error.what() != '\0');
  }
  const std::vector<Key> keys{{"k", std::string(32, 'a')}, {"l", std::string(32, 'b')}};
  for (const auto kind : {Provider::Kind::AesGcm, Provider::Kind::AesCbc, Provider::Kind::Secretbox}) {
    const Providers providers({{kind, keys}, {}});
    (void)providers.open("/registry/secrets/default/a", text);
    const std::string sealed = providers.seal("/registry/secrets/default/a", std::string(text), rng);
    PH_ASSERT(providers.open("/registry/secrets/default/a", sealed)->bytes == text);
  }
}

}  // namespace ph::fuzz
