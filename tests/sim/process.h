// A simulated process: a program with its own connection to the apiserver, which may crash at any point and start again, and
// lead or not. Belongs to the simulation's executor.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/transport.h"
#include "pilothouse/connector.h"
#include "tests/sim/faults.h"

namespace ph::sim {

// What runs in a process. Destroying it is a crash.
class Program {
 public:
  virtual ~Program() = default;
  // Leadership was won or lost; programs without leaders ignore it, and those that have an elector of their own.
  virtual void lead(bool) {}
  // Adds the rare paths it has been on since its start.
  virtual void count(Tally&) const {}
};

class Process {
 public:
  using Make = std::function<std::unique_ptr<Program>(const pilothouse::Connector&)>;

  // `handler` is the server, also on `executor`. All references but that of the faults outlive the process. With no faults at all
  // requests go straight to the server.
  Process(std::string name, SimExecutor& executor, HttpHandler& handler, const Faults& faults, std::uint64_t seed, Tally& tally,
          std::function<void(const std::string&)> note, Make make);
  ~Process();

  void start();
  // Ends it where it is, for good.
  void stop();
  // … and starts it again after up to `restart_most`.
  void crash();
  // Faults of its connection begin; they end, and a process that is down comes back, once none of its requests is on its way.
  void suffer() { link_.on(); }
  void heal();
  // It does not reach the server for a while.
  void cut_off();
  // Leadership is lost, and won again after up to `restart_most`.
  void lose_lease();

  bool running() const { return program_ != nullptr; }
  Program* program() { return program_.get(); }

 private:
  void later(std::function<void()> what);
  void wait(Duration delay);

  const std::string name_;
  SimExecutor& executor_;
  const Faults faults_;
  Tally& tally_;
  const std::function<void(const std::string&)> note_;
  const Make make_;
  FaultLink link_;
  const pilothouse::Connector connector_;
  std::unique_ptr<Program> program_;
  // One thing is pending at a time: the restart, or the regained lease.
  TimerId timer_ = 0;
  std::function<void()> pending_;
};

}  // namespace ph::sim
