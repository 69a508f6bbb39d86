// What the CIS benchmark says of a hardened control plane, and of one in which a single setting is undone.
#include "pilothouse/cis.h"

#include <set>

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "apiserver/storage/encryption/configuration.h"
#include "daemon/data_dir.h"
#include "daemon/files.h"
#include "pilothouse/flags/hardened.h"
#include "tests/sim/executor.h"

namespace ph::pilothouse {
namespace {

using testing::ElementsAre, testing::IsEmpty;
using enum CisPart;

// A directory that is gone at the end.
class CisTest : public testing::Test {
 protected:
  CisTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ph-cis-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~CisTest() override { std::filesystem::remove_all(path_); }

  std::filesystem::path data() const { return path_ / "data"; }
  std::string kubeconfig(const char* name) const { return (data() / (std::string(name) + ".kubeconfig")).string(); }

  // What /flagz shows of an apiserver that was started so, and on this directory.
  daemon::FlagValues apiserver(std::vector<std::string> args) {
    args.push_back("--data-dir=" + data().string());
    ApiServerProgramOptions options;
    daemon::FlagSet flags("kube-apiserver");
    add_flags(flags, options);
    flags.parse(args);
    harden(flags, options, rng_);
    resolve(options);
    return daemon::flag_values(flags);
  }
  daemon::FlagValues controller_manager(std::vector<std::string> args) const {
    args.push_back("--kubeconfig=" + kubeconfig("controller-manager"));
    ControllerManagerOptions options;
    daemon::FlagSet flags("kube-controller-manager");
    add_flags(flags, options);
    flags.parse(args);
    harden(flags, options);
    check(options);
    return daemon::flag_values(flags);
  }
  daemon::FlagValues scheduler(std::vector<std::string> args) const {
    SchedulerOptions options;
    daemon::FlagSet flags("kube-scheduler");
    add_flags(flags, options);
    flags.parse(args);
    harden(flags, options);
    resolve(flags, options);
    return daemon::flag_values(flags);
  }

  // A control plane all of whose programs are hardened, and have these flags besides.
  CisFacts facts(CisPart with = ApiServer, const std::string& flag = {}) {
    const auto args = [&](CisPart part) {
      std::vector<std::string> out{"--hardened"};
      if (part == with && !flag.empty()) out.push_back(flag);
      return out;
    };
    daemon::DataDir dir({.path = data()}, clock_, rng_);
    dir.write_kubeconfigs("https://127.0.0.1:6443");
    daemon::make_directory(data() / "store");
    CisFacts out;
    out.of(ApiServer).flags = apiserver(args(ApiServer));
    out.of(ControllerManager).flags = controller_manager(args(ControllerManager));
    out.of(Scheduler).flags = scheduler(args(Scheduler));
    out.files = cis_files(data());
    out.encryption = daemon::read_file(out.of(ApiServer).flags->at("encryption-provider-config"));
    return out;
  }

  static std::vector<std::string> failed(const CisFacts& facts) {
    std::vector<std::string> out;
    for (const CisResult& each : judge(facts)) {
      if (each.verdict.status == CisStatus::Fail) out.emplace_back(each.check->item);
    }
    return out;
  }

  std::filesystem::path path_;
  sim::SimClock clock_;
  SeededRng rng_{1};
};

TEST_F(CisTest, HardenedFailsInNothing) {
  const CisFacts all = facts();
  EXPECT_THAT(failed(all), IsEmpty()) << cis_table(judge(all));
  std::vector<std::string> by_hand;
  for (const CisResult& each : judge(all)) {
    if (each.verdict.status == CisStatus::Manual) by_hand.emplace_back(each.check->item);
  }
  EXPECT_THAT(by_hand, ElementsAre("3.2.2"));
}

TEST_F(CisTest, EachFlagThatIsUndoneFailsItsItem) {
  struct Case {
    CisPart part;
    const char* flag;
    const char* item;
  };
  daemon::write_file(path_ / "tokens.csv", "secret,joe,1\n", true);
  const std::string tokens = "--token-auth-file=" + (path_ / "tokens.csv").string();
  const Case cases[] = {
      {ApiServer, "--anonymous-auth=true", "1.2.1"},
      {ApiServer, tokens.c_str(), "1.2.2"},
      {ApiServer, "--enable-admission-plugins=NodeRestriction,AlwaysPullImages,EventRateLimit", "1.2.3"},
      {ApiServer, "--kubelet-certificate-authority=", "1.2.5"},
      {ApiServer, "--authorization-mode=Node,RBAC,AlwaysAllow", "1.2.6"},
      {ApiServer, "--authorization-mode=RBAC", "1.2.7"},
      {ApiServer, "--authorization-mode=Node", "1.2.8"},
      {ApiServer, "--enable-admission-plugins=NodeRestriction,AlwaysPullImages,DenyServiceExternalIPs", "1.2.9"},
      {ApiServer, "--enable-admission-plugins=NodeRestriction,AlwaysPullImages,EventRateLimit,DenyServiceExternalIPs,AlwaysAdmit",
       "1.2.10"},
      {ApiServer, "--disable-admission-plugins=AlwaysPullImages", "1.2.11"},
      {ApiServer, "--disable-admission-plugins=ServiceAccount", "1.2.12"},
      {ApiServer, "--disable-admission-plugins=NamespaceLifecycle", "1.2.13"},
      {ApiServer, "--enable-admission-plugins=AlwaysPullImages,EventRateLimit,DenyServiceExternalIPs", "1.2.14"},
      {ApiServer, "--profiling=true", "1.2.15"},
      {ApiServer, "--audit-log-path=", "1.2.16"},
      {ApiServer, "--audit-log-maxage=29", "1.2.17"},
      {ApiServer, "--audit-log-maxbackup=9", "1.2.18"},
      {ApiServer, "--audit-log-maxsize=99", "1.2.19"},
      {ApiServer, "--request-timeout=6m", "1.2.20"},
      {ApiServer, "--encryption-provider-config=", "1.2.27"},
      {ApiServer, "--service-account-extend-token-expiration=true", "1.2.30"},
      {ControllerManager, "--terminated-pod-gc-threshold=0", "1.3.1"},
      {ControllerManager, "--profiling=true", "1.3.2"},
      {ControllerManager, "--use-service-account-credentials=false", "1.3.3"},
      {ControllerManager, "--service-account-private-key-file=", "1.3.4"},
      {ControllerManager, "--bind-address=0.0.0.0", "1.3.7"},
      {Scheduler, "--profiling=true", "1.4.1"},
      {Scheduler, "--bind-address=0.0.0.0", "1.4.2"},
      {ApiServer, "--audit-policy-file=", "3.2.1"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.flag);
    EXPECT_THAT(failed(facts(c.part, c.flag)), ElementsAre(c.item));
  }
}

// Flags that our programs do not let anybody set so, and whatever another program may show.
TEST_F(CisTest, EachValueThatIsNotAskedForFailsItsItem) {
  CisFacts changed = facts();
  changed.of(ApiServer).flags->at("service-account-lookup") = "false";
  EXPECT_THAT(failed(changed), ElementsAre("1.2.21"));
  changed = facts();
  changed.of(ControllerManager).flags->at("feature-gates") = "RotateKubeletServerCertificate=false";
  EXPECT_THAT(failed(changed), ElementsAre("1.3.6"));
  for (const char* first : {"identity: {}", "aesgcm: {keys: []}"}) {
    changed = facts();
    changed.encryption = std::string("resources: [{resources: [secrets], providers: [{") + first + "}]}]";
    EXPECT_THAT(failed(changed), ElementsAre("1.2.28")) << first;
  }
  changed.encryption = "resources: [";
  EXPECT_THAT(failed(changed), ElementsAre("1.2.28"));
}

TEST_F(CisTest, EachFileThatIsOpenToOthersFailsItsItem) {
  const std::pair<const char*, const char*> cases[] = {
      {".", "1.1.11"},
      {"store", "1.1.11"},
      {"admin.kubeconfig", "1.1.13"},
      {"scheduler.kubeconfig", "1.1.15"},
      {"controller-manager.kubeconfig", "1.1.17"},
      {"pki/ca.crt", "1.1.20"},
      {"pki/sa.key", "1.1.21"},
      {"pki/encryption.yaml", "1.1.21"},
  };
  facts();
  for (const auto& [file, item] : cases) {
    SCOPED_TRACE(file);
    const unsigned before = daemon::file_facts(data() / file)->mode;
    ASSERT_EQ(::chmod((data() / file).c_str(), before | 0022), 0);
    CisFacts changed;
    changed.files = cis_files(data());
    EXPECT_THAT(failed(changed), ElementsAre(item));
    ASSERT_EQ(::chmod((data() / file).c_str(), before), 0);
  }
}

TEST_F(CisTest, EachFileOfSomebodyElseFailsItsItem) {
  const std::pair<const char*, const char*> cases[] = {
      {"store", "1.1.12"},
      {"admin.kubeconfig", "1.1.14"},
      {"scheduler.kubeconfig", "1.1.16"},
      {"controller-manager.kubeconfig", "1.1.18"},
      {"pki", "1.1.19"},
      {"pki/sa.pub", "1.1.19"},
  };
  const CisFacts good = facts();
  for (const auto& [name, item] : cases) {
    SCOPED_TRACE(name);
    CisFacts changed = good;
    for (CisFile& file : *changed.files) {
      if (file.path == name) file.uid = 12345;
    }
    EXPECT_THAT(failed(changed), ElementsAre(item));
  }
}

TEST_F(CisTest, WithoutAWordNothingIsHardened) {
  CisFacts plain = facts();
  plain.of(ApiServer).flags = apiserver({});
  plain.of(ControllerManager).flags = controller_manager({});
  plain.of(Scheduler).flags = scheduler({});
  EXPECT_THAT(failed(plain), ElementsAre("1.2.1", "1.2.3", "1.2.5", "1.2.9", "1.2.11", "1.2.14", "1.2.15", "1.2.16", "1.2.27",
                                         "1.2.30", "1.3.2", "1.3.3", "1.3.4", "1.3.7", "1.4.1", "1.4.2", "3.2.1"));
}

TEST_F(CisTest, WhatIsNotKnownIsNotJudged) {
  for (const CisResult& each : judge({})) EXPECT_NE(each.verdict.status, CisStatus::Fail) << each.check->item;
  CisFacts one = facts();
  one.of(ControllerManager) = one.of(Scheduler) = {.flags = std::nullopt, .within_apiserver = true};
  for (const CisResult& each : judge(one)) {
    if (each.check->part != ApiServer) EXPECT_EQ(each.verdict.status, CisStatus::NotApplicable) << each.check->item;
  }
  CisFacts file = facts();
  file.of(ApiServer).flags->at("authorization-config") = "/somewhere";
  file.of(ApiServer).flags->at("authentication-config") = "/somewhere";
  for (const CisResult& each : judge(file)) {
    if (const std::string_view on = each.check->on; on == "authorization-mode" || on == "anonymous-auth")
      EXPECT_EQ(each.verdict.status, CisStatus::Manual) << each.check->item;
  }
}

// Numbers once and in order, and who fails is told what helps.
TEST(CisChecks, AreWhole) {
  std::set<std::string> seen;
  for (const CisCheck& check : cis_checks()) {
    EXPECT_TRUE(seen.insert(check.item).second) << check.item;
    EXPECT_NE(std::string_view(check.title), "") << check.item;
  }
  EXPECT_EQ(seen.size(), 21u + 30 + 7 + 2 + 7 + 2);
}

TEST_F(CisTest, TableAndJsonSayTheSame) {
  const std::vector<CisResult> results = judge(facts(ApiServer, "--anonymous-auth=true"));
  const std::string table = cis_table(results);
  EXPECT_THAT(table, testing::HasSubstr("1.2.1   FAIL"));
  EXPECT_THAT(table, testing::HasSubstr("1.2.1   --anonymous-auth=false\n"));
  EXPECT_THAT(table, testing::HasSubstr(" 1 failed, 1 to be looked at, "));
  const auto json = nlohmann::json::parse(cis_json(results));
  EXPECT_EQ(json["failed"], 1);
  EXPECT_EQ(json["items"].size(), results.size());
  for (const auto& item : json["items"]) {
    if (item["item"] == "1.2.1") {
      EXPECT_EQ(item["status"], "FAIL");
      EXPECT_EQ(item["reason"], "--anonymous-auth=true");
      EXPECT_EQ(item["remedy"], "--anonymous-auth=false");
    }
  }
}

// -- What --hardened makes

TEST_F(CisTest, HardenedKeepsItsKey) {
  apiserver({"--hardened"});
  const auto file = data() / "pki" / "encryption.yaml";
  const auto first = daemon::read_file(file);
  ASSERT_TRUE(first);
  EXPECT_EQ(daemon::file_facts(file)->mode, 0600u);
  const auto configuration = apiserver::encryption::read_configuration(*first);
  EXPECT_THAT(configuration.of("", "secrets").seal("/registry/secrets/a/b", "plain", rng_),
              testing::StartsWith("k8s:enc:secretbox:v1:key1:"));
  apiserver({"--hardened"});
  EXPECT_EQ(daemon::read_file(file), first) << "what was encrypted with it could not be read with another";
  EXPECT_EQ(daemon::file_facts(data() / "hardened")->mode, 0700u);
}

TEST_F(CisTest, HardenedMakesNothingOfWhatIsGiven) {
  daemon::write_file(path_ / "policy.yaml", "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}", false);
  const auto flags =
      apiserver({"--hardened", "--audit-policy-file=" + (path_ / "policy.yaml").string(), "--encryption-provider-config="});
  EXPECT_EQ(flags.at("audit-policy-file"), (path_ / "policy.yaml").string());
  EXPECT_EQ(flags.at("encryption-provider-config"), "");
  EXPECT_FALSE(daemon::file_facts(data() / "hardened" / "audit-policy.yaml"));
  EXPECT_FALSE(daemon::file_facts(data() / "pki" / "encryption.yaml"));
}

TEST_F(CisTest, HardenedTouchesNoDirectoryOfOthers) {
  daemon::make_directory(data());
  daemon::write_file(data() / "letter.txt", "not ours", false);
  EXPECT_THROW(apiserver({"--hardened"}), daemon::FileError);
  EXPECT_EQ(daemon::directory_entries(data()).size(), 1u);
}

}  // namespace
}  // namespace ph::pilothouse
