// Plugins from shared objects: loading them, and what they do to where pods go.
#include "pilothouse/foreign_plugins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "pilothouse/flags/scheduler.h"
#include "scheduler/scheduler.h"
#include "tests/sim/cluster.h"

namespace ph::pilothouse {
namespace {

using core::v1::Node, core::v1::Pod;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// Where the build puts them, beside this program's folder.
std::string built(const std::string& name) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "plugins" / (name + ".so")).string();
}

std::string refusal(std::vector<std::string> files) {
  try {
    const ForeignPlugins plugins(files);
  } catch (const scheduler::ForeignPluginError& error) {
    return error.what();
  }
  return "";
}

TEST(ForeignPlugins, AreLoadedOrRefusedWithAWord) {
  const std::vector<std::string> files{built("team_nodes"), built("throwing")};
  const ForeignPlugins plugins(files);
  std::vector<std::string> names;
  for (const auto& entry : plugins.entries()) names.emplace_back(entry.name);
  EXPECT_THAT(names, ElementsAre("TeamNodes", "Throwing"));

  EXPECT_THAT(refusal({"/nowhere/x.so"}), AllOf(StartsWith("/nowhere/x.so: "), HasSubstr("No such file")));
  EXPECT_THAT(refusal({"libc.so.6"}), AllOf(StartsWith("libc.so.6: "), HasSubstr("No such file")));  // nothing of the system's
  EXPECT_THAT(refusal({"README.md"}), StartsWith("README.md: "));
  EXPECT_THAT(refusal({built("nothing")}), HasSubstr("it is no scheduler plugin: "));
  EXPECT_THAT(refusal({built("other_version")}),
              EndsWith("it is made for version 2 of the plugin interface, and this is version 1"));
  EXPECT_THAT(refusal({built("team_nodes"), built("team_nodes")}),
              EndsWith("another object has brought a plugin \"TeamNodes\" already"));
}

TEST(ForeignPlugins, AFlagNamesThem) {
  const auto resolved = [](const std::string& file) {
    SchedulerOptions options;
    daemon::FlagSet flags("kube-scheduler");
    add_flags(flags, options);
    flags.parse(std::vector<std::string>{"--plugin=" + file, "--config=manifests/scheduler-plugin/scheduler.yaml"});
    return resolve(flags, options).profiles.at(1).weights.at("TeamNodes");
  };
  EXPECT_EQ(resolved(built("team_nodes")), 5);
  EXPECT_THROW(resolved("/nowhere/x.so"), scheduler::ForeignPluginError);
  EXPECT_THROW(resolved(built("throwing")), scheduler::ConfigurationError);  // the file names another one
}

// A scheduler with plugins in a simulated cluster.
class WithPlugins : public testing::Test {
 protected:
  void run(std::vector<std::string> files, std::string_view profiles) {
    plugins_ = ForeignPlugins(files);
    cluster_.on_write([this](const sim::Cluster::Write&) { executor_ = Executor::current(); });
    for (const auto& [name, team, cpu] : {std::tuple("common", "", "1"), {"red-1", "red", "1200m"}}) {
      Node node;
      node.mutable_metadata()->set_name(name);
      if (*team != 0) (*node.mutable_metadata()->mutable_labels())["team"] = team;
      for (const auto& [resource, amount] : {std::pair("cpu", cpu), {"memory", "8Gi"}, {"pods", "10"}}) {
        (*node.mutable_status()->mutable_allocatable())[resource].set_string(amount);
      }
      const auto status = node.status();
      node = cluster_.create(std::move(node));
      *node.mutable_status() = status;
      cluster_.update_status(std::move(node));
    }
    auto configuration = scheduler::Configuration::parse(
        "{apiVersion: kubescheduler.config.k8s.io/v1, kind: KubeSchedulerConfiguration, profiles: [" + std::string(profiles) +
            "]}",
        plugins_.entries());
    idle_ = plugins_.idle_in(configuration.profiles);
    informers_ = std::make_unique<informers::Informers>(*executor_, cluster_.client(), rng_, Log());
    scheduler_ = std::make_unique<scheduler::Scheduler>(scheduler::SchedulerWorld{.executor = *executor_,
                                                                                  .clock = executor_->clock(),
                                                                                  .rng = rng_,
                                                                                  .client = cluster_.client(),
                                                                                  .informers = *informers_,
                                                                                  .log = {},
                                                                                  .plugins = plugins_.entries()},
                                                        std::move(configuration));
    scope_ = std::make_unique<Scope>(*executor_);
    scope_->spawn(scheduler_->run());
    cluster_.advance(1s);
  }
  // The node it gets, or its condition.
  std::string place(const std::string& name, const std::string& team, const std::string& by = "teams") {
    Pod pod;
    pod.mutable_metadata()->set_namespace_("default");
    pod.mutable_metadata()->set_name(name);
    if (!team.empty()) (*pod.mutable_metadata()->mutable_labels())["team"] = team;
    pod.mutable_spec()->set_scheduler_name(by);
    auto* container = pod.mutable_spec()->add_containers();
    container->set_name("c");
    container->set_image("i");
    (*container->mutable_resources()->mutable_requests())["cpu"].set_string("400m");
    cluster_.create(std::move(pod));
    cluster_.advance(500ms);
    return outcome(name);
  }
  std::string outcome(const std::string& name) {
    const Pod now = cluster_.get<Pod>("default/" + name);
    if (!now.spec().node_name().empty()) return now.spec().node_name();
    for (const auto& one : now.status().conditions()) {
      if (one.type() == "PodScheduled") return one.reason() + ": " + one.message();
    }
    return "not tried";
  }

  ForeignPlugins plugins_;
  sim::Cluster cluster_{sim::no_loops()};
  Executor* executor_ = nullptr;
  SeededRng rng_{1};
  std::vector<std::string> idle_;
  std::unique_ptr<informers::Informers> informers_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
  std::unique_ptr<Scope> scope_;
};

constexpr std::string_view kTeams = R"({schedulerName: default-scheduler},
    {schedulerName: teams, plugins: {multiPoint: {enabled: [{name: TeamNodes, weight: 5}]}}})";

TEST_F(WithPlugins, FilterAndScoreCountInTheProfileThatNamesThem) {
  run({built("team_nodes")}, kTeams);
  EXPECT_THAT(idle_, ElementsAre());
  // Those of the team prefer its node to the empty one; others go elsewhere, and nowhere when nothing else is left.
  EXPECT_EQ(place("a", "red"), "red-1");
  EXPECT_EQ(place("b", "red"), "red-1");
  EXPECT_EQ(place("c", ""), "common");
  EXPECT_EQ(place("d", "blue"), "common");
  EXPECT_THAT(place("e", "blue"),
              StartsWith("Unschedulable: 0/2 nodes are available: 1 Insufficient cpu, 1 node(s) belonged to another team."));
  // The other profile knows nothing of teams.
  EXPECT_EQ(place("f", "", "default-scheduler"), "red-1");
  // The node's label is what it reads: a change of it is worth another attempt.
  cluster_.edit<Node>("red-1", [](Node& node) { (*node.mutable_metadata()->mutable_labels())["team"] = "blue"; });
  cluster_.advance(15s);
  EXPECT_THAT(outcome("e"), StartsWith("Unschedulable: 0/2 nodes are available: 2 Insufficient cpu."));
}

TEST_F(WithPlugins, AFailureIsAnErrorWithItsName) {
  run({built("team_nodes"), built("throwing")}, R"({plugins: {filter: {enabled: [{name: Throwing}]}}})");
  EXPECT_THAT(idle_, ElementsAre("TeamNodes"));
  EXPECT_EQ(place("a", "", "default-scheduler"),
            "SchedulerError: running \"Throwing\" filter plugin: an exception has left it: out of luck");
  EXPECT_GE(scheduler_->stats().errors, 1u);
}

}  // namespace
}  // namespace ph::pilothouse
