// What pods/x/resize takes and refuses.
#include "apiserver/parts/pod_resize.h"

#include <gtest/gtest.h>

#include "api/codec.h"

namespace ph::apiserver {
namespace {

using core::v1::Pod;
using nlohmann::json;

json container(const char* name) {
  return {{"name", name},
          {"image", "i"},
          {"resources", {{"requests", {{"cpu", "1"}, {"memory", "1Gi"}}}, {"limits", {{"cpu", "2"}, {"memory", "1Gi"}}}}}};
}

json with(const char* name, const char* change) {
  json out = container(name);
  out.merge_patch(json::parse(change));
  return out;
}

json base() {
  return {{"metadata", {{"name", "p"}}},
          {"spec", {{"initContainers", {container("i")}}, {"containers", {container("a"), container("b")}}}},
          {"status", {{"qosClass", "Burstable"}}}};
}

Pod pod_of(const json& document) {
  Pod out;
  api::from_json(document, out);
  return out;
}

std::vector<std::string> problems(const json& before, const json& after) {
  const Pod old = pod_of(before);
  api::Errors errors;
  check_resize(resized(old, pod_of(after)), old, errors);
  std::vector<std::string> out;
  for (const api::FieldError& error : errors.list()) out.push_back(error.field + ": " + error.detail);
  return out;
}

json changed(std::vector<json> containers, std::vector<json> init_containers = {container("i")}) {
  json out = base();
  out["spec"]["containers"] = containers;
  out["spec"]["initContainers"] = init_containers;
  return out;
}

TEST(PodResize, TakesAmountsAndNothingElse) {
  const json more = with("a", R"({"resources":{"requests":{"cpu":"1500m"}}})");
  json other_image = more;
  other_image["image"] = "j";
  const Pod old = pod_of(base()), now = resized(old, pod_of(changed({other_image, container("b")})));
  EXPECT_EQ(now.spec().containers(0).image(), "i") << "left out silently";
  EXPECT_EQ(now.spec().containers(0).resources().requests().at("cpu").string(), "1500m");
  EXPECT_EQ(problems(base(), changed({other_image, container("b")})), std::vector<std::string>{});
}

TEST(PodResize, RefusesTheRest) {
  struct Refusal {
    const char* name;
    json after;
    std::vector<std::string> problems;
  };
  const std::string not_mutable = "spec: Forbidden: only cpu and memory resources are mutable";
  const std::vector<Refusal> cases{
      {"the same", base(), {}},
      {"another resource",
       changed({with("a", R"({"resources":{"requests":{"ephemeral-storage":"1"}}})"), container("b")}),
       {not_mutable}},
      {"another policy",
       changed({with("a", R"({"resizePolicy":[{"resourceName":"cpu","restartPolicy":"RestartContainer"}]})"), container("b")}),
       {not_mutable}},
      {"a limit that goes",
       changed({with("a", R"({"resources":{"limits":{"cpu":null}}})"), container("b")}),
       {"spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed"}},
      {"a request of an init container that goes",
       changed({container("a"), container("b")}, {with("i", R"({"resources":{"requests":{"cpu":null}}})")}),
       {"spec.initContainers[0].resources.requests: Forbidden: resource requests cannot be removed"}},
      {"a larger init container",
       changed({container("a"), container("b")}, {with("i", R"({"resources":{"requests":{"cpu":"2"}}})")}),
       {}},
      {"the other way round",
       changed({container("b"), container("a")}),
       {"spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize",
        "spec.containers[1].name: Forbidden: containers may not be renamed or reordered on resize"}},
      {"one less", changed({container("a")}), {"spec.containers: Forbidden: containers may not be added or removed on resize"}},
      {"none before the others",
       changed({container("a"), container("b")}, {}),
       {"spec.initContainers: Forbidden: initContainers may not be added or removed on resize"}},
  };
  for (const Refusal& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(problems(base(), c.after), c.problems);
  }
}

TEST(PodResize, TheClassOfServiceStays) {
  json even = container("a");
  even["resources"]["requests"] = even["resources"]["limits"];
  json other = even, first = even;
  other["name"] = "b";
  first["name"] = "i";
  EXPECT_EQ(problems(base(), changed({even, other}, {first})),
            std::vector<std::string>{"spec: Invalid value: \"Burstable\": Pod QOS Class may not change as a result of resizing"});
}

TEST(PodResize, SomePodsCannot) {
  json mirror = base(), windows = base(), of_an_old_node = base();
  mirror["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "x";
  windows["spec"]["os"]["name"] = "windows";
  of_an_old_node["status"]["containerStatuses"] = {{{"name", "a"}, {"state", {{"running", json::object()}}}}};
  EXPECT_EQ(problems(mirror, mirror), std::vector<std::string>{": Forbidden: static pods cannot be resized"});
  EXPECT_EQ(problems(windows, windows), std::vector<std::string>{": Forbidden: windows pods cannot be resized"});
  EXPECT_EQ(problems(of_an_old_node, of_an_old_node),
            std::vector<std::string>{"spec: Forbidden: Pod running on node without support for resize"});
  of_an_old_node["status"]["containerStatuses"][0]["resources"] = json::object();
  EXPECT_EQ(problems(of_an_old_node, of_an_old_node), std::vector<std::string>{});
}

TEST(PodResize, AsAWhole) {
  json before = base(), after = base();
  before["spec"]["resources"] = {{"requests", {{"cpu", "2"}}}, {"limits", {{"cpu", "4"}}}};
  after["spec"]["resources"] = {{"requests", {{"cpu", "3"}}}, {"limits", {{"cpu", "4"}}}};
  EXPECT_EQ(problems(before, after), std::vector<std::string>{});
  EXPECT_EQ(problems(base(), after), std::vector<std::string>{}) << "it may come";
  EXPECT_EQ(problems(before, base()),
            std::vector<std::string>{"spec.resources: Forbidden: pod-level resources cannot be removed"});
  after["spec"]["resources"]["requests"] = json::object();
  EXPECT_EQ(problems(before, after),
            std::vector<std::string>{"spec.resources.requests: Forbidden: pod-level resource requests cannot be removed"});
}

}  // namespace
}  // namespace ph::apiserver
