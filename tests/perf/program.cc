#include "tests/perf/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "base/rng.h"
#include "net/pki.h"

extern char** environ;

namespace ph::perf {
namespace {

namespace fs = std::filesystem;

// What a signal's handler can read.
std::atomic<pid_t> children[16];

bool replace_child(pid_t from, pid_t to) {
  return std::ranges::any_of(children, [&](std::atomic<pid_t>& place) {
    pid_t expected = from;
    return place.compare_exchange_strong(expected, to);
  });
}

void end_with_children(int signal) {
  for (const std::atomic<pid_t>& child : children) {
    if (const pid_t pid = child; pid > 0) ::kill(pid, SIGKILL);
  }
  ::_exit(128 + signal);
}

std::string contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A line of /proc/PID/status, in MiB.
double status_mib(pid_t pid, std::string_view name) {
  std::ifstream in(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name)) return std::atof(line.c_str() + name.size()) / 1024;
  }
  return 0;
}

// Name and microseconds of a `stat` of /proc. The name stands in parentheses and may hold anything.
std::pair<std::string, double> name_and_cpu(const std::string& stat) {
  const auto open = stat.find('('), close = stat.rfind(')');
  if (open == stat.npos || close == stat.npos) return {};
  std::istringstream fields(stat.substr(close + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return {stat.substr(open + 1, close - open - 1), (user + system) * 1e6 / static_cast<double>(::sysconf(_SC_CLK_TCK))};
}

fs::path make_directory() {
  std::string name = (fs::temp_directory_path() / "pilothouse_bench.XXXXXX").string();
  if (!::mkdtemp(name.data())) fail("no temporary directory");
  return name;
}

}  // namespace

Instant now() { return std::chrono::steady_clock::now(); }
double ms_since(Instant begin) { return std::chrono::duration<double, std::milli>(now() - begin).count(); }
void fail(const std::string& why) { throw std::runtime_error(why); }

// --- processes ---

Child::Child(std::vector<std::string> words, const fs::path& out) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  int ends[2] = {-1, -1};
  if (out.empty()) {
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("no pipe");
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  } else {
    posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
  }
  const int error = posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (ends[1] >= 0) ::close(ends[1]);
  said_ = ends[0];
  if (error != 0) {
    pid_ = 0;
    fail("cannot start " + words[0]);
  }
  replace_child(0, pid_);
}

Child::~Child() {
  end(SIGKILL);
  if (said_ >= 0) ::close(said_);
}

void Child::end(int signal) {
  if (pid_ <= 0) return;
  ::kill(pid_, signal);
  ::waitpid(pid_, nullptr, 0);
  replace_child(pid_, 0);
  pid_ = 0;
}

bool Child::speaks(std::chrono::milliseconds patience) const {
  pollfd one{.fd = said_, .events = POLLIN, .revents = 0};
  char c;
  return ::poll(&one, 1, static_cast<int>(patience.count())) > 0 && ::read(said_, &c, 1) == 1;
}

void take_children_along() {
  for (const int signal : {SIGINT, SIGTERM}) ::signal(signal, end_with_children);
}

double resident_mib(pid_t pid) { return status_mib(pid, "VmRSS:"); }
double peak_mib(pid_t pid) { return status_mib(pid, "VmHWM:"); }
void forget_peak(pid_t pid) { std::ofstream(fmt::format("/proc/{}/clear_refs", pid)) << "5"; }

Cpu cpu_of(pid_t pid) {
  Cpu out;
  out.all_us = name_and_cpu(contents(fmt::format("/proc/{}/stat", pid))).second;
  for (const auto& thread : fs::directory_iterator(fmt::format("/proc/{}/task", pid))) {
    const auto [name, us] = name_and_cpu(contents(thread.path() / "stat"));
    out.by_thread[name] += us;
  }
  return out;
}

Cpu operator-(const Cpu& after, const Cpu& before) {
  Cpu out = after;
  out.all_us -= before.all_us;
  for (const auto& [name, us] : before.by_thread) out.by_thread[name] -= us;
  return out;
}

// --- clients ---

Access access(const fs::path& data, const std::string& user, const std::vector<std::string>& groups) {
  const std::string text = contents(data / "admin.kubeconfig");
  const auto at = text.find("server: ");
  const auto colon = at == text.npos ? at : text.find(':', text.find("//", at));
  if (colon == text.npos) fail("no server in " + (data / "admin.kubeconfig").string());
  SystemClock clock;
  SystemRng rng;
  const net::Credential ca{contents(data / "pki/ca.crt"), contents(data / "pki/ca.key")};
  const net::Credential own = net::issue_client_certificate(ca, user, groups, {clock, rng});
  return {static_cast<std::uint16_t>(std::atoi(text.c_str() + colon + 1)),
          {.ca_pem = ca.cert_pem, .server_name = "127.0.0.1", .cert_pem = own.cert_pem, .key_pem = own.key_pem}};
}

Access owner(const fs::path& data) { return access(data, "owner", {"system:masters"}); }

net::ClientOptions client_options(const Access& access) {
  net::ClientOptions options{.host = "127.0.0.1", .port = access.port, .tls = access.tls};
  return options;
}

Client::Client(const Access& access, int connections) {
  ph::testing::call_on(thread_, [&] {
    for (int i = 0; i < connections; ++i) transports_.push_back(net::https_transport(io_, thread_, client_options(access)));
  });
}

Client::~Client() {
  ph::testing::call_on(thread_, [&] { transports_.clear(); });
}

int Client::ask(HttpRequest what) { return run(status_of(&transport(), std::move(what))); }

void Client::post(const std::string& path, std::string body) {
  const int status = ask(request("POST", path, std::move(body)));
  if (status != 201) fail(fmt::format("POST {}: {}", path, status));
}

Task<int> status_of(Transport* transport, HttpRequest what) {
  const HttpResponse response = co_await transport->send(std::move(what), false);
  co_return response.status;
}

namespace {

Task<void> take_turns(Transport* transport, Work* work) {
  while (work->next < work->end) {
    HttpRequest what = work->make(work->next++);
    const std::string target = what.target;
    if (const int status = co_await status_of(transport, std::move(what)); status >= 300)
      fail(fmt::format("{}: {}", target, status));
  }
}

}  // namespace

Task<void> side_by_side(std::vector<Task<void>> tasks) {
  for (const Outcome_<void>& each : co_await all(std::move(tasks))) {
    if (each.error) std::rethrow_exception(each.error);
  }
}

void do_all(Client& client, int clients, Work work) {
  std::vector<Task<void>> tasks;
  for (int i = 0; i < clients; ++i) tasks.push_back(take_turns(&client.transport(i), &work));
  client.run(side_by_side(std::move(tasks)));
}

HttpRequest request(std::string method, std::string target, std::string body, std::string type) {
  HttpRequest out{.method = std::move(method),
                  .target = std::move(target),
                  .headers = {{"Accept", "application/json"}},
                  .body = std::move(body)};
  if (!out.body.empty()) out.headers.add("Content-Type", std::move(type));
  return out;
}

// --- the server ---

Server::Server(const std::string& program, std::vector<std::string> flags) : directory_(make_directory()) {
  try {
    std::vector<std::string> words{program, "--data-dir", data().string(), "--secure-port", "0", "--bind-address", "127.0.0.1"};
    words.insert(words.end(), flags.begin(), flags.end());
    process_ = std::make_unique<Child>(std::move(words), directory_ / "log");
    await_ready();
  } catch (...) {
    process_.reset();
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
    throw;
  }
}

Server::~Server() {
  end();
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void Server::await_ready() const {
  for (int i = 0; i < 300; ++i) {
    std::this_thread::sleep_for(100ms);
    try {
      if (fs::exists(data() / "admin.kubeconfig") && Client(owner(data())).ask(request("GET", "/readyz")) == 200) return;
    } catch (const std::exception&) {
    }
  }
  fail("the server does not become ready: " + contents(directory_ / "log"));
}

// --- objects ---

void make_namespace(Client& owner, const std::string& name) {
  owner.post("/api/v1/namespaces", fmt::format(R"({{"metadata":{{"name":"{}"}}}})", name));
  owner.post(fmt::format("/api/v1/namespaces/{}/serviceaccounts", name), R"({"metadata":{"name":"default"}})");
}

std::string config_map(const std::string& name, const std::string& data) {
  return fmt::format(R"({{"metadata":{{"name":"{}"}},"data":{{{}}}}})", name, data);
}

std::string pod(int number, const std::string& node) {
  std::string containers;
  for (int i = 0; i < 3; ++i) {
    std::string env;
    for (int k = 0; k < 10; ++k)
      env += fmt::format(R"({}{{"name":"VARIABLE_{}","value":"the value of it is {}"}})", k ? "," : "", k, k);
    containers += fmt::format(R"({}{{"name":"c{}","image":"registry.example/some/image:v1","env":[{}]}})", i ? "," : "", i, env);
  }
  return fmt::format(R"({{"metadata":{{"name":"p{}","labels":{{"app":"a{}"}}}},"spec":{{{}"containers":[{}]}}}})", number,
                     number % 10, node.empty() ? "" : fmt::format(R"("nodeName":"{}",)", node), containers);
}

}  // namespace ph::perf
