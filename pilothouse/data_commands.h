// The sub-commands for data directories: snapshot, restore, status, reset.
#pragma once

#include <filesystem>
#include <functional>

namespace CLI {
class App;
}

namespace ph::pilothouse {

// Adds them to `app`. When one of them is on the command line, parsing sets `chosen`: it does the work, says what
// happened and returns the exit code (0; 1 when it could not be done, with the reason on standard error).
void add_data_commands(CLI::App& app, const std::filesystem::path& default_data_dir, std::function<int()>& chosen);

}  // namespace ph::pilothouse
