// Upstream: pkg/scheduler/scheduler.go (buildExtenders)
#include "scheduler/config/extenders.h"

#include <nlohmann/json.hpp>
#include <set>

#include "api/json_text.h"
#include "api/times.h"

namespace ph::scheduler {

using nlohmann::json;

namespace {

constexpr Duration kForever = 24h;

std::string decoded(const json& tls, const char* name) {
  std::string out;
  (void)api::decode_base64(tls.value(name, ""), out);  // it has been read once
  return out;
}

ExtenderTls read_tls(const json& tls) {
  return {.insecure = tls.value("insecure", false),
          .server_name = tls.value("serverName", ""),
          .cert_file = tls.value("certFile", ""),
          .key_file = tls.value("keyFile", ""),
          .ca_file = tls.value("caFile", ""),
          .cert_data = decoded(tls, "certData"),
          .key_data = decoded(tls, "keyData"),
          .ca_data = decoded(tls, "caData")};
}

}  // namespace

ExtenderSpec read_extender(const json& extender) {
  ExtenderSpec out;
  out.url_prefix = extender["urlPrefix"];
  out.filter_verb = extender.value("filterVerb", "");
  out.preempt_verb = extender.value("preemptVerb", "");
  out.prioritize_verb = extender.value("prioritizeVerb", "");
  out.bind_verb = extender.value("bindVerb", "");
  out.weight = extender.value("weight", std::int64_t{0});
  out.enable_https = extender.value("enableHTTPS", false);
  if (extender.contains("tlsConfig")) out.tls = read_tls(extender["tlsConfig"]);
  out.http_timeout = *api::parse_duration(extender["httpTimeout"].get<std::string>());
  if (out.http_timeout < Duration::zero()) out.http_timeout = kForever;  // as Go's client takes it
  out.node_cache_capable = extender.value("nodeCacheCapable", false);
  for (const json& resource : extender.value("managedResources", json::array())) {
    out.managed_resources.push_back({resource["name"], resource.value("ignoredByScheduler", false)});
  }
  out.ignorable = extender.value("ignorable", false);
  // As upstream has it: HTTPS without a word about whom to trust trusts everybody.
  if (out.enable_https && !out.tls.has_ca()) out.tls.insecure = true;
  return out;
}

void apply_ignored_resources(const std::vector<ExtenderSpec>& extenders, std::vector<ProfileSpec>& profiles) {
  std::set<std::string, std::less<>> ignored;
  for (const ExtenderSpec& extender : extenders) {
    for (const ManagedResource& resource : extender.managed_resources) {
      if (resource.ignored_by_scheduler) ignored.insert(resource.name);
    }
  }
  if (ignored.empty()) return;
  for (ProfileSpec& profile : profiles) profile.args.node_resources_fit.ignored_resources = ignored;
}

}  // namespace ph::scheduler
