// KubeSchedulerConfiguration: defaults, plugin sets, arguments, and what is refused.
#include "scheduler/config/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ph::scheduler::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kHead = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";

Configuration parse(const std::string& text) { return Configuration::parse(kHead + text); }

std::string error_of(const std::string& text) {
  try {
    parse(text);
  } catch (const ConfigurationError& error) {
    return error.what();
  }
  return {};
}

TEST(Configuration, Defaults) {
  for (const Configuration& c : {Configuration::defaults(), parse("")}) {
    EXPECT_EQ(c.parallelism, 16);
    EXPECT_EQ(c.percentage_of_nodes_to_score, 0);
    EXPECT_EQ(c.pod_initial_backoff, Duration(1s));
    EXPECT_EQ(c.pod_max_backoff, Duration(10s));
    EXPECT_TRUE(c.leader_election.leader_elect);
    EXPECT_EQ(c.leader_election.resource_name, "kube-scheduler");
    EXPECT_EQ(c.client_connection.qps, 50);
    ASSERT_EQ(c.profiles.size(), 1u);
    const ProfileSpec& p = c.profiles[0];
    EXPECT_EQ(p.scheduler_name, "default-scheduler");
    EXPECT_THAT(p.points.at(Point::PreEnqueue), testing::IsSupersetOf({"SchedulingGates", "DefaultPreemption"}));
    EXPECT_THAT(p.points.at(Point::QueueSort), ElementsAre("PrioritySort"));
    EXPECT_THAT(p.points.at(Point::PreFilter), ElementsAre("NodeAffinity", "NodePorts", "NodeResourcesFit", "VolumeRestrictions",
                                                           "NodeVolumeLimits", "VolumeBinding", "VolumeZone", "PodTopologySpread",
                                                           "InterPodAffinity", "DynamicResources", "NodeDeclaredFeatures"));
    EXPECT_THAT(p.points.at(Point::Filter),
                ElementsAre("NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity", "NodePorts", "NodeResourcesFit",
                            "VolumeRestrictions", "NodeVolumeLimits", "VolumeBinding", "VolumeZone", "PodTopologySpread",
                            "InterPodAffinity", "DynamicResources", "NodeDeclaredFeatures"));
    EXPECT_THAT(p.points.at(Point::PreScore),
                ElementsAre("TaintToleration", "NodeAffinity", "NodeResourcesFit", "VolumeBinding", "PodTopologySpread",
                            "InterPodAffinity", "NodeResourcesBalancedAllocation"));
    EXPECT_THAT(p.points.at(Point::Score),
                ElementsAre("TaintToleration", "NodeAffinity", "NodeResourcesFit", "VolumeBinding", "PodTopologySpread",
                            "InterPodAffinity", "DynamicResources", "NodeResourcesBalancedAllocation", "ImageLocality"));
    EXPECT_THAT(p.points.at(Point::PostFilter), ElementsAre("DynamicResources", "DefaultPreemption"));
    EXPECT_THAT(p.points.at(Point::Bind), ElementsAre("DefaultBinder"));
    EXPECT_THAT(p.points.at(Point::PostFilter), testing::Contains("DefaultPreemption"));
    EXPECT_EQ(p.weights.at("TaintToleration"), 3);
    EXPECT_EQ(p.weights.at("NodeAffinity"), 2);
    EXPECT_EQ(p.weights.at("ImageLocality"), 1);
  }
}

TEST(Configuration, EveryField) {
  const Configuration c = parse(R"(
parallelism: 4
percentageOfNodesToScore: 70
podInitialBackoffSeconds: 2
podMaxBackoffSeconds: 20
enableProfiling: false
leaderElection: {leaderElect: false, leaseDuration: 30s, renewDeadline: 20s, retryPeriod: 5s, resourceName: mine}
clientConnection: {kubeconfig: /etc/x, qps: 1.5, burst: 2}
profiles:
- schedulerName: a
  percentageOfNodesToScore: 30
- schedulerName: b
  plugins:
    multiPoint: {disabled: [{name: ImageLocality}, {name: VolumeBinding}]}
    score: {disabled: [{name: NodeAffinity}], enabled: [{name: TaintToleration, weight: 7}]}
  pluginConfig:
  - name: NodeResourcesFit
    args:
      apiVersion: kubescheduler.config.k8s.io/v1
      kind: NodeResourcesFitArgs
      ignoredResources: [example.com/foo]
      ignoredResourceGroups: [vendor.io]
      scoringStrategy:
        type: RequestedToCapacityRatio
        resources: [{name: cpu, weight: 3}, {name: example.com/gpu}]
        requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}
  - name: NodeAffinity
    args:
      addedAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          nodeSelectorTerms: [{matchExpressions: [{key: pool, operator: In, values: [x]}]}]
)");
  EXPECT_EQ(c.parallelism, 4);
  EXPECT_EQ(c.pod_max_backoff, Duration(20s));
  EXPECT_FALSE(c.leader_election.leader_elect);
  EXPECT_EQ(c.leader_election.lease_duration, Duration(30s));
  EXPECT_EQ(c.client_connection.kubeconfig, "/etc/x");
  ASSERT_EQ(c.profiles.size(), 2u);
  EXPECT_EQ(c.profiles[0].percentage_of_nodes_to_score, 30);
  const ProfileSpec& b = c.profiles[1];
  // A point's own settings come first.
  EXPECT_THAT(b.points.at(Point::Score), ElementsAre("TaintToleration", "NodeResourcesFit", "PodTopologySpread",
                                                     "InterPodAffinity", "DynamicResources", "NodeResourcesBalancedAllocation"));
  EXPECT_EQ(b.weights.at("TaintToleration"), 7);
  const auto& fit = b.args.node_resources_fit;
  EXPECT_EQ(fit.strategy, ScoringStrategy::RequestedToCapacityRatio);
  EXPECT_THAT(fit.resources, ElementsAre(WeightedResource{"cpu", 3}, WeightedResource{"example.com/gpu", 1}));
  EXPECT_THAT(fit.shape, ElementsAre(UtilizationPoint{0, 0}, UtilizationPoint{100, 10}));
  EXPECT_THAT(fit.ignored_resource_groups, ElementsAre("vendor.io"));
  EXPECT_TRUE(b.args.node_affinity.added_affinity.has_required_during_scheduling_ignored_during_execution());

  // As it is shown: the arguments of the plugins that take part, by their names.
  const auto shown = nlohmann::json::parse(c.document);
  std::vector<std::string> names;
  for (const auto& config : shown["profiles"][1]["pluginConfig"]) names.push_back(config["name"]);
  EXPECT_THAT(names, ElementsAre("DefaultPreemption", "DynamicResources", "InterPodAffinity", "NodeAffinity",
                                 "NodeResourcesBalancedAllocation", "NodeResourcesFit", "PodTopologySpread"));
  EXPECT_EQ(shown["profiles"][1]["pluginConfig"][5]["args"]["ignoredResources"], nlohmann::json::array({"example.com/foo"}));
}

TEST(Configuration, OnlyTheNamedPlugins) {
  const Configuration c = parse(R"(
profiles:
- plugins:
    multiPoint:
      disabled: [{name: "*"}]
      enabled: [{name: NodeResourcesFit, weight: 5}, {name: PrioritySort}, {name: DefaultBinder}]
    preScore: {disabled: [{name: "*"}]}
)");
  const ProfileSpec& p = c.profiles[0];
  EXPECT_THAT(p.points.at(Point::Filter), ElementsAre("NodeResourcesFit"));
  EXPECT_THAT(p.points.at(Point::Score), ElementsAre("NodeResourcesFit"));
  EXPECT_EQ(p.weights.at("NodeResourcesFit"), 5);
  EXPECT_FALSE(p.points.contains(Point::PreScore));
  EXPECT_FALSE(p.points.contains(Point::PreEnqueue));
}

// What is off by default may be named all the same.
TEST(Configuration, GangSchedulingStandsInNoProfileThatDoesNotNameIt) {
  const auto has_it = [](const ProfileSpec& profile, Point point) {
    const auto names = profile.points.find(point);
    return names != profile.points.end() && std::ranges::count(names->second, "GangScheduling") == 1;
  };
  const Configuration c = parse(R"(
profiles:
- schedulerName: a
- schedulerName: b
  plugins: {multiPoint: {enabled: [{name: GangScheduling}]}}
)");
  for (const Point point : {Point::PreEnqueue, Point::Permit}) {
    EXPECT_FALSE(has_it(c.profiles[0], point));
    EXPECT_TRUE(has_it(c.profiles[1], point));
  }
  EXPECT_FALSE(has_it(c.profiles[1], Point::Filter));
}

struct Case {
  const char* name;
  const char* text;
  const char* error;
};

TEST(Configuration, Refusals) {
  // clang-format off
  const Case kCases[] = {
      {"an unknown field", "parallel: 3", "strict decoding error: unknown field \"parallel\""},
      {"an unknown field inside", "profiles: [{plugins: {score: {enable: []}}}]", "unknown field \"profiles[0].plugins.score.enable\""},
      {"a wrong type", "parallelism: many", "json: cannot unmarshal string into Go struct field KubeSchedulerConfiguration.parallelism of type int32"},
      {"a wrong type deep inside", "profiles: [{plugins: {score: {enabled: [{name: NodeAffinity, weight: x}]}}}]",
       "json: cannot unmarshal string into Go struct field Plugin.profiles.plugins.score.enabled.weight of type int32"},
      {"a number too large", "parallelism: 3000000000", "json: cannot unmarshal number 3000000000 into Go struct field KubeSchedulerConfiguration.parallelism of type int32"},
      {"a field twice", "parallelism: 3\nparallelism: 4", "strict decoding error: yaml: unmarshal errors:\n  line 4: key \"parallelism\" already set in map"},
      {"no parallelism", "parallelism: 0", "parallelism: Invalid value: 0: should be an integer value greater than zero"},
      {"more than all nodes", "percentageOfNodesToScore: 101", "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]"},
      {"backoff shrinks", "podInitialBackoffSeconds: 20", "podMaxBackoffSeconds: Invalid value: 10: must be greater than or equal to PodInitialBackoffSeconds"},
      {"no backoff", "podInitialBackoffSeconds: 0", "podInitialBackoffSeconds: Invalid value: 0: must be greater than 0"},
      {"two profiles of one name", "profiles: [{schedulerName: a}, {schedulerName: a}]", "profiles[1].schedulerName: Duplicate value: {}"},
      {"a second profile without a name", "profiles: [{schedulerName: a}, {}]", "profiles[1].schedulerName: Required value"},
      {"a plugin that is nowhere", "profiles: [{plugins: {filter: {enabled: [{name: Foo}]}}}]",
       "initializing profiles: creating profile for scheduler name default-scheduler: FilterPlugin \"Foo\" does not exist"},
      {"a plugin that is nowhere, everywhere", "profiles: [{plugins: {multiPoint: {enabled: [{name: Foo}]}}}]", "PreFilterPlugin \"Foo\" does not exist"},
      {"a plugin of former times", "profiles: [{plugins: {filter: {enabled: [{name: EBSLimits}]}}}]",
       "profiles[0].plugins.filter.enabled[0]: Invalid value: \"EBSLimits\": was invalid in version \"v1\" (KubeSchedulerConfiguration is version "
       "\"kubescheduler.config.k8s.io/v1\")"},
      {"a plugin at the wrong point", "profiles: [{plugins: {bind: {enabled: [{name: NodeName}]}}}]", "plugin \"NodeName\" does not extend BindPlugin plugin"},
      {"a plugin twice", "profiles: [{plugins: {score: {enabled: [{name: NodeAffinity}, {name: NodeAffinity}]}}}]",
       "plugin \"NodeAffinity\" already registered as \"ScorePlugin\""},
      {"no queue sort", "profiles: [{plugins: {queueSort: {disabled: [{name: PrioritySort}]}}}]", "only one queue sort plugin required for profile with scheduler name \"default-scheduler\", but got 0"},
      {"no binder", "profiles: [{plugins: {bind: {disabled: [{name: \"*\"}]}}}]", "at least one bind plugin is needed for profile with scheduler name \"default-scheduler\""},
      {"other orders", "profiles: [{schedulerName: a}, {schedulerName: b, plugins: {queueSort: {enabled: [{name: PrioritySort}]}}}]",
       "profiles[1].plugins.queueSort: Invalid value: {\"Disabled\":null,\"Enabled\":[{\"Name\":\"PrioritySort\",\"Weight\":0}]}: queueSort must be the same for all profiles"},
      {"arguments twice", "profiles: [{pluginConfig: [{name: NodeAffinity}, {name: NodeAffinity}]}]", "profiles[0].pluginConfig[1]: Duplicate value: \"NodeAffinity\""},
      {"an unknown argument", "profiles: [{pluginConfig: [{name: NodeAffinity, args: {x: 1}}]}]", "strict decoding error: decoding .profiles[0].pluginConfig[0]: strict decoding error: decoding args for plugin NodeAffinity: strict decoding error: unknown field "
       "\"x\""},
      {"an unknown field of added affinity", "profiles: [{pluginConfig: [{name: NodeAffinity, args: {addedAffinity: {x: 1}}}]}]", "unknown field \"addedAffinity.x\""},
      {"an added affinity that means nothing",
       "profiles: [{pluginConfig: [{name: NodeAffinity, args: {addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
       "[{matchExpressions: [{key: a, operator: Like, values: [b]}]}]}}}}]}]",
       "profiles[0].pluginConfig[0].args.addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]"
       ".operator: Unsupported value: \"Like\": supported values: \"In\", \"NotIn\", \"Exists\", \"DoesNotExist\", \"Gt\", \"Lt\""},
      {"an added affinity with too much",
       "profiles: [{pluginConfig: [{name: NodeAffinity, args: {addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
       "[{matchExpressions: [{key: a, operator: Exists, values: [b]}]}]}}}}]}]",
       ".nodeSelectorTerms[0].matchExpressions[0].values: Invalid value: [\"b\"]: values set must be empty for exists and does not exist"},
      {"an added preference that means nothing",
       "profiles: [{pluginConfig: [{name: NodeAffinity, args: {addedAffinity: {preferredDuringSchedulingIgnoredDuringExecution: "
       "[{weight: 1, preference: {matchExpressions: [{key: a, operator: Gt, values: [b]}]}}]}}}]}]",
       ".addedAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].matchExpressions[0].values[0]: Invalid value: \"b\": for 'Gt', 'Lt' "
       "operators, the value must be an integer"},
      {"an unknown strategy", "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: Best}}}]}]", "Unsupported value: \"Best\""},
      {"a shape that falls back", "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: RequestedToCapacityRatio, "
       "requestedToCapacityRatio: {shape: [{utilization: 5, score: 1}, {utilization: 5, score: 2}]}}}}]}]", "scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid value: 5: values must be sorted in increasing order"},
      {"a ratio without a shape", "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: RequestedToCapacityRatio}}}]}]",
       "initializing plugin \"NodeResourcesFit\": scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio"},
      {"a weight out of range", "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: 101}]}}}]}]",
       "scoringStrategy.resources[0].weight: Invalid value: 101: resource weight of cpu not in valid range (0, 100]"},
      {"balance with weights", "profiles: [{pluginConfig: [{name: NodeResourcesBalancedAllocation, args: {resources: [{name: cpu, weight: 2}]}}]}]",
       "profiles[0].pluginConfig[0].args.resources[0].weight: Invalid value: 2: must be 1"},
      {"an ignored resource that is no name", "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {ignoredResources: [-a]}}]}]",
       "initializing plugin \"NodeResourcesFit\": ignoredResources[0]: Invalid value: \"-a\": name part must consist of"},
      {"no candidates", "profiles: [{pluginConfig: [{name: DefaultPreemption, args: {minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0}}]}]",
       "[profiles[0].pluginConfig[0].args.minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute, "
       "profiles[0].pluginConfig[0].args.minCandidateNodesAbsolute: Invalid value: 0: cannot be zero at the same time as minCandidateNodesPercentage]"},
      {"arguments of another version", "profiles: [{pluginConfig: [{name: NodeAffinity, args: {apiVersion: kubescheduler.config.k8s.io/v1beta2, kind: NodeAffinityArgs}}]}]",
       "decoding .profiles[0].pluginConfig[0]: decoding args for plugin NodeAffinity: no kind \"NodeAffinityArgs\" is registered for version "
       "\"kubescheduler.config.k8s.io/v1beta2\""},
      {"an unknown field of an extender", "extenders: [{urlPrefix: \"http://x\", verb: f}]", "unknown field \"extenders[0].verb\""},
      {"scores without a weight", "extenders: [{urlPrefix: \"http://x\", prioritizeVerb: p}]",
       "extenders[0].weight: Invalid value: 0: must have a positive weight applied to it"},
      {"two binders", "extenders: [{urlPrefix: \"http://x\", bindVerb: b}, {urlPrefix: \"http://y\", bindVerb: b}]",
       "extenders: Invalid value: \"found 2 extenders implementing bind\": only one extender can implement bind"},
      {"one resource, two extenders",
       "extenders: [{urlPrefix: \"http://x\", managedResources: [{name: a.io/r}]}, {urlPrefix: \"http://y\", managedResources: [{name: a.io/r}]}]",
       "extenders[1].managedResources[0].name: Invalid value: \"a.io/r\": duplicate extender managed resource name"},
      {"a native resource", "extenders: [{urlPrefix: \"http://x\", managedResources: [{name: cpu}]}]",
       "extenders[0].managedResources[0].name: Invalid value: \"cpu\": is an invalid extended resource name"},
      {"a resource that is no name", "extenders: [{urlPrefix: \"http://x\", managedResources: [{name: \"a b\"}]}]",
       "extenders[0].managedResources[0].name: Invalid value: \"a b\": name part must consist of"},
      {"data that is no base64", "extenders: [{urlPrefix: \"https://x\", tlsConfig: {caData: \"%\"}}]", "illegal base64 data"},
      {"a lease shorter than its renewal", "leaderElection: {leaseDuration: 5s}", "leaderElection.leaseDuration: Invalid value: \"10s\": must be greater than `RenewDeadline`"},
      {"a bad duration", "leaderElection: {leaseDuration: soon}", "time: invalid duration \"soon\""},
  };
  // clang-format on
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_THAT(error_of(c.text), HasSubstr(c.error));
  }
}

TEST(Configuration, Extenders) {
  const Configuration c = parse(R"(
extenders:
- urlPrefix: https://one.example.com/scheduler/
  filterVerb: filter
  preemptVerb: preempt
  prioritizeVerb: score
  weight: 3
  bindVerb: bind
  enableHTTPS: true
  httpTimeout: 100ms
  nodeCacheCapable: true
  ignorable: true
  tlsConfig: {serverName: other, certFile: /cert, keyFile: /key, caData: Y2E=}
  managedResources: [{name: a.io/x, ignoredByScheduler: true}, {name: a.io/y}]
- urlPrefix: https://two
  enableHTTPS: true
profiles:
- schedulerName: a
  pluginConfig: [{name: NodeResourcesFit, args: {ignoredResources: [a.io/z]}}]
- schedulerName: b
)");
  ASSERT_EQ(c.extenders.size(), 2u);
  const ExtenderSpec& one = c.extenders[0];
  EXPECT_EQ(one.url("filter"), "https://one.example.com/scheduler/filter");
  EXPECT_EQ(one.filter_verb + one.preempt_verb + one.prioritize_verb + one.bind_verb, "filterpreemptscorebind");
  EXPECT_EQ(one.weight, 3);
  EXPECT_EQ(one.http_timeout, Duration(100ms));
  EXPECT_TRUE(one.node_cache_capable && one.ignorable && one.enable_https);
  EXPECT_EQ(one.tls.server_name + one.tls.cert_file + one.tls.key_file + one.tls.ca_data, "other/cert/keyca");
  EXPECT_FALSE(one.tls.insecure);
  ASSERT_EQ(one.managed_resources.size(), 2u);
  EXPECT_TRUE(one.managed_resources[0].ignored_by_scheduler);
  EXPECT_FALSE(one.managed_resources[1].ignored_by_scheduler);
  // As upstream: nobody is checked where nobody is named.
  EXPECT_TRUE(c.extenders[1].tls.insecure);
  EXPECT_EQ(c.extenders[1].http_timeout, Duration(5s));
  // What the extenders say goes before what the profile says.
  for (const ProfileSpec& profile : c.profiles) {
    EXPECT_THAT(profile.args.node_resources_fit.ignored_resources, ElementsAre("a.io/x"));
  }
}

TEST(Configuration, WrongKindOrVersion) {
  EXPECT_THROW(Configuration::parse("apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration"),
               ConfigurationError);
  EXPECT_THROW(Configuration::parse("a: [b"), ConfigurationError);
  EXPECT_THROW(Configuration::parse("[]"), ConfigurationError);
}

TEST(Configuration, OfAnyoneElse) {
  // Whoever is not elected need not have a sensible lease; arguments of a plugin that nobody knows are his who adds it.
  EXPECT_EQ(error_of("leaderElection: {leaderElect: false, leaseDuration: 1s, renewDeadline: 5s}"), "");
  EXPECT_EQ(error_of("profiles: [{pluginConfig: [{name: Foo, args: {a: 1}}]}]"), "");
  EXPECT_EQ(error_of("profiles: [{plugins: {filter: {disabled: [{name: Foo}]}}}]"), "");
  EXPECT_EQ(error_of("extenders: [{filterVerb: f}]"), "");
}

}  // namespace
}  // namespace ph::scheduler::test
