// service-lb: gives services of type LoadBalancer their load balancers at the cloud, says where they are reached, and takes them back.
//
//   reads     v1 Service, v1 Node (views)   informers
//   writes    v1 Service   patch of the status, pinned to the UID: the addresses, and with them the finalizer
//             v1 Event     about services
//   asks      the cloud's load balancers
//   upstream  k8s.io/cloud-provider, controllers/service
//
// What was made of a service is known to this process alone; after a start each is ensured again, as by upstream's. A service of a class
// (spec.loadBalancerClass) is left to whoever serves that.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "controllers/cloud/part.h"
#include "controllers/runtime/loop.h"
#include "controllers/runtime/options.h"
#include "controllers/service_lb/metrics.h"
#include "controllers/service_lb/plan.h"

namespace ph::controllers {
namespace {

using core::v1::LoadBalancerStatus, core::v1::Service;
using informers::NodeView, informers::reference_to;
using nlohmann::json;
using service_lb::Wanted;

constexpr const char* kBalanced = "wants a load balancer";
constexpr const char* kWaiting = "waits for a load balancer";
// Upstream's: between attempts at what the cloud has refused.
constexpr Duration kFirstPause = 5s, kLongestPause = 5min;
// Nodes come and go by the dozen.
constexpr Duration kNodesBatch = 1s;

bool has_address(const Service& service) { return service.status().load_balancer().ingress_size() > 0; }

class ServiceLoadBalancers final : public Loop {
 public:
  explicit ServiceLoadBalancers(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        log_(world.log),
        cluster_(world.options->cloud.cluster_name),
        services_(world.informer<Service>()),
        nodes_(world.informer<NodeView>()),
        families_{world.metrics} {
    services_.add_index(kBalanced, [](const Service& service) -> std::vector<std::string> {
      return service_lb::wants_load_balancer(service) ? std::vector<std::string>{""} : std::vector<std::string>();
    });
    services_.add_index(kWaiting, [](const Service& service) -> std::vector<std::string> {
      const bool waits = service_lb::wants_load_balancer(service) && !has_address(service);
      return waits ? std::vector<std::string>{""} : std::vector<std::string>();
    });
    balancers_ = cloud::part_of(world, provider_, &cloud::Provider::load_balancers, "the cloud has no load balancers");
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    if (!balancers_) co_return Outcome::done();
    const Ref<Service> service = services_.find(key);
    const auto known = made_.find(key);
    // It is gone, and somebody has taken the finalizer from it; or another has its name.
    if (known != made_.end() && (!service || service->metadata().uid() != known->second.service->metadata().uid())) {
      const Ref<Service> former = known->second.service;
      if (auto problem = co_await take_back(former)) co_return fail(key, *problem);
      made_.erase(key);
    }
    if (!service) {
      failures_.erase(key);
      co_return Outcome::done();
    }
    std::optional<std::string> problem;
    if (service_lb::wants_load_balancer(*service) && !service->metadata().has_deletion_timestamp()) {
      problem = co_await provide(service);
    } else if (service_lb::needs_cleanup(*service) || made_.contains(key)) {
      problem = co_await clean_up(service);
    }
    if (problem) co_return fail(key, *problem);
    failures_.erase(key);
    co_return Outcome::done();
  }

 private:
  using Problem = std::optional<std::string>;

  struct Made {
    Ref<Service> service;
    Wanted wanted;
    LoadBalancerStatus status;
    std::vector<std::string> nodes;
  };

  // -- Load balancers that are wanted

  Task<Problem> provide(Ref<Service> service) {
    const ObjectKey key = key_of(*service);
    const cloud::Nodes nodes = nodes_behind();
    const Wanted wanted = service_lb::wanted_of(*service);
    const auto known = made_.find(key);
    const bool is_same = known != made_.end() && known->second.wanted == wanted && service_lb::has_finalizer(*service) &&
                         says(*service, known->second.status);
    if (is_same) {
      if (known->second.nodes == names_of(nodes)) co_return std::nullopt;
      co_return co_await move_nodes(service, nodes);
    }
    if (known != made_.end()) {
      for (auto& [reason, message] : service_lb::told_changes(known->second.wanted, wanted))
        events_.normal(reference_to(*service), reason, message);
    }
    events_.normal(reference_to(*service), "EnsuringLoadBalancer", "Ensuring load balancer");
    // What was made and not taken down would never be given back.
    if (!service_lb::has_finalizer(*service)) {
      const json finalizers = {{"metadata", {{"finalizers", json::array({service_lb::kFinalizer})}}}};
      if (co_await patch(*service, finalizers) != Patched::Yes) co_return std::nullopt;
    }
    if (nodes.empty()) tell_of_no_nodes(*service);
    const auto status = co_await balancers_->ensure(cluster_, service, nodes);
    if (!status) co_return refused(*service, "failed to ensure load balancer: " + status.error());
    made_[key] = {.service = service, .wanted = wanted, .status = *status, .nodes = names_of(nodes)};
    families_.syncs.with({}).add();
    if (!says(*service, *status) && co_await patch(*service, status_body(*status)) != Patched::Yes) co_return std::nullopt;
    events_.normal(reference_to(*service), "EnsuredLoadBalancer", "Ensured load balancer");
    co_return std::nullopt;
  }

  Task<Problem> move_nodes(Ref<Service> service, cloud::Nodes nodes) {
    const Steady began = clock_.steady();
    const std::vector<std::string> names = names_of(nodes);
    const auto moved = co_await balancers_->update(cluster_, service, nodes);
    families_.host_latency.with({}).observe(clock_.steady() - began);
    if (!moved) {
      // One that is there no more is no failure: there is nothing to put nodes behind.
      const auto has = co_await balancers_->has(cluster_, service);
      if (!has || *has) {
        events_.warning(reference_to(*service), "UpdateLoadBalancerFailed",
                        fmt::format("Error updating load balancer with new hosts {} [node names limited, total number of nodes: "
                                    "{}], error: {}",
                                    service_lb::told_nodes(names), names.size(), moved.error()));
        co_return "failed to update load balancer hosts: " + moved.error();
      }
    }
    if (const auto known = made_.find(key_of(*service)); known != made_.end()) known->second.nodes = names;
    families_.syncs.with({}).add();
    if (names.empty()) tell_of_no_nodes(*service);
    else if (moved) events_.normal(reference_to(*service), "UpdatedLoadBalancer", "Updated load balancer with new hosts");
    co_return std::nullopt;
  }

  // -- Load balancers that are not wanted any more

  Task<Problem> clean_up(Ref<Service> service) {
    if (auto problem = co_await take_back(service)) co_return problem;
    made_.erase(key_of(*service));
    if (service->spec().has_load_balancer_class()) co_return std::nullopt;  // the finalizer is somebody else's now
    const json body = {{"metadata", {{"$deleteFromPrimitiveList/finalizers", json::array({service_lb::kFinalizer})}}},
                       {"status", {{"loadBalancer", {{"ingress", nullptr}}}}}};
    co_await patch(*service, body);
    events_.normal(reference_to(*service), "DeletedLoadBalancer", "Deleted load balancer");
    co_return std::nullopt;
  }

  Task<Problem> take_back(Ref<Service> service) {
    const auto has = co_await balancers_->has(cluster_, service);
    if (!has) co_return refused(*service, "failed to check if load balancer exists before cleanup: " + has.error());
    if (!*has) co_return std::nullopt;
    events_.normal(reference_to(*service), "DeletingLoadBalancer", "Deleting load balancer");
    const auto removed = co_await balancers_->remove(cluster_, service);
    if (!removed) co_return refused(*service, "failed to delete load balancer: " + removed.error());
    families_.syncs.with({}).add();
    co_return std::nullopt;
  }

  // -- What is told, and written

  Problem refused(const Service& service, std::string why) {
    events_.warning(reference_to(service), "SyncLoadBalancerFailed", "Error syncing load balancer: " + why);
    return why;
  }

  Outcome fail(const ObjectKey& key, const std::string& problem) {
    Duration& pause = failures_[key];
    pause = pause == Duration::zero() ? kFirstPause : std::min(2 * pause, kLongestPause);
    log_.warning("a load balancer is not as it should be", "service", key, "error", problem);
    return Outcome::again_after(pause);
  }

  void tell_of_no_nodes(const Service& service) {
    events_.warning(reference_to(service), "UnAvailableLoadBalancer", "There are no available nodes for LoadBalancer");
  }

  static bool says(const Service& service, const LoadBalancerStatus& status) {
    return api::encode_protobuf(service.status().load_balancer()) == api::encode_protobuf(status);
  }
  static json status_body(const LoadBalancerStatus& status) {
    json ingress = json::array();
    for (const auto& each : status.ingress()) ingress.push_back(json::parse(api::encode_json(each)));
    return {{"status", {{"loadBalancer", {{"ingress", status.ingress_size() == 0 ? json() : ingress}}}}}};
  }

  // The status may say what the metadata are, too: upstream's loop has the right to nothing else.
  Task<Patched> patch(const Service& service, json body) {
    body["metadata"]["uid"] = service.metadata().uid();
    Patch patch = Patch::strategic(body.dump());
    patch.pinned = true;
    return client_.try_patch<Service>(key_of(service), std::move(patch), "status");
  }

  cloud::Nodes nodes_behind() const {
    cloud::Nodes out;
    for (Ref<NodeView>& node : nodes_.list()) {
      if (service_lb::is_behind(*node)) out.push_back(std::move(node));
    }
    return out;
  }
  static std::vector<std::string> names_of(const cloud::Nodes& nodes) {
    std::vector<std::string> out;
    for (const Ref<NodeView>& node : nodes) out.push_back(node->name);
    return out;
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  const Log log_;
  const std::string cluster_;
  Informer<Service>& services_;
  Informer<NodeView>& nodes_;
  const service_lb::ServiceFamilies families_;
  std::shared_ptr<cloud::Provider> provider_;
  cloud::LoadBalancers* balancers_ = nullptr;  // the provider's; null: nothing is to be done
  std::map<ObjectKey, Made> made_;
  std::map<ObjectKey, Duration> failures_;  // the last pause of those that have failed
};

bool concerns_us(const Service& service) {
  return service_lb::wants_load_balancer(service) || service_lb::has_finalizer(service);
}

// Those of an index, after a moment.
LoopBuilder::Keys keys_by(const char* index, const World& world) {
  LoopBuilder::Keys out;
  for (const Ref<Service>& service : world.informers.informer<Service>().by_index(index, "")) out.push_back(key_of(*service));
  return out;
}

std::vector<LoopBuilder::Wake> nodes_changed(const NodeView* before, const NodeView* after, const World& world) {
  std::vector<LoopBuilder::Wake> out;
  if (!world.options->cloud.provider || !service_lb::changes_nodes(before, after)) return out;
  for (ObjectKey& key : keys_by(kBalanced, world)) out.push_back({std::move(key), kNodesBatch});
  return out;
}

// An address that is left behind is for those who have been waiting.
std::vector<LoopBuilder::Wake> left_behind(const Service* before, const Service* after, const World& world) {
  std::vector<LoopBuilder::Wake> out;
  if (!world.options->cloud.provider || !before || !has_address(*before) || (after && has_address(*after))) return out;
  for (ObjectKey& key : keys_by(kWaiting, world)) out.push_back({std::move(key), Duration::zero()});
  return out;
}

}  // namespace

void service_lb_loop(LoopBuilder& loop) {
  loop.reconciles<Service>(concerns_us)
      .watches_changes<NodeView>(nodes_changed)
      .watches_changes<Service>(left_behind)
      .event_source("service-controller")
      .with<ServiceLoadBalancers>();
}

}  // namespace ph::controllers
