#include "tests/sim/cluster.h"

#include <fmt/format.h>

#include "apiserver/authn/token_keys.h"
#include "apiserver/discovery/discovery.h"
#include "apiserver/server.h"
#include "apiserver/standard.h"
#include "apiserver/storage/memory.h"
#include "base/log.h"
#include "controllers/common/certificate_requests.h"
#include "pilothouse/signing.h"
#include "tests/sim/digest.h"
#include "tests/sim/process.h"
#include "tests/sim/programs.h"
#include "tests/sim/signing.h"

namespace ph::sim {
namespace {

// Set PH_SIM_LOG to see what the components say.
Log sim_log() { return std::getenv("PH_SIM_LOG") ? Log(stderr_sink(), LogLevel::Debug) : Log(); }

const Faults kNoFaults;

// The server, with what a test puts before it.
class FrontDoor final : public HttpHandler {
 public:
  explicit FrontDoor(HttpHandler& server) : server_(server) {}
  Task<HttpResponse> handle(HttpRequest request) override {
    if (front) {
      if (auto answer = front(request)) co_return std::move(*answer);
    }
    co_return co_await server_.handle(std::move(request));
  }
  Task<HeadVerdict> judge_head(HttpRequest head) override { return server_.judge_head(std::move(head)); }

  Cluster::Front front;

 private:
  HttpHandler& server_;
};

// What the setup leaves open: one authority for all built-in signers, and the server's own key for tokens.
controllers::Options completed(controllers::Options options) {
  if (!options.sign_token) {
    options.sign_token = [keys = std::shared_ptr<apiserver::TokenKeys>(apiserver::make_simulated_token_keys())](
                             std::string_view payload) { return keys->sign(payload); };
  }
  if (!options.signing.authorities.empty()) return options;
  for (const char* signer : {controllers::kApiserverClientSigner, controllers::kKubeletClientSigner,
                             controllers::kKubeletServingSigner, controllers::kLegacyUnknownSigner})
    options.signing.authorities[signer] = pilothouse::fixed_authority(simulated_authority());
  return options;
}

bool is_heartbeat(std::string_view key) { return key.starts_with("/registry/leases/") || key.starts_with("/registry/minions/"); }

}  // namespace

struct Cluster::Impl {
  explicit Impl(const Setup& setup)
      : setup(setup), rng(setup.seed_value), log(sim_log()), options(completed(setup.loop_options)), weather(~setup.seed_value) {
    Metrics* metrics = setup.metrics_of_all;
    store = apiserver::memory_store(executor, executor.clock(), {.metrics = metrics});
    store->follow([this](std::span<const apiserver::Change> changes) {
      for (const apiserver::Change& change : changes) note(change);
    });
    apiserver::ServerOptions of_server{.keep_kubernetes_service = setup.with_access,
                                       .keep_api_services = setup.with_access,
                                       .keep_flow_schemas = setup.with_access,
                                       .stateful_set_max_unavailable = setup.loop_options.stateful_set_max_unavailable,
                                       .metrics = metrics};
    if (!setup.service_ranges.empty()) of_server.service_cidr = setup.service_ranges;
    server = std::make_unique<apiserver::ApiServer>(executor, rng, *store, log.named("apiserver"), std::move(of_server));
    if (setup.with_access) {
      apiserver::StandardOptions standard;
      standard.token_keys = apiserver::make_simulated_token_keys();
      standard.disable_admission = setup.admission_off;
      standard.enable_admission = setup.admission_on;
      server->install(apiserver::standard_extensions(*server, executor.clock(), rng, std::move(standard)));
    } else {
      apiserver::Extensions bare;
      bare.paths.push_back(std::make_unique<apiserver::DiscoveryHandler>(server->reader(), ""));
      server->install(std::move(bare));
    }
    door = std::make_unique<FrontDoor>(*server);
    admin_transport = in_process_transport(
        *server, executor,
        Identity{.name = "admin", .uid = {}, .groups = {"system:masters", "system:authenticated"}, .extra = {}});
    admin = std::make_unique<informers::Client>(*admin_transport, "kubectl/v1.36.2");
  }

  void note(const apiserver::Change& change) {
    // A digest is long enough that no two values a test tells apart share it, and short enough to read in a diff.
    history.push_back(fmt::format("{} {} {} {} {:016x}", change.revision.value, change.time.time_since_epoch().count(),
                                  change.author.empty() ? "-" : change.author, change.key,
                                  change.value ? digest(*change.value) : 0));
    if (!is_heartbeat(change.key)) last_write = executor.clock().steady();
    if (watchers.empty()) return;
    Write write{.revision = change.revision,
                .key = change.key,
                .object = {},
                .created = !change.previous,
                .author = change.author,
                .kind = {}};
    // The server keeps books of its own that are no objects (/registry/ranges).
    if (change.value && change.value->starts_with("k8s")) {
      const api::Envelope envelope = api::open_envelope(*change.value);
      write.object = std::string(envelope.raw);
      write.kind = envelope.kind;
    } else if (change.value && change.value->starts_with('{')) {
      write.object = *change.value;
      write.kind = api::type_of(*change.value);
    }
    for (const auto& watcher : watchers) watcher(write);
  }

  void note_fault(const std::string& what) {
    history.push_back(fmt::format("fault {} {}", executor.clock().now().time_since_epoch().count(), what));
  }

  std::unique_ptr<Process> process(const std::string& name, std::uint64_t number, const Faults& faults, Process::Make make) {
    // Streams far from the one the components draw from, and from each other.
    const std::uint64_t seed = setup.seed_value * 0x9e3779b97f4a7c15ull + number;
    return std::make_unique<Process>(
        name, executor, *door, faults, seed, tally, [this](const std::string& what) { note_fault(what); }, std::move(make));
  }

  std::unique_ptr<Process> manager_process(const std::string& name, std::uint64_t number) {
    return process(name, number, setup.fault_kinds, [this](const pilothouse::Connector& connector) {
      const auto make = setup.with_election ? elected_manager_program : manager_program;
      return make(executor, connector, setup.loop_names, options, rng, log, setup.metrics_of_all);
    });
  }

  // Does `what` again and again, on average once in `every`.
  void now_and_then(Duration every, std::function<void()> what) {
    if (every <= Duration::zero()) return;
    const auto wait = Duration(static_cast<Duration::rep>(2 * weather.fraction() * static_cast<double>(every.count())));
    executor.run_after(wait, [this, every, what = std::move(what)] {
      if (!suffering) return;
      what();
      now_and_then(every, what);
    });
  }

  void suffer() {
    const Faults& faults = setup.fault_kinds;
    if (!faults.any()) return;
    suffering = true;
    for (Process* each : {manager.get(), second_manager.get(), scheduler.get(), nodes.get()}) {
      if (each) each->suffer();
    }
    if (manager) suffer("manager", *manager);
    if (manager && setup.with_election) suffer("second manager", *second_manager);
    if (scheduler) suffer("scheduler", *scheduler);
    if (manager && !setup.with_election) now_and_then(faults.second_manager_every, [this] { toggle_second_manager(); });
    now_and_then(faults.clock_jump_every, [this, most = faults.clock_jump_most] {
      const double part = 2 * weather.fraction() - 1;
      const auto by = Duration(static_cast<Duration::rep>(part * static_cast<double>(most.count())));
      ++tally.faults["clock jump"];
      note_fault(fmt::format("clock jumps by {} ms", by / 1ms));
      executor.sim_clock().jump(by);
    });
  }

  void suffer(const std::string& name, Process& process) {
    now_and_then(setup.fault_kinds.crash_every, [this, name, &process] {
      if (!process.running()) return;
      ++tally.faults["crash at any time"];
      note_fault(name + ": crash");
      process.crash();
    });
    now_and_then(setup.fault_kinds.cut_off_every, [&process] { process.cut_off(); });
    // An election loses its leases by itself.
    const bool elected = setup.with_election && &process != scheduler.get();
    now_and_then(elected ? Duration() : setup.fault_kinds.lost_lease_every, [this, name, &process] {
      if (!process.running()) return;
      ++tally.faults["lease lost"];
      note_fault(name + ": lease lost");
      process.lose_lease();
    });
  }

  void toggle_second_manager() {
    if (second_manager->running()) {
      note_fault("second manager: ends");
      return second_manager->stop();
    }
    ++tally.faults["second manager"];
    note_fault("second manager: begins");
    two_managers = true;
    second_manager->start();
  }

  const Setup setup;
  SimExecutor executor;
  SeededRng rng;
  const Log log;
  const controllers::Options options;
  std::vector<std::string> history;
  std::vector<std::function<void(const Write&)>> watchers;
  Steady last_write{};
  std::unique_ptr<apiserver::Store> store;
  std::unique_ptr<apiserver::ApiServer> server;
  std::unique_ptr<FrontDoor> door;
  std::unique_ptr<Transport> admin_transport;
  std::unique_ptr<informers::Client> admin;
  SeededRng weather;  // when things happen to processes and the clock
  Tally tally;
  bool suffering = false, two_managers = false;
  std::unique_ptr<Process> manager, second_manager, scheduler, nodes;
};

Cluster::Cluster(const Setup& setup) : impl_(std::make_unique<Impl>(setup)) {
  Impl& impl = *impl_;
  run(impl.server->start());
  if (!setup.with_access) {
    for (const char* name : {"default", "kube-system", "kube-node-lease"}) {
      core::v1::Namespace space;
      space.mutable_metadata()->set_name(name);
      create(std::move(space));
    }
  }
  if (setup.hollow_options.count > 0) {
    impl.nodes = impl.process("nodes", 4, setup.fault_kinds.for_nodes ? setup.fault_kinds : kNoFaults,
                              [&impl](const pilothouse::Connector& connector) {
                                return nodes_program(impl.executor, connector, impl.setup.hollow_options, impl.rng, impl.log,
                                                     impl.setup.metrics_of_all);
                              });
    impl.nodes->start();
    impl.executor.drain();
  }
  if (!setup.loop_names.empty()) {
    impl.manager = impl.manager_process("manager", 1);
    impl.second_manager = impl.manager_process("second manager", 2);
    if (!setup.loops_wait) impl.manager->start();
    if (setup.with_election) impl.second_manager->start();
    impl.executor.drain();
  }
  if (setup.with_scheduler) {
    Faults faults = setup.fault_kinds;
    faults.crash_at_write = 0, faults.watch_lag = 0;  // the loops' alone
    impl.scheduler = impl.process("scheduler", 3, faults, [&impl](const pilothouse::Connector& connector) {
      return scheduler_program(impl.executor, connector, impl.setup.scheduler_config, impl.setup.extender_transports, impl.rng,
                               impl.log, impl.setup.metrics_of_all);
    });
    impl.scheduler->start();
  }
  impl.executor.drain();
  impl.suffer();
}

Cluster::~Cluster() {
  // From the clients to the store, as processes would end; what they posted is dropped with them.
  impl_->nodes.reset();
  impl_->scheduler.reset();
  impl_->second_manager.reset();
  impl_->manager.reset();
  impl_->executor.clear();
  impl_->admin.reset();
  impl_->server.reset();
  impl_->executor.clear();
  impl_->store.reset();
  impl_->executor.clear();
}

void Cluster::restart_loops() {
  for (Process* each : {impl_->manager.get(), impl_->scheduler.get()}) {
    if (!each) continue;
    each->stop();
    each->start();
  }
  impl_->executor.drain();
}

void Cluster::restart_nodes(const std::function<void()>& meanwhile) {
  impl_->nodes->stop();
  if (meanwhile) meanwhile();
  impl_->nodes->start();
  impl_->executor.drain();
}

void Cluster::heal() {
  if (std::exchange(impl_->suffering, false)) impl_->note_fault("no more");
  if (impl_->second_manager) impl_->second_manager->stop();
  for (Process* each : {impl_->manager.get(), impl_->second_manager.get(), impl_->scheduler.get(), impl_->nodes.get()}) {
    if (each) each->heal();
  }
  impl_->executor.drain();
}

void Cluster::lose_lease() { impl_->manager->lose_lease(); }
void Cluster::jump_clock(Duration by) { impl_->executor.sim_clock().jump(by); }
void Cluster::add_manager() {
  if (!impl_->second_manager->running()) impl_->toggle_second_manager();
  impl_->executor.drain();
}
bool Cluster::had_two_managers() const { return impl_->two_managers; }

Tally Cluster::tally() const {
  Tally out = impl_->tally;
  for (Process* each : {impl_->manager.get(), impl_->second_manager.get(), impl_->scheduler.get(), impl_->nodes.get()}) {
    if (each && each->running()) each->program()->count(out);
  }
  return out;
}

std::string Cluster::replay_command() const {
  return impl_->setup.command.empty() ? fmt::format("the same test with seed {}", impl_->setup.seed_value) : impl_->setup.command;
}

std::uint64_t Cluster::turns() const { return impl_->executor.turns(); }

HttpResponse Cluster::get(const std::string& target, bool stream) {
  HttpResponse response;
  run([](Transport& transport, std::string target, bool stream, HttpResponse& response) -> Task<void> {
    HttpRequest request;
    request.method = "GET";
    request.target = std::move(target);
    response = co_await transport.send(std::move(request), stream);
  }(*impl_->admin_transport, target, stream, response));
  return response;
}

std::string Cluster::scrape() {
  std::string text;
  run([](Metrics& metrics, std::string& text) -> Task<void> { text = co_await metrics.scrape(); }(*impl_->setup.metrics_of_all,
                                                                                                  text));
  return text;
}

HttpResponse Cluster::get_path(const std::string& target) { return get(target, false); }
HttpResponse Cluster::stream_path(const std::string& target) { return get(target, true); }

Task<int> Cluster::scale_object(informers::Client& client, const api::Schema& schema, ObjectKey key, int replicas) {
  autoscaling::v1::Scale answer;
  co_await client.patch_message(
      schema, std::move(key), informers::Patch::merge(fmt::format(R"({{"spec":{{"replicas":{}}}}})", replicas)), "scale", answer);
  co_return answer.spec().replicas();
}

Time Cluster::now() const { return impl_->executor.clock().now(); }
void Cluster::advance(Duration by) { impl_->executor.advance(by); }
SimExecutor& Cluster::executor() { return impl_->executor; }
HttpHandler& Cluster::server() { return *impl_->server; }
void Cluster::put_before(Front front) { impl_->door->front = std::move(front); }
informers::Client& Cluster::client() { return *impl_->admin; }
const std::vector<std::string>& Cluster::history() const { return impl_->history; }
void Cluster::on_write(std::function<void(const Write&)> watcher) { impl_->watchers.push_back(std::move(watcher)); }

void Cluster::plant(const std::string& key, std::optional<std::string> value) {
  run([](apiserver::Store& store, apiserver::Transaction transaction) -> Task<void> {
    const auto done = co_await store.commit(std::move(transaction));
    PH_ASSERT(done.has_value());
  }(*impl_->store, {.preconditions = {},
                    .mutations = {{.key = key, .value = std::move(value), .last_value_only = false}},
                    .author = "another server"}));
}

std::string Cluster::history_text() const {
  std::string out;
  for (const std::string& line : impl_->history) out += line + "\n";
  return out;
}

bool Cluster::run_until(const std::function<bool()>& holds, Duration limit) {
  const Steady end = impl_->executor.clock().steady() + limit;
  impl_->executor.drain();
  while (!holds()) {
    const Steady now = impl_->executor.clock().steady();
    if (now >= end) return false;
    const auto next = impl_->executor.next_timer();
    impl_->executor.advance(std::max(Duration(1ms), std::min(next.value_or(end), end) - now));
  }
  return true;
}

bool Cluster::run_until_quiet(Duration limit, Duration quiet) {
  return run_until([&] { return impl_->executor.clock().steady() - impl_->last_write >= quiet; }, limit);
}

void Cluster::run(Task<void> task) {
  std::exception_ptr error;
  bool ended = false;
  Scope scope(impl_->executor);
  scope.spawn([](Task<void> task, std::exception_ptr& error, bool& ended) -> Task<void> {
    try {
      co_await task;
    } catch (...) {
      error = std::current_exception();
    }
    ended = true;
  }(std::move(task), error, ended));
  impl_->executor.drain();
  // What waits for time (a retry, say) gets it.
  for (int i = 0; i < 100'000 && !ended; ++i) {
    const auto next = impl_->executor.next_timer();
    if (!next) break;
    impl_->executor.advance(std::max(Duration(1ms), *next - impl_->executor.clock().steady()));
  }
  PH_ASSERT(ended);
  if (error) std::rethrow_exception(error);
}

}  // namespace ph::sim
