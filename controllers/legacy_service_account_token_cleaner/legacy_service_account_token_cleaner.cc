// legacy-serviceaccount-token-cleaner: takes away tokens that were made for service accounts until 1.24, and that nobody has used for long.
//
//   reads     v1 Secret           informer of token Secrets alone
//             v1 ServiceAccount   informer
//             v1 ConfigMap        live: kube-system/kube-apiserver-legacy-service-account-token-tracking
//             v1 Pod              informer of the Secrets they name, from the first time that a token depends on it
//   writes    v1 Secret           patch: the label that says since when it is invalid; delete. Pinned to the UID and revision
//   upstream  pkg/controller/serviceaccount (legacy_serviceaccount_token_cleaner.go)
//
// All are judged together, once a day, under one key. Any change of a token brings the key, so that the runtime holds it until the
// loop's own writes are seen.
#include "api/times.h"
#include "controllers/legacy_service_account_token_cleaner/plan.h"
#include "controllers/runtime/options.h"

namespace ph::controllers {
namespace {

namespace cleaner = legacy_service_account_token_cleaner;

// The Secrets that a pod names, of all there is in it.
struct PodSecrets {
  ObjectKey object_key;
  std::string uid;
  Revision revision;
  bool deleting = false;
  std::set<std::string> secrets;

  const ObjectKey& key() const { return object_key; }
};

}  // namespace
}  // namespace ph::controllers

namespace ph::informers {

template <>
struct Followed<controllers::PodSecrets> {
  static detail::Decoder decoder() {
    static constexpr auto view = [](const void* object) { return static_cast<const controllers::PodSecrets*>(object); };
    return {.resource = api::Scheme::builtin().resource(api::schema_of<core::v1::Pod>()),
            .decode = [](std::string_view bytes) -> detail::AnyRef {
              core::v1::Pod pod;
              api::decode_protobuf(bytes, pod);
              auto out = std::make_shared<controllers::PodSecrets>();
              out->object_key = key_of(pod);
              out->uid = pod.metadata().uid();
              out->revision = parse_revision(pod.metadata().resource_version());
              out->deleting = pod.metadata().has_deletion_timestamp();
              out->secrets = controllers::cleaner::secrets_of(pod.spec());
              return out;
            },
            .key = [](const void* object) -> KeyView { return view(object)->object_key; },
            .revision = [](const void* object) { return view(object)->revision; },
            .uid = [](const void* object) -> std::string_view { return view(object)->uid; },
            .deleting = [](const void* object) { return view(object)->deleting; }};
  }
};

}  // namespace ph::informers

namespace ph::controllers {
namespace {

using core::v1::Secret;
using core::v1::ServiceAccount;

constexpr Duration kPeriod = 24h;

const ObjectKey& tracking() {
  static const ObjectKey key{"kube-system", "kube-apiserver-legacy-service-account-token-tracking"};
  return key;
}

class LegacyTokenCleaner final : public Loop {
 public:
  explicit LegacyTokenCleaner(const World& world)
      : client_(world.client),
        clock_(world.clock),
        log_(world.log),
        informers_(world.informers),
        unused_for_(world.options->legacy_service_account_token_clean_up_period),
        secrets_(world.informer<TokenSecret>()),
        accounts_(world.informer<ServiceAccount>()) {}

  Task<Outcome> reconcile(ObjectKey) override {
    if (const Duration early = next_ - clock_.steady(); early > Duration::zero()) co_return Outcome::again_after(early);
    const bool all_judged = co_await clean_all();
    if (!all_judged) co_return Outcome::again();
    next_ = clock_.steady() + kPeriod;
    co_return Outcome::again_after(kPeriod);
  }

 private:
  // Whether none has changed meanwhile.
  Task<bool> clean_all() {
    const auto noted = co_await client_.find<core::v1::ConfigMap>(tracking());
    const auto since = noted ? cleaner::tracked_since(*noted) : std::nullopt;
    // Who was not watched for so long may have been used all the time.
    if (!since || clock_.now() < *since + unused_for_) co_return true;
    std::vector<Ref<TokenSecret>> suspects;
    for (const auto& secret : secrets_.list()) {
      const auto account = accounts_.find(account_of(secret->object));
      if (cleaner::is_unused(secret->object, clock_.now(), unused_for_) && account &&
          cleaner::is_generated(secret->object, *account))
        suspects.push_back(secret);
    }
    if (suspects.empty()) co_return true;
    Informer<PodSecrets>& pods = informers_.informer<PodSecrets>();
    co_await pods.wait_synced();
    co_await pods.catch_up();
    bool all_judged = true;
    for (const auto& secret : suspects) {
      if (is_named(pods, secret->object)) continue;
      if (!co_await carry_out(secret)) all_judged = false;
    }
    co_return all_judged;
  }

  static bool is_named(const Informer<PodSecrets>& pods, const Secret& secret) {
    return std::ranges::any_of(pods.list(secret.metadata().namespace_()),
                               [&](const auto& pod) { return pod->secrets.contains(secret.metadata().name()); });
  }

  // Whether it was as it was judged: somebody may use it at this moment.
  Task<bool> carry_out(Ref<TokenSecret> judged) {
    const Secret& secret = judged->object;
    switch (cleaner::judge(secret, clock_.now(), unused_for_)) {
      case cleaner::Verdict::Stays: co_return true;
      case cleaner::Verdict::BecomesInvalid: {
        Patch patch = Patch::merge(cleaner::invalid_patch(secret, clock_.now()));
        patch.pinned = true;
        const Patched patched = co_await client_.try_patch<Secret>(judged->key(), std::move(patch));
        if (patched == Patched::Yes) log_.info("unused token is invalid from now on", "secret", judged->key());
        co_return patched != Patched::Changed;
      }
      case cleaner::Verdict::Goes: {
        DeleteOptions options;
        options.uid = secret.metadata().uid();
        options.resource_version = secret.metadata().resource_version();
        const Removed removed = co_await client_.remove<Secret>(judged->key(), options);
        if (removed == Removed::Yes) log_.info("unused token deleted", "secret", judged->key());
        co_return removed != Removed::Changed;
      }
    }
    co_return true;
  }

  Client& client_;
  const Clock& clock_;
  const Log log_;
  Informers& informers_;
  const Duration unused_for_;
  Informer<TokenSecret>& secrets_;
  Informer<ServiceAccount>& accounts_;
  Steady next_{};
};

}  // namespace

void legacy_service_account_token_cleaner_loop(LoopBuilder& loop) {
  loop.watches<TokenSecret>([](const TokenSecret& secret, const World&) -> LoopBuilder::Keys {
        if (secret.object.type() != kTokenSecretType) return {};
        return {{{}, "tokens"}};
      })
      .reads<ServiceAccount>()
      .with<LegacyTokenCleaner>();
}

}  // namespace ph::controllers
