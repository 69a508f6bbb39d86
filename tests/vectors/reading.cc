#include "tests/vectors/reading.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include <zlib.h>
#include <nlohmann/json.hpp>

namespace ph::vectors {
namespace {

namespace fs = std::filesystem;

// Tests run in the project's folder.
const fs::path kData = "tests/data";

// Empty: none is given.
fs::path given_folder() {
  const char* given = std::getenv("PH_GOLDEN_DIR");
  return given ? fs::path(given) : fs::path();
}

// Line by line, without those that are empty.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// Lines of a file, or the documents of a folder's files, as the recorder left them.
std::vector<fs::path> files_of(const fs::path& folder, const std::string& set) {
  for (const char* ending : {".jsonl", ".jsonl.gz"}) {
    const fs::path file = folder / (set + ending);
    if (fs::is_regular_file(file)) return {file};
  }
  std::vector<fs::path> out;
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(folder / set, none)) {
    if (entry.path().extension() == ".json") out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

std::vector<std::string> rows_of(const std::vector<fs::path>& files) {
  std::vector<std::string> out;
  for (const fs::path& file : files) {
    if (file.extension() != ".json") {
      std::ranges::move(lines_of(read_file(file)), std::back_inserter(out));
      continue;
    }
    const auto document = nlohmann::ordered_json::parse(read_file(file));
    if (document.is_array()) {
      for (const auto& each : document) out.push_back(each.dump());
    } else {
      out.push_back(document.dump());
    }
  }
  return out;
}

}  // namespace

std::string read_file(const fs::path& path) {
  // Reads what is not compressed as it is.
  const gzFile file = gzopen(path.c_str(), "rb");
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::string out;
  char piece[1 << 16];
  int size = 0;
  while ((size = gzread(file, piece, sizeof piece)) > 0) out.append(piece, static_cast<std::size_t>(size));
  if (gzclose(file) != Z_OK || size < 0) throw std::runtime_error("cannot read " + path.string());
  return out;
}

bool rows_are_ours(const std::string& set) { return given_folder().empty() || files_of(given_folder(), set).empty(); }

std::vector<std::string> read_rows(const std::string& set) {
  std::vector<std::string> out = rows_of(files_of(rows_are_ours(set) ? kData : given_folder(), set));
  if (out.empty()) throw std::runtime_error("there are no recorded rows of " + set);
  return out;
}

nlohmann::json read_facts(const std::string& name) {
  if (const char* given = std::getenv("PH_FACTS_DIR"))
    return nlohmann::json::parse(read_file(fs::path(given) / (name + ".json")));
  return nlohmann::json::parse(read_file(kData / "facts" / (name + ".json.gz")));
}

std::vector<nlohmann::json> read_group_facts() {
  const char* given = std::getenv("PH_FACTS_DIR");
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(given ? fs::path(given) : kData / "facts")) files.push_back(entry.path());
  std::ranges::sort(files);
  std::vector<nlohmann::json> out;
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    if (name.find("_v") == std::string::npos || name.find(".json") == std::string::npos) continue;
    nlohmann::json facts = nlohmann::json::parse(read_file(file));
    if (facts.value("served", false)) out.push_back(std::move(facts));
  }
  if (out.empty()) throw std::runtime_error("there are no facts of API groups");
  return out;
}

fs::path samples_folder() { return given_folder().empty() ? fs::path("../shared/golden") : given_folder(); }

bool samples_are_required() {
  const char* ci = std::getenv("CI");
  return ci && std::string_view(ci) == "true";
}

}  // namespace ph::vectors
