// node-route: makes routes at the cloud that lead to the pods of each node, takes away those that lead to none, and says of nodes whether
// they have theirs.
//
//   reads     v1 Node (views)   informer
//   writes    v1 Node    patch of the status, pinned to the UID: condition NetworkUnavailable
//             v1 Event   about nodes: FailedToCreateRoute
//   asks      the cloud's routes
//   upstream  k8s.io/cloud-provider, controllers/route
//
// All nodes are looked at together, once in a period, under one key.
#include <exception>
#include <set>
#include <stdexcept>

#include <fmt/format.h>

#include "api/times.h"
#include "controllers/cloud/part.h"
#include "controllers/common/node_reference.h"
#include "controllers/common/side_by_side.h"
#include "controllers/node_route/plan.h"
#include "controllers/runtime/loop.h"
#include "controllers/runtime/options.h"

namespace ph::controllers {
namespace {

using core::v1::Node;
using informers::NodeView;
using node_route::Plan;

// No node has this name.
ObjectKey all_nodes() { return {{}, "*"}; }

class NodeRoutes final : public Loop {
 public:
  explicit NodeRoutes(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        log_(world.log),
        cluster_(world.options->cloud.cluster_name),
        period_(world.options->cloud.route_reconciliation_period),
        ranges_(node_route::cluster_ranges(world.options->node_ipam.cluster_cidr)),
        nodes_(world.informer<NodeView>()) {
    if (!world.options->cloud.provider) return;
    if (!world.options->node_ipam.allocate_node_cidrs || !world.options->cloud.configures_routes) {
      log_.info("no routes are configured", "allocate-node-cidrs", world.options->node_ipam.allocate_node_cidrs,
                "configure-cloud-routes", world.options->cloud.configures_routes);
      return;
    }
    routes_ = cloud::part_of(world, provider_, &cloud::Provider::routes, "the cloud has no routes");
  }

  Task<Outcome> reconcile(ObjectKey) override {
    if (!routes_) co_return Outcome::done();
    if (clock_.steady() >= next_) {
      next_ = clock_.steady() + period_;
      co_await look();
    }
    co_return Outcome::again_after(std::max(next_ - clock_.steady(), Duration::zero()));
  }

  // Without nodes nobody brings the key, and there may be routes of some that have gone.
  Task<void> run_beside() override {
    while (routes_) {
      if (nodes_.list().empty() && clock_.steady() >= next_) {
        next_ = clock_.steady() + period_;
        co_await look();
      }
      co_await sleep_for(period_);
    }
  }

 private:
  using Names = std::set<std::string, std::less<>>;

  Task<void> look() {
    const auto routes = co_await routes_->list(cluster_);
    if (!routes) throw std::runtime_error("error listing routes: " + routes.error());
    const cloud::Nodes nodes = nodes_.list();
    const Plan plan = node_route::plan(nodes, *routes, ranges_);
    std::vector<Task<void>> removals, creations, told;
    for (const cloud::Route& route : plan.obsolete) removals.push_back(remove(route));
    std::exception_ptr failed = co_await side_by_side(std::move(removals));
    Names without;  // who lacks a route
    for (const Plan::Missing& each : plan.missing) {
      without.insert(each.node->name);
      creations.push_back(create(each));
    }
    // What was made is believed when the cloud shows it.
    const std::exception_ptr not_made = co_await side_by_side(std::move(creations));
    if (!failed) failed = not_made;
    if (!plan.missing.empty()) without = co_await still_without(nodes);
    for (const auto& node : nodes) told.push_back(tell(node, !node->pod_cidrs.empty() && !without.contains(node->name)));
    const std::exception_ptr untold = co_await side_by_side(std::move(told));
    if (!failed) failed = untold;
    if (failed) std::rethrow_exception(failed);
  }

  Task<Names> still_without(cloud::Nodes nodes) {
    const auto routes = co_await routes_->list(cluster_);
    if (!routes) throw std::runtime_error("error listing routes: " + routes.error());
    Names out;
    for (const Plan::Missing& each : node_route::plan(nodes, *routes, ranges_).missing) out.insert(each.node->name);
    co_return out;
  }

  Task<void> create(Plan::Missing missing) {
    const Steady began = clock_.steady();
    cloud::Route route{.name = {}, .node = missing.node->name, .destination = missing.destination};
    const auto made = co_await routes_->create(cluster_, missing.node->uid, std::move(route));
    if (made) {
      log_.info("route made", "node", missing.node->name, "destination", missing.destination);
      co_return;
    }
    const std::string text =
        fmt::format("Could not create route {} {} for node {} after {}: {}", missing.node->uid, missing.destination,
                    missing.node->name, api::duration_text(clock_.steady() - began), made.error());
    log_.warning(text);
    events_.warning(reference_to(*missing.node), "FailedToCreateRoute", text);
  }

  Task<void> remove(cloud::Route route) {
    const auto gone = co_await routes_->remove(cluster_, route);
    if (gone) log_.info("route taken away", "route", route.name, "destination", route.destination);
    else
      log_.warning("a route cannot be taken away", "route", route.name, "destination", route.destination, "error", gone.error());
  }

  Task<void> tell(Ref<NodeView> node, bool has_routes) {
    const auto body = node_route::condition_patch(*node, has_routes, clock_.now());
    if (!body) co_return;
    Patch patch = Patch::strategic(*body);
    patch.pinned = true;
    co_await client_.try_patch<Node>(node->key(), std::move(patch), "status");
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  const Log log_;
  const std::string cluster_;
  const Duration period_;
  const std::vector<api::AddressRange> ranges_;
  Informer<NodeView>& nodes_;
  std::shared_ptr<cloud::Provider> provider_;
  cloud::Routes* routes_ = nullptr;  // the provider's; null: nothing is to be done
  Steady next_{};
};

}  // namespace

void node_route_loop(LoopBuilder& loop) {
  loop.watches<NodeView>([](const NodeView&, const World&) -> LoopBuilder::Keys { return {all_nodes()}; })
      .event_source("route_controller")
      .with<NodeRoutes>();
}

}  // namespace ph::controllers
