// What every program does first and last: reads its flags, minds its signals, says what went wrong, returns an exit code.
#pragma once

#include <csignal>
#include <exception>
#include <functional>
#include <span>
#include <string>

#include "daemon/flags.h"

namespace ph::daemon {

// SIGINT and SIGTERM, blocked before any thread starts, so that all inherit it and only the waits here see them. SIGPIPE is
// ignored.
class Signals {
 public:
  // With `on_hangup`, SIGHUP is kept from ending the process, too, and `wait` calls it whenever one comes.
  explicit Signals(std::function<void()> on_hangup = {});
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Blocks until one comes; from then on a second one ends the process at once.
  void wait();
  // Blocks until one comes, as `wait`, or until `wake` is called, before or meanwhile: then true.
  bool wait_or_woken();
  // Threads: any.
  void wake();

 private:
  void heard();

  sigset_t set_, end_;  // all, and those that end the process
  std::function<void()> on_hangup_;
  int signals_, woken_;  // file descriptors
};

// A signal came before what was waited for.
class Interrupted : public std::exception {
 public:
  const char* what() const noexcept override { return "interrupted"; }
};

// Lets the process open as many files and sockets as the system allows it at most: shells give 1,024, for programs that use select(). As
// Go's programs do.
void raise_file_limit();

// Reads `args` into `flags`, answers --help and --version, and calls `run`. The exit code: what `run` returns; 0 after --help
// and --version; 1 when flags are wrong, or `run` throws: the words are on standard error, with `program` in front.
int run_program(const std::string& program, const std::string& version, FlagSet& flags, std::span<const std::string> args,
                const std::function<int()>& run);

// argv without the program's name.
std::vector<std::string> arguments(int argc, const char* const* argv);

// This machine's name, as a candidate's identity and a self-made certificate name it.
std::string host_name();

// One line to standard output, at once.
void say(const std::string& line);

}  // namespace ph::daemon
