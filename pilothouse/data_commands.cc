#include "pilothouse/data_commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "api/times.h"
#include "pilothouse/data_tools.h"
#include "pilothouse/snapshot_file.h"

namespace ph::pilothouse {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  fs::path data_dir;
  fs::path file;
  fs::path snapshot;  // of `status`
  bool force = false;
  bool yes = false;
  std::string output = "text";
  RestoreOptions restore;
};

const SystemClock& system_clock() {
  static const SystemClock kClock;
  return kClock;
}

std::string mb(std::uint64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }
std::string plural(std::uint64_t count, const char* what) { return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s"); }

void normalize(Arguments& arguments) { arguments.data_dir = fs::absolute(arguments.data_dir).lexically_normal(); }

int snapshot(const Arguments& arguments) {
  const Steady began = system_clock().steady();
  const SnapshotDone done = take_snapshot(arguments.data_dir, arguments.file, arguments.force, system_clock());
  fmt::print("{}: revision {}, {}, {} in {:.3f} s{}\nIt holds the cluster's keys and secrets: keep it like them.\n",
             arguments.file.string(), done.revision.value, plural(done.all.objects, "object"), mb(done.file_bytes),
             std::chrono::duration<double>(system_clock().steady() - began).count(),
             done.through_server ? ", from the running server" : "");
  return 0;
}

int restore(const Arguments& arguments) {
  const RestoreDone done = restore_snapshot(arguments.file, arguments.data_dir, arguments.restore, system_clock());
  fmt::print("{}: {} of revision {}, taken {}\nRevisions go on from {}: clients that knew the cluster list anew.\n",
             arguments.data_dir.string(), plural(done.objects, "object"), done.taken_at.value, api::rfc3339(done.time),
             done.revision.value);
  if (!done.keys) fmt::print("The snapshot holds no keys: those of the directory stay, or `pilothouse up` makes new ones.\n");
  return 0;
}

nlohmann::json counts_json(const apiserver::StoreCounts& counts) {
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [resource, count] : counts.resources) out[resource] = {{"count", count.objects}, {"bytes", count.bytes}};
  return out;
}

void print_counts(const apiserver::StoreCounts& counts) {
  fmt::print("objects    {}, {}\n", counts.all.objects, mb(counts.all.bytes));
  for (const auto& [resource, count] : counts.resources) {
    fmt::print("  {:<50}{:>8}{:>12}\n", resource, count.objects, mb(count.bytes));
  }
}

int status_of_snapshot(const Arguments& arguments) {
  const SnapshotFacts facts = inspect_snapshot(arguments.snapshot);
  if (arguments.output == "json") {
    const nlohmann::json out{{"revision", facts.revision.value},
                             {"taken", api::rfc3339(facts.time)},
                             {"files", facts.files},
                             {"objects", counts_json(facts.counts)}};
    fmt::print("{}\n", out.dump(2));
    return 0;
  }
  fmt::print("snapshot   {}, whole\ntaken      {}\nrevision   {}\nkeys       {}\n", arguments.snapshot.string(),
             api::rfc3339(facts.time), facts.revision.value, plural(facts.files.size(), "file"));
  print_counts(facts.counts);
  return 0;
}

std::string server_text(const RunningServer& server) {
  if (!server.is()) return "none runs";
  std::string out = server.url.empty() ? "does not answer" : server.url;
  if (!server.process) return out + ", objects in memory";
  return *server.process == 0 ? out : fmt::format("{}, process {}", out, *server.process);
}

nlohmann::json status_json(const Arguments& arguments, const DataDirStatus& status) {
  nlohmann::json out{{"dataDir", arguments.data_dir.string()},
                     {"server", {{"running", status.server.is()}, {"url", status.server.url}}},
                     {"disk", {{"tables", status.table_bytes}, {"logs", status.log_bytes}}}};
  if (status.server.process) out["server"]["process"] = *status.server.process;
  if (!status.problem.empty()) out["problem"] = status.problem;
  if (!status.store) return out;
  out["revision"] = status.store->revision.value;
  out["history"] = {{"since", status.store->history_since.value}, {"begins", nullptr}};
  if (status.store->history_begins) out["history"]["begins"] = api::rfc3339(*status.store->history_begins);
  out["objects"] = counts_json(status.store->counts);
  return out;
}

int status(const Arguments& arguments) {
  if (!arguments.snapshot.empty()) return status_of_snapshot(arguments);
  const DataDirStatus status = data_dir_status(arguments.data_dir, system_clock());
  if (arguments.output == "json") {
    fmt::print("{}\n", status_json(arguments, status).dump(2));
  } else {
    fmt::print("data       {}, format 1\nserver     {}\ndisk       {} in tables, {} in logs\n", arguments.data_dir.string(),
               server_text(status.server), mb(status.table_bytes), mb(status.log_bytes));
    if (status.store) {
      const StoreStatus& store = *status.store;
      fmt::print("revision   {}\nhistory    {} revisions after {}{}\n", store.revision.value,
                 store.revision.value - store.history_since.value, store.history_since.value,
                 store.history_begins ? ", from " + api::rfc3339(*store.history_begins) : "");
      print_counts(store.counts);
    } else if (status.problem.empty()) {
      fmt::print("objects    there is no store\n");
    }
  }
  if (status.problem.empty()) return 0;
  std::fflush(stdout);
  fmt::print(stderr, "pilothouse: {}\n", status.problem);
  return 1;
}

bool confirmed(const Arguments& arguments) {
  if (arguments.yes) return true;
  if (::isatty(STDIN_FILENO) == 0) {
    throw std::runtime_error("reset removes all objects, keys and kubeconfigs; say --yes where nobody can be asked");
  }
  fmt::print("Remove all objects, keys and kubeconfigs in {}? [y/N] ", arguments.data_dir.string());
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

int reset(const Arguments& arguments) {
  const DataDirState::Kind kind = inspect_data_dir(arguments.data_dir).kind;
  if (kind == DataDirState::Kind::Absent || kind == DataDirState::Kind::Empty) {
    fmt::print("{}: there is nothing to remove\n", arguments.data_dir.string());
    return 0;
  }
  if ((kind == DataDirState::Kind::Ours || kind == DataDirState::Kind::Restoring) && !confirmed(arguments)) {
    fmt::print("nothing was removed\n");
    return 1;
  }
  const auto left = reset_data_dir(arguments.data_dir, system_clock());
  fmt::print("{}: removed\n", arguments.data_dir.string());
  for (const std::string& name : left) fmt::print("left, for it is not ours: {}\n", name);
  return 0;
}

using Command = int (*)(const Arguments&);

// The command with the option that all have.
CLI::App* add(CLI::App& app, const char* name, const char* description, Command command, std::shared_ptr<Arguments> arguments,
              std::function<int()>& chosen) {
  CLI::App* sub = app.add_subcommand(name, description);
  sub->add_option("--data-dir", arguments->data_dir, "The data directory")->capture_default_str();
  sub->callback([command, arguments, &chosen] {
    chosen = [command, arguments] {
      try {
        normalize(*arguments);
        return command(*arguments);
      } catch (const std::exception& error) {
        std::fflush(stdout);
        fmt::print(stderr, "pilothouse: {}\n", error.what());
        return 1;
      }
    };
  });
  return sub;
}

}  // namespace

void add_data_commands(CLI::App& app, const fs::path& default_data_dir, std::function<int()>& chosen) {
  const auto arguments = std::make_shared<Arguments>();
  arguments->data_dir = default_data_dir;

  CLI::App* sub = add(app, "snapshot", "Write all objects and the cluster's keys into a file; the server may run", snapshot,
                      arguments, chosen);
  sub->add_option("FILE", arguments->file, "The file to write")->required();
  sub->add_flag("--force", arguments->force, "Replace a file that exists");

  sub = add(app, "restore", "Fill a data directory from a snapshot", restore, arguments, chosen);
  sub->add_option("FILE", arguments->file, "The snapshot")->required();
  sub->add_flag("--force", arguments->restore.force, "Replace what the directory holds");
  sub->add_option("--bump-revision", arguments->restore.bump_revision,
                  "How many revisions the cluster may have had after the snapshot, at most; clients never see one of them again")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 60))
      ->capture_default_str();

  sub = add(app, "status", "Show what a data directory, or a snapshot, holds", status, arguments, chosen);
  sub->add_option("--snapshot", arguments->snapshot, "Look at this file instead, and check all of it");
  sub->add_option("-o,--output", arguments->output, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();

  sub = add(app, "reset", "Remove all that `up` made", reset, arguments, chosen);
  sub->add_flag("--yes", arguments->yes, "Do not ask");
}

}  // namespace ph::pilothouse
