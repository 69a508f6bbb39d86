// kill -9 amid many concurrent creates, again and again on one directory, as its clients see it:
//   crash_rounds PROGRAM DATA-DIR URL CA CERT KEY ROUNDS OBJECTS [SEED]
// Each round sends OBJECTS creates at once, kills the server, and starts it again: the first time when all of them have
// been acknowledged, then somewhere (drawn anew each round) within the time that this took. One watch goes through all
// rounds and resumes from its last revision. It is checked that
//   - every acknowledged object is there after every restart, at the revision that was acknowledged;
//   - no revision is older than what this client had seen when it asked;
//   - the watch is never told to begin anew, and shows each object that exists exactly once, in order of revisions.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/rng.h"
#include "base/sync.h"
#include "net/client.h"

extern char** environ;

namespace {

using namespace ph;
using nlohmann::json;

constexpr const char* kMaps = "/api/v1/namespaces/default/configmaps";
constexpr int kConnections = 8;  // of up to 250 requests each

std::string read_file(const char* name) {
  std::stringstream text;
  text << std::ifstream(name).rdbuf();
  return text.str();
}

// The server that runs is ended by the script, as by `Server` else.
[[noreturn]] void fail(const std::string& what) {
  fmt::print(stderr, "FAILED: {}\n", what);
  std::_Exit(1);
}

std::uint64_t revision_of(const json& object) {
  return std::stoull(object.at("metadata").at("resourceVersion").get<std::string>());
}

struct Arguments {
  std::string program, data_dir, port;
  net::ClientOptions client;
  int rounds = 0, objects = 0;
  std::uint64_t seed = 1;
};

class Server {
 public:
  explicit Server(const Arguments& arguments) : arguments_(arguments) {}
  ~Server() { crash(); }

  void start() {
    const std::string data = "--data-dir=" + arguments_.data_dir, port = "--secure-port=" + arguments_.port;
    const char* argv[] = {arguments_.program.c_str(), "up", data.c_str(), port.c_str(), "--components=apiserver", nullptr};
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    const std::string log = arguments_.data_dir + ".log";
    posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    if (posix_spawn(&process_, argv[0], &files, nullptr, const_cast<char**>(argv), environ) != 0) fail("no server");
    posix_spawn_file_actions_destroy(&files);
    std::ofstream(arguments_.data_dir + ".pid") << process_;  // for who finds us dead
  }
  bool runs() const { return waitpid(process_, nullptr, WNOHANG) == 0; }
  void crash() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = 0;
  }

 private:
  const Arguments& arguments_;
  pid_t process_ = 0;
};

// What this client knows.
struct Knowledge {
  std::map<std::string, std::uint64_t> acknowledged;  // name: revision
  std::map<std::string, std::uint64_t> watched;
  std::uint64_t newest = 0;  // of all revisions it was shown
  std::uint64_t watch_at = 0;
  int resumed = 0;
};

Task<json> get(Transport& transport, std::string target) {
  HttpRequest request{.method = "GET", .target = std::move(target)};
  const HttpResponse response = co_await transport.send(std::move(request), false);
  std::string text;
  for (const SharedBytes& piece : response.body) text += *piece;
  if (response.status != 200) fail(fmt::format("GET answers {}: {}", response.status, text));
  co_return json::parse(text);
}

Task<void> wait_ready(Transport& transport, Server& server) {
  for (int tries = 0; tries < 1'200; ++tries) {
    try {
      HttpRequest request{.method = "GET", .target = "/readyz"};
      if ((co_await transport.send(std::move(request), false)).status == 200) co_return;
    } catch (const TransportError&) {
    }
    if (!server.runs()) fail("the server has ended by itself");
    co_await sleep_for(25ms);
  }
  fail("the server is not ready after 30 s");
}

void take_event(Knowledge& known, const std::string& line) {
  const json event = json::parse(line);
  const std::string type = event.at("type");
  if (type == "ERROR") fail("the watch cannot go on: " + line);
  const std::uint64_t revision = revision_of(event.at("object"));
  if (type == "BOOKMARK" ? revision < known.watch_at : revision <= known.watch_at) {
    fail(fmt::format("the watch went back from {} to {}", known.watch_at, revision));
  }
  known.watch_at = revision;
  known.newest = std::max(known.newest, revision);
  if (type == "BOOKMARK") return;
  const std::string name = event.at("object").at("metadata").at("name");
  if (type != "ADDED") fail(fmt::format("nobody did what the watch shows: {} {}", type, name));
  if (!known.watched.emplace(name, revision).second) fail("the watch shows twice: " + name);
}

// Goes on for ever, through all restarts.
Task<void> watch(Transport& transport, Knowledge& known) {
  for (;;) {
    try {
      HttpRequest request{.method = "GET",
                          .target = fmt::format("{}?watch=1&allowWatchBookmarks=true&resourceVersion={}", kMaps, known.watch_at)};
      HttpResponse response = co_await transport.send(std::move(request), true);
      if (response.status == 200) ++known.resumed;
      if (response.status == 410) fail("the watch is told to begin anew");
      std::string waiting;
      while (const auto piece = co_await response.stream->next()) {
        if (response.status != 200) continue;  // starting
        waiting += **piece;
        std::size_t at = 0;
        for (std::size_t end; (end = waiting.find('\n', at)) != std::string::npos; at = end + 1) {
          take_event(known, waiting.substr(at, end - at));
        }
        waiting.erase(0, at);
      }
    } catch (const TransportError&) {
    }
    co_await sleep_for(20ms);
  }
}

struct Round {
  int acknowledged = 0, unanswered = 0;
  int enough = 0;
  Event answered;  // enough have been acknowledged, or one cannot be any more
};

Task<void> create(Transport& transport, Knowledge& known, Round& round, std::string name) {
  HttpRequest request{.method = "POST", .target = kMaps};
  request.headers.add("Content-Type", "application/json");
  request.body =
      fmt::format(R"({{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{}"}},"data":{{"n":"{}"}}}})", name, name);
  const std::uint64_t before = known.newest;
  try {
    const HttpResponse response = co_await transport.send(std::move(request), false);
    std::string text;
    for (const SharedBytes& piece : response.body) text += *piece;
    if (response.status != 201) fail(fmt::format("a create answers {}: {}", response.status, text));
    const std::uint64_t revision = revision_of(json::parse(text));
    if (revision <= before) fail(fmt::format("a create at revision {} after {} was seen", revision, before));
    known.newest = std::max(known.newest, revision);
    known.acknowledged.emplace(std::move(name), revision);
    if (++round.acknowledged == round.enough) round.answered.set();
  } catch (const TransportError&) {
    if (++round.unanswered == 1) round.answered.set();
  }
}

// After a restart: what is there.
Task<std::map<std::string, std::uint64_t>> check_all(Transport& transport, Knowledge& known) {
  const std::uint64_t before = known.newest;
  const json list = co_await get(transport, kMaps);
  const std::uint64_t revision = revision_of(list);
  if (revision < before) fail(fmt::format("a list at revision {} after {} was seen", revision, before));
  known.newest = std::max(known.newest, revision);
  std::map<std::string, std::uint64_t> present;
  for (const json& item : list.at("items")) present.emplace(item.at("metadata").at("name").get<std::string>(), revision_of(item));
  for (const auto& [name, at] : known.acknowledged) {
    const auto found = present.find(name);
    if (found == present.end()) fail(fmt::format("{} was acknowledged at {} and is lost", name, at));
    if (found->second != at) fail(fmt::format("{} was acknowledged at {} and is at {}", name, at, found->second));
  }
  for (const auto& [name, at] : known.watched) {
    const auto found = present.find(name);
    if (found == present.end() || found->second != at) fail(fmt::format("the watch showed {} at {}: it is not there", name, at));
  }
  co_return present;
}

Task<void> run_rounds(const Arguments& arguments, net::IoThreads& io, Executor& executor) {
  std::vector<std::unique_ptr<Transport>> transports;
  for (int i = 0; i < kConnections; ++i) transports.push_back(net::https_transport(io, executor, arguments.client));
  Transport& first = *transports.front();
  const auto watching = net::https_transport(io, executor, arguments.client);
  SeededRng rng(arguments.seed);
  Knowledge known;
  Server server(arguments);
  Scope scope(executor);
  server.start();
  co_await wait_ready(first, server);
  const json list = co_await get(first, kMaps);
  const std::size_t others = list.at("items").size();
  for (const json& item : list.at("items"))
    known.watched.emplace(item.at("metadata").at("name").get<std::string>(), revision_of(item));
  known.watch_at = known.newest = revision_of(list);
  scope.spawn(watch(*watching, known));

  std::map<std::string, std::uint64_t> present = known.watched;
  Duration whole_round{};
  for (int number = 1; number <= arguments.rounds; ++number) {
    Round round;
    round.enough = number == 1 ? arguments.objects : 1 + static_cast<int>(rng.below(arguments.objects));
    std::vector<Task<void>> creates;
    for (int i = 0; i < arguments.objects; ++i) {
      creates.push_back(create(*transports[i % kConnections], known, round, fmt::format("round-{}-{}", number, i)));
    }
    const Steady sent = executor.clock().steady();
    Scope running(executor);
    for (Task<void>& task : creates) running.spawn(std::move(task));
    if (number % 2 == 0) {
      co_await sleep_for(whole_round * static_cast<int>(2 + rng.below(97)) / 100);
    } else {
      co_await round.answered.wait();
      if (round.acknowledged < round.enough) fail("the server ended before it was killed");
    }
    if (number == 1) whole_round = executor.clock().steady() - sent;
    server.crash();
    co_await running.join();
    server.start();
    co_await wait_ready(first, server);
    const std::size_t before = present.size();
    present = co_await check_all(first, known);
    fmt::print("round {:>2}: {:>4} of {} acknowledged before kill -9, {} unanswered, {} objects more, revision {}\n", number,
               round.acknowledged, arguments.objects, round.unanswered, present.size() - before, known.newest);
    std::fflush(stdout);
  }
  for (int tries = 0; known.watched.size() < present.size() || known.resumed <= arguments.rounds; ++tries) {
    if (tries == 600) {
      fail(fmt::format("the watch began {} times and shows {} of {} objects", known.resumed, known.watched.size(),
                       present.size()));
    }
    co_await sleep_for(50ms);
  }
  if (known.watched != present) fail("the watch and the list differ");
  const std::size_t written = present.size() - others, asked = static_cast<std::size_t>(arguments.rounds) * arguments.objects;
  // Ten draws that all miss the midst would be no accident.
  if (arguments.rounds > 10 && written == asked) fail("no round was cut off in its midst");
  fmt::print(
      "{} of {} creates were acknowledged in {} rounds, {} more were written without an answer, {} were not written; "
      "the "
      "watch resumed {} times and saw each object once\n",
      known.acknowledged.size(), asked, arguments.rounds, written - known.acknowledged.size(), asked - written,
      known.resumed - 1);
}

Task<void> run(const Arguments* arguments, net::IoThreads* io, Executor* executor, std::promise<void>* done) {
  co_await run_rounds(*arguments, *io, *executor);
  done->set_value();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 9) {
    fmt::print(stderr, "crash_rounds PROGRAM DATA-DIR URL CA CERT KEY ROUNDS OBJECTS [SEED]\n");
    return 2;
  }
  Arguments arguments{.program = argv[1], .data_dir = argv[2]};
  const std::string url = argv[3];
  const auto colon = url.rfind(':');
  arguments.port = url.substr(colon + 1);
  arguments.client.host = url.substr(8, colon - 8);
  arguments.client.port = static_cast<std::uint16_t>(std::stoi(arguments.port));
  arguments.client.tls.ca_pem = read_file(argv[4]);
  arguments.client.tls.cert_pem = read_file(argv[5]);
  arguments.client.tls.key_pem = read_file(argv[6]);
  arguments.rounds = std::atoi(argv[7]);
  arguments.objects = std::atoi(argv[8]);
  if (argc > 9) arguments.seed = std::strtoull(argv[9], nullptr, 10);

  const SystemClock clock;
  net::IoThreads io;
  ThreadExecutor executor("rounds", clock);
  std::promise<void> done;
  auto ended = done.get_future();
  std::unique_ptr<Scope> scope;
  executor.post([&] {
    scope = std::make_unique<Scope>(executor);
    scope->spawn(run(&arguments, &io, &executor, &done));
  });
  ended.get();
  std::promise<void> cleared;
  auto clear = cleared.get_future();
  executor.post([&] {
    scope.reset();
    cleared.set_value();
  });
  clear.get();
  return 0;
}
