// A directory of a test's own, removed with it.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "base/assert.h"

namespace ph::apiserver::testing {

class TestDirectory {
 public:
  TestDirectory() {
    root_ = (std::filesystem::temp_directory_path() / "ph-store-XXXXXX").string();
    PH_ASSERT(mkdtemp(root_.data()) != nullptr);
  }
  ~TestDirectory() { std::filesystem::remove_all(root_); }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  // Within it; not made yet.
  std::string path() const { return root_ + "/data"; }

 private:
  std::string root_;
};

}  // namespace ph::apiserver::testing
