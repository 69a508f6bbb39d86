// endpoints: keeps, for every service with a selector, the Endpoints of its pods; for those who do not read slices yet.
//
//   reads     v1 Service, v1 Pod (views), v1 Endpoints   informers
//   writes    v1 Endpoints                               create, update, delete
//             v1 Event                                   FailedToCreateEndpoint, FailedToUpdateEndpoint
//   upstream  pkg/controller/endpoint
//
// As upstream's, it writes when what it has to say has changed, or the Endpoints are gone: what somebody else writes into them stands
// until then. The Endpoints of a service that is gone go when they are ours, which others' are not, nor those of services that have
// lost their selector.
#include <fmt/format.h>

#include "api/errors.h"
#include "controllers/common/services.h"
#include "controllers/endpoints/plan.h"
#include "controllers/runtime/options.h"
#include "informers/packed.h"

namespace ph::controllers {
namespace {

using core::v1::Endpoints, core::v1::Service;
using PackedEndpoints = informers::Packed<Endpoints>;

class EndpointsOfServices final : public Loop {
 public:
  explicit EndpointsOfServices(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        batches_(world.options->endpoint_updates_batch_period),
        services_(world.informer<Service>()),
        pods_(world.informer<PodView>()),
        endpoints_(world.informer<PackedEndpoints>()) {
    index_by_selection(services_, pods_);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<Service> service = services_.find(key);
    const Ref<PackedEndpoints> packed = endpoints_.find(key);
    if (!service) {
      forget(key);
      const bool is_ours = packed && packed->label(endpoints::kManagedByLabel) == endpoints::kManagedBy;
      if (is_ours && !packed->deletion) co_await client_.remove<Endpoints>(key, DeleteOptions::background(packed->uid));
      co_return Outcome::done();
    }
    if (!has_endpoints(*service)) {
      forget(key);
      co_return Outcome::done();
    }
    const Duration early = batches_.wait(key, service->metadata().resource_version(), clock_.steady());
    if (early > Duration::zero()) co_return Outcome::again_after(early);

    const std::vector<Ref<PodView>> pods = selected_by(*service, pods_);
    const std::optional<Time> trigger = trigger_times_.take(*service, pods);
    const Endpoints current = packed ? packed->whole() : Endpoints();
    Endpoints wanted = endpoints::desired(*service, pods, current);
    std::string says = endpoints::essence(wanted);
    const auto said = said_.find(key);
    const bool is_news = said == said_.end() || said->second != says;
    if (!packed || (is_news && endpoints::essence(current) != says)) {
      set_trigger_time(wanted.mutable_metadata(), trigger);
      co_await write(std::move(wanted), packed == nullptr);
    }
    said_[key] = std::move(says);
    co_return Outcome::done();
  }

 private:
  Task<void> write(Endpoints wanted, bool is_new) {
    const auto about = informers::reference_to(wanted);
    const std::string text = key_of(wanted).text();
    try {
      if (!is_new) {
        co_await client_.update<Endpoints>(std::move(wanted));
        co_return;
      }
      const auto created = co_await client_.try_create<Endpoints>(std::move(wanted));
      if (created.refusal && created.made != Made::NamespaceEnding) throw *created.refusal;
    } catch (const api::ApiError& error) {
      if (is_new)
        events_.warning(about, "FailedToCreateEndpoint",
                        fmt::format("Failed to create endpoint for service {}: {}", text, error.what()));
      else events_.warning(about, "FailedToUpdateEndpoint", fmt::format("Failed to update endpoint {}: {}", text, error.what()));
      throw;
    }
  }

  void forget(const ObjectKey& key) {
    said_.erase(key);
    trigger_times_.forget(key);
    batches_.forget(key);
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  ChangeBatches batches_;
  Informer<Service>& services_;
  Informer<PodView>& pods_;
  Informer<PackedEndpoints>& endpoints_;
  TriggerTimes trigger_times_;
  std::map<ObjectKey, std::string> said_;  // what the service's Endpoints were last made to say
};

}  // namespace

void endpoints_loop(LoopBuilder& loop) {
  loop.reconciles<Service>()
      .watches_changes<PodView>([](const PodView* before, const PodView* after, const World& world) {
        return services_woken(before, after, world, world.options->endpoint_updates_batch_period);
      })
      .reconciles<PackedEndpoints>()
      .event_source("endpoint-controller")
      .with<EndpointsOfServices>();
}

}  // namespace ph::controllers
