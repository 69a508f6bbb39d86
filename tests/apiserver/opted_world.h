// An apiserver with admission plugins that are off by default, and requests to it in JSON.
#pragma once

#include <gtest/gtest.h>

#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {

// `configurations`: by plugin, JSON text.
inline StandardOptions opted(std::vector<std::string> plugins, AdmissionConfigurations configurations = {}) {
  StandardOptions options;
  options.enable_admission = std::move(plugins);
  options.admission_configurations = std::move(configurations);
  return options;
}

class OptedWorld {
 public:
  explicit OptedWorld(StandardOptions options) : world(std::move(options)) {
    must("/api/v1/namespaces/default/serviceaccounts", {{"metadata", {{"name", "default"}}}});
  }

  Reply post(const std::string& target, const nlohmann::json& object, std::optional<Identity> who = StandardWorld::admin()) {
    return world.post(target, object.dump(), std::move(who));
  }
  nlohmann::json must(const std::string& target, const nlohmann::json& object) {
    const Reply reply = post(target, object);
    EXPECT_EQ(reply.status, 201) << target << ": " << reply.body;
    return reply.status == 201 ? reply.json() : nlohmann::json::object();
  }
  Reply patch(const std::string& target, const nlohmann::json& change, std::optional<Identity> who = StandardWorld::admin()) {
    HttpRequest request = StandardWorld::request("PATCH", target, change.dump(), std::move(who));
    request.headers.set("Content-Type", "application/merge-patch+json");
    return world.send(std::move(request));
  }
  Reply put(const std::string& target, const nlohmann::json& object, std::optional<Identity> who = StandardWorld::admin()) {
    return world.send(StandardWorld::request("PUT", target, object.dump(), std::move(who)));
  }
  Reply remove(const std::string& target, std::optional<Identity> who = StandardWorld::admin()) {
    return world.send(StandardWorld::request("DELETE", target, {}, std::move(who)));
  }

  // A pod without a token; `spec` is merged into its own.
  static nlohmann::json pod(const std::string& name, const nlohmann::json& spec = nlohmann::json::object(),
                            const nlohmann::json& metadata = nlohmann::json::object()) {
    nlohmann::json out = {{"metadata", {{"name", name}}}, {"spec", {{"automountServiceAccountToken", false}}}};
    out["spec"]["containers"] = {{{"name", "c"}, {"image", "i"}}};
    if (spec.is_object()) out["spec"].merge_patch(spec);
    if (metadata.is_object()) out["metadata"].merge_patch(metadata);
    return out;
  }

  StandardWorld world;
};

inline const std::string kOptedPods = "/api/v1/namespaces/default/pods";

}  // namespace ph::apiserver::testing
