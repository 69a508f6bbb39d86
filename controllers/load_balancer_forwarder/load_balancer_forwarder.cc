// load-balancer-forwarder: what comes to a port of a load balancer of the provider `local` is sent on, by this process, to the service's
// endpoints or to the backends that the service names (docs/controllers.md, "Clouds").
//
//   reads     v1 Service, discovery.k8s.io/v1 EndpointSlice   informers
//   writes    v1 Event                                        Forwarding, ForwardingFailed, about services
//   opens     ports of this machine, by CloudOptions::forwarding
//   upstream  none: there a cloud's load balancer and kube-proxy do this
//
// All that it holds is told by the objects, so a new leader opens the same ports. There is one entry for all nodes, which is why
// externalTrafficPolicy makes no difference.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "controllers/cloud/forwarding.h"
#include "controllers/load_balancer_forwarder/plan.h"
#include "controllers/runtime/loop.h"
#include "controllers/runtime/options.h"

namespace ph::controllers {
namespace {

using namespace load_balancer_forwarder;
using informers::reference_to;

constexpr const char* kByService = "service of the slice";
constexpr const char* kServiceName = "kubernetes.io/service-name";

std::optional<ObjectKey> service_of(const Slice& slice) {
  const auto name = slice.metadata().labels().find(kServiceName);
  if (name == slice.metadata().labels().end() || name->second.empty()) return std::nullopt;
  return ObjectKey{slice.metadata().namespace_(), name->second};
}

class LoadBalancerForwarder final : public Loop {
 public:
  explicit LoadBalancerForwarder(const World& world)
      : events_(world.events),
        log_(world.log),
        forwarding_(world.options->cloud.forwarding),
        listen_(world.options->cloud.forward_address),
        services_(world.informer<Service>()),
        slices_(world.informer<Slice>()) {
    slices_.add_index(kByService, [](const Slice& slice) -> std::vector<std::string> {
      const auto service = service_of(slice);
      return service ? std::vector<std::string>{service->text()} : std::vector<std::string>();
    });
    if (!forwarding_) log_.warning("nothing is forwarded: there is no --forward-load-balancers");
  }
  ~LoadBalancerForwarder() override {
    for (const auto& [place, holder] : holders_) forwarding_->clear(place);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    if (!forwarding_) co_return Outcome::done();
    const Ref<Service> service = services_.find(key);
    Wanted wanted = service ? wanted_of(*service, slices_.by_index(kByService, key.text()), listen_) : Wanted();
    release(key, wanted);
    std::vector<std::string> opened;
    for (const auto& [place, forward] : wanted.forwards) {
      if (auto problem = take(key, place, forward, opened)) wanted.problems.push_back(std::move(*problem));
    }
    if (!opened.empty())
      events_.normal(reference_to(*service), "Forwarding", fmt::format("Listening on {}", fmt::join(opened, ", ")));
    if (wanted.problems.empty()) {
      told_.erase(key);
      co_return Outcome::done();
    }
    const std::string text = fmt::format("{}", fmt::join(wanted.problems, "; "));
    if (std::exchange(told_[key], text) != text) events_.warning(reference_to(*service), "ForwardingFailed", text);
    // What is in the way may go, and nobody tells.
    co_return Outcome::again_after(5s);
  }

 private:
  struct Held {
    ObjectKey by;
    Forward forward;
  };

  void release(const ObjectKey& key, const Wanted& wanted) {
    for (auto held = holders_.begin(); held != holders_.end();) {
      if (held->second.by != key || wanted.forwards.contains(held->first)) {
        ++held;
        continue;
      }
      forwarding_->clear(held->first);
      log_.info("no longer forwarded", "service", key, "from", held->first.text());
      held = holders_.erase(held);
    }
  }

  // Why it cannot; nothing: it is forwarded.
  std::optional<std::string> take(const ObjectKey& key, const Place& place, const Forward& forward,
                                  std::vector<std::string>& opened) {
    const auto held = holders_.find(place);
    if (held != holders_.end() && held->second.by != key)
      return fmt::format("{} is forwarded for {}", place.text(), held->second.by.text());
    if (held != holders_.end() && held->second.forward == forward) return std::nullopt;
    if (auto problem = forwarding_->set(place, forward)) return problem;
    log_.info("forwarded", "service", key, "from", place.text(), "backends", forward.backends.size());
    if (held == holders_.end()) opened.push_back(place.text());
    holders_[place] = {key, forward};
    return std::nullopt;
  }

  EventRecorder& events_;
  const Log log_;
  const std::shared_ptr<cloud::Forwarding> forwarding_;  // null: nothing is forwarded
  const std::string listen_;
  Informer<Service>& services_;
  Informer<Slice>& slices_;
  std::map<Place, Held> holders_;
  std::map<ObjectKey, std::string> told_;  // what was last told of a service's problems
};

}  // namespace

std::string cloud::Place::text() const {
  return fmt::format(fmt::runtime(address.find(':') == address.npos ? "{} {}:{}" : "{} [{}]:{}"), protocol, address, port);
}

void load_balancer_forwarder_loop(LoopBuilder& loop) {
  loop.reconciles<Service>()
      .watches<Slice>([](const Slice& slice, const World&) -> LoopBuilder::Keys {
        const auto service = service_of(slice);
        return service ? LoopBuilder::Keys{*service} : LoopBuilder::Keys();
      })
      .event_source("load-balancer-forwarder")
      .with<LoadBalancerForwarder>();
}

}  // namespace ph::controllers
