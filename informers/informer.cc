#include "informers/informer.h"

#include <map>

#include "informers/kinds.h"
#include "informers/metadata_of.h"
#include "informers/metadata_view.h"
#include "informers/metrics.h"
#include "informers/reflector.h"

namespace ph::informers {

using detail::Reflector;

struct Informers::Impl {
  Impl(Executor& executor, Client& client, Rng& rng, Log log, Metrics* metrics)
      : executor(executor), client(client), rng(rng), log(std::move(log)), metrics{metrics} {
    if (!metrics) return;
    hook = metrics->on_scrape(executor, [this] {
      for (const auto& reflector : reflectors) reflector->show();
    });
  }

  Executor& executor;
  Client& client;
  Rng& rng;
  Log log;
  Stats stats;
  bool stopped = false;
  std::map<std::type_index, Slot> slots;
  std::vector<std::shared_ptr<Reflector>> reflectors;        // in the order they were asked for
  std::vector<std::shared_ptr<detail::MetadataOf>> derived;  // from those
  const InformerMetrics metrics;
  ScrapeHook hook;
  std::unique_ptr<Kinds> kinds;
};

Informers::Informers(Executor& executor, Client& client, Rng& rng, Log log, Metrics* metrics)
    : impl_(std::make_unique<Impl>(executor, client, rng, std::move(log), metrics)) {}

Informers::~Informers() { stop(); }

Informers::Slot& Informers::slot_of(std::type_index type) { return impl_->slots[type]; }

std::shared_ptr<detail::AnyInformer> Informers::make(detail::Decoder decoder) {
  PH_ASSERT(decoder.resource != nullptr);
  const std::string name = decoder.resource->plural;
  const InformerSeries series =
      informer_series(impl_->metrics, impl_->client.user_agent(), decoder.metadata_only, *decoder.resource);
  auto reflector = std::make_shared<Reflector>(impl_->executor, impl_->client, impl_->rng, impl_->log.named(name), impl_->stats,
                                               std::move(decoder), series);
  impl_->reflectors.push_back(reflector);
  if (impl_->stopped) {
    reflector->stop();
  } else {
    reflector->start();
  }
  return reflector;
}

std::shared_ptr<detail::AnyInformer> Informers::metadata_informer(api::ResourceRef resource) {
  const auto is_followed = [&](const std::shared_ptr<Reflector>& each) {
    const api::Resource& other = *each->decoder().resource;
    return other.plural == resource->plural && other.kind.group == resource->kind.group &&
           detail::shows_metadata(each->decoder());
  };
  const auto whole = std::ranges::find_if(impl_->reflectors, is_followed);
  if (whole == impl_->reflectors.end()) return make(detail::metadata_decoder(std::move(resource)));
  return impl_->derived.emplace_back(std::make_shared<detail::MetadataOf>(*whole, std::move(resource)));
}

std::shared_ptr<Informer<MetadataView>> Informers::follow(api::ResourceRef resource) {
  struct Both {
    explicit Both(std::shared_ptr<detail::AnyInformer> any) : any(std::move(any)), typed(*this->any) {}
    const std::shared_ptr<detail::AnyInformer> any;
    Informer<MetadataView> typed;
  };
  const auto both = std::make_shared<Both>(metadata_informer(std::move(resource)));
  both->typed.add_index(kByOwner, [](const MetadataView& object) {
    std::vector<std::string> uids;
    for (const OwnerView& owner : object.owners) uids.emplace_back(owner.uid.view());
    return uids;
  });
  return {both, &both->typed};
}

void Informers::forget(Informer<MetadataView>& informer) {
  const auto take_from = [&](auto& informers) {
    const auto found =
        std::ranges::find(informers, &informer.any(), [](const auto& each) -> detail::AnyInformer* { return each.get(); });
    if (found == informers.end()) return;
    const auto taken = std::move(*found);
    informers.erase(found);
    taken->stop();
  };
  take_from(impl_->reflectors);
  take_from(impl_->derived);
}

Kinds& Informers::kinds() {
  if (!impl_->kinds) {
    impl_->kinds = std::make_unique<Kinds>(impl_->executor, impl_->client, *this, impl_->rng, impl_->log.named("kinds"));
    if (impl_->stopped) impl_->kinds->stop();
  }
  return *impl_->kinds;
}

Task<void> Informers::wait_synced() {
  // Waiting may bring new ones, and take some away.
  const auto waits = [](const auto& each) { return !each->synced() && !each->stopped() && !each->decoder().kept_resource; };
  for (auto next = std::ranges::find_if(impl_->reflectors, waits); next != impl_->reflectors.end();
       next = std::ranges::find_if(impl_->reflectors, waits)) {
    const std::shared_ptr<Reflector> reflector = *next;
    co_await reflector->wait_synced();
  }
  if (!impl_->kinds || !impl_->kinds->is_asked_for()) co_return;
  co_await impl_->kinds->wait_known();
  co_await impl_->kinds->wait_settled();
}

void Informers::stop() {
  impl_->stopped = true;
  if (impl_->kinds) impl_->kinds->stop();
  for (const auto& reflector : impl_->reflectors) reflector->stop();
}

Informers::Stats Informers::stats() const { return impl_->stats; }

}  // namespace ph::informers
