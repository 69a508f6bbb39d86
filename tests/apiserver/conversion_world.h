// A custom kind of two versions whose webhook is a test's: v1 has `spec.hostPort`, "host:port", and v2 `spec.host` and `spec.port`.
#pragma once

#include <gtest/gtest.h>

#include "tests/apiserver/scripted_webhooks.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {

inline constexpr const char* kConverter = "https://convert.example.com";
inline const std::string kDefinitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

// -- What a webhook does

inline nlohmann::json other_version(nlohmann::json object, const std::string& wanted) {
  nlohmann::json& spec = object["spec"];
  if (wanted.ends_with("/v2") && spec.contains("hostPort")) {
    const std::string text = spec["hostPort"];
    spec["host"] = text.substr(0, text.find(':'));
    spec["port"] = std::stoi(text.substr(text.find(':') + 1));
    spec.erase("hostPort");
  }
  if (wanted.ends_with("/v1") && spec.contains("host")) {
    spec["hostPort"] = spec["host"].get<std::string>() + ":" + std::to_string(spec.value("port", 0));
    spec.erase("host");
    spec.erase("port");
  }
  object["apiVersion"] = wanted;
  return object;
}

inline nlohmann::json converted(const nlohmann::json& review) {
  nlohmann::json objects = nlohmann::json::array();
  for (const auto& object : review["request"]["objects"]) {
    objects.push_back(other_version(object, review["request"]["desiredAPIVersion"]));
  }
  return {{"kind", "ConversionReview"},
          {"apiVersion", review["apiVersion"]},
          {"response",
           {{"uid", review["request"]["uid"]}, {"result", {{"status", "Success"}}}, {"convertedObjects", std::move(objects)}}}};
}
inline HookReply convert(const nlohmann::json& review) { return {.body = converted(review).dump()}; }

// -- The kind

inline nlohmann::json things(const std::string& strategy = "Webhook") {
  nlohmann::json out = nlohmann::json::parse(
      R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.conv.example.com"},
      "spec":{"group":"conv.example.com","scope":"Namespaced",
        "names":{"plural":"things","singular":"thing","kind":"Thing","listKind":"ThingList"},
        "versions":[
          {"name":"v1","served":true,"storage":true,"subresources":{"status":{}},
           "schema":{"openAPIV3Schema":{"type":"object","properties":{
             "spec":{"type":"object","properties":{"hostPort":{"type":"string"},"note":{"type":"string"},"size":{"type":"integer"}}},
             "status":{"type":"object","properties":{"size":{"type":"integer"}}}}}}},
          {"name":"v2","served":true,"storage":false,
           "subresources":{"status":{},"scale":{"specReplicasPath":".spec.size","statusReplicasPath":".status.size"}},
           "additionalPrinterColumns":[{"name":"Host","type":"string","jsonPath":".spec.host"}],
           "selectableFields":[{"jsonPath":".spec.host"}],
           "schema":{"openAPIV3Schema":{"type":"object","properties":{
             "spec":{"type":"object","properties":{"host":{"type":"string"},"port":{"type":"integer","maximum":65535},
               "note":{"type":"string"},"size":{"type":"integer"},"kind":{"type":"string","default":"plain"}}},
             "status":{"type":"object","properties":{"size":{"type":"integer"}}}}}}}]}})");
  out["spec"]["conversion"] = {{"strategy", strategy}};
  if (strategy != "Webhook") return out;
  out["spec"]["conversion"]["webhook"] = {{"conversionReviewVersions", {"v1"}},
                                          {"clientConfig", {{"url", std::string(kConverter) + "/crd"}}}};
  return out;
}

inline std::string path_of(const std::string& version, const std::string& name = {}) {
  return "/apis/conv.example.com/" + version + "/namespaces/default/things" + (name.empty() ? "" : "/" + name);
}

class Conversion : public ::testing::Test {
 protected:
  explicit Conversion(bool at_endpoints = false) : world(options_with(script, at_endpoints)) {
    script.at(kConverter, [](const nlohmann::json& review) { return convert(review); });
  }

  void define(const nlohmann::json& what = things()) {
    const Reply made = world.post(kDefinitions, what.dump());
    ASSERT_EQ(made.status, 201) << made.body;
    world.executor.drain();
  }
  // Changes it, and waits until that is what is served.
  void redefine(const nlohmann::json& patch) {
    const Reply changed = send("PATCH", kDefinitions + "/things.conv.example.com", patch, "application/merge-patch+json");
    ASSERT_EQ(changed.status, 200) << changed.body;
    world.executor.drain();
  }
  void store_as(const std::string& version) {
    nlohmann::json versions = things()["spec"]["versions"];
    for (auto& one : versions) one["storage"] = one["name"] == version;
    redefine({{"spec", {{"versions", versions}}}});
  }
  Reply send(const char* method, const std::string& target, const nlohmann::json& body = nullptr, const char* type = nullptr) {
    HttpRequest request = StandardWorld::request(method, target, body.is_null() ? std::string() : body.dump());
    if (type != nullptr) request.headers.set("Content-Type", type);
    return world.send(std::move(request));
  }
  static nlohmann::json thing(const std::string& version, const std::string& name, const nlohmann::json& spec) {
    return {{"apiVersion", "conv.example.com/" + version}, {"kind", "Thing"}, {"metadata", {{"name", name}}}, {"spec", spec}};
  }
  nlohmann::json create(const std::string& version, const std::string& name, const nlohmann::json& spec) {
    const Reply made = send("POST", path_of(version), thing(version, name, spec));
    EXPECT_EQ(made.status, 201) << made.body;
    return made.json();
  }
  nlohmann::json spec(const std::string& version, const std::string& name) {
    const Reply found = world.get(path_of(version, name));
    EXPECT_EQ(found.status, 200) << found.body;
    return found.json().value("spec", nlohmann::json());
  }
  // How often the webhook has been asked since the last time.
  std::size_t asked() { return script.reviews.size() - std::exchange(seen_, script.reviews.size()); }

  ScriptedWebhooks script;
  StandardWorld world;

 private:
  static StandardOptions options_with(ScriptedWebhooks& script, bool at_endpoints) {
    StandardOptions options;
    options.webhooks = script.transports();
    options.webhooks_at_endpoints = at_endpoints;
    return options;
  }

  std::size_t seen_ = 0;
};

}  // namespace ph::apiserver::testing
