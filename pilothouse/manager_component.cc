#include "pilothouse/manager_component.h"

#include "controllers/runtime/selection.h"
#include "election/guarded_transport.h"
#include "pilothouse/signing.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {
namespace {

std::vector<std::string> items_of(const std::string& text) {
  std::vector<std::string> items;
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    if (comma > at) items.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return items;
}

controllers::Options completed(controllers::Options options) {
  if (!options.certificates) options.certificates = make_certificates();
  return options;
}

}  // namespace

std::vector<const controllers::LoopEntry*> chosen_loops(const std::string& text) {
  auto loops = controllers::select_loops(items_of(text), controllers::registry());
  if (!loops) throw std::invalid_argument("--controllers: " + loops.error());
  return *loops;
}

void tell_of_idle_loops(const std::string& text, const Log& log) {
  for (const controllers::IdleLoop& loop : controllers::idle_loops(items_of(text)))
    log.info("a loop has nothing to do", "loop", loop.name, "because", loop.why);
}

ManagerComponent::ManagerComponent(Executor& executor, const Connector& connector, const controllers::Options& given,
                                   std::vector<const controllers::LoopEntry*> loops, Rng& rng, Log log, Metrics* metrics,
                                   std::shared_ptr<election::Leadership> leadership)
    : options(completed(given)),
      client_metrics(metrics, connector.host()),
      transport(connector.connect(executor, controller_manager_identity())),
      client(*transport, user_agent("kube-controller-manager")),
      informers(executor, client, rng, log.named("informers"), metrics) {
  client.measure(&client_metrics);
  for (const controllers::LoopEntry* loop : loops) {
    auto way = connector.connect(executor, loop_identity(loop->name));
    if (leadership) {
      unguarded.push_back(std::move(way));
      way = election::guarded_transport(*unguarded.back(), leadership, executor.clock());
    }
    loop_transports.emplace(loop->name, std::move(way));
  }
  controllers::HostParts parts{
      .executor = executor,
      .transport = [this](std::string_view loop) -> Transport& { return *loop_transports.find(loop)->second; },
      .informers = informers,
      .rng = rng,
      .log = log,
      .options = options,
      .version = kVersion,
      .metrics = metrics,
      .client_metrics = &client_metrics};
  host = std::make_unique<controllers::LoopHost>(std::move(parts), std::move(loops));
  if (leadership) host->warm();
}

ManagerComponent::~ManagerComponent() = default;

}  // namespace ph::pilothouse
