// pilothouse: the control plane in one program.
#include <cstdio>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "daemon/files.h"
#include "daemon/program.h"
#include "pilothouse/admission_trace.h"
#include "pilothouse/apiserver_program.h"
#include "pilothouse/cis.h"
#include "pilothouse/controller_manager.h"
#include "pilothouse/data_commands.h"
#include "pilothouse/flags/apiserver.h"
#include "pilothouse/flow_graph.h"
#include "pilothouse/node_program.h"
#include "pilothouse/scheduler_program.h"
#include "pilothouse/up.h"
#include "pilothouse/version.h"
#include "pilothouse/who_can.h"

namespace {

using namespace ph::pilothouse;

void add_up(CLI::App& app, UpOptions& options, int& verbosity) {
  CLI::App* up = app.add_subcommand("up", "Start a control plane in the foreground");
  up->add_option("--data-dir", options.data_dir, "Where everything is kept: objects, keys, kubeconfigs")->capture_default_str();
  up->add_option("--bind-address", options.bind_address, "The address the apiserver listens on")->capture_default_str();
  up->add_option("--secure-port", options.secure_port, "Its port; 0 takes any free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  up->add_option("--io-threads", options.io_threads,
                 "Threads for sockets, TLS, framing and the rendering of large bodies; one a processor by default")
      ->check(CLI::Range(1, kIoThreadsMax))
      ->capture_default_str();
  up->add_flag(
      "--hardened", options.hardened,
      "What the CIS Kubernetes Benchmark asks of the apiserver, as `pilothouse cis` checks it; files for it are made in the data "
      "directory");
  up->add_option("--nodes", options.nodes, "How many hollow nodes")->check(CLI::Range(0, 16000))->capture_default_str();
  up->add_option("--stages", options.stages, "A file that says what nodes and pods do, and when");
  up->add_option("--pod-manifest-path", options.static_pods,
                 "A folder of static pods, which run on every node; in a folder called by a node, on that one");
  up->add_option("--store", options.store, "What holds the objects: rocksdb, or memory (gone at the end)")
      ->check(CLI::IsMember({"rocksdb", "memory"}))
      ->capture_default_str();
  up->add_option("--controllers", options.controllers,
                 "Loops to run: '*' is all that are on by default, 'foo' and '-foo' one more or less")
      ->capture_default_str();
  up->add_option("--cloud-provider", options.cloud_provider, "Who provides load balancers: local, or nobody")
      ->check(CLI::IsMember({"", "local"}))
      ->capture_default_str();
  up->add_option("--load-balancer-pool", options.load_balancer_pools,
                 "A range of addresses for services of type LoadBalancer: 192.0.2.0/24, or 192.0.2.1-192.0.2.9")
      ->delimiter(',');
  up->add_option(
      "--forward-load-balancers", options.forward_load_balancers,
      "Where services of type LoadBalancer answer: own, at their addresses and ports, or an address of this machine, at "
      "their node ports");
  up->add_option("--config", options.scheduler_config_path, "A KubeSchedulerConfiguration file");
  up->add_option("--plugin", options.scheduler_plugins,
                 "A shared object with one more scheduler plugin, for profiles that name it");
  up->add_option("--components", options.components, "Which parts to run")
      ->delimiter(',')
      ->check(CLI::IsMember(kComponents))
      ->capture_default_str();
  up->add_option("-v,--v", verbosity, "Log level: 0 warnings, 2 what happens, 4 and more everything")->capture_default_str();
}

// The flags as /flagz shows them.
std::map<std::string, std::string> flags_of(const CLI::App& up) {
  std::map<std::string, std::string> out;
  for (const CLI::Option* option : up.get_options()) {
    const std::vector<std::string>& names = option->get_lnames();
    if (names.empty() || names.front() == "help") continue;
    out[names.front()] = option->count() == 0 ? option->get_default_str() : fmt::format("{}", fmt::join(option->results(), ","));
  }
  return out;
}

// The daemons as sub-commands, and what is asked as kubectl is. Their flags are spelled as upstream's programs read them, so they are
// not CLI11's.
struct Daemon {
  const char* name;
  const char* help;
  int (*run)(const std::string& program, std::span<const std::string> args);
};
constexpr Daemon kDaemons[] = {
    {"apiserver", "Run the apiserver alone, as ph-apiserver does", apiserver_program},
    {"controller-manager", "Run the control loops, as ph-controller-manager does", controller_manager},
    {"scheduler", "Run the scheduler, as ph-scheduler does", scheduler_program},
    {"node", "Run hollow nodes, as ph-node does", node_program},
    {"who-can", "List whom roles and bindings let do something: who-can VERB RESOURCE [NAME] [-n NAMESPACE]", who_can_program},
    {"cis", "Check what runs against the CIS Kubernetes Benchmark, item by item", cis_program},
    {"admission-trace", "Say which admission plugin or webhook changes what of an object, by a dry run", admission_trace},
    {"flow-graph", "Draw the flow network that a profile with FlowPlacement makes of nodes and pods, for GraphViz",
     flow_graph_program},
};

}  // namespace

int main(int argc, char** argv) {
  ph::daemon::keep_files_private();
  const std::vector<std::string> args = ph::daemon::arguments(argc, argv);
  for (const Daemon& each : kDaemons) {
    if (!args.empty() && args.front() == each.name) {
      return each.run(std::string("pilothouse ") + each.name, std::span(args).subspan(1));
    }
  }
  CLI::App app("Pilothouse: a Kubernetes control plane in one program", "pilothouse");
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  UpOptions options;
  options.data_dir = default_data_dir();
  int verbosity = 0;
  add_up(app, options, verbosity);
  for (const Daemon& each : kDaemons) app.add_subcommand(each.name, each.help);
  std::function<int()> chosen;
  add_data_commands(app, default_data_dir(), chosen);
  CLI11_PARSE(app, argc, argv);
  if (chosen) return chosen();

  ph::daemon::raise_file_limit();
  options.flags = flags_of(*app.get_subcommand("up"));
  options.log_level = verbosity >= 4 ? ph::LogLevel::Debug : verbosity >= 2 ? ph::LogLevel::Info : ph::LogLevel::Warning;
  options.data_dir = std::filesystem::absolute(options.data_dir).lexically_normal();
  if (!options.scheduler_config_path.empty()) {
    try {
      const auto text = ph::daemon::read_file(options.scheduler_config_path);
      if (!text) throw ph::daemon::FileError(fmt::format("--config: there is no file {}", options.scheduler_config_path));
      options.scheduler_config = *text;
    } catch (const std::exception& error) {
      fmt::print(stderr, "pilothouse: {}\n", error.what());
      return 1;
    }
  }
  return up(std::move(options));
}
