// The provider `kms` of one name: what encrypts objects by a seed that a key management service has wrapped (KEP-3299).
//
// Nothing that is sealed waits for the service: a seed is made and wrapped ahead, and anew when the service says, asked every minute,
// that it has another key. What is opened waits once for each wrapped seed (`learn`), which is then known for good: one a start of a
// server and a key of the service, as far as objects under it are found.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/storage/encryption/kms_envelope.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/sync.h"

namespace ph::apiserver::encryption {

struct KmsOptions {
  std::string name;
  std::string path;  // of its unix socket
  Duration timeout = std::chrono::seconds(3);
};

// Belongs to one executor, which outlives it as the Rng does.
class Kms {
 public:
  Kms(KmsOptions options, std::unique_ptr<KmsPlugin> plugin, Executor& executor, Rng& rng, Log log);

  // Asks the service how it is, and for a seed where there is none of its key. Begins to do so every minute; every ten seconds, while
  // something is wrong.
  Task<void> prime();
  // What was wrong when the service was last asked.
  const std::optional<std::string>& problem() const { return problem_; }
  // It is time to ask again, unless that has just been done.
  void nudge();

  // Of the bytes behind "k8s:enc:kms:v2:NAME:".

  // Why nothing can be sealed: there has been no seed, or none that the service has confirmed for three minutes.
  std::optional<std::string> unable() const;
  // Only when it is able.
  std::string seal(std::string_view key, std::string_view bytes, Rng& rng) const;
  std::expected<std::string, std::string> open(std::string_view key, std::string_view bytes) const;
  bool is_known(std::string_view bytes) const;
  bool is_stale(std::string_view bytes) const;

  // Has the service tell the seed of these bytes. Until it has, or has refused to; or, unless `until_told`, has been asked once.
  Task<void> learn(std::string bytes, bool until_told);

 private:
  struct Lesson {
    Event asked, over;
  };
  struct Writing {
    std::string seed;
    Wrapped source;
    Steady good_until;
  };

  Task<std::optional<std::string>> poll();
  Task<std::optional<std::string>> rotate(std::string key_id, Steady good_until);
  Task<void> keep_polling();
  Task<void> ask_for(std::string id, Wrapped source, Envelope::Kind kind, std::shared_ptr<Lesson> lesson);

  const KmsOptions options_;
  const std::unique_ptr<KmsPlugin> plugin_;
  const Clock& clock_;
  Rng& rng_;
  const Log log_;
  std::optional<std::string> problem_ = "the plugin has not been asked yet";
  std::optional<Writing> writing_;
  std::map<std::string, std::string> secrets_;  // by the ids of their sources
  std::map<std::string, std::string> refused_;  // those that the service did not tell, and why
  std::map<std::string, std::shared_ptr<Lesson>> lessons_;
  bool polling_ = false;
  Steady polled_{};
  Event nudged_;
  Scope scope_;
};

}  // namespace ph::apiserver::encryption
