// The admission plugins: one file each, one line in registry.def, in upstream's order.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/errors.h"
#include "apiserver/access.h"
#include "apiserver/admission/configuration.h"
#include "apiserver/admission/webhook/transports.h"
#include "base/rng.h"
#include "base/time.h"

namespace ph::apiserver {

// Stores an object as the server itself, unless there is one of its name.
using EnsureObject = std::function<Task<void>(api::Object)>;

// What plugins are made with; all of it must outlive them.
struct AdmissionWorld {
  ObjectReader& reader;
  Rng& rng;
  const Clock& clock;
  Authorizer& authorizer;  // of plugins that ask whether somebody may more than the request says
  // How webhooks are reached; empty: not at all. Services are asked at their endpoints, not at their own address.
  WebhookTransports webhooks = {};
  bool webhooks_at_endpoints = false;
  EnsureObject ensure = {};
  AdmissionConfigurations configurations = {};  // of those plugins that have one
  WebhookBackends backends = {};                // for the plugins whose configuration names a kubeconfig
};

using MakeAdmission = std::unique_ptr<AdmissionPlugin> (*)(const AdmissionWorld&);

struct AdmissionEntry {
  std::string_view name;
  MakeAdmission make;
  bool on_by_default;
};

// In the order they run.
std::span<const AdmissionEntry> admission_entries();

// Upstream's plugins, here or not.
struct UpstreamAdmission {
  std::string_view name;
  bool on_by_default;
};
std::span<const UpstreamAdmission> upstream_admission();

// What is wrong with --enable-admission-plugins and --disable-admission-plugins; empty when all is well. A plugin that is not here
// may be left out, but not asked for.
std::vector<std::string> admission_problems(const std::vector<std::string>& enabled, const std::vector<std::string>& disabled);

// Those that are on by default, and as --enable-admission-plugins and --disable-admission-plugins say. Throws
// AdmissionConfigurationError: one that is to run cannot be as it is configured.
std::vector<std::unique_ptr<AdmissionPlugin>> make_admission(const AdmissionWorld& world,
                                                             const std::vector<std::string>& enabled = {},
                                                             const std::vector<std::string>& disabled = {});

// "pods", "deployments.apps": as messages name a resource.
std::string resource_name(const api::Resource& resource);

// Whether the request is for this resource of this group, or a part of it.
bool is_of(const AdmissionRequest& request, std::string_view group, std::string_view plural);
// … and not for a sub-resource.
bool is_for(const AdmissionRequest& request, std::string_view group, std::string_view plural);

// Whether the user may `verb` (approve, sign) for a signer, by its name or by its domain's "example.com/*". He outlives the
// answer.
Task<bool> may_for_signer(Authorizer& authorizer, const Identity& user, std::string verb, std::string signer);

// 403 with `why`, about the object of the request: by its name, or by what its name will begin with.
api::ApiError refuse(const AdmissionRequest& request, std::string_view why);

}  // namespace ph::apiserver
