// What the loops make of a day's heavier orders, and what that costs: loops_bench DIRECTORY [SHAPE...], DIRECTORY being where the
// programs are. Each shape has its own ph-apiserver (TLS, fsync) in a new directory, ph-controller-manager, and where its pods are to
// run ph-scheduler and ph-node; all are processes of their own, watched from outside. A line a step of a shape: how many things were
// made (or went), a second of them, requests of all daemons for each (refused ones too), CPU of the server and the manager for each,
// and the most memory that both have had; with REQUESTS=1 in the environment, below it which requests these were. Prints, judges
// nothing, and ends by itself.
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "tests/perf/program.h"

namespace ph::perf {
namespace {

namespace fs = std::filesystem;

constexpr int kClients = 16;
constexpr const char* kNamespace = "shapes";

std::string in_group(const std::string& group) { return fmt::format("{}/namespaces/{}", group, kNamespace); }
const std::string kPods = in_group("/api/v1") + "/pods";
const std::string kMaps = in_group("/api/v1") + "/configmaps";
const std::string kServices = in_group("/api/v1") + "/services";
const std::string kSlices = in_group("/apis/discovery.k8s.io/v1") + "/endpointslices";
const std::string kDeployments = in_group("/apis/apps/v1") + "/deployments";
const std::string kJobs = in_group("/apis/batch/v1") + "/jobs";

// `container` and `spec`: more members of these, each with a comma before.
std::string template_of(const std::string& app, const std::string& image, const std::string& container = "",
                        const std::string& spec = "") {
  return fmt::format(R"({{"metadata":{{"labels":{{"app":"{}"}}}},"spec":{{"containers":[{{"name":"c","image":"{}"{}}}]{}}}}})",
                     app, image, container, spec);
}

std::string deployment(const std::string& name, int replicas, const std::string& image = "img:1") {
  return fmt::format(
      R"({{"metadata":{{"name":"{0}"}},"spec":{{"replicas":{1},"selector":{{"matchLabels":{{"app":"{0}"}}}},"template":{2}}}}})",
      name, replicas, template_of(name, image));
}

// The first number behind `what`.
std::optional<long> number_behind(const std::string& text, const std::string& what) {
  const auto at = text.find(what);
  if (at == text.npos) return std::nullopt;
  return std::atol(text.c_str() + at + what.size());
}

// What a line of /metrics says of a label.
std::string label_of(std::string_view line, const std::string& label) {
  const std::string behind = label + "=\"";
  const auto at = line.find(behind);
  if (at == line.npos) return "";
  const auto begin = at + behind.size();
  return std::string(line.substr(begin, line.find('"', begin) - begin));
}

Task<std::string> body_of(Transport* transport, HttpRequest what) {
  const HttpResponse response = co_await transport->send(std::move(what), false);
  std::string out;
  for (const SharedBytes& piece : response.body) out += *piece;
  if (response.status != 200) fail(fmt::format("{}: {}", response.status, out));
  co_return out;
}

// The daemons of a shape.
class Cluster {
 public:
  // With `nodes`, pods run.
  Cluster(const fs::path& programs, int nodes)
      : programs_(programs), server_(programs / "ph-apiserver"), user_(owner(server_.data()), 4) {
    make_namespace(user_, kNamespace);
    manager_ = daemon("ph-controller-manager", "controller-manager", {"--use-service-account-credentials"});
    if (nodes == 0) return;
    scheduler_ = daemon("ph-scheduler", "scheduler");
    nodes_ = daemon("ph-node", "node", {"--nodes", std::to_string(nodes)});
    await("nodes", [&] { return count("/api/v1/nodes") == nodes; });
  }

  std::string get(const std::string& path) {
    ++asked_;
    return user_.run(body_of(&user_.transport(), request("GET", path)));
  }
  // Of a collection, for the price of one object.
  long count(const std::string& collection) {
    const std::string page = get(collection + "?limit=1");
    if (page.find("\"items\":[]") != page.npos || page.find("\"items\":null") != page.npos) return 0;
    return 1 + number_behind(page, "\"remainingItemCount\":").value_or(0);
  }
  void ask(HttpRequest what) {
    ++asked_;
    const std::string target = what.target;
    if (const int status = user_.ask(std::move(what)); status >= 300) fail(fmt::format("{}: {}", target, status));
  }
  void ask_all(int number, std::function<HttpRequest(int)> make) {
    asked_ += number;
    do_all(user_, kClients, {std::move(make), 0, number});
  }
  void await(const std::string& what, const std::function<bool()>& reached) {
    const Instant begin = now();
    while (!reached()) {
      if (ms_since(begin) > 600'000) fail("not within ten minutes: " + what);
      std::this_thread::sleep_for(100ms);
    }
  }

  // Runs a step to its end and prints its line.
  void step(const std::string& name, int things, const std::function<void()>& run) {
    for (const pid_t pid : {server_.pid(), manager_->pid()}) forget_peak(pid);
    const Requests before = requests();
    const long asked = asked_;
    const Cpu server = cpu_of(server_.pid()), manager = cpu_of(manager_->pid());
    const Instant begin = now();
    run();
    const double ms = ms_since(begin);
    const double server_us = (cpu_of(server_.pid()) - server).all_us, manager_us = (cpu_of(manager_->pid()) - manager).all_us;
    fmt::print("{:34} {:>8} {:>8.1f} {:>8.0f} {:>9.2f} {:>9.0f} {:>9.0f} {:>7.0f} {:>7.0f}\n", name, things, ms / 1000,
               things / ms * 1000, (sum(requests()) - sum(before) - static_cast<double>(asked_ - asked)) / things,
               server_us / things, manager_us / things, peak_mib(server_.pid()), peak_mib(manager_->pid()));
    if (std::getenv("REQUESTS")) tell(before, things);
    std::fflush(stdout);
  }

 private:
  std::unique_ptr<Child> daemon(const std::string& program, const std::string& who, std::vector<std::string> more = {}) {
    std::vector<std::string> words{programs_ / program, "--kubeconfig", server_.data() / (who + ".kubeconfig"), "--secure-port",
                                   "0"};
    words.insert(words.end(), more.begin(), more.end());
    return std::make_unique<Child>(words, server_.data().parent_path() / (who + ".log"));
  }

  // How many there have been, ours too: by verb, resource and answer.
  using Requests = std::map<std::string, double>;
  Requests requests() {
    const std::string page = get("/metrics");
    Requests out;
    const std::string_view series = "\napiserver_request_total{";
    for (std::size_t at = page.find(series); at != page.npos; at = page.find(series, at + 1)) {
      const std::string_view line = std::string_view(page).substr(at + 1, page.find('\n', at + 1) - at - 1);
      const std::string part = label_of(line, "subresource");
      const std::string name = fmt::format("{} {}{}{} {}", label_of(line, "verb"), label_of(line, "resource"),
                                           part.empty() ? "" : "/", part, label_of(line, "code"));
      out[name] += std::atof(page.c_str() + page.find("} ", at) + 2);
    }
    return out;
  }
  static double sum(const Requests& requests) {
    double out = 0;
    for (const auto& [name, number] : requests) out += number;
    return out;
  }
  void tell(const Requests& before, int things) {
    for (const auto& [name, number] : requests()) {
      const auto known = before.find(name);
      const double more = number - (known == before.end() ? 0 : known->second);
      if (more > 0.001 * things) fmt::print("    {:44} {:>9.0f} {:>9.3f}\n", name, more, more / things);
    }
  }

  const fs::path programs_;
  Server server_;
  Client user_;
  long asked_ = 0;
  std::unique_ptr<Child> manager_, scheduler_, nodes_;
};

// --- the shapes ---

void deployments(Cluster& cluster, int number, int replicas) {
  const int pods = number * replicas;
  const std::string name = fmt::format("{} deployments of {}", number, replicas);
  cluster.step(name, pods, [&] {
    cluster.ask_all(number, [&](int i) { return request("POST", kDeployments, deployment(fmt::format("d{}", i), replicas)); });
    cluster.await("pods", [&] { return cluster.count(kPods) == pods; });
  });
  cluster.step(name + ": deleted", pods, [&] {
    cluster.ask(request("DELETE", kDeployments + "?propagationPolicy=Background"));
    cluster.await("no pods", [&] { return cluster.count(kPods) == 0; });
  });
}

void job(Cluster& cluster, int pods) {
  const std::string done_at_once = template_of("j", "img:1", R"(,"command":["true"])", R"(,"restartPolicy":"Never")");
  cluster.step(fmt::format("a job of {} pods", pods), pods, [&] {
    cluster.ask(
        request("POST", kJobs,
                fmt::format(R"({{"metadata":{{"name":"j"}},"spec":{{"completions":{0},"parallelism":{0},"template":{1}}}}})",
                            pods, done_at_once)));
    cluster.await("completions", [&] { return number_behind(cluster.get(kJobs + "/j"), "\"succeeded\":") == pods; });
  });
}

void rolling_update(Cluster& cluster, int pods) {
  const auto rolled = [&](int generation) {
    const std::string all = cluster.get(kDeployments + "/roll");
    const auto is = [&](const char* field, long value) { return number_behind(all, fmt::format("\"{}\":", field)) == value; };
    const auto at = all.find("\"status\":");
    const std::string status = at == all.npos ? "" : all.substr(at);
    const auto in_status = [&](const char* field) { return number_behind(status, fmt::format("\"{}\":", field)).value_or(0); };
    return is("observedGeneration", generation) && in_status("replicas") == pods && in_status("updatedReplicas") == pods &&
           in_status("availableReplicas") == pods;
  };
  cluster.step(fmt::format("a deployment of {}, running", pods), pods, [&] {
    cluster.ask(request("POST", kDeployments, deployment("roll", pods)));
    cluster.await("a deployment", [&] { return rolled(1); });
  });
  cluster.step(fmt::format("a rolling update of {}", pods), pods, [&] {
    cluster.ask(request("PATCH", kDeployments + "/roll",
                        R"({"spec":{"template":{"spec":{"containers":[{"name":"c","image":"img:2"}]}}}})",
                        "application/strategic-merge-patch+json"));
    cluster.await("a rolling update", [&] { return rolled(2) && cluster.count(kPods) == pods; });
  });
}

void services(Cluster& cluster, int number, int endpoints) {
  cluster.ask(request("POST", kDeployments, deployment("web", endpoints)));
  cluster.await("pods", [&] { return number_behind(cluster.get(kDeployments + "/web"), "\"availableReplicas\":") == endpoints; });
  const auto addresses = [&] {
    const std::string all = cluster.get(kSlices);
    long sum = 0;
    for (auto at = all.find("\"addresses\":"); at != all.npos; at = all.find("\"addresses\":", at + 1)) ++sum;
    return sum;
  };
  cluster.step(fmt::format("{} services of {} endpoints", number, endpoints), number, [&] {
    cluster.ask_all(number, [](int i) {
      return request(
          "POST", kServices,
          fmt::format(R"({{"metadata":{{"name":"s{}"}},"spec":{{"selector":{{"app":"web"}},"ports":[{{"port":80}}]}}}})", i));
    });
    cluster.await("slices", [&] { return cluster.count(kSlices) >= number; });
    cluster.await("endpoints", [&] { return addresses() == long{number} * endpoints; });
  });
  cluster.step("a pod more in each of them", number, [&] {
    cluster.ask(request("PATCH", kDeployments + "/web", fmt::format(R"({{"spec":{{"replicas":{}}}}})", endpoints + 1),
                        "application/merge-patch+json"));
    cluster.await("endpoints", [&] { return addresses() == long{number} * (endpoints + 1); });
  });
}

void garbage(Cluster& cluster, int owners, int dependents) {
  const int things = owners * dependents;
  // What a loop puts into every namespace comes first: it would be counted among what is left.
  cluster.await("the root certificate", [&] { return cluster.count(kMaps) == 1; });
  cluster.ask_all(owners, [](int i) {
    return request("POST", kMaps, fmt::format(R"({{"metadata":{{"name":"o{}","labels":{{"owner":"yes"}}}}}})", i));
  });
  std::vector<std::string> uids;
  for (int i = 0; i < owners; ++i) {
    const std::string owner = cluster.get(fmt::format("{}/o{}", kMaps, i));
    const auto at = owner.find("\"uid\":\"") + 7;
    uids.push_back(owner.substr(at, owner.find('"', at) - at));
  }
  cluster.ask_all(things, [&](int i) {
    const int owner = i % owners;
    return request(
        "POST", kMaps,
        fmt::format(
            R"({{"metadata":{{"name":"c{}","ownerReferences":[{{"apiVersion":"v1","kind":"ConfigMap","name":"o{}","uid":"{}"}}]}}}})",
            i, owner, uids[static_cast<std::size_t>(owner)]));
  });
  cluster.step(fmt::format("garbage: {} owners of {}", owners, dependents), things, [&] {
    cluster.ask(request("DELETE", kMaps + "?labelSelector=owner%3Dyes&propagationPolicy=Background"));
    cluster.await("no dependents", [&] { return cluster.count(kMaps) == 1; });
  });
}

struct Shape {
  const char* name;
  int nodes;
  std::function<void(Cluster&)> run;
};
const std::vector<Shape> kShapes = {
    {"deployments", 0, [](Cluster& cluster) { deployments(cluster, 100, 100); }},
    {"many-deployments", 0, [](Cluster& cluster) { deployments(cluster, 1'000, 10); }},
    {"job", 200, [](Cluster& cluster) { job(cluster, 10'000); }},
    {"rolling", 50, [](Cluster& cluster) { rolling_update(cluster, 1'000); }},
    {"services", 5, [](Cluster& cluster) { services(cluster, 1'000, 50); }},
    {"garbage-5000", 0, [](Cluster& cluster) { garbage(cluster, 100, 50); }},
    {"garbage-20000", 0, [](Cluster& cluster) { garbage(cluster, 100, 200); }},
    {"garbage", 0, [](Cluster& cluster) { garbage(cluster, 100, 1'000); }},
};

int run(int argc, char** argv) {
  const std::vector<std::string> wanted(argv + std::min(argc, 2), argv + argc);
  const auto is_wanted = [&](const Shape& shape) {
    return wanted.empty() || std::ranges::find(wanted, shape.name) != wanted.end();
  };
  if (argc < 2) {
    std::fprintf(stderr, "loops_bench DIRECTORY [SHAPE...]; shapes:");
    for (const Shape& shape : kShapes) std::fprintf(stderr, " %s", shape.name);
    std::fprintf(stderr, "\n");
    return 2;
  }
  fmt::print("{:34} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9} {:>7} {:>7}\n", "", "things", "s", "a second", "requests", "server µs",
             "loops µs", "MiB", "loops");
  for (const Shape& shape : kShapes) {
    if (!is_wanted(shape)) continue;
    Cluster cluster(fs::absolute(argv[1]), shape.nodes);
    shape.run(cluster);
  }
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
    std::fprintf(stderr, "loops_bench: %s\n", e.what());
    return 1;
  }
}
