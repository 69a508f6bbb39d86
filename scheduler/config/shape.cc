// Upstream: staging/src/k8s.io/kube-scheduler/config/v1/types.go, component-base/config/v1alpha1/types.go
#include "scheduler/config/shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "api/codec.h"
#include "api/json_text.h"
#include "api/kinds.h"
#include "api/times.h"

namespace ph::scheduler {

using nlohmann::json, nlohmann::ordered_json;

namespace {

using enum Member::Kind;
using enum Member::Presence;

constexpr Member kPluginMembers[] = {{"name", String, Always}, {"weight", Int32, Pointer}};
constexpr Shape kPlugin{"Plugin", kPluginMembers};

constexpr Member kPluginSetMembers[] = {{"enabled", Object, Omitted, &kPlugin, true},
                                        {"disabled", Object, Omitted, &kPlugin, true}};
constexpr Shape kPluginSet{"PluginSet", kPluginSetMembers};

constexpr Member kPluginsMembers[] = {
    {"preEnqueue", Object, Always, &kPluginSet},    {"queueSort", Object, Always, &kPluginSet},
    {"preFilter", Object, Always, &kPluginSet},     {"filter", Object, Always, &kPluginSet},
    {"postFilter", Object, Always, &kPluginSet},    {"preScore", Object, Always, &kPluginSet},
    {"score", Object, Always, &kPluginSet},         {"reserve", Object, Always, &kPluginSet},
    {"permit", Object, Always, &kPluginSet},        {"preBind", Object, Always, &kPluginSet},
    {"bind", Object, Always, &kPluginSet},          {"postBind", Object, Always, &kPluginSet},
    {"multiPoint", Object, Always, &kPluginSet},    {"placementGenerate", Object, Always, &kPluginSet},
    {"placementScore", Object, Always, &kPluginSet}};
constexpr Shape kPlugins{"Plugins", kPluginsMembers};

constexpr Member kPluginConfigMembers[] = {{"name", String, Always}, {"args", Raw}};
constexpr Shape kPluginConfig{"PluginConfig", kPluginConfigMembers};

constexpr Member kProfileMembers[] = {{"schedulerName", String, Pointer},
                                      {"percentageOfNodesToScore", Int32, Pointer},
                                      {"plugins", Object, Pointer, &kPlugins},
                                      {"pluginConfig", Object, Omitted, &kPluginConfig, true}};
constexpr Shape kProfile{"KubeSchedulerProfile", kProfileMembers};

constexpr Member kTlsMembers[] = {{"insecure", Bool}, {"serverName", String}, {"certFile", String}, {"keyFile", String},
                                  {"caFile", String}, {"certData", Bytes},    {"keyData", Bytes},   {"caData", Bytes}};
constexpr Shape kTls{"ExtenderTLSConfig", kTlsMembers};

constexpr Member kManagedMembers[] = {{"name", String, Always}, {"ignoredByScheduler", Bool}};
constexpr Shape kManaged{"ExtenderManagedResource", kManagedMembers};

constexpr Member kExtenderMembers[] = {{"urlPrefix", String, Always},
                                       {"filterVerb", String},
                                       {"preemptVerb", String},
                                       {"prioritizeVerb", String},
                                       {"weight", Int64},
                                       {"bindVerb", String},
                                       {"enableHTTPS", Bool},
                                       {"tlsConfig", Object, Pointer, &kTls},
                                       {"httpTimeout", Duration, Always},
                                       {"nodeCacheCapable", Bool},
                                       {"managedResources", Object, Omitted, &kManaged, true},
                                       {"ignorable", Bool}};
constexpr Shape kExtender{"Extender", kExtenderMembers};

constexpr Member kElectionMembers[] = {{"leaderElect", Bool, Pointer},       {"leaseDuration", Duration, Always},
                                       {"renewDeadline", Duration, Always},  {"retryPeriod", Duration, Always},
                                       {"resourceLock", String, Always},     {"resourceName", String, Always},
                                       {"resourceNamespace", String, Always}};
constexpr Shape kElection{"LeaderElectionConfiguration", kElectionMembers};

constexpr Member kConnectionMembers[] = {{"kubeconfig", String, Always},
                                         {"acceptContentTypes", String, Always},
                                         {"contentType", String, Always},
                                         {"qps", Float, Always},
                                         {"burst", Int32, Always}};
constexpr Shape kConnection{"ClientConnectionConfiguration", kConnectionMembers};

constexpr const char* kDebugging = "DebuggingConfiguration";
constexpr Member kConfigurationMembers[] = {{"apiVersion", String},
                                            {"kind", String},
                                            {"parallelism", Int32, Pointer},
                                            {"leaderElection", Object, Always, &kElection},
                                            {"clientConnection", Object, Always, &kConnection},
                                            {"enableProfiling", Bool, Pointer, nullptr, false, kDebugging},
                                            {"enableContentionProfiling", Bool, Pointer, nullptr, false, kDebugging},
                                            {"percentageOfNodesToScore", Int32, Pointer},
                                            {"podInitialBackoffSeconds", Int64, Pointer},
                                            {"podMaxBackoffSeconds", Int64, Pointer},
                                            {"profiles", Object, Omitted, &kProfile, true},
                                            {"extenders", Object, Omitted, &kExtender, true},
                                            {"delayCacheUntilActive", Bool}};

// -- Arguments

constexpr Member kResourceMembers[] = {{"name", String, Always}, {"weight", Int64}};
constexpr Shape kResource{"ResourceSpec", kResourceMembers};
constexpr Member kPointMembers[] = {{"utilization", Int32, Always}, {"score", Int32, Always}};
constexpr Shape kPoint{"UtilizationShapePoint", kPointMembers};
constexpr Member kRatioMembers[] = {{"shape", Object, Omitted, &kPoint, true}};
constexpr Shape kRatio{"RequestedToCapacityRatioParam", kRatioMembers};
constexpr Member kStrategyMembers[] = {
    {"type", String}, {"resources", Object, Omitted, &kResource, true}, {"requestedToCapacityRatio", Object, Pointer, &kRatio}};
constexpr Shape kStrategy{"ScoringStrategy", kStrategyMembers};

#define TYPED \
  {"apiVersion", String}, { "kind", String }
constexpr Member kPreemptionMembers[] = {
    TYPED, {"minCandidateNodesPercentage", Int32, Pointer}, {"minCandidateNodesAbsolute", Int32, Pointer}};
constexpr Member kDynamicMembers[] = {TYPED, {"filterTimeout", Duration, Pointer}, {"bindingTimeout", Duration, Pointer}};
constexpr Member kInterPodMembers[] = {
    TYPED, {"hardPodAffinityWeight", Int32, Pointer}, {"ignorePreferredTermsOfExistingPods", Bool, Always}};
constexpr Member kAffinityMembers[] = {TYPED, {"addedAffinity", Affinity, Pointer}};
constexpr Member kBalancedMembers[] = {TYPED, {"resources", Object, Omitted, &kResource, true}};
constexpr Member kFitMembers[] = {TYPED,
                                  {"ignoredResources", String, Omitted, nullptr, true},
                                  {"ignoredResourceGroups", String, Omitted, nullptr, true},
                                  {"scoringStrategy", Object, Pointer, &kStrategy}};
constexpr Member kSpreadMembers[] = {
    TYPED, {"defaultConstraints", Constraint, Omitted, nullptr, true}, {"defaultingType", String}};
constexpr Member kVolumeMembers[] = {TYPED, {"bindTimeoutSeconds", Int64, Pointer}, {"shape", Object, Omitted, &kPoint, true}};
// No plugin of upstream's.
constexpr Member kFlowMembers[] = {TYPED,
                                   {"policy", String},
                                   {"batchWindow", Duration, Pointer},
                                   {"maxBatch", Int32, Pointer},
                                   {"solveTimeLimit", Duration, Pointer},
                                   {"rackLabel", String}};
#undef TYPED

constexpr std::pair<std::string_view, Shape> kArguments[] = {
    {"DefaultPreemption", {"DefaultPreemptionArgs", kPreemptionMembers}},
    {"DynamicResources", {"DynamicResourcesArgs", kDynamicMembers}},
    {"FlowPlacement", {"FlowPlacementArgs", kFlowMembers}},
    {"InterPodAffinity", {"InterPodAffinityArgs", kInterPodMembers}},
    {"NodeAffinity", {"NodeAffinityArgs", kAffinityMembers}},
    {"NodeResourcesBalancedAllocation", {"NodeResourcesBalancedAllocationArgs", kBalancedMembers}},
    {"NodeResourcesFit", {"NodeResourcesFitArgs", kFitMembers}},
    {"PodTopologySpread", {"PodTopologySpreadArgs", kSpreadMembers}},
    {"VolumeBinding", {"VolumeBindingArgs", kVolumeMembers}},
};

// -- Reading

std::string_view type_name(const ordered_json& value) { return value.is_boolean() ? "bool" : value.type_name(); }

class Walker {
 public:
  explicit Walker(std::vector<std::string>& unknown) : unknown_(unknown) {}

  json object(const ordered_json& document, const Shape& shape, const std::string& path, const std::string& go_path,
              std::string_view go_type) {
    if (document.is_null()) return object(ordered_json::object(), shape, path, go_path, go_type);
    if (!document.is_object()) mismatch(type_name(document), go_path, go_type);
    json out = json::object();
    for (const auto& [name, value] : document.items()) {
      const auto member = std::ranges::find(shape.members, name, [](const Member& m) { return std::string_view(m.name); });
      const std::string inner = path.empty() ? name : path + "." + name;
      if (member == shape.members.end()) {
        unknown_.push_back(fmt::format("unknown field \"{}\"", inner));
        continue;
      }
      std::string go = member->embedded ? fmt::format("{}.{}", member->embedded, name) : name;
      if (const auto dot = go_path.find('.'); dot != go_path.npos) go = fmt::format("{}.{}", go_path.substr(dot + 1), go);
      json read = this->member(*member, value, inner, fmt::format("{}.{}", shape.name, go));
      if (!read.is_null()) out[name] = std::move(read);
    }
    fill(shape, out);
    return out;
  }

 private:
  [[noreturn]] static void mismatch(std::string_view what, const std::string& go_path, std::string_view type) {
    throw api::DecodeError(
        go_path.empty() ? fmt::format("json: cannot unmarshal {} into Go value of type {}", what, type)
                        : fmt::format("json: cannot unmarshal {} into Go struct field {} of type {}", what, go_path, type));
  }

  // Null: as if it were not there.
  json member(const Member& member, const ordered_json& value, const std::string& path, const std::string& go_path) {
    if (value.is_null()) return {};
    if (!member.list) return this->value(member, value, path, go_path);
    if (!value.is_array()) mismatch(type_name(value), go_path, "[]" + go_type(member));
    json out = json::array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      out.push_back(this->value(member, value[i], fmt::format("{}[{}]", path, i), go_path));
    }
    return out.empty() ? json() : out;
  }

  static std::string go_type(const Member& member) {
    switch (member.kind) {
      case Bool: return "bool";
      case Int32: return "int32";
      case Int64: return "int64";
      case Float: return "float32";
      case Bytes: return "[]uint8";
      case Object: return fmt::format("v1.{}", member.shape->name);
      case Affinity: return "v1.NodeAffinity";
      case Constraint: return "v1.TopologySpreadConstraint";
      default: return "string";
    }
  }

  json value(const Member& member, const ordered_json& value, const std::string& path, const std::string& go_path) {
    const auto check = [&](bool fits) {
      if (!fits)
        mismatch(value.is_number() ? fmt::format("number {}", value.dump()) : type_name(value), go_path, go_type(member));
    };
    switch (member.kind) {
      case Bool: check_type(value.is_boolean(), value, go_path, member); return value.get<bool>();
      case Float: check_type(value.is_number(), value, go_path, member); return value;
      case Int32:
      case Int64: {
        check_type(value.is_number(), value, go_path, member);
        check(value.is_number_integer() && !(value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX));
        const auto number = value.get<std::int64_t>();
        check(member.kind == Int64 || (number >= INT32_MIN && number <= INT32_MAX));
        return number;
      }
      case String: check_type(value.is_string(), value, go_path, member); return value;
      case Bytes: {
        check_type(value.is_string(), value, go_path, member);
        std::string bytes;
        if (const std::string error = api::decode_base64(value.get<std::string>(), bytes); !error.empty()) {
          throw api::DecodeError(error);
        }
        return value;
      }
      case Duration: return duration(value);
      case Raw: return value;
      case Object: return object(value, *member.shape, path, go_path, go_type(member));
      case Affinity: return message<core::v1::NodeAffinity>(value, path);
      case Constraint: return message<core::v1::TopologySpreadConstraint>(value, path);
    }
    return {};
  }

  static void check_type(bool fits, const ordered_json& value, const std::string& go_path, const Member& member) {
    if (!fits) mismatch(type_name(value), go_path, go_type(member));
  }

  // It reads itself, and does not know where it stands.
  static json duration(const ordered_json& value) {
    if (!value.is_string()) {
      throw api::DecodeError(fmt::format("json: cannot unmarshal {} into Go value of type string", type_name(value)));
    }
    const auto parsed = api::parse_duration(value.get<std::string>());
    if (!parsed) throw api::DecodeError(fmt::format("time: invalid duration {}", value.dump()));
    return api::duration_text(*parsed);
  }

  template <class Message>
  json message(const ordered_json& value, const std::string& path) {
    Message message;
    std::vector<std::string> warnings;
    api::DecodeOptions options{.unknown = api::Unknown::Warn, .warnings = &warnings};
    api::from_json(json(value), message, options);
    for (const std::string& warning : warnings) {
      const auto quote = warning.find('"');
      unknown_.push_back(quote == warning.npos
                             ? warning
                             : fmt::format("{}{}.{}", warning.substr(0, quote + 1), path, warning.substr(quote + 1)));
    }
    return api::to_json(message);
  }

  // As it is written again: what is always there, and without the zeros that say nothing.
  static void fill(const Shape& shape, json& out) {
    for (const Member& member : shape.members) {
      const auto found = out.find(member.name);
      const bool absent = found == out.end();
      if (member.presence == Always && absent) out[member.name] = zero(member);
      if (member.presence == Omitted && !absent && member.kind != Raw && !member.list && *found == zero(member)) out.erase(found);
    }
  }

  static json zero(const Member& member) {
    switch (member.kind) {
      case Bool: return false;
      case Int32:
      case Int64:
      case Float: return 0;
      case Duration: return "0s";
      case Object: {
        json out = json::object();
        fill(*member.shape, out);
        return out;
      }
      default: return "";
    }
  }

  std::vector<std::string>& unknown_;
};

}  // namespace

const Shape kConfigurationShape{"KubeSchedulerConfiguration", kConfigurationMembers};

const Shape* shape_of_arguments(std::string_view plugin) {
  const auto found = std::ranges::find(kArguments, plugin, &std::pair<std::string_view, Shape>::first);
  return found == std::end(kArguments) ? nullptr : &found->second;
}

json shaped(const ordered_json& document, const Shape& shape, std::vector<std::string>& unknown) {
  return Walker(unknown).object(document, shape, {}, {}, fmt::format("v1.{}", shape.name));
}

}  // namespace ph::scheduler
