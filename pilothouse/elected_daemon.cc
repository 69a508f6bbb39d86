#include "pilothouse/elected_daemon.h"

#include <fmt/format.h>

#include "daemon/program.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {
namespace {

using daemon::Part;

// Longer than any hiccup of a renewal: then something is wrong with this process, and it had better be restarted.
constexpr Duration kLeaseOverdue = 20s;

}  // namespace

ElectedDaemon::ElectedDaemon(ElectedDaemonOptions options)
    : options_(std::move(options)),
      access_(io_, options_.access, options_.log.named("access")),
      leadership_(options_.election.leader_elect ? std::make_shared<election::Leadership>() : nullptr) {
  if (options_.serving.secure_port != 0) {
    serving_.emplace("serving", clock_, [this](Executor& executor) {
      return std::make_unique<daemon::Serving>(daemon::ServingParts{executor, io_, clock_, rng_, options_.log.named("serving"),
                                                                    options_.component, daemon::host_name()},
                                               options_.serving, checks(), pages());
    });
    options_.log.info("serving", "port", (*serving_)->port());
  }
  files_.emplace("files", clock_, [this](Executor& executor) {
    auto scope = std::make_unique<Scope>(executor);
    scope->spawn(access_.follow_files());
    process_.emplace(metrics_, executor, &read_own_process);
    return scope;
  });
  show_build(metrics_, build_info());
}

ElectedDaemon::~ElectedDaemon() {
  serving_.reset();
  daemon::run_on(files_->executor(), [this] { process_.reset(); });
}

std::vector<HealthCheck> ElectedDaemon::checks() {
  std::vector<HealthCheck> out{healthy("ping")};
  if (leadership_) {
    out.push_back({.name = "leaderElection", .problem = [this]() -> std::optional<std::string> {
                     const Duration overdue = clock_.steady() - leadership_->certain_until();
                     if (!leadership_->leading() || overdue < kLeaseOverdue) return std::nullopt;
                     return fmt::format("failed election to renew leadership on lease {}", options_.election.resource_name);
                   }});
  }
  out.push_back({.name = "informer-sync",
                 .problem = [this]() -> std::optional<std::string> {
                   if (ready_) return std::nullopt;
                   return "the caches have not been filled yet";
                 },
                 .ready_only = true});
  return out;
}

std::vector<daemon::Page> ElectedDaemon::pages() {
  std::vector<std::string> paths{"/configz", "/flagz", "/healthz", "/livez", "/metrics", "/readyz"};
  for (const daemon::Page& page : options_.pages) paths.push_back(page.path);
  std::vector<daemon::Page> out{daemon::text_page("/metrics", Metrics::kContentType, [this] { return metrics_text(); }),
                                daemon::configz_page(options_.config_group, options_.config_json),
                                daemon::flagz_page(options_.component, [this] { return daemon::flag_values(options_.flags); }),
                                daemon::statusz_page(options_.component, kVersion, clock_, std::move(paths))};
  out.insert(out.end(), options_.pages.begin(), options_.pages.end());
  return out;
}

Task<std::string> ElectedDaemon::metrics_text() { return metrics_.scrape(); }

void ElectedDaemon::lead(Executor& on, std::function<void()> started, std::function<void()> stopped) {
  component_ = &on;
  if (!leadership_) {
    stopped_ = std::move(stopped);
    on.post(std::move(started));
    return;
  }
  election_.emplace("election", clock_, [&](Executor& executor) {
    const Duration sign_of_life = options_.election.retry_period;
    auto connect = [this, &executor, sign_of_life] {
      return access_.connect(executor, {.user_agent = user_agent(options_.component) + " leader-election",
                                        .ping_after = sign_of_life,
                                        .ping_timeout = sign_of_life,
                                        .connect_timeout = options_.election.attempt_timeout(),
                                        .token = {}});
    };
    const Log log = options_.log.named("election");
    auto election = std::make_unique<election::LeaseElection>(
        election::ElectionParts{.executor = executor,
                                .rng = rng_,
                                .log = log,
                                .leadership = leadership_,
                                .identity = election::election_identity(daemon::host_name(), rng_),
                                .component = options_.component,
                                .user_agent = user_agent(options_.component) + " leader-election",
                                .connect = std::move(connect),
                                .metrics = &metrics_},
        options_.election,
        election::ElectionCallbacks{.on = &on,
                                    .started_leading = std::move(started),
                                    .stopped_leading = std::move(stopped),
                                    .new_leader = [log](std::string identity) { log.info("leader", "identity", identity); }});
    election->start();
    return election;
  });
}

void ElectedDaemon::stop() {
  if (election_) {
    daemon::wait_for(election_->executor(), [this] { return (*election_)->stop(); });
    election_.reset();
  } else if (component_ && stopped_) {
    daemon::run_on(*component_, [this] { stopped_(); });
  }
  component_ = nullptr;
}

}  // namespace ph::pilothouse
