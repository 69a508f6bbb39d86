// Every flag of upstream's three programs: each is known here by its name, type and default, and works, is accepted without
// effect, or is refused unless it keeps its default. The facts are tables in tests/data (docs/vectors.md).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "apiserver/admission/admission.h"
#include "controllers/registry.h"
#include "daemon/files.h"
#include "pilothouse/flags/apiserver.h"
#include "pilothouse/flags/controller_manager.h"
#include "pilothouse/flags/scheduler.h"
#include "pilothouse/manager_component.h"
#include "tests/vectors/reading.h"

namespace ph::pilothouse {
namespace {

using daemon::FlagSet;
using daemon::Standing;
using nlohmann::json;

// name → its row in upstream's list. --help and --version are every program's own.
using Rows = std::map<std::string, json>;
void add(Rows& rows, const json& list) {
  for (const json& row : list) {
    const auto name = row.at("flag").get<std::string>();
    if (name != "help" && name != "version") rows.emplace(name, row);
  }
}
Rows rows_of(const json& groups) {
  Rows out;
  for (const auto& [group, list] : groups.items()) add(out, list);
  return out;
}

struct Count {
  int works = 0, no_effect = 0, refused = 0;
};

Count compare(const char* program, const FlagSet& flags, const Rows& rows, const std::set<std::string>& own) {
  Count count;
  std::set<std::string> known;
  for (const FlagSet::Flag* flag : flags.flags()) {
    known.insert(flag->name);
    const auto row = rows.find(flag->name);
    if (row == rows.end()) {
      EXPECT_TRUE(own.contains(flag->name)) << program << " --" << flag->name << " is not upstream's";
      continue;
    }
    EXPECT_EQ(flag->type, row->second.at("type").get<std::string>()) << program << " --" << flag->name;
    EXPECT_EQ(flag->default_value, row->second.at("default").get<std::string>()) << program << " --" << flag->name;
    if (flag->standing != Standing::Works) EXPECT_FALSE(flag->why.empty()) << flag->name;
    (flag->standing == Standing::Works ? count.works : flag->standing == Standing::NoEffect ? count.no_effect : count.refused)++;
  }
  for (const auto& [name, row] : rows) EXPECT_TRUE(known.contains(name)) << program << " does not know --" << name;
  std::printf("%s: %d flags of upstream's work, %d have no effect, %d may only keep their default\n", program, count.works,
              count.no_effect, count.refused);
  return count;
}

TEST(UpstreamFlags, ControllerManager) {
  const json facts = vectors::read_facts("controllers");
  Rows rows = rows_of(facts.at("commonFlags"));
  for (const json& loop : facts.at("controllers")) add(rows, loop.at("flags"));
  ControllerManagerOptions options;
  FlagSet flags("kube-controller-manager");
  add_flags(flags, options);
  EXPECT_GT(compare("kube-controller-manager", flags, rows, {"hardened", "forward-load-balancers"}).works, 25);
}

TEST(ControllerManagerFlags, RangesOfNodesAndClouds) {
  const auto problem = [](const std::vector<std::string>& args) -> std::string {
    ControllerManagerOptions options;
    FlagSet flags("kube-controller-manager");
    add_flags(flags, options);
    flags.parse(args);
    try {
      check(options);
    } catch (const daemon::FlagError& error) {
      return error.what();
    }
    return {};
  };
  struct Case {
    std::vector<std::string> args;
    const char* problem;
  };
  const Case cases[] = {
      {{"--cluster-cidr=nonsense"}, ""},
      {{"--cloud-provider=local", "--cloud-config=some.yaml"}, ""},
      {{"--cloud-provider=external"},
       "--cloud-provider=external is not supported: no provider outside of this program is asked; without the flag the loops of "
       "a "
       "cloud do not run here, and a cloud controller manager may run them"},
      {{"--cloud-provider=aws"}, "unknown cloud provider \"aws\": there is local"},
      {{"--cloud-config=some.yaml"}, "--cloud-config needs --cloud-provider"},
      {{"--cloud-provider=local", "--forward-load-balancers=own"}, ""},
      {{"--cloud-provider=local", "--forward-load-balancers=::1"}, ""},
      {{"--cloud-provider=local", "--forward-load-balancers=here"},
       "--forward-load-balancers: \"here\" is neither an IP address nor own"},
      {{"--forward-load-balancers=own"}, "--forward-load-balancers needs --cloud-provider"},
      {{"--route-reconciliation-period=0s"}, "--route-reconciliation-period must be positive"},
      {{"--allocate-node-cidrs", "--cluster-cidr=10.244.0.0/16"}, ""},
      {{"--allocate-node-cidrs"}, "Controller: Must specify --cluster-cidr if --allocate-node-cidrs is set"},
      {{"--allocate-node-cidrs", "--controllers=*,-nodeipam"}, ""},
      {{"--allocate-node-cidrs", "--cluster-cidr=10.244.0.0/16", "--cidr-allocator-type=CloudAllocator"},
       "invalid CIDR allocator type: CloudAllocator"},
      {{"--allocate-node-cidrs", "--cluster-cidr=10.244.0.0/16,fd00::/48", "--node-cidr-mask-size=24"},
       "usage of --node-cidr-mask-size is not allowed with dual-stack clusters"},
      {{"--service-cluster-ip-range=10.0.0.0/16,fd00::/108,10.1.0.0/16"},
       "--service-cluster-ip-range can not contain more than two entries"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.args));
    EXPECT_EQ(problem(c.args), c.problem);
  }
}

TEST(UpstreamFlags, Scheduler) {
  const json facts = vectors::read_facts("scheduler");
  SchedulerOptions options;
  FlagSet flags("kube-scheduler");
  add_flags(flags, options);
  EXPECT_GT(compare("kube-scheduler", flags, rows_of(facts.at("flags")), {"hardened", "plugin"}).works, 25);
}

TEST(SchedulerFlags, SayHowLongAPodMayWaitForAnEvent) {
  SchedulerOptions options;
  FlagSet flags("kube-scheduler");
  add_flags(flags, options);
  EXPECT_EQ(resolve(flags, options).unschedulable_max, 5min);
  flags.parse(std::vector<std::string>{"--pod-max-in-unschedulable-pods-duration=7s"});
  EXPECT_EQ(resolve(flags, options).unschedulable_max, 7s);
}

TEST(UpstreamFlags, ApiServer) {
  const json facts = vectors::read_facts("apiserver");
  ApiServerProgramOptions options;
  FlagSet flags("kube-apiserver");
  add_flags(flags, options);
  EXPECT_GT(compare("kube-apiserver", flags, rows_of(facts.at("flags")),
                    {"crd-ignore-cel", "data-dir", "hardened", "io-threads", "metrics-server", "store"})
                .works,
            25);
}

TEST(FeatureGates, KnownOnesMayKeepTheirDefault) {
  struct Case {
    const char* name;
    std::map<std::string, std::string> gates;
    const char* problem;
  };
  const Case cases[] = {
      {"none", {}, ""},
      {"the default", {{"WatchList", "true"}, {"GangScheduling", "false"}}, ""},
      {"all at once, off", {{"AllAlpha", "false"}}, ""},
      {"another value",
       {{"GangScheduling", "true"}},
       "cannot set feature gate GangScheduling to true: only its default, false, is supported here"},
      {"another value of one that is here", {{"MaxUnavailableStatefulSet", "true"}}, ""},
      {"locked",
       {{"SidecarContainers", "false"}},
       "cannot set feature gate SidecarContainers to false, feature is locked to true"},
      {"unknown", {{"Nonsense", "true"}}, "unrecognized feature gate: Nonsense"},
      {"no value", {{"WatchList", "yes"}}, "invalid value of WatchList=yes, err: neither true nor false"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::string problem;
    try {
      daemon::check_gates(c.gates);
    } catch (const daemon::FlagError& error) {
      problem = error.what();
    }
    EXPECT_EQ(problem, c.problem);
  }
}

// What the apiserver's flags are refused for, once all are read.
std::string problem_of(const std::vector<std::string>& args) {
  ApiServerProgramOptions options;
  FlagSet flags("kube-apiserver");
  add_flags(flags, options);
  try {
    flags.parse(args);
    resolve(options);
  } catch (const daemon::FlagError& error) {
    return error.what();
  }
  return {};
}

TEST(ApiServerFlags, ValuesThatWouldChangeNothingAreRefused) {
  struct Case {
    std::vector<std::string> args;
    const char* problem;
  };
  const Case cases[] = {
      {{}, ""},
      {{"--enable-admission-plugins=Priority,TaintNodesByCondition", "--disable-admission-plugins=ServiceAccount"}, ""},
      {{"--enable-admission-plugins=Nonsense"}, "enable-admission-plugins plugin \"Nonsense\" is unknown"},
      {{"--disable-admission-plugins=Nonsense"}, "disable-admission-plugins plugin \"Nonsense\" is unknown"},
      {{"--enable-admission-plugins=ClusterTrustBundleAttest"},
       "enable-admission-plugins plugin \"ClusterTrustBundleAttest\" is not there yet"},
      {{"--enable-admission-plugins=NodeRestriction,AlwaysPullImages"}, ""},
      {{"--disable-admission-plugins=EventRateLimit"}, ""},
      {{"--enable-admission-plugins=One,Two"},
       "[enable-admission-plugins plugin \"One\" is unknown, enable-admission-plugins plugin \"Two\" is unknown]"},
      {{"--enable-admission-plugins=Priority", "--disable-admission-plugins=Priority"},
       "[Priority] in enable-admission-plugins and disable-admission-plugins overlapped"},
      {{"--authorization-mode=RBAC,Node"}, ""},
      {{"--authorization-mode=AlwaysDeny"}, ""},
      {{"--authorization-mode=Nonsense"}, "authorization-mode \"Nonsense\" is not a valid mode"},
      {{"--authorization-mode=RBAC,Webhook"}, "authorization-mode Webhook's authorization config file not passed"},
      {{"--authorization-mode=RBAC,RBAC"}, "authorization-mode [\"RBAC\" \"RBAC\"] has mode specified more than once"},
      {{"--service-cluster-ip-range=fd00::/64"}, "--service-cluster-ip-range: not a service range: fd00::/64"},
      {{"--service-cluster-ip-range=10.0.0.0/16,10.1.0.0/16"},
       "--service-cluster-ip-range: two service ranges of one family: 10.0.0.0/16,10.1.0.0/16"},
      {{"--advertise-address=here"}, "invalid argument \"here\" for \"--advertise-address\" flag: failed to parse IP: \"here\""},
      {{"--io-threads=1"}, ""},
      {{"--io-threads=64"}, ""},
      {{"--io-threads=0"}, "--io-threads: 0 is not between 1 and 64"},
      {{"--io-threads=65"}, "--io-threads: 65 is not between 1 and 64"},
      {{"--io-threads=-1"}, "--io-threads: -1 is not between 1 and 64"},
      {{"--io-threads=many"}, "invalid argument \"many\" for \"--io-threads\" flag: not a number"},
      {{"--min-request-timeout=-1"}, "--min-request-timeout can not be negative value"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.args));
    EXPECT_EQ(problem_of(c.args), c.problem);
  }
}

TEST(ApiServerFlags, AdmissionPluginsAreConfiguredByAFile) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "admission-flags";
  std::filesystem::create_directories(folder);
  const auto write = [&](const char* name, const std::string& text) { std::ofstream(folder / name) << text; };
  const std::string head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n";
  write("selectors.yaml", "podNodeSelectorPluginConfig:\n  here: a=b\n");
  write("good.yaml", head + "- name: PodNodeSelector\n  path: selectors.yaml\n");
  write("bad.yaml", head + "- name: AlwaysAdmit\n");

  ApiServerProgramOptions options;
  FlagSet flags("kube-apiserver");
  add_flags(flags, options);
  flags.parse(std::vector<std::string>{"--admission-control-config-file=" + (folder / "good.yaml").string()});
  resolve(options);
  EXPECT_EQ(options.standard.admission_configurations,
            (apiserver::AdmissionConfigurations{{"PodNodeSelector", R"({"podNodeSelectorPluginConfig":{"here":"a=b"}})"}}))
      << "files that it names are beside it";
  const std::string bad = (folder / "bad.yaml").string();
  EXPECT_EQ(problem_of({"--admission-control-config-file=" + bad}),
            "--admission-control-config-file: " + bad +
                ": AdmissionConfiguration: plugins[0]: there is no plugin \"AlwaysAdmit\" that has a configuration");
  std::filesystem::remove_all(folder);
}

TEST(ApiServerFlags, OneIoThreadAProcessor) {
  ApiServerProgramOptions options;
  EXPECT_EQ(options.io_threads, UpOptions().io_threads);
  EXPECT_EQ(options.io_threads, std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kIoThreadsMax));
  FlagSet flags("kube-apiserver");
  add_flags(flags, options);
  flags.parse(std::vector<std::string>{"--io-threads=7"});
  resolve(options);
  EXPECT_EQ(options.io_threads, 7);
}

TEST(ApiServerFlags, AuthorizersAreAskedInTheOrderGiven) {
  using enum apiserver::StandardOptions::Authorization;
  const auto asked = [](const std::string& modes) {
    ApiServerProgramOptions options;
    FlagSet flags("kube-apiserver");
    add_flags(flags, options);
    flags.parse(std::vector<std::string>{"--authorization-mode=" + modes});
    resolve(options);
    return options.standard.authorization;
  };
  EXPECT_THAT(asked(""), testing::ElementsAre(Node, Rbac));
  EXPECT_THAT(asked("RBAC"), testing::ElementsAre(Rbac));
  EXPECT_THAT(asked("RBAC,Node,AlwaysDeny"), testing::ElementsAre(Rbac, Node, AlwaysDeny));
  EXPECT_THAT(asked("AlwaysDeny,AlwaysAllow"), testing::ElementsAre(AlwaysDeny, AlwaysAllow));
}

TEST(ApiServerFlags, WhatIsWrongWithAuthorization) {
  const std::filesystem::path dir = std::filesystem::path(testing::TempDir()) / "authorization_flags";
  daemon::make_directory(dir);
  const auto file = [&](const char* name, const std::string& text) {
    daemon::write_file(dir / name, text, false);
    return (dir / name).string();
  };
  const std::string head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:\n";
  const std::string policies = file("policies", "{\"user\":\"joe\"}\n"), bad_policies = file("bad", "{\n");
  const std::string good = file("good.yaml", head + "- {type: RBAC, name: rbac}\n"), nobody = file("nobody.yaml", head);
  const std::string abac = file("abac.yaml", head + "- {type: ABAC, name: abac}\n");
  const std::string lost =
      file("lost.yaml", head +
                            "- type: Webhook\n  name: w\n  webhook: {timeout: 1s, subjectAccessReviewVersion: v1, "
                            "failurePolicy: Deny, connectionInfo: {type: KubeConfigFile, kubeConfigFile: /no/such}}\n");
  struct Case {
    std::vector<std::string> args;
    std::string problem;
  };
  const Case cases[] = {
      {{"--authorization-mode=RBAC,Webhook,ABAC", "--authorization-policy-file=" + policies,
        "--authorization-webhook-config-file=" + good},
       ""},
      {{"--authorization-mode=Foo"}, "authorization-mode \"Foo\" is not a valid mode"},
      {{"--authorization-mode=RBAC,RBAC"}, "authorization-mode [\"RBAC\" \"RBAC\"] has mode specified more than once"},
      {{"--authorization-mode=ABAC"}, "authorization-mode ABAC's authorization policy file not passed"},
      {{"--authorization-mode=Webhook"}, "authorization-mode Webhook's authorization config file not passed"},
      {{"--authorization-policy-file=" + policies}, "cannot specify --authorization-policy-file without mode ABAC"},
      {{"--authorization-webhook-config-file=x"}, "cannot specify --authorization-webhook-config-file without mode Webhook"},
      {{"--authorization-mode=ABAC", "--authorization-policy-file=/no/such"},
       "--authorization-policy-file: there is no file /no/such"},
      {{"--authorization-config=" + good}, ""},
      {{"--authorization-config=" + good, "--authorization-mode=RBAC"},
       "--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined"},
      {{"--authorization-config=/no/such"}, "--authorization-config: there is no file /no/such"},
      {{"--authorization-config=" + nobody},
       "--authorization-config: " + nobody + ": authorizers: Required value: at least one authorization mode must be defined"},
      {{"--authorization-config=" + abac}, "authorization-mode ABAC's authorization policy file not passed"},
      {{"--authorization-config=" + abac, "--authorization-policy-file=" + policies}, ""},
      {{"--authorization-config=" + lost},
       "--authorization-config: " + lost +
           ": authorizers[0].connectionInfo.kubeConfigFile: Invalid value: \"/no/such\": error loading file: stat /no/such: no "
           "such file "
           "or directory"},
  };
  const auto problem = [](const std::vector<std::string>& args) -> std::string {
    ApiServerProgramOptions options;
    FlagSet flags("kube-apiserver");
    add_flags(flags, options);
    try {
      flags.parse(args);
      resolve(options);
    } catch (const daemon::FlagError& error) {
      return error.what();
    }
    return {};
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.args));
    EXPECT_EQ(problem(c.args), c.problem);
  }
  EXPECT_TRUE(problem({"--authorization-mode=ABAC", "--authorization-policy-file=" + bad_policies})
                  .starts_with("error reading policy file " + bad_policies + ", line 1: {: "));
}

TEST(UpstreamAdmission, NamesOrderAndDefaults) {
  const json facts = vectors::read_facts("apiserver");
  std::vector<std::string> names, on;
  for (const apiserver::UpstreamAdmission& plugin : apiserver::upstream_admission()) {
    names.emplace_back(plugin.name);
    if (plugin.on_by_default) on.emplace_back(plugin.name);
  }
  EXPECT_EQ(names, facts.at("admissionOrder").get<std::vector<std::string>>());
  EXPECT_EQ(on, facts.at("admissionOnByDefault").get<std::vector<std::string>>());
  std::vector<std::string> here;
  for (const apiserver::AdmissionEntry& entry : apiserver::admission_entries()) here.emplace_back(entry.name);
  std::erase_if(names, [&](const std::string& name) { return std::ranges::find(here, name) == here.end(); });
  EXPECT_EQ(here, names) << "they run in upstream's order";
}

// -- Beside kubeadm's controller manager

// The value of --controllers in a text, behind `before`.
std::string controllers_in(const std::string& text, std::string_view before) {
  constexpr std::string_view kFlag = "--controllers=";
  const auto from = text.find(kFlag, text.find(before));
  if (from == std::string::npos) return {};
  const auto begin = from + kFlag.size();
  return text.substr(begin, text.find_first_of(" `\n", begin) - begin);
}

TEST(KubeadmManifests, EachLoopRunsOnce) {
  const auto manifest = daemon::read_file("manifests/kubeadm/kube-controller-manager.yaml");
  const auto guide = daemon::read_file("docs/guides/kubeadm.md");
  ASSERT_TRUE(manifest && guide) << "run from the top of the tree";
  std::set<std::string> ours, left_to_us;
  for (const auto* loop : chosen_loops(controllers_in(*manifest, "command:"))) ours.emplace(loop->name);
  std::string theirs = controllers_in(*guide, "Upstream's manifest gets");
  EXPECT_TRUE(theirs.starts_with("*,")) << theirs;
  for (std::size_t at = 0; (at = theirs.find(",-", at)) != std::string::npos;) {
    at += 2;
    const auto* loop = controllers::find_loop(theirs.substr(at, theirs.find(',', at) - at));
    ASSERT_TRUE(loop) << theirs.substr(at);
    left_to_us.emplace(loop->name);
  }
  EXPECT_EQ(ours, left_to_us);
  EXPECT_GT(ours.size(), 5);
  for (const char* all_kinds : {"namespace-controller", "garbage-collector-controller"})
    EXPECT_TRUE(ours.contains(all_kinds)) << all_kinds;
}

}  // namespace
}  // namespace ph::pilothouse
