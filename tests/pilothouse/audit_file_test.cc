// The audit log's file: it is appended to, ends when it is full, and what has ended is compressed and goes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "daemon/files.h"
#include "pilothouse/audit.h"
#include "tests/sim/executor.h"

namespace ph::pilothouse {
namespace {

namespace fs = std::filesystem;

class AuditFile : public ::testing::Test {
 protected:
  AuditFile() : folder_(fs::temp_directory_path() / ("audit-file-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~AuditFile() override { fs::remove_all(folder_); }

  std::shared_ptr<apiserver::audit::Lines> open(AuditFileOptions options) {
    options.path = folder_ / "below" / "audit.log";
    auto out = audit_file(std::move(options), executor_.clock(), executor_, Log());
    executor_.drain();
    return out;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const fs::path& path : daemon::directory_entries(folder_ / "below")) out.push_back(path.filename().string());
    return out;
  }
  void write(apiserver::audit::Lines& lines, int number) {
    for (int i = 0; i < number; ++i) {
      lines.write("0123456789\n");
      executor_.advance(1s);
    }
  }

  sim::SimExecutor executor_;
  const fs::path folder_;
};

TEST_F(AuditFile, IsAppendedToAndItsOwnersAlone) {
  for (int i = 0; i < 2; ++i) open({})->write("line\n");
  EXPECT_EQ(daemon::read_file(folder_ / "below" / "audit.log"), "line\nline\n");
  struct stat facts;
  ASSERT_EQ(::stat((folder_ / "below" / "audit.log").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 077, 0);
}

TEST_F(AuditFile, EndsWhenItIsFull) {
  const auto lines = open({.path = {}, .bytes_max = 30, .days_max = 0, .files_max = 0});
  write(*lines, 5);
  EXPECT_EQ(names().size(), 3) << "two lines each";
  EXPECT_EQ(daemon::read_file(folder_ / "below" / "audit.log"), "0123456789\n");
}

TEST_F(AuditFile, OldOnesAreCompressedAndGo) {
  const auto lines = open({.path = {}, .bytes_max = 15, .days_max = 0, .files_max = 3, .compress = true});
  write(*lines, 9);
  const std::vector<std::string> left = names();
  ASSERT_EQ(left.size(), 4);
  int packed = 0;
  for (const std::string& name : left) packed += name.ends_with(".log.gz");
  EXPECT_EQ(packed, 3);
}

TEST_F(AuditFile, WhatIsTooOldGoes) {
  const auto lines = open({.path = {}, .bytes_max = 15, .days_max = 1, .files_max = 0});
  write(*lines, 3);
  EXPECT_EQ(names().size(), 3);
  executor_.advance(48h);
  write(*lines, 1);
  EXPECT_EQ(names().size(), 2) << "the one that has just ended is no older than that";
}

TEST(AuditOptions, ProblemsAreUpstreams) {
  AuditOptions options;
  options.log_path = "-";
  options.log_mode = "never";
  options.log_format = "xml";
  options.log_maxage = -1;
  options.webhook_config_file = "there";
  options.webhook_mode = "blocking";
  options.webhook_batch.qps = 0;
  EXPECT_THAT(
      audit_problems(options),
      ::testing::ElementsAre(
          "invalid audit log mode never, allowed modes are \"batch,blocking,blocking-strict\"",
          "invalid audit log format xml, allowed formats are \"legacy,json\"", "--audit-log-maxage -1 can't be a negative number",
          "--audit-webhook-mode: blocking is not supported: no request waits for a webhook of the audit; use batch",
          "invalid audit batch webhook throttle QPS 0, must be a positive number"));
  AuditOptions nowhere;
  nowhere.policy_file = "/nowhere/policy.yaml";
  EXPECT_THAT(
      audit_problems(nowhere),
      ::testing::ElementsAre("loading audit policy file: failed to read file path \"/nowhere/policy.yaml\": no such file"));
}

}  // namespace
}  // namespace ph::pilothouse
