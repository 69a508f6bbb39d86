// Files an administrator writes: kubeconfigs, the scheduler's configuration, the stages of hollow nodes, and the apiserver's of admission plugins and of
// authentication. Refused in words, or usable.
#include <nlohmann/json.hpp>

#include "apiserver/admission/configuration.h"
#include "apiserver/authn/oidc/configuration.h"
#include "apiserver/authn/oidc/mapping.h"
#include "base/assert.h"
#include "daemon/kubeconfig.h"
#include "node/stages.h"
#include "scheduler/config/configuration.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

// What stands in our own kubeconfig unquoted must be plain there.
bool plain(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/.-") == text.npos &&
         text.front() >= 'a';
}

void check_kubeconfig(std::string_view text) {
  const auto config = daemon::read_kubeconfig(text);
  if (!config || !plain(config->server) || !plain("x" + config->user)) return;
  auto renamed = *config;
  renamed.user = "x" + config->user;
  const auto again = daemon::read_kubeconfig(daemon::to_yaml(renamed));
  PH_ASSERT(again);
  PH_ASSERT(again->server == config->server);
  PH_ASSERT(again->ca_pem == config->ca_pem);
  PH_ASSERT(again->client.cert_pem == config->client.cert_pem && again->client.key_pem == config->client.key_pem);
}

void check_scheduler(std::string_view text) {
  scheduler::Configuration configuration;
  try {
    configuration = scheduler::Configuration::parse(text);
  } catch (const scheduler::ConfigurationError& error) {
    PH_ASSERT(*error.what() != '\0');
    return;
  }
  PH_ASSERT(!configuration.profiles.empty());
  PH_ASSERT(configuration.parallelism > 0);
  PH_ASSERT(configuration.pod_initial_backoff > Duration::zero());
  PH_ASSERT(configuration.pod_max_backoff >= configuration.pod_initial_backoff);
  for (const auto& profile : configuration.profiles) {
    PH_ASSERT(!profile.scheduler_name.empty());
    PH_ASSERT(profile.points.contains(scheduler::Point::Bind));
    for (const auto& [name, weight] : profile.weights) PH_ASSERT(weight != 0);
  }
}

void check_authentication(std::string_view text) {
  apiserver::AuthenticationConfiguration read;
  try {
    read = apiserver::parse_authentication_configuration(text, {"https://own"});
  } catch (const apiserver::AuthenticationConfigurationError& error) {
    PH_ASSERT(*error.what() != '\0');
    return;
  }
  PH_ASSERT(apiserver::configuration_problems(read, {"https://own"}).empty());
  for (const apiserver::JwtConfiguration& jwt : read.jwt) {
    PH_ASSERT(jwt.url.starts_with("https://") && jwt.url != "https://own" && !jwt.audiences.empty());
    const apiserver::oidc::Mapping mapping(jwt);
    // Whatever it is of: without claims nobody is anybody.
    PH_ASSERT(!mapping.user_of("{}", Time()));
  }
}

// What is read of a file is read again as it was.
void check_admission(std::string_view text) {
  using apiserver::AdmissionConfigurationError;
  try {
    const auto plugins = apiserver::read_admission_configuration(text, [](const std::string&) { return std::string("a: b"); });
    for (const auto& [name, document] : plugins) PH_ASSERT(apiserver::configuration_of(plugins, name).dump() == document);
  } catch (const AdmissionConfigurationError& error) {
    PH_ASSERT(*error.what() != '\0');
  }
}

void check_stages(std::string_view text) {
  try {
    for (const node::NodeStage& stage : node::Stages::parse(text).nodes()) {
      PH_ASSERT(stage.problems != 0 || !stage.devices.empty());
      for (const node::DeviceStage& devices : stage.devices) PH_ASSERT(devices.count > 0);
    }
  } catch (const node::StagesError& error) {
    PH_ASSERT(*error.what() != '\0');
  }
}

}  // namespace

void configuration(std::string_view text) {
  check_authentication(text);
  check_admission(text);
  check_kubeconfig(text);
  check_scheduler(text);
  check_stages(text);
}

}  // namespace ph::fuzz
