#include "pilothouse/static_pod_folder.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "daemon/files.h"

namespace ph::pilothouse {
namespace {

namespace fs = std::filesystem;

constexpr Duration kLook = 20s;  // as a kubelet's fileCheckFrequency

void read_files(const fs::path& folder, const std::string& node, std::vector<node::StaticManifest>& out) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) entries.push_back(*at);
  if (error) throw daemon::FileError(fmt::format("{} cannot be read: {}", folder.string(), error.message()));
  std::ranges::sort(entries);
  for (const fs::directory_entry& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.')) continue;
    if (entry.is_directory(error)) {
      if (node.empty()) read_files(entry.path(), name, out);
      continue;
    }
    // What has gone meanwhile is not there.
    if (auto text = daemon::read_file(entry.path())) out.push_back({entry.path().string(), std::move(*text), node});
  }
}

}  // namespace

std::vector<node::StaticManifest> read_static_pods(const std::string& folder) {
  std::vector<node::StaticManifest> out;
  read_files(folder, {}, out);
  return out;
}

Task<void> follow_static_pods(node::HollowNodes& nodes, std::string folder, Log log) {
  for (;;) {
    try {
      nodes.run_static(read_static_pods(folder));
    } catch (const daemon::FileError& error) {
      log.error("static pods stay as they are", "error", error.what());
    }
    co_await sleep_for(kLook);
  }
}

}  // namespace ph::pilothouse
