// What a real server does in a second, and what that costs it: serving_bench PH_APISERVER [--pods N] [--creates N] [--gets N]
// [--lists N] [--watchers N] [--changes N] [--node-watchers N].
//
// Starts the server (TLS, fsync) on a free port of the loopback and a new directory, and measures its process from outside:
//   creates    pods by one client (--creates of them), and by 64 until there are --pods
//   gets       of those pods by 64 clients
//   lists      of all of them as JSON and as protobuf, alone; and --lists at once, of which every other reads slowly
//   deliveries of --changes changes of one object to --watchers who watch its resource; and of a pod each to --node-watchers who
//              watch the pods of a node each
// CPU is the server's, of all its threads and of the executor alone ("apiserver"), in ticks of 10 ms. Prints, judges nothing, and
// ends by itself.
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <thread>

#include <fmt/format.h>

#include "base/within.h"
#include "tests/perf/program.h"

namespace ph::perf {
namespace {

constexpr int kClients = 64;
constexpr int kStreams = 100;  // watches on a connection
constexpr Duration kPatience = 5min;
constexpr const char* kPods = "/api/v1/namespaces/many/pods";
constexpr const char* kWatched = "/api/v1/namespaces/watched/configmaps";
constexpr const char* kOnNodes = "/api/v1/namespaces/nodes/pods";

struct Counts {
  int pods = 50'000, creates = 2'000, gets = 20'000, lists = 16, watchers = 1'000, changes = 200, node_watchers = 5'000;
};

// --- lists ---

// Reads all of a list, and pauses after each piece.
Task<void> read_list(Transport* transport, std::string type, Duration pause, std::size_t* bytes) {
  HttpRequest what = request("GET", kPods);
  what.headers.set("Accept", type);
  HttpResponse response = co_await transport->send(std::move(what), true);
  if (response.status != 200 || !response.stream) fail(fmt::format("a list: {}", response.status));
  while (const auto piece = co_await response.stream->next()) {
    *bytes += (*piece)->size();
    co_await sleep_for(pause);
  }
}

// Half of the lists are read as fast as they come, the others slowly, until the fast ones are through and five seconds have passed.
Task<void> read_at_once(Client* client, int lists, std::size_t* bytes) {
  const Instant begin = now();
  std::size_t slow_bytes = 0;
  Scope slow(client->thread(), [](std::exception_ptr) {});
  std::vector<Task<void>> fast;
  for (int i = 0; i < lists; ++i) {
    Transport* transport = &client->transport(i);
    if (i % 2 == 0) {
      fast.push_back(read_list(transport, "application/json", {}, bytes));
    } else {
      slow.spawn(read_list(transport, "application/json", 20ms, &slow_bytes));
    }
  }
  co_await side_by_side(std::move(fast));
  co_await sleep_for(5s - (now() - begin));
}

// --- watches ---

// Watches that stay open, and how many events have come through them.
class Watches {
 public:
  // Returns when all are open.
  Watches(Client& client, int count, const std::function<std::string(int)>& target) : client_(client) {
    ph::testing::call_on(client.thread(), [&] {
      scope_ = std::make_unique<Scope>(client.thread(), [this](std::exception_ptr error) {
        error_ = error;
        changed_.set();
      });
      for (int i = 0; i < count; ++i) scope_->spawn(follow(&client.transport(i / kStreams), target(i)));
    });
    wait(&Watches::open_, count);
  }
  ~Watches() {
    ph::testing::call_on(client_.thread(), [&] { scope_.reset(); });
  }

  void wait_for_events(long count) { wait(&Watches::events_, count); }

 private:
  Task<void> follow(Transport* transport, std::string target) {
    HttpResponse response = co_await transport->send(request("GET", target), true);
    if (response.status != 200 || !response.stream) fail(fmt::format("{}: {}", target, response.status));
    ++open_;
    changed_.set();
    while (const auto piece = co_await response.stream->next()) {
      events_ += std::ranges::count(**piece, '\n');
      changed_.set();
    }
    fail(target + " has ended");
  }

  void wait(long Watches::* what, long count) {
    if (!client_.run(within(kPatience, until(what, count))))
      fail(fmt::format("{} of {} within {} s", this->*what, count, kPatience / 1s));
  }
  Task<void> until(long Watches::* what, long count) {
    while (this->*what < count) {
      if (error_) std::rethrow_exception(error_);
      changed_.reset();
      co_await changed_.wait();
    }
  }

  Client& client_;
  long open_ = 0, events_ = 0;
  std::exception_ptr error_;
  Event changed_;
  std::unique_ptr<Scope> scope_;
};

// --- the program ---

class Bench {
 public:
  Bench(const std::string& program, const Counts& counts)
      : counts_(counts), server_(program), owner_(perf::owner(server_.data())), writer_(owner_, kClients) {
    for (const char* name : {"many", "watched", "nodes"}) make_namespace(writer_, name);
  }

  void run() {
    const int alone = std::min(counts_.creates, counts_.pods);
    creates("creates, 1 client", 1, 0, alone);
    creates("creates, 64 clients", kClients, alone, counts_.pods);
    operations("gets, 64 clients", counts_.gets, "get", [&] {
      do_all(writer_, kClients,
             {[&](int i) { return request("GET", fmt::format("{}/p{}", kPods, i % counts_.pods)); }, 0, counts_.gets});
    });
    for (const char* type : {"application/json", "application/vnd.kubernetes.protobuf"}) list(type);
    lists_at_once();
    deliveries_of_one();
    deliveries_by_node();
  }

 private:
  struct Spent {
    double seconds;
    Cpu cpu;
  };
  Spent spent(const std::function<void()>& work) const {
    const Cpu before = cpu_of(server_.pid());
    const Instant begin = now();
    work();
    return {ms_since(begin) / 1000, cpu_of(server_.pid()) - before};
  }

  void operations(const std::string& name, long count, const char* unit, const std::function<void()>& work) const {
    if (count <= 0) return;
    const Spent spent = this->spent(work);
    const auto each = static_cast<double>(count);
    say("{:34} {:>8} in {:6.2f} s: {:8.0f}/s; CPU a {}: {:6.1f} µs, of the executor {:6.1f} µs", name, count, spent.seconds,
        each / spent.seconds, unit, spent.cpu.all_us / each, executor(spent.cpu) / each);
  }
  static double executor(const Cpu& cpu) {
    const auto found = cpu.by_thread.find("apiserver");
    return found == cpu.by_thread.end() ? 0 : found->second;
  }
  template <class... T>
  static void say(fmt::format_string<T...> form, T&&... values) {
    fmt::print("{}\n", fmt::format(form, std::forward<T>(values)...));
    std::fflush(stdout);
  }

  void creates(const std::string& name, int clients, int first, int end) {
    operations(name, end - first, "create",
               [&] { do_all(writer_, clients, {[](int i) { return request("POST", kPods, pod(i)); }, first, end}); });
  }

  void list(const std::string& type) {
    std::size_t bytes = 0;
    const double before = begin_memory();
    const Spent spent = this->spent([&] { writer_.run(read_list(&writer_.transport(), type, {}, &bytes)); });
    say("list of {} pods, {}: {:.1f} MB in {:.2f} s; CPU {:.0f} ms, of the executor {:.0f} ms; RSS {:.0f} MiB, at most {:.1f} "
        "more",
        counts_.pods, type, static_cast<double>(bytes) / 1e6, spent.seconds, spent.cpu.all_us / 1000, executor(spent.cpu) / 1000,
        before, peak_mib(server_.pid()) - before);
  }

  void lists_at_once() {
    if (counts_.lists <= 0) return;
    Client readers(owner_, counts_.lists);
    std::size_t bytes = 0;
    const double before = begin_memory();
    const Spent spent = this->spent([&] { readers.run(read_at_once(&readers, counts_.lists, &bytes)); });
    say("{} lists at once, every other read slowly: {:.1f} MB by the fast ones, {:.2f} s; CPU {:.0f} ms, of the executor {:.0f} "
        "ms; "
        "RSS {:.0f} MiB, at most {:.1f} more",
        counts_.lists, static_cast<double>(bytes) / 1e6, spent.seconds, spent.cpu.all_us / 1000, executor(spent.cpu) / 1000,
        before, peak_mib(server_.pid()) - before);
  }

  // What is resident when nothing has gone on for a while.
  double begin_memory() const {
    std::this_thread::sleep_for(2s);
    forget_peak(server_.pid());
    return resident_mib(server_.pid());
  }

  void deliveries_of_one() {
    if (counts_.watchers <= 0) return;
    const long events = static_cast<long>(counts_.watchers) * counts_.changes;
    Client reader(owner_, (counts_.watchers - 1) / kStreams + 1);
    Watches watches(reader, counts_.watchers, [](int) { return fmt::format("{}?watch=1&resourceVersion=0", kWatched); });
    operations(fmt::format("deliveries, {} watch one object", counts_.watchers), events, "delivery", [&] {
      do_all(writer_, 1,
             {[](int i) {
                return i == 0 ? request("POST", kWatched, config_map("one", R"("n":"0")"))
                              : request("PATCH", fmt::format("{}/one", kWatched), fmt::format(R"({{"data":{{"n":"{}"}}}})", i),
                                        "application/merge-patch+json");
              },
              0, counts_.changes});
      watches.wait_for_events(events);
    });
  }

  void deliveries_by_node() {
    if (counts_.node_watchers <= 0) return;
    Client reader(owner_, (counts_.node_watchers - 1) / kStreams + 1);
    const std::string from = revision();
    const double before = begin_memory();
    Watches watches(reader, counts_.node_watchers, [&](int i) {
      return fmt::format("/api/v1/pods?watch=1&resourceVersion={}&fieldSelector=spec.nodeName%3Dnode-{}", from, i);
    });
    say("{} watch a node's pods each: RSS {:.0f} MiB, {:.1f} more with them", counts_.node_watchers, before,
        resident_mib(server_.pid()) - before);
    operations(
        fmt::format("a pod for each of {} nodes", counts_.node_watchers), counts_.node_watchers, "create and delivery", [&] {
          do_all(writer_, kClients,
                 {[](int i) { return request("POST", kOnNodes, pod(i, fmt::format("node-{}", i))); }, 0, counts_.node_watchers});
          watches.wait_for_events(counts_.node_watchers);
        });
  }

  // The present one, from a list of nothing.
  std::string revision() {
    const std::string body = writer_.run(body_of(&writer_.transport(), request("GET", kOnNodes)));
    constexpr std::string_view kName = R"("resourceVersion":")";
    const auto at = body.find(kName);
    if (at == body.npos) fail("a list without a revision: " + body);
    const auto begin = at + kName.size();
    return body.substr(begin, body.find('"', begin) - begin);
  }
  static Task<std::string> body_of(Transport* transport, HttpRequest what) {
    const HttpResponse response = co_await transport->send(std::move(what), false);
    std::string out;
    for (const SharedBytes& piece : response.body) out += *piece;
    co_return out;
  }

  const Counts counts_;
  Server server_;
  const Access owner_;
  Client writer_;
};

int run(int argc, char** argv) {
  Counts counts;
  const std::pair<std::string_view, int*> known[] = {{"--pods", &counts.pods},
                                                     {"--creates", &counts.creates},
                                                     {"--gets", &counts.gets},
                                                     {"--lists", &counts.lists},
                                                     {"--watchers", &counts.watchers},
                                                     {"--changes", &counts.changes},
                                                     {"--node-watchers", &counts.node_watchers}};
  bool good = argc >= 2 && argc % 2 == 0;
  for (int i = 2; good && i < argc; i += 2) {
    const auto* option = std::ranges::find(known, std::string_view(argv[i]), &std::pair<std::string_view, int*>::first);
    good = option != std::end(known);
    if (good) *option->second = std::atoi(argv[i + 1]);
  }
  if (!good || counts.pods < 1) {
    std::fprintf(stderr, "serving_bench PH_APISERVER");
    for (const auto& [name, count] : known) std::fprintf(stderr, " [%s %d]", std::string(name).c_str(), *count);
    std::fprintf(stderr, "\n");
    return 2;
  }
  Bench(argv[1], counts).run();
  return 0;
}

}  // namespace
}  // namespace ph::perf

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  ph::perf::take_children_along();
  try {
    return ph::perf::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "serving_bench: %s\n", e.what());
    return 1;
  }
}
