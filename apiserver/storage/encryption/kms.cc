// Upstream: apiserver/pkg/server/options/encryptionconfig (kmsv2PluginProbe), …/envelope/kmsv2
#include "apiserver/storage/encryption/kms.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/within.h"

namespace ph::apiserver::encryption {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPollWell = 1min, kPollIll = 10s, kPollLeast = 3s;
constexpr Duration kSeedGoodFor = 3min;  // of one that the service has not confirmed
constexpr Duration kAskAgain = 1s;       // for a seed, of a service that cannot be reached

std::optional<std::string> problem_of_status(const KmsStatus& status) {
  if (status.version != "v2" && status.version != "v2beta1")
    return fmt::format("expected KMSv2 API version v2, got {}", status.version);
  if (status.healthz != "ok") return fmt::format("expected KMSv2 healthz status ok, got {}", status.healthz);
  if (auto problem = problem_of_key_id(status.key_id)) return "expected KMSv2 KeyID to be set: " + *problem;
  return std::nullopt;
}

}  // namespace

Kms::Kms(KmsOptions options, std::unique_ptr<KmsPlugin> plugin, Executor& executor, Rng& rng, Log log)
    : options_(std::move(options)),
      plugin_(std::move(plugin)),
      clock_(executor.clock()),
      rng_(rng),
      log_(std::move(log)),
      scope_(executor) {}

// -- Asking

Task<void> Kms::prime() {
  problem_ = co_await poll();
  if (problem_) log_.error("a KMS plugin is not well", "provider", options_.name, "err", *problem_);
  if (!std::exchange(polling_, true)) scope_.spawn(keep_polling());
}

void Kms::nudge() {
  if (clock_.steady() - polled_ >= kPollLeast) nudged_.set();
}

Task<void> Kms::keep_polling() {
  for (;;) {
    {
      const Alarm alarm(problem_ ? kPollIll : kPollWell, nudged_);
      co_await nudged_.wait();
    }
    nudged_.reset();
    std::optional<std::string> problem = co_await poll();
    if (problem != problem_) {
      if (problem) {
        log_.error("a KMS plugin is not well", "provider", options_.name, "err", *problem);
      } else {
        log_.info("a KMS plugin is well again", "provider", options_.name);
      }
    }
    problem_ = std::move(problem);
  }
}

// What is wrong.
Task<std::optional<std::string>> Kms::poll() {
  // From before the question: what the service says is no newer than that.
  polled_ = clock_.steady();
  const Steady good_until = polled_ + kSeedGoodFor;
  const auto status = co_await plugin_->status();
  if (!status) co_return "failed to perform status check: " + status.error().text();
  if (auto problem = problem_of_status(*status)) co_return problem;
  if (writing_ && writing_->source.key_id == status->key_id) {
    writing_->good_until = good_until;
    co_return std::nullopt;
  }
  co_return co_await rotate(status->key_id, good_until);
}

Task<std::optional<std::string>> Kms::rotate(std::string key_id, Steady good_until) {
  std::string seed = random_bytes(rng_, kSeedSize);
  auto wrapped = co_await plugin_->encrypt(seed, rng_.uuid());
  if (!wrapped) co_return "failed to encrypt DEK source: " + wrapped.error().text();
  if (auto problem = problem_of(*wrapped)) co_return "failed to encrypt DEK source: " + *problem;
  if (wrapped->key_id != key_id) co_return "failed to rotate DEK: the plugin encrypts with another key than its status names";
  Envelope envelope{.sealed = {}, .source = std::move(*wrapped)};
  secrets_[envelope.source_id()] = seed;
  log_.info(writing_ ? "a KMS plugin has another key: a new seed is used" : "a KMS plugin has wrapped a seed", "provider",
            options_.name);
  writing_ = Writing{std::move(seed), std::move(envelope.source), good_until};
  co_return std::nullopt;
}

Task<void> Kms::learn(std::string bytes, bool until_told) {
  const auto envelope = read_envelope(bytes);
  if (!envelope) co_return;
  const std::string id = envelope->source_id();
  if (secrets_.contains(id)) co_return;
  std::shared_ptr<Lesson> lesson = lessons_[id];
  if (!lesson) {
    lessons_[id] = lesson = std::make_shared<Lesson>();
    scope_.spawn(ask_for(id, envelope->source, envelope->kind, lesson));
  }
  co_await (until_told ? lesson->over : lesson->asked).wait();
}

Task<void> Kms::ask_for(std::string id, Wrapped source, Envelope::Kind kind, std::shared_ptr<Lesson> lesson) {
  for (bool told = false; !told;) {
    auto secret = co_await plugin_->decrypt(source, rng_.uuid());
    told = secret || !secret.error().transient();
    if (secret && is_secret(kind, *secret)) {
      secrets_[id] = std::move(*secret);
      refused_.erase(id);
    } else {
      std::string why =
          secret ? "failed to decrypt DEK: the plugin tells no key" : "failed to decrypt DEK, error: " + secret.error().text();
      if (refused_[id] != why) log_.error("a KMS plugin does not decrypt", "provider", options_.name, "err", why);
      refused_[id] = std::move(why);
    }
    lesson->asked.set();
    if (!told) co_await sleep_for(kAskAgain);
  }
  lessons_.erase(id);
  lesson->over.set();
}

// -- Values

std::optional<std::string> Kms::unable() const {
  if (!writing_) return fmt::format("KMS provider \"{}\": {}", options_.name, problem_.value_or("there is no seed yet"));
  if (clock_.steady() < writing_->good_until) return std::nullopt;
  return fmt::format("KMS provider \"{}\": the seed has expired: {}", options_.name, problem_.value_or("it was not confirmed"));
}

std::string Kms::seal(std::string_view key, std::string_view bytes, Rng& rng) const {
  PH_ASSERT(writing_);
  const std::string sealed = seal_with_seed(writing_->seed, key, bytes, rng);
  return write_envelope({.sealed = sealed, .source = writing_->source});
}

std::expected<std::string, std::string> Kms::open(std::string_view key, std::string_view bytes) const {
  const auto envelope = read_envelope(bytes);
  if (!envelope) return std::unexpected("failed to decode EncryptedObject: " + envelope.error());
  const std::string id = envelope->source_id();
  const auto secret = secrets_.find(id);
  if (secret == secrets_.end()) {
    const auto refused = refused_.find(id);
    return std::unexpected(refused == refused_.end() ? "the plugin has not been asked for its DEK" : refused->second);
  }
  auto out = open_sealed(envelope->kind, secret->second, key, envelope->sealed);
  if (!out) return std::unexpected("cipher: message authentication failed");
  return std::move(*out);
}

bool Kms::is_known(std::string_view bytes) const {
  const auto envelope = read_envelope(bytes);
  return !envelope || secrets_.contains(envelope->source_id());
}

bool Kms::is_stale(std::string_view bytes) const {
  const auto envelope = read_envelope(bytes);
  if (!envelope || !writing_) return !envelope;
  return envelope->kind != Envelope::Kind::Seed || envelope->source.key_id != writing_->source.key_id;
}

}  // namespace ph::apiserver::encryption
