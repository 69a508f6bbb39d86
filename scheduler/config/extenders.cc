// Upstream: pkg/scheduler/apis/config/validation (extenders), pkg/scheduler/scheduler.go (buildExtenders)
#include "scheduler/config/extenders.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "api/json_text.h"
#include "api/names.h"

namespace ph::scheduler {

using nlohmann::json;

namespace {

void read_data(Reader& reader, const char* name, std::string& out) {
  std::string text;
  reader.read(name, text);
  if (const std::string error = api::decode_base64(text, out); !error.empty()) {
    reader.problems().add(reader.path(name), error);
  }
}

ExtenderTls read_tls(const json& tls, const std::string& path, Problems& problems) {
  ExtenderTls out;
  Reader reader(tls, path, problems);
  reader.read("insecure", out.insecure);
  reader.read("serverName", out.server_name);
  reader.read("certFile", out.cert_file);
  reader.read("keyFile", out.key_file);
  reader.read("caFile", out.ca_file);
  read_data(reader, "certData", out.cert_data);
  read_data(reader, "keyData", out.key_data);
  read_data(reader, "caData", out.ca_data);
  const bool cert = !out.cert_file.empty() || !out.cert_data.empty(), key = !out.key_file.empty() || !out.key_data.empty();
  if (cert != key) problems.add(path, "a client certificate and its key must be given together");
  if (out.insecure && out.has_ca()) {
    problems.add(path, "specifying a root certificates file with the insecure flag is not allowed");
  }
  return out;
}

bool is_address(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (url.starts_with(scheme)) return url.size() > scheme.size() && url[scheme.size()] != '/';
  }
  return false;
}

}  // namespace

ExtenderSpec read_extender(const json& extender, const std::string& path, Problems& problems) {
  ExtenderSpec out;
  Reader reader(extender, path, problems);
  reader.read("urlPrefix", out.url_prefix);
  reader.read("filterVerb", out.filter_verb);
  reader.read("preemptVerb", out.preempt_verb);
  reader.read("prioritizeVerb", out.prioritize_verb);
  reader.read("weight", out.weight);
  reader.read("bindVerb", out.bind_verb);
  reader.read("enableHTTPS", out.enable_https);
  if (const json* tls = reader.take("tlsConfig")) out.tls = read_tls(*tls, reader.path("tlsConfig"), problems);
  Duration timeout = Duration::zero();
  reader.read_duration("httpTimeout", timeout);
  if (timeout < Duration::zero()) problems.add(reader.path("httpTimeout"), "must not be negative");
  if (timeout > Duration::zero()) out.http_timeout = timeout;
  reader.read("nodeCacheCapable", out.node_cache_capable);
  for (const auto& [item, item_path] : reader.items("managedResources")) {
    Reader resource(*item, item_path, problems);
    ManagedResource& one = out.managed_resources.emplace_back();
    resource.read("name", one.name);
    resource.read("ignoredByScheduler", one.ignored_by_scheduler);
  }
  reader.read("ignorable", out.ignorable);
  if (!is_address(out.url_prefix)) {
    problems.add(reader.path("urlPrefix"),
                 fmt::format("Invalid value: \"{}\": must be an http:// or https:// address", out.url_prefix));
  }
  // As upstream has it: HTTPS without a word about whom to trust trusts everybody.
  if (out.enable_https && !out.tls.has_ca()) out.tls.insecure = true;
  return out;
}

void check_extenders(const std::vector<ExtenderSpec>& extenders, Problems& problems) {
  std::set<std::string> managed;
  for (std::size_t i = 0; i < extenders.size(); ++i) {
    const ExtenderSpec& extender = extenders[i];
    const std::string path = fmt::format("extenders[{}]", i);
    if (!extender.prioritize_verb.empty() && extender.weight <= 0) {
      problems.add(path + ".weight",
                   fmt::format("Invalid value: {}: must have a positive weight applied to it", extender.weight));
    }
    for (std::size_t j = 0; j < extender.managed_resources.size(); ++j) {
      const std::string& name = extender.managed_resources[j].name;
      const auto invalid = [&](std::string_view why) {
        problems.add(fmt::format("{}.managedResources[{}].name", path, j), fmt::format("Invalid value: \"{}\": {}", name, why));
      };
      const auto faults = api::check_qualified_name(name);
      for (const std::string& fault : faults) invalid(fault);
      if (faults.empty() && !is_extended_resource(name)) invalid("is an invalid extended resource name");
      if (!managed.insert(name).second) invalid("duplicate extender managed resource name");
    }
  }
  const auto binders = std::ranges::count_if(extenders, [](const auto& extender) { return !extender.bind_verb.empty(); });
  if (binders > 1) {
    problems.add("extenders", fmt::format("Invalid value: \"found {} extenders implementing bind\": only one extender "
                                          "can implement bind",
                                          binders));
  }
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
