// pilothouse: the control plane in one program.
#include <cstdio>
#include <cstdlib>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "daemon/files.h"
#include "pilothouse/up.h"
#include "pilothouse/version.h"

namespace {

using namespace ph::pilothouse;

std::filesystem::path default_data_dir() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data && *data) return std::filesystem::path(data) / "pilothouse";
  if (const char* home = std::getenv("HOME"); home && *home) return std::filesystem::path(home) / ".local/share/pilothouse";
  return "pilothouse-data";
}

void add_up(CLI::App& app, UpOptions& options, int& verbosity) {
  CLI::App* up = app.add_subcommand("up", "Start a control plane in the foreground");
  up->add_option("--data-dir", options.data_dir, "Where everything is kept: objects, keys, kubeconfigs")->capture_default_str();
  up->add_option("--bind-address", options.bind_address, "The address the apiserver listens on")->capture_default_str();
  up->add_option("--secure-port", options.secure_port, "Its port; 0 takes any free one")->check(CLI::Range(0, 65535))->capture_default_str();
  up->add_option("--nodes", options.nodes, "How many hollow nodes")->check(CLI::Range(0, 16000))->capture_default_str();
  up->add_option("--store", options.store, "What holds the objects: rocksdb, or memory (gone at the end)")
      ->check(CLI::IsMember({"rocksdb", "memory"}))
      ->capture_default_str();
  up->add_option("--controllers", options.controllers, "Loops to run: '*' is all that are on by default, 'foo' and '-foo' one more or less")
      ->capture_default_str();
  up->add_option("--config", options.scheduler_config_path, "A KubeSchedulerConfiguration file");
  up->add_option("--components", options.components, "Which parts to run")
      ->delimiter(',')
      ->check(CLI::IsMember(kComponents))
      ->capture_default_str();
  up->add_option("-v,--v", verbosity, "Log level: 0 warnings, 2 what happens, 4 and more everything")->capture_default_str();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Pilothouse: a Kubernetes control plane in one program", "pilothouse");
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  UpOptions options;
  options.data_dir = default_data_dir();
  int verbosity = 0;
  add_up(app, options, verbosity);
  CLI11_PARSE(app, argc, argv);

  options.log_level = verbosity >= 4 ? ph::LogLevel::Debug : verbosity >= 2 ? ph::LogLevel::Info : ph::LogLevel::Warning;
  options.data_dir = std::filesystem::absolute(options.data_dir).lexically_normal();
  if (!options.scheduler_config_path.empty()) {
    try {
      const auto text = daemon::read_file(options.scheduler_config_path);
      if (!text) throw daemon::FileError(fmt::format("--config: there is no file {}", options.scheduler_config_path));
      options.scheduler_config = *text;
    } catch (const std::exception& error) {
      fmt::print(stderr, "pilothouse: {}\n", error.what());
      return 1;
    }
  }
  return up(std::move(options));
}
