// What Kubernetes was recorded doing (docs/vectors.md): documents of tests/data, or of a folder of the same shape.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ph::vectors {

// A file that may be gzip'd. Throws std::runtime_error when it cannot be read.
std::string read_file(const std::filesystem::path& path);

// The documents of a set ("observed/patch", "loops"), one text each, in order: from the folder PH_GOLDEN_DIR when it has that
// set, else those in the tree. Throws std::runtime_error when there are none.
std::vector<std::string> read_rows(const std::string& set);
// Those are the tree's own.
bool rows_are_ours(const std::string& set);

// A table of names and defaults ("scheduler"): of the folder PH_FACTS_DIR when it is given, else the tree's.
nlohmann::json read_facts(const std::string& name);

// The tables of the API groups that Kubernetes serves ("apps_v1", …): resources, types and their members.
std::vector<nlohmann::json> read_group_facts();

// The folder of fully populated objects of each kind, as JSON and protobuf (PH_GOLDEN_DIR, default ../shared/golden): they are
// not in the tree.
std::filesystem::path samples_folder();
// Whether their absence is an error: where CI says that it is CI.
bool samples_are_required();

}  // namespace ph::vectors
