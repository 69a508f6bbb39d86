#include "tests/sim/process.h"

namespace ph::sim {
namespace {

// Longer than a request may be on its way: what a dead process sent has arrived, or never will, when its successor looks.
Duration at_rest_after(const Faults& faults) { return faults.delay_most + 10ms; }

pilothouse::Connector connector(FaultLink& link, HttpHandler& handler, SimExecutor& executor, bool faulty) {
  if (!faulty) return {handler, executor};
  return pilothouse::Connector([&link, &handler, &executor](Executor&, Identity identity) {
    return link.wrap(in_process_transport(handler, executor, std::move(identity)));
  });
}

}  // namespace

Process::Process(std::string name, SimExecutor& executor, HttpHandler& handler, const Faults& faults, std::uint64_t seed,
                 Tally& tally, std::function<void(const std::string&)> note, Make make)
    : name_(std::move(name)),
      executor_(executor),
      faults_(faults),
      tally_(tally),
      note_([name = name_, note = std::move(note)](const std::string& text) { note(name + ": " + text); }),
      make_(std::move(make)),
      link_(executor, faults, seed, tally, {.crash = [this] { crash(); }, .note = note_}),
      connector_(connector(link_, handler, executor, faults.any())) {}

Process::~Process() { stop(); }

void Process::start() {
  if (program_) return;
  program_ = make_(connector_);
  program_->lead(true);
}

void Process::stop() {
  if (timer_ != 0) executor_.cancel(std::exchange(timer_, 0));
  pending_ = nullptr;
  if (!program_) return;
  program_->count(tally_);
  program_ = nullptr;
}

void Process::crash() {
  if (!program_) return;
  stop();
  later([this] { start(); });
}

void Process::lose_lease() {
  if (!program_ || pending_) return;
  program_->lead(false);
  later([this] {
    if (program_) program_->lead(true);
  });
}

void Process::cut_off() {
  link_.cut_off(Duration(static_cast<Duration::rep>(link_.rng().fraction() * static_cast<double>(faults_.cut_off_most.count()))));
}

void Process::heal() {
  link_.off();
  if (!pending_) return;
  executor_.cancel(std::exchange(timer_, 0));
  wait(at_rest_after(faults_));
}

void Process::later(std::function<void()> what) {
  const auto most = static_cast<double>(faults_.restart_most.count());
  const auto after = Duration(static_cast<Duration::rep>(link_.rng().fraction() * link_.rng().fraction() * most));
  pending_ = std::move(what);
  wait(at_rest_after(faults_) + after);
}

void Process::wait(Duration delay) {
  timer_ = executor_.run_after(delay, [this] {
    timer_ = 0;
    std::exchange(pending_, nullptr)();
  });
}

}  // namespace ph::sim
