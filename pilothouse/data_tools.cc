#include "pilothouse/data_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/times.h"
#include "apiserver/storage/store_directory.h"
#include "base/transport.h"
#include "daemon/data_dir.h"
#include "daemon/files.h"
#include "pilothouse/server_client.h"
#include "pilothouse/snapshot_file.h"

namespace ph::pilothouse {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Kind = DataDirState::Kind;
using daemon::FileError, daemon::directory_entries, daemon::make_directory, daemon::read_file, daemon::sync_directory,
    daemon::write_file;
using daemon::kDataDirFormat, daemon::kDataDirRestoring;

// The names beside DataDir's own that a restore may leave.
constexpr const char* kRestored = "store.restored";
constexpr const char* kReplaced = "store.replaced";

void discard(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) throw FileError(fmt::format("cannot remove {}: {}", path.string(), error.message()));
}

void move_to(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) throw FileError(fmt::format("cannot rename {} to {}: {}", from.string(), to.string(), error.message()));
}

[[noreturn]] void refuse(const fs::path& path, const DataDirState& state) {
  switch (state.kind) {
    case Kind::Absent: throw FileError(fmt::format("there is no data directory {}", path.string()));
    case Kind::Empty: throw FileError(fmt::format("the data directory {} is empty", path.string()));
    case Kind::Restoring:
      throw FileError(
          fmt::format("a restore into {} was not finished: run `pilothouse restore FILE --force` again, or "
                      "`pilothouse reset`",
                      path.string()));
    case Kind::OtherFormat:
      throw FileError(
          fmt::format("the data directory {} has format {}, this program knows format {}: use the version that made it",
                      path.string(), state.format, kDataDirFormat.substr(0, kDataDirFormat.size() - 1)));
    case Kind::Ours:
    case Kind::Foreign: break;
  }
  throw FileError(fmt::format("{} is not a data directory of pilothouse", path.string()));
}

fs::path admin_kubeconfig(const fs::path& data_dir) { return data_dir / "admin.kubeconfig"; }

[[noreturn]] void refuse_running(const fs::path& data_dir, const RunningServer& server) {
  std::string who = server.process && *server.process != 0 ? fmt::format("process {}", *server.process) : server.url;
  if (who.empty()) who = "it cannot be seen from here";
  throw FileError(fmt::format("a server runs on the data directory {} ({}): stop it first", data_dir.string(), who));
}

// -- Snapshots.

class Copier final : public apiserver::SnapshotDecoder::Visitor {
 public:
  explicit Copier(SnapshotFile& out) : out_(out) {}

  void head(Revision revision, Time time) override {
    done.revision = revision;
    out_.write(encoder_.begin(revision, time));
  }
  void value(std::string_view key, Revision created, std::string_view value) override {
    ++done.all.objects;
    done.all.bytes += value.size();
    out_.write(encoder_.value(key, created, value));
  }
  void end(const fs::path& data_dir) {
    if (fs::is_directory(data_dir / "pki")) {
      for (const fs::path& path : directory_entries(data_dir / "pki")) {
        const auto text = fs::is_regular_file(path) ? read_file(path) : std::nullopt;
        if (text) out_.write(encoder_.file("pki/" + path.filename().string(), *text));
      }
    }
    out_.write(encoder_.end());
  }

  SnapshotDone done;

 private:
  SnapshotFile& out_;
  apiserver::SnapshotEncoder encoder_;
};

// Asks the server for something; throws in words when the answer is not 200.
void ask(const fs::path& data_dir, const char* target, const Clock& clock, const std::function<void(std::string_view)>& take) {
  ServerClient client(admin_kubeconfig(data_dir), clock);
  int status = 0;
  try {
    status = client.get(target, take);
  } catch (const TransportError& error) {
    throw FileError(fmt::format("the server at {} does not answer: {}", client.url(), error.what()));
  }
  if (status != 200) {
    throw FileError(fmt::format("the server at {} answers {} to GET {}", client.url(), status, target));
  }
}

void copy_from_server(const fs::path& data_dir, const Clock& clock, Copier& copier) {
  apiserver::SnapshotDecoder decoder(copier);
  try {
    ask(data_dir, "/pilothouse/snapshot", clock, [&](std::string_view piece) { decoder.feed(piece); });
    decoder.finish();
  } catch (const apiserver::SnapshotError& error) {
    throw FileError(fmt::format("what the server sends is no snapshot: {}", error.what()));
  }
}

void copy_from_directory(const fs::path& data_dir, const Clock& clock, Copier& copier) {
  const auto view = apiserver::open_store_view((data_dir / "store").string(), apiserver::ViewAccess::Alone);
  copier.head(view->revision(), clock.now());
  while (const auto item = view->next()) copier.value(item->key, item->created, item->value);
}

// -- Restoring.

using Files = std::vector<std::pair<std::string, std::string>>;  // name, text

class Restorer final : public apiserver::SnapshotDecoder::Visitor {
 public:
  explicit Restorer(apiserver::StoreBuilder& store) : store_(store) {}
  void value(std::string_view key, Revision created, std::string_view value) override { store_.add(key, created, value); }
  void file(std::string_view name, std::string_view text) override { files.emplace_back(name, text); }

  Files files;

 private:
  apiserver::StoreBuilder& store_;
};

// A store of what the snapshot holds, whole and durable, at a path where another restore may have left something.
// Returns the files that go with it.
Files build_store(const fs::path& file, const fs::path& path, Revision revision) {
  {
    const apiserver::StoreLock other_restore(path.string());
  }
  discard(path);
  try {
    apiserver::StoreBuilder builder(path.string(), revision);
    Restorer restorer(builder);
    read_snapshot(file, restorer);
    builder.finish();
    return std::move(restorer.files);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(path, ignored);
    throw;
  }
}

// Only keys: a snapshot from elsewhere must not write anywhere else.
bool may_be_restored(std::string_view name) {
  constexpr std::string_view kPki = "pki/";
  if (!name.starts_with(kPki)) return false;
  name.remove_prefix(kPki.size());
  return !name.empty() && name.front() != '.' &&
         std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '-' || c == '_'; });
}

void check_files(const fs::path& file, const SnapshotFacts& facts) {
  for (const std::string& name : facts.files) {
    if (!may_be_restored(name))
      throw FileError(fmt::format("the snapshot {} holds a file {}, which is no key", file.string(), name));
  }
}

// Of the store that is replaced; 0: it is none, or nothing can be read of it.
Revision last_revision(const fs::path& store) {
  try {
    return apiserver::open_store_view(store.string(), apiserver::ViewAccess::Beside)->revision();
  } catch (const std::exception&) {
    return {};
  }
}

// True: the directory holds something that is replaced.
bool may_restore_into(const fs::path& data_dir, bool force, const Clock& clock) {
  const DataDirState state = inspect_data_dir(data_dir);
  if (state.kind == Kind::Absent || state.kind == Kind::Empty) return false;
  if (state.kind != Kind::Ours && state.kind != Kind::Restoring) refuse(data_dir, state);
  if (const RunningServer server = find_server(data_dir, clock); server.is()) refuse_running(data_dir, server);
  if (!force) {
    throw FileError(
        fmt::format("the data directory {} is not empty: --force replaces what it holds, or name another", data_dir.string()));
  }
  return state.kind == Kind::Ours;
}

// -- Status.

StoreStatus read_status(const fs::path& store) {
  const auto view = apiserver::open_store_view(store.string(), apiserver::ViewAccess::Beside);
  StoreStatus out{view->revision(), view->history_since(), view->history_begins(), {}};
  while (const auto item = view->next()) out.counts.add(item->key, item->value.size());
  return out;
}

StoreStatus ask_status(const fs::path& data_dir, const Clock& clock) {
  std::string text;
  ask(data_dir, "/pilothouse/status", clock, [&](std::string_view piece) { text += piece; });
  const json told = json::parse(text);
  StoreStatus out;
  out.revision.value = told.at("revision").get<std::uint64_t>();
  out.history_since.value = told.at("history").at("since").get<std::uint64_t>();
  if (const json& begins = told.at("history").at("begins"); begins.is_string()) {
    out.history_begins = api::parse_rfc3339(begins.get<std::string>());
  }
  for (const auto& [resource, count] : told.at("objects").items()) {
    auto& into = out.counts.resources[resource];
    into = {count.at("count").get<std::uint64_t>(), count.at("bytes").get<std::uint64_t>()};
    out.counts.all.objects += into.objects;
    out.counts.all.bytes += into.bytes;
  }
  return out;
}

}  // namespace

DataDirState inspect_data_dir(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error) && !error) return {};
  if (error) throw FileError(fmt::format("cannot read {}: {}", path.string(), error.message()));
  if (!fs::is_directory(path)) return {Kind::Foreign, {}};
  const auto format = read_file(path / "format");
  if (!format) return {directory_entries(path).empty() ? Kind::Empty : Kind::Foreign, {}};
  const bool number = format->size() > 1 && format->ends_with('\n') &&
                      std::ranges::all_of(format->substr(0, format->size() - 1), [](unsigned char c) { return std::isdigit(c); });
  const Kind kind = *format == kDataDirFormat      ? Kind::Ours
                    : *format == kDataDirRestoring ? Kind::Restoring
                    : number                       ? Kind::OtherFormat
                                                   : Kind::Foreign;
  return {kind, format->substr(0, format->find('\n'))};
}

RunningServer find_server(const fs::path& data_dir, const Clock& clock) {
  RunningServer found;
  found.process = apiserver::store_holder((data_dir / "store").string());
  // A server that keeps its objects in memory holds no store. Nobody but ours shows a certificate of this directory.
  if (!fs::exists(admin_kubeconfig(data_dir))) return found;
  try {
    ServerClient client(admin_kubeconfig(data_dir), clock);
    client.get("/version", [](std::string_view) {});
    found.url = client.url();
  } catch (const std::exception&) {
  }
  return found;
}

SnapshotDone take_snapshot(const fs::path& data_dir, const fs::path& file, bool force, const Clock& clock) {
  const DataDirState state = inspect_data_dir(data_dir);
  if (state.kind != Kind::Ours) refuse(data_dir, state);
  if (!force && fs::exists(file)) throw FileError(fmt::format("{} exists: --force replaces it, or name another", file.string()));
  const RunningServer server = find_server(data_dir, clock);
  SnapshotFile out(file);
  Copier copier(out);
  if (server.is()) {
    copy_from_server(data_dir, clock, copier);
  } else {
    copy_from_directory(data_dir, clock, copier);
  }
  copier.end(data_dir);
  out.finish();
  copier.done.file_bytes = out.size();
  copier.done.through_server = server.is();
  return copier.done;
}

Revision revision_after_restore(Revision snapshot, std::uint64_t bump, Revision replaced, Time now) {
  // Two restores of one snapshot must differ, too. Between them a store makes fewer changes than this allows for.
  constexpr std::uint64_t kChangesPerMillisecond = 10;
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const auto of_time = static_cast<std::uint64_t>(std::max<std::int64_t>(passed, 0)) * kChangesPerMillisecond;
  return Revision{std::max({snapshot.value + bump, of_time, replaced.value + 1})};
}

RestoreDone restore_snapshot(const fs::path& file, const fs::path& data_dir, const RestoreOptions& options, const Clock& clock) {
  const SnapshotFacts facts = inspect_snapshot(file);
  check_files(file, facts);
  const bool replaces = may_restore_into(data_dir, options.force, clock);
  const fs::path store = data_dir / "store", restored = data_dir / kRestored, replaced = data_dir / kReplaced;
  const fs::path format = data_dir / "format";
  make_directory(data_dir);
  daemon::close_data_dir(data_dir, {});
  const apiserver::StoreLock lock(store.string());
  // What is there can be started until the new store is complete; where nothing is, nothing can be started before.
  if (!replaces) write_file(format, kDataDirRestoring, true);
  const Revision revision = revision_after_restore(facts.revision, options.bump_revision, last_revision(store), clock.now());
  const Files files = build_store(file, restored, revision);

  write_file(format, kDataDirRestoring, true);
  discard(replaced);
  if (fs::exists(store)) move_to(store, replaced);
  move_to(restored, store);
  sync_directory(data_dir);
  if (!files.empty()) make_directory(data_dir / "pki");
  for (const auto& [name, text] : files) write_file(data_dir / name, text, true);
  write_file(format, kDataDirFormat, true);
  discard(replaced);
  return {facts.revision, facts.time, revision, facts.counts.all.objects, !files.empty()};
}

DataDirStatus data_dir_status(const fs::path& data_dir, const Clock& clock) {
  const DataDirState state = inspect_data_dir(data_dir);
  if (state.kind != Kind::Ours) refuse(data_dir, state);
  DataDirStatus out;
  out.server = find_server(data_dir, clock);
  const fs::path store = data_dir / "store";
  if (fs::is_directory(store)) {
    for (const fs::path& path : directory_entries(store)) {
      std::error_code gone;
      const std::uint64_t size = fs::file_size(path, gone);
      if (gone) continue;
      (path.extension() == ".sst" ? out.table_bytes : out.log_bytes) += size;
    }
  }
  try {
    if (out.server.is()) {
      out.store = ask_status(data_dir, clock);
    } else if (fs::is_directory(store)) {
      out.store = read_status(store);
    }
  } catch (const std::exception& error) {
    out.problem = error.what();
  }
  return out;
}

std::vector<std::string> reset_data_dir(const fs::path& data_dir, const Clock& clock) {
  const DataDirState state = inspect_data_dir(data_dir);
  if (state.kind == Kind::Absent || state.kind == Kind::Empty) return {};
  if (state.kind != Kind::Ours && state.kind != Kind::Restoring) refuse(data_dir, state);
  if (const RunningServer server = find_server(data_dir, clock); server.is()) refuse_running(data_dir, server);
  {
    const apiserver::StoreLock lock((data_dir / "store").string());
    const apiserver::StoreLock restores((data_dir / kRestored).string());
    for (const char* name : {"store", kRestored, kReplaced, "pki", "hardened"}) discard(data_dir / name);
  }
  std::vector<std::string> left;
  for (const fs::path& path : directory_entries(data_dir)) {
    const std::string name = path.filename().string();
    if (daemon::is_data_dir_file(name)) {
      discard(path);
    } else if (name != "format") {
      left.push_back(name);
    }
  }
  // Last: until then it can be done again.
  discard(data_dir / "format");
  if (left.empty()) discard(data_dir);
  return left;
}

}  // namespace ph::pilothouse
