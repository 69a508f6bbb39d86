// Transcripts of elections: tests/election/transcripts/*.txt hold commands ("$ …") and what they bring. With PH_REWRITE=1 the
// files are written anew instead of being compared: review the difference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/election/transcript_world.h"

namespace ph::election::testing {
namespace {

namespace fs = std::filesystem;

const fs::path kTranscripts = "tests/election/transcripts";

std::vector<std::string> transcripts() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kTranscripts)) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The transcript with the output as it is now: comments, empty lines and commands are kept.
std::string replayed(const std::string& transcript) {
  TranscriptWorld world;
  std::istringstream lines(transcript);
  std::string out, line;
  while (std::getline(lines, line)) {
    if (line.starts_with("$ ")) {
      out += line + "\n" + world.run(line.substr(2));
    } else if (line.empty() || line.starts_with('#')) {
      out += line + "\n";
    }
  }
  return out;
}

class Transcripts : public ::testing::TestWithParam<std::string> {};

TEST_P(Transcripts, AreKept) {
  const fs::path path = kTranscripts / (GetParam() + ".txt");
  const std::string written = read(path);
  ASSERT_NE(written.find("\n$ "), std::string::npos) << path << " has no command";
  const std::string now = replayed(written);
  if (std::getenv("PH_REWRITE") != nullptr) {
    std::ofstream(path) << now;
  } else {
    EXPECT_EQ(written, now) << path << "; PH_REWRITE=1 writes it anew";
  }
}

INSTANTIATE_TEST_SUITE_P(Election, Transcripts, ::testing::ValuesIn(transcripts()), [](const auto& info) { return info.param; });

TEST(TranscriptFiles, AreAllFound) { EXPECT_GE(transcripts().size(), 13u); }

}  // namespace
}  // namespace ph::election::testing
