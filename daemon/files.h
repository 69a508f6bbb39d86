// Files of the programs: the adapter to the file system for everything but the store.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ph::daemon {

// Thrown with words for a person: what was tried, on which path, and why it failed.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Nothing when the file does not exist.
std::optional<std::string> read_file(const std::filesystem::path& path);

// Replaces the file as a whole, durably: it holds the old or the new text after a crash. `secret`: mode 0600, else 0644.
void write_file(const std::filesystem::path& path, std::string_view text, bool secret);

// Makes durable which names a directory holds.
void sync_directory(const std::filesystem::path& path);

// What a directory holds, in order of the names.
std::vector<std::filesystem::path> directory_entries(const std::filesystem::path& path);

// With its parents, mode 0700.
void make_directory(const std::filesystem::path& path);

// Whose a file or directory is, and who may do what with it. A link is told of, not what it leads to.
struct FileFacts {
  unsigned mode = 0;  // permissions alone: 0600
  unsigned uid = 0;
  bool directory = false;
};
// Nothing when it does not exist.
std::optional<FileFacts> file_facts(const std::filesystem::path& path);

// What this process makes from now on is for its user alone, whoever makes it. Before other threads are started.
void keep_files_private();

// Takes the rights of others from a directory itself; whether they had some. Throws unless it belongs to this process' user.
bool close_directory(const std::filesystem::path& path);
// The same for what a directory holds: a file, or a directory with all that is in it; how many others had rights in. What is a link,
// or not there, stays as it is. Throws when something belongs neither to this process' user nor to root.
std::size_t close_to_others(const std::filesystem::path& path);

}  // namespace ph::daemon
