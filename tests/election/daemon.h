// A daemon of the simulation: an election, and work that writes all the time while it leads, over connections that can be cut.
#pragma once

#include <deque>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "election/guarded_transport.h"
#include "election/lease_election.h"
#include "tests/sim/cluster.h"

namespace ph::election::testing {

// A network between one client and the server.
struct Network {
  bool cut = false;   // nothing passes, in either direction, and nobody is told: half-open
  bool slow = false;  // writes stay in the network until they are delivered; the client may be long gone
  std::vector<HttpRequest> in_transit;
};

class NetworkTransport final : public Transport {
 public:
  NetworkTransport(std::unique_ptr<Transport> inner, Network& network) : inner_(std::move(inner)), network_(network) {}

  Task<HttpResponse> send(HttpRequest request, bool stream) override {
    ph::Event never;
    if (network_.cut) co_await never.wait();
    if (network_.slow && request.method != "GET") {
      network_.in_transit.push_back(std::move(request));
      co_await never.wait();
    }
    HttpResponse response = co_await inner_->send(std::move(request), stream);
    if (network_.cut) co_await never.wait();
    if (response.stream) response.stream = std::make_unique<Stream>(std::move(response.stream), network_);
    co_return response;
  }

 private:
  class Stream final : public BodyStream {
   public:
    Stream(std::unique_ptr<BodyStream> inner, Network& network) : inner_(std::move(inner)), network_(network) {}
    Task<std::optional<SharedBytes>> next() override {
      auto piece = co_await inner_->next();
      ph::Event never;
      if (network_.cut) co_await never.wait();
      co_return piece;
    }

   private:
    std::unique_ptr<BodyStream> inner_;
    Network& network_;
  };

  std::unique_ptr<Transport> inner_;
  Network& network_;
};

// The daemon's own thread, which may be busy: what is posted then waits.
class BusyExecutor final : public Executor {
 public:
  explicit BusyExecutor(Executor& inner) : inner_(inner) {}
  void post(Work work) override {
    if (busy_) {
      waiting_.push_back(std::move(work));
    } else {
      inner_.post(std::move(work));
    }
  }
  TimerId run_at(Steady at, Work work) override { return inner_.run_at(at, std::move(work)); }
  void cancel(TimerId id) override { inner_.cancel(id); }
  const Clock& clock() const override { return inner_.clock(); }

  void busy() { busy_ = true; }
  void free() {
    busy_ = false;
    for (Work& work : std::exchange(waiting_, {})) inner_.post(std::move(work));
  }

 private:
  Executor& inner_;
  bool busy_ = false;
  std::deque<Work> waiting_;
};

inline Identity demo_identity() { return {.name = "demo", .uid = {}, .groups = {"system:masters"}, .extra = {}}; }

class Daemon {
 public:
  Daemon(sim::Cluster& cluster, std::string name, Identity identity = demo_identity(), ElectionOptions options = demo_options())
      : cluster_(cluster),
        name_(std::move(name)),
        identity_(std::move(identity)),
        thread(cluster.executor()),
        work_network_(in_process_transport(cluster.server(), cluster.executor(), identity_), work_line),
        guarded(guarded_transport(work_network_, leadership, cluster.executor().clock())),
        client_(*guarded, "demo/1"),
        work_(cluster.executor()),
        stopping_(cluster.executor()),
        rng_(std::hash<std::string>()(name_)) {
    election = std::make_unique<LeaseElection>(
        ElectionParts{.executor = cluster.executor(),
                      .rng = rng_,
                      .log = std::getenv("PH_SIM_LOG") ? Log(stderr_sink(), LogLevel::Debug).named(name_) : Log(),
                      .leadership = leadership,
                      .identity = name_,
                      .component = "demo-manager",
                      .user_agent = "demo/1",
                      .connect = [this]() -> std::unique_ptr<Transport> {
                        return std::make_unique<NetworkTransport>(
                            in_process_transport(cluster_.server(), cluster_.executor(), identity_), lease_line);
                      },
                      .metrics = &metrics},
        std::move(options),
        ElectionCallbacks{.on = &thread,
                          .started_leading = [this] { start_work(); },
                          .stopped_leading = [this] { stop_work(); },
                          .new_leader = [this](std::string who) { leaders.push_back(std::move(who)); }});
    election->start();
  }
  ~Daemon() { crash(); }

  static ElectionOptions demo_options() {
    ElectionOptions options;
    options.resource_name = "demo";
    return options;
  }

  // Ends everything where it is.
  void crash() {
    stopping_.cancel();
    election.reset();
    work_.cancel();
  }
  // Ends in order; what it takes happens as time goes on.
  void stop() {
    stopping_.spawn([](Daemon& self) -> Task<void> {
      co_await self.election->stop();
      self.stopped = true;
    }(*this));
  }
  void cut(bool cut) { work_line.cut = lease_line.cut = cut; }
  bool leading() const { return leadership->leading(); }

  // The lines of /metrics about the election.
  std::string scrape() {
    std::string text;
    stopping_.spawn([](Metrics& metrics, std::string& text) -> Task<void> { text = co_await metrics.scrape(); }(metrics, text));
    cluster_.executor().drain();
    std::string out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("leader_election") || line.starts_with("pilothouse_election")) out += line + "\n";
    }
    return out;
  }

  // What stays in the network arrives now: the statuses of the answers.
  std::vector<int> deliver() {
    std::vector<int> statuses;
    const auto inner = in_process_transport(cluster_.server(), cluster_.executor(), identity_);
    for (HttpRequest& request : std::exchange(work_line.in_transit, {})) {
      stopping_.spawn([](Transport& inner, HttpRequest request, std::vector<int>& statuses) -> Task<void> {
        const HttpResponse response = co_await inner.send(std::move(request), false);
        statuses.push_back(response.status);
      }(*inner, std::move(request), statuses));
    }
    cluster_.executor().drain();
    return statuses;
  }

 private:
  void start_work() {
    ++terms;
    work_.spawn(work());
    if (also_start) also_start();
  }
  void stop_work() {
    work_.cancel();
    if (also_stop) also_stop();
  }

  // A write every 100 ms; what fails is tried again with the next.
  Task<void> work() {
    for (;; co_await sleep_for(100ms)) {
      core::v1::ConfigMap map;
      map.mutable_metadata()->set_namespace_("default");
      map.mutable_metadata()->set_generate_name(name_ + "-");
      try {
        co_await client_.create<core::v1::ConfigMap>(std::move(map));
      } catch (const NotLeading&) {
        ++refused;
      } catch (const api::ApiError& error) {
        errors.push_back(error.code());
      }
    }
  }

  sim::Cluster& cluster_;
  const std::string name_;
  const Identity identity_;

 public:
  Network work_line, lease_line;
  std::shared_ptr<Leadership> leadership = std::make_shared<Leadership>();
  Metrics metrics;
  BusyExecutor thread;
  int terms = 0, refused = 0;
  bool stopped = false;
  std::vector<int> errors;
  std::vector<std::string> leaders;
  std::function<void()> also_start, also_stop;

 private:
  NetworkTransport work_network_;

 public:
  std::unique_ptr<Transport> guarded;

 private:
  informers::Client client_;
  Scope work_, stopping_;
  SeededRng rng_;

 public:
  std::unique_ptr<LeaseElection> election;
};

}  // namespace ph::election::testing
