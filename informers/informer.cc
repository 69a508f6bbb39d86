#include "informers/informer.h"

#include <map>

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
  std::map<std::string, std::pair<std::shared_ptr<Reflector>, std::unique_ptr<Informer<MetadataView>>>> metadata;
  std::vector<std::shared_ptr<Reflector>> reflectors;  // in the order they were asked for
  const InformerMetrics metrics;
  ScrapeHook hook;
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

Informer<MetadataView>& Informers::metadata(const api::Resource& resource) {
  auto& [reflector, informer] = impl_->metadata[resource.kind.api_version() + "/" + resource.plural];
  if (!informer) {
    reflector = std::static_pointer_cast<Reflector>(make(detail::metadata_decoder(resource)));
    informer = std::make_unique<Informer<MetadataView>>(*reflector);
  }
  return *informer;
}

Task<void> Informers::wait_synced() {
  // Waiting may bring new ones.
  for (std::size_t i = 0; i < impl_->reflectors.size(); ++i) {
    const std::shared_ptr<Reflector> reflector = impl_->reflectors[i];
    co_await reflector->wait_synced();
  }
}

void Informers::stop() {
  impl_->stopped = true;
  for (const auto& reflector : impl_->reflectors) reflector->stop();
}

Informers::Stats Informers::stats() const { return impl_->stats; }

}  // namespace ph::informers
