#include "apiserver/storage/encryption/encrypted_store.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "api/errors.h"

namespace ph::apiserver::encryption {
namespace {

bool is_encrypted(const SharedBytes& bytes) { return bytes && bytes->starts_with(kEncrypted); }

// aescbc cannot tell a wrong key by itself: what it makes of one may end as if it were padded.
bool is_object(std::string_view bytes) { return bytes.starts_with('{') || bytes.starts_with(std::string_view("k8s\0", 4)); }

class Encrypting final : public EncryptedStore {
 public:
  Encrypting(std::unique_ptr<Store> store, Configuration configuration, Rng& rng, Log log)
      : store_(std::move(store)), configuration_(std::move(configuration)), rng_(rng), log_(std::move(log)) {}

  Task<std::expected<Revision, Refused>> commit(Transaction transaction) override {
    for (Mutation& mutation : transaction.mutations) {
      if (!mutation.value) continue;
      const Providers& providers = configuration_.of_key(mutation.key);
      if (const auto why = providers.unable()) throw api::internal(*why);
      *mutation.value = providers.seal(mutation.key, std::move(*mutation.value), rng_);
    }
    auto outcome = co_await store_->commit(std::move(transaction));
    if (!outcome && outcome.error().current) co_await learn(*outcome.error().current, Patience::Once);
    if (!outcome && outcome.error().current && !open(*outcome.error().current)) outcome.error().current.reset();
    co_return outcome;
  }

  Task<std::optional<Stored>> get(std::string key) override {
    auto stored = co_await store_->get(std::move(key));
    if (stored) co_await learn(*stored, Patience::UntilTold);
    if (stored && !open(*stored)) stored.reset();
    co_return stored;
  }

  Task<std::vector<Stored>> range(std::string from, std::string to, std::size_t limit) override {
    // Whoever reads page by page goes on behind the last one, and takes a page that is not full for the last one.
    std::vector<Stored> out;
    for (;;) {
      const std::size_t wanted = limit == 0 ? 0 : limit - out.size();
      std::vector<Stored> page = co_await store_->range(from, to, wanted);
      const bool last = limit == 0 || page.size() < wanted;
      if (!page.empty()) from = page.back().key + '\0';
      for (Stored& stored : page) {
        co_await learn(stored, Patience::UntilTold);
        if (open(stored)) out.push_back(std::move(stored));
      }
      if (last || out.size() == limit) co_return out;
    }
  }

  Revision revision() const override { return store_->revision(); }

  void follow(Follower follower) override {
    store_->follow([this, alive = std::weak_ptr(alive_), follower = std::move(follower)](std::span<const Change> changes) {
      if (alive.expired()) return;
      const auto needs_nothing = [](const Change& change) {
        return !is_encrypted(change.value) && !is_encrypted(change.previous);
      };
      if (std::ranges::all_of(changes, needs_nothing)) return follower(changes);
      std::vector<Change> opened(changes.begin(), changes.end());
      for (Change& change : opened) (void)open(change);
      follower(opened);
    });
  }

  // What was written with a key that is known no more is history that is kept no more.
  Task<std::optional<std::vector<Change>>> history(std::string prefix, Revision since) override {
    auto changes = co_await store_->history(std::move(prefix), since);
    if (changes) co_await learn(*changes);
    if (changes && !std::ranges::all_of(*changes, [this](Change& change) { return open(change, Told::No); })) changes.reset();
    co_return changes;
  }

  Task<Recent> recent(std::string prefix, std::size_t records_max, std::size_t bytes_max) override {
    Recent recent = co_await store_->recent(std::move(prefix), records_max, bytes_max);
    co_await learn(recent.changes);
    std::size_t first = 0;
    for (std::size_t i = 0; i < recent.changes.size(); ++i) {
      if (open(recent.changes[i], Told::No)) continue;
      first = i + 1;
      recent.since = recent.changes[i].revision;
    }
    // A revision is remembered whole or not at all.
    while (first < recent.changes.size() && recent.changes[first].revision <= recent.since) ++first;
    recent.changes.erase(recent.changes.begin(), recent.changes.begin() + static_cast<std::ptrdiff_t>(first));
    co_return recent;
  }

  Task<std::unique_ptr<StoreView>> view() override { return store_->view(); }

  const Unreadable& unreadable() const override { return unreadable_; }

  Soon<bool> is_stale(std::string key) override { return look(std::move(key)); }

  void use(Configuration configuration) override { configuration_ = std::move(configuration); }

 private:
  enum class Told { Yes, No };
  enum class Patience { UntilTold, Once };

  // Nothing, and at once, but for what a service must tell first.
  Soon<> learn(const std::string& key, const SharedBytes& bytes, Patience patience) {
    if (!is_encrypted(bytes)) return {};
    auto lesson = configuration_.of_key(key).needed_for(*bytes);
    if (!lesson) return {};
    return learn_from(std::move(lesson->kms), std::string(lesson->bytes), patience);
  }
  static Task<void> learn_from(std::shared_ptr<Kms> kms, std::string bytes, Patience patience) {
    co_await kms->learn(std::move(bytes), patience == Patience::UntilTold);
  }
  Soon<> learn(const Stored& stored, Patience patience) { return learn(stored.key, stored.value, patience); }

  Soon<> learn(const std::vector<Change>& changes) {
    const auto needs = [this](const Change& change) {
      const Providers& providers = configuration_.of_key(change.key);
      return (is_encrypted(change.value) && providers.needed_for(*change.value)) ||
             (is_encrypted(change.previous) && providers.needed_for(*change.previous));
    };
    if (std::ranges::none_of(changes, needs)) return {};
    return learn_all(changes);
  }
  Task<void> learn_all(const std::vector<Change>& changes) {
    for (const Change& change : changes) {
      co_await learn(change.key, change.value, Patience::Once);
      co_await learn(change.key, change.previous, Patience::Once);
    }
  }

  Task<bool> look(std::string key) {
    const std::optional<Stored> stored = co_await store_->get(key);
    co_return stored&& configuration_.of_key(key).is_stale(*stored->value);
  }

  // Null when it cannot be read.
  SharedBytes opened(const std::string& key, const SharedBytes& bytes, Told told) {
    if (!bytes) return bytes;
    auto out = configuration_.of_key(key).open(key, *bytes);
    if (out && !is_encrypted(bytes)) return bytes;
    if (out && is_object(out->bytes)) return share(std::move(out->bytes));
    if (told == Told::Yes) note(key, out ? "what it decrypts to is no object" : out.error());
    return nullptr;
  }

  bool open(Stored& stored) {
    stored.value = opened(stored.key, stored.value, Told::Yes);
    return stored.value != nullptr;
  }

  bool open(Change& change, Told told = Told::Yes) {
    const bool had_value = change.value != nullptr, had_previous = change.previous != nullptr;
    change.value = opened(change.key, change.value, told);
    change.previous = opened(change.key, change.previous, Told::No);
    return (change.value != nullptr) == had_value && (change.previous != nullptr) == had_previous;
  }

  void note(const std::string& key, const std::string& why) {
    const std::string text = fmt::format("unable to transform key \"{}\": {}", key, why);
    if (unreadable_.emplace(key, text).second) log_.error("a stored object cannot be decrypted", "key", key, "err", why);
  }

  const std::unique_ptr<Store> store_;
  Configuration configuration_;
  Rng& rng_;
  const Log log_;
  Unreadable unreadable_;
  const std::shared_ptr<const bool> alive_ =
      std::make_shared<const bool>(true);  // what is behind may have more to tell at its end
};

}  // namespace

std::unique_ptr<EncryptedStore> encrypted_store(std::unique_ptr<Store> store, Configuration configuration, Rng& rng, Log log) {
  return std::make_unique<Encrypting>(std::move(store), std::move(configuration), rng, std::move(log));
}

}  // namespace ph::apiserver::encryption
