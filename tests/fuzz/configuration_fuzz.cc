// Files an administrator writes: kubeconfigs and the scheduler's configuration. Refused in words, or usable.
#include "base/assert.h"
#include "daemon/kubeconfig.h"
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

}  // namespace

void configuration(std::string_view text) {
  check_kubeconfig(text);
  check_scheduler(text);
}

}  // namespace ph::fuzz
