// How fast pods get nodes: upstream's benchmark shapes (scheduler_perf), each against an apiserver with a durable store and a scheduler of
// its own, processes both.
//
//   scheduler_shapes [--scale 0.1] [--programs FOLDER] SHAPE.yaml...      the programs are beside this one, if nothing else is said
//
// A line a shape: pods a second on average, from the first request to the last pod that has a node, and by the second (percentiles of full
// seconds); then, of that time, seconds of the processor and the most that was resident. Asserts nothing but that all pods get nodes. The
// clients who make the pods and watch them are on the same machine.
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "tests/perf/bound_pods.h"
#include "tests/perf/program.h"
#include "tests/perf/shape.h"

namespace ph::perf {
namespace {

namespace fs = std::filesystem;

constexpr int kAtOnce = 64;  // requests under way

// -- Making objects

Task<void> must(Transport* transport, HttpRequest what) {
  const std::string told = what.method + " " + what.target;
  const HttpResponse response = co_await transport->send(std::move(what), false);
  if (response.status < 300) co_return;
  std::string body;
  for (const SharedBytes& piece : response.body) body += *piece;
  fail(fmt::format("{}: {} {}", told, response.status, body));
}

Task<void> make(Transport* transport, const ObjectTemplate* object, int n) {
  const std::string path = object->path.text(n);
  co_await must(transport, request("POST", path, object->body.text(n)));
  if (!object->status || object->kind == "Pod") co_return;
  co_await must(transport, request("PATCH", fmt::format("{}/{}/status", path, object->name.text(n)), object->status->text(n),
                                   "application/merge-patch+json"));
}

Task<void> make_some(Transport* transport, const Step* step, int* next) {
  while (*next < step->count) {
    const int n = (*next)++;
    for (const ObjectTemplate& object : step->objects) co_await make(transport, &object, n);
  }
}

Task<void> make_all(Client* client, const Step* step) {
  int next = 0;
  std::vector<Task<void>> tasks;
  for (int i = 0; i < kAtOnce; ++i) tasks.push_back(make_some(&client->transport(i), step, &next));
  for (const auto& one : co_await all(std::move(tasks))) {
    if (one.error) std::rethrow_exception(one.error);
  }
}

Task<void> remove(Transport* transport, const ObjectTemplate* object, int n) {
  co_await transport->send(
      request("DELETE", fmt::format("{}/{}?gracePeriodSeconds=0", object->path.text(n), object->name.text(n))), false);
}

// -- One shape

struct Measured {
  double seconds = 0;
  std::vector<double> by_second;  // sorted; of full seconds
  std::size_t pods = 0;
};

Measured measured(Instant begin, std::vector<Instant> times) {
  Measured out;
  std::ranges::sort(times);
  const auto after = [&](Instant at) { return std::chrono::duration<double>(at - begin).count(); };
  out.pods = times.size();
  out.seconds = after(times.back());
  out.by_second.resize(static_cast<std::size_t>(out.seconds));
  for (const Instant at : times) {
    if (const auto second = static_cast<std::size_t>(after(at)); second < out.by_second.size()) ++out.by_second[second];
  }
  std::ranges::sort(out.by_second);
  return out;
}

class Run {
 public:
  Run(const fs::path& programs, const Shape& shape)
      : shape_(shape),
        server_((programs / "ph-apiserver").string(),
                {"--disable-admission-plugins=ServiceAccount,TaintNodesByCondition,Priority"}),
        owner_(owner(server_.data())),
        client_(owner_, 2),
        scheduler_(scheduler_words(programs), server_.data().parent_path() / "scheduler.log") {}

  std::string line() {
    std::string out;
    for (std::size_t i = 0; i < shape_.steps.size(); ++i) {
      if (shape_.steps[i].measured) {
        out = measure(i);
      } else {
        take(i);
      }
    }
    return out;
  }

 private:
  std::vector<std::string> scheduler_words(const fs::path& programs) const {
    std::vector<std::string> out{(programs / "ph-scheduler").string(), "--kubeconfig",
                                 (server_.data() / "scheduler.kubeconfig").string(), "--leader-elect=false", "--secure-port=0"};
    if (!shape_.scheduler_config.empty()) {
      const fs::path file = server_.data().parent_path() / "scheduler.yaml";
      std::ofstream(file) << shape_.scheduler_config;
      out.push_back("--config=" + file.string());
    }
    return out;
  }

  void take(std::size_t number) {
    const Step& step = shape_.steps[number];
    std::optional<BoundPods> bound;
    if (step.bound) bound.emplace(owner_, std::to_string(number));
    client_.run(make_all(&client_, &step));
    if (bound) bound->await(static_cast<std::size_t>(step.pods()));
  }

  // The scheduler has seen what was made before: it places a pod that wants nothing, and which goes again.
  void await_scheduler() {
    BoundPods bound(owner_, "warm");
    const ObjectTemplate pod{"Pod", Template("/api/v1/namespaces/default/pods"), Template("warm"),
                             Template(nlohmann::json::parse(
                                 R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"warm","labels":{"shape-step":"warm"}},
                                           "spec":{"containers":[{"name":"c","image":"i"}],"tolerations":[{"operator":"Exists"}]}})")),
                             std::nullopt};
    client_.run(make(&client_.transport(), &pod, 0));
    bound.await(1);
    client_.run(remove(&client_.transport(), &pod, 0));
  }

  static Task<void> churn(Transport* transport, const Shape* shape) {
    for (int n = 0;; ++n) {
      for (const ObjectTemplate& object : shape->churn) {
        co_await make(transport, &object, n);
        if (n > 0) co_await remove(transport, &object, n - 1);
      }
      co_await sleep_for(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(shape->churn_seconds)));
    }
  }

  std::string measure(std::size_t number) {
    const Step& step = shape_.steps[number];
    await_scheduler();
    BoundPods bound(owner_, std::to_string(number));
    Scope churning(client_.thread(), [](std::exception_ptr) {});
    if (!shape_.churn.empty()) {
      ph::testing::call_on(client_.thread(), [&] { churning.spawn(churn(&client_.transport(), &shape_)); });
    }
    for (const pid_t pid : {server_.pid(), scheduler_.pid()}) forget_peak(pid);
    const Cpu server = cpu_of(server_.pid()), scheduler = cpu_of(scheduler_.pid());
    const Instant begin = now();
    client_.run(make_all(&client_, &step));
    bound.await(static_cast<std::size_t>(step.pods()));
    const double server_s = (cpu_of(server_.pid()) - server).all_us / 1e6,
                 scheduler_s = (cpu_of(scheduler_.pid()) - scheduler).all_us / 1e6;
    ph::testing::call_on(client_.thread(), [&] { churning.cancel(); });
    return text(measured(begin, bound.times()), server_s, scheduler_s);
  }

  std::string text(const Measured& what, double server_s, double scheduler_s) const {
    const double average = static_cast<double>(what.pods) / what.seconds;
    const auto percentile = [&](double part) {
      const auto& all = what.by_second;
      if (all.empty()) return average;  // it took no full second
      return all[std::min(all.size() - 1, static_cast<std::size_t>(part * static_cast<double>(all.size())))];
    };
    return fmt::format(
        "{:<67} {:>5} pods {:7.1f} s {:7.0f}/s  a second: p50 {:.0f} p90 {:.0f} p95 {:.0f} p99 {:.0f}  CPU: apiserver {:.1f} s, "
        "scheduler "
        "{:.1f} s  peak: apiserver {:.0f} MiB, scheduler {:.0f} MiB",
        shape_.name, what.pods, what.seconds, average, percentile(.5), percentile(.9), percentile(.95), percentile(.99), server_s,
        scheduler_s, peak_mib(server_.pid()), peak_mib(scheduler_.pid()));
  }

  const Shape& shape_;
  Server server_;
  const Access owner_;
  Client client_;
  Child scheduler_;
};

std::string contents(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) fail("cannot read " + file);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

int run(int argc, char** argv) {
  fs::path programs = fs::read_symlink("/proc/self/exe").parent_path();
  double scale = 1;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--scale" && i + 1 < argc) {
      scale = std::atof(argv[++i]);
    } else if (word == "--programs" && i + 1 < argc) {
      programs = argv[++i];
    } else {
      files.push_back(word);
    }
  }
  if (files.empty() || files.front().starts_with('-') || scale <= 0) {
    std::fprintf(stderr, "scheduler_shapes [--scale 0.1] [--programs FOLDER] SHAPE.yaml...\n");
    return 2;
  }
  bool good = true;
  for (const std::string& file : files) {
    try {
      const Shape shape = Shape::read(contents(file), scale);
      std::printf("%s\n", Run(programs, shape).line().c_str());
    } catch (const std::exception& error) {
      std::printf("%s: %s\n", file.c_str(), error.what());
      good = false;
    }
    std::fflush(stdout);
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace ph::perf

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  ph::perf::take_children_along();
  return ph::perf::run(argc, argv);
}
