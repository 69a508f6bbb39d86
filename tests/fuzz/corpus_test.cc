// Replays every seed and every past finding of the fuzzers, and what is left of it when it is cut at any byte: in all builds,
// without libFuzzer. PH_GOLDEN_DIR, when it is there, is read too.
#include <gtest/gtest.h>

#include <unistd.h>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/fuzz/fuzzers.h"
#include "tests/vectors/reading.h"

namespace ph::fuzz {
namespace {

namespace fs = std::filesystem;

// Which input is running, for whoever reads how the program ended.
char g_running[4096];
std::size_t g_running_size = 0;

void running(const std::string& what) { g_running_size = what.copy(g_running, sizeof g_running); }

void tell(int signal) {
  constexpr std::string_view kWhile = "while running ";
  (void)!::write(2, kWhile.data(), kWhile.size());
  (void)!::write(2, g_running, g_running_size);
  (void)!::write(2, "\n", 1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::string contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> files(const fs::path& folder, std::string_view extension = {}) {
  std::vector<fs::path> out;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (entry.is_regular_file() && (extension.empty() || entry.path().extension() == extension)) out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

class Corpus : public ::testing::TestWithParam<Fuzzer> {
 public:
  Corpus() {
    for (const int signal : {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGBUS}) std::signal(signal, tell);
  }
  static void run(const fs::path& path, std::string_view input) {
    running(path.string() + ", " + std::to_string(input.size()) + " bytes of it");
    GetParam().run(input);
  }
  // The tests run in the project's folder.
  static fs::path folder() { return fs::path("tests/fuzz/corpus") / GetParam().name; }
};

TEST_P(Corpus, EveryInputHolds) {
  const auto inputs = files(folder());
  ASSERT_FALSE(inputs.empty()) << folder();
  for (const fs::path& path : inputs) run(path, contents(path));
  run("the empty input", {});
}

// Large ones at 2,000 places.
TEST_P(Corpus, EveryCutHolds) {
  for (const fs::path& path : files(folder())) {
    const std::string input = contents(path);
    const std::size_t step = input.size() / 2000 + 1;
    for (std::size_t size = 0; size < input.size(); size += step) run(path, std::string_view(input).substr(0, size));
  }
}

TEST_P(Corpus, GoldenFilesHold) {
  const std::string name = GetParam().name;
  const auto inputs = files(vectors::samples_folder(), name == "protobuf" ? ".pb" : ".json");
  if (inputs.empty()) {
    ASSERT_FALSE(vectors::samples_are_required()) << "no golden files in " << vectors::samples_folder() << ", and this is CI";
    GTEST_SKIP() << "no golden files in " << vectors::samples_folder();
  }
  for (const fs::path& path : inputs) run(path, contents(path));
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, ::testing::ValuesIn(kFuzzers),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace ph::fuzz
