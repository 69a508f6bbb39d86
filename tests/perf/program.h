// A server as a process of its own, what it takes of the machine, and clients who show it certificates: what the programs have in
// common that measure from outside.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/client.h"
#include "tests/base/blocking.h"

namespace ph::perf {

using Instant = std::chrono::steady_clock::time_point;
Instant now();
double ms_since(Instant begin);

[[noreturn]] void fail(const std::string& why);

// A process of ours is ended with this one, also when a signal does that.
class Child {
 public:
  // What it says goes to `out`: a file, or with none to a pipe that `speaks` reads.
  explicit Child(std::vector<std::string> words, const std::filesystem::path& out = {});
  ~Child();
  Child(const Child&) = delete;

  pid_t pid() const { return pid_; }
  void end(int signal);
  // True when it has said something within that time.
  bool speaks(std::chrono::milliseconds patience) const;

 private:
  pid_t pid_ = 0;
  int said_ = -1;
};
// SIGINT and SIGTERM end the children too. To be called once, before there are any.
void take_children_along();

double resident_mib(pid_t pid);
// The most that it has had resident since `forget_peak`.
double peak_mib(pid_t pid);
void forget_peak(pid_t pid);

// Microseconds of CPU that a process has had: in all, and of its threads that are left, by their names.
struct Cpu {
  double all_us = 0;
  std::map<std::string, double> by_thread;
};
Cpu cpu_of(pid_t pid);
Cpu operator-(const Cpu& after, const Cpu& before);

// Where the server is and how a user shows who he is.
struct Access {
  std::uint16_t port = 0;
  net::TlsClientOptions tls;
};
// By a certificate of the data directory's authority.
Access access(const std::filesystem::path& data, const std::string& user, const std::vector<std::string>& groups);
// May do everything.
Access owner(const std::filesystem::path& data);

net::ClientOptions client_options(const Access& access);

// A user with a thread and some connections.
class Client {
 public:
  explicit Client(const Access& access, int connections = 1);
  ~Client();

  Transport& transport(int number = 0) { return *transports_[static_cast<std::size_t>(number) % transports_.size()]; }
  ThreadExecutor& thread() { return thread_; }
  // Runs a task on the thread to its end.
  template <class T>
  T run(Task<T> task) {
    return ph::testing::run_on(thread_, std::move(task));
  }
  // The status of the answer.
  int ask(HttpRequest what);
  // Fails when nothing is made.
  void post(const std::string& path, std::string body);

 private:
  SystemClock clock_;
  net::IoThreads io_{1};
  ThreadExecutor thread_{"client", clock_};
  std::vector<std::unique_ptr<Transport>> transports_;
};

Task<int> status_of(Transport* transport, HttpRequest what);

// Requests by number, from `next` to before `end`.
struct Work {
  std::function<HttpRequest(int)> make;
  int next, end;
};
// By so many clients, each one request after the other. Fails when one is refused.
void do_all(Client& client, int clients, Work work);
// All at once; the first that fails is thrown when all have ended.
Task<void> side_by_side(std::vector<Task<void>> tasks);

HttpRequest request(std::string method, std::string target, std::string body = {}, std::string type = "application/json");

// ph-apiserver on a free port of the loopback and a new directory that goes with it.
class Server {
 public:
  // Returns when it is ready. `flags`: more of them.
  explicit Server(const std::string& program, std::vector<std::string> flags = {});
  ~Server();

  pid_t pid() const { return process_->pid(); }
  std::filesystem::path data() const { return directory_ / "data"; }
  void end() { process_->end(15); }

 private:
  void await_ready() const;

  const std::filesystem::path directory_;
  std::unique_ptr<Child> process_;
};

// A namespace with what pods in it need.
void make_namespace(Client& owner, const std::string& name);
std::string config_map(const std::string& name, const std::string& data = "");
// 3.5 kB of it.
std::string pod(int number, const std::string& node = "");

}  // namespace ph::perf
