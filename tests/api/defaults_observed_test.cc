// Every create seen on a real 1.36 server, of the kinds served here: defaulting adds what it added there, and nothing else.
#include <map>
#include <regex>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/rules.h"
#include "tests/vectors/reading.h"

namespace ph::api {
namespace {

using Json = nlohmann::json;

// What a server adds by other means than defaulting, by kind ("" is any) and path.
struct Exception {
  const char* kind;
  const char* path;  // a regular expression
  const char* who;
};

const Exception kServerSets[] = {
    {"", R"(metadata\.(namespace|uid|creationTimestamp|resourceVersion|generation))", "the generic registry"},
    {"Pod", R"(spec\.(priority|preemptionPolicy))", "admission Priority"},
    {"Pod", R"(spec\.serviceAccount(Name)?)", "admission ServiceAccount"},
    {"Pod", R"(spec\.tolerations\[\d+\]\..*)", "admission DefaultTolerationSeconds"},
    {"Pod", R"(status\.(phase|qosClass))", "the pod registry"},
    {"Service", R"(spec\.(clusterIP|clusterIPs\[0\]|ipFamilies\[0\]|ipFamilyPolicy|ports\[\d+\]\.nodePort))",
     "the service registry"},
    {"PersistentVolumeClaim", R"(metadata\.finalizers\[0\])", "admission StorageObjectInUseProtection"},
    {"PersistentVolume", R"(metadata\.finalizers\[0\])", "admission StorageObjectInUseProtection"},
    {"VolumeAttributesClass", R"(metadata\.finalizers\[0\])", "admission StorageObjectInUseProtection"},
    {"PersistentVolume", R"(status\.lastPhaseTransitionTime)", "the volume registry"},
    {"Node", R"(spec\.taints\[0\]\..*)", "admission TaintNodesByCondition"},
    {"Namespace", R"(spec\.finalizers\[0\])", "the namespace registry"},
    {"DaemonSet", R"(metadata\.annotations\.\["deprecated\.daemonset\.template\.generation"\])", "the daemon set registry"},
    {"Job", R"re(.*\.?(\["batch\.kubernetes\.io/(controller-uid|job-name)"\]|controller-uid|job-name))re", "the job registry"},
    {"StatefulSet", R"re(spec\.volumeClaimTemplates\[\d+\]\.(apiVersion|kind))re", "the JSON form of embedded objects"},
    {"TokenRequest", R"re(metadata\.name|spec\.audiences(\[0\])?|status\..*)re", "the issuer"},
    {"CustomResourceDefinition", R"(status\.storedVersions\[0\])", "the definitions' registry"},
    {"SelfSubjectReview", R"re(status\..*)re", "the authenticator"},
    {"ResourceSlice", R"(spec\.devices\[\d+\]\.taints\[\d+\]\.timeAdded)", "the slice registry"},
};

bool server_sets(const std::string& kind, const std::string& path) {
  return std::ranges::any_of(kServerSets, [&](const Exception& e) {
    return (*e.kind == 0 || kind == e.kind) && std::regex_match(path, std::regex(e.path));
  });
}

// An object or list that is empty here, and on the server holds what others put there.
bool filled_by_others(const std::string& path, const Json& value, const Json& added) {
  if (!value.empty()) return false;
  for (const auto& [other, ignored] : added.items()) {
    if (other.starts_with(path + ".") || other.starts_with(path + "[")) return true;
  }
  return false;
}

// The volume of the service-account token and its mounts, which admission adds.
bool is_token_volume(const std::string& path, const Json& added) {
  static const std::regex item(R"((.*(volumes|volumeMounts)\[\d+\])\..*)");
  std::smatch match;
  if (!std::regex_match(path, match, item)) return false;
  const auto name = added.find(match[1].str() + ".name");
  return name != added.end() && name->is_string() && name->get<std::string>().starts_with("kube-api-access-");
}

bool is_plain(const std::string& key) {
  return std::ranges::all_of(key, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; });
}

// Leaves by their paths, as the observations spell them; empty objects and lists are leaves.
void flatten(const Json& value, const std::string& path, std::map<std::string, Json>& out) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, member] : value.items()) {
      const std::string name = is_plain(key) ? key : "[\"" + key + "\"]";
      flatten(member, path.empty() ? name : path + "." + name, out);
    }
  } else if (value.is_array() && !value.empty()) {
    for (std::size_t i = 0; i < value.size(); ++i) flatten(value[i], path + "[" + std::to_string(i) + "]", out);
  } else {
    out[path] = value;
  }
}

std::map<std::string, Json> leaves(const Json& value) {
  std::map<std::string, Json> out;
  flatten(value, "", out);
  return out;
}

const Schema* schema_named(const std::string& api_version, const std::string& kind) {
  const auto slash = api_version.find('/');
  const bool core = slash == std::string::npos;
  return Scheme::builtin().find(
      {core ? "" : api_version.substr(0, slash), core ? api_version : api_version.substr(slash + 1), kind});
}

void check(const Schema& schema, const std::string& kind, const Json& seen) {
  const auto object = Scheme::builtin().make(schema);
  from_json(seen["input"], *object);
  if (const auto set = rules_of(schema).set_defaults) set(*object);
  const auto got = leaves(to_json(*object));
  const auto given = leaves(seen["input"]);

  std::map<std::string, Json> added;
  for (const auto& [path, value] : got) {
    const bool mended = given.contains(path) && given.at(path).empty() && given.at(path) != value;  // [] read back as null
    if (!given.contains(path) || mended) added[path] = value;
  }
  std::map<std::string, Json> expected;
  for (const auto& [path, value] : seen["added"].items()) {
    if (!server_sets(kind, path) && !is_token_volume(path, seen["added"])) expected[path] = value;
  }
  for (const auto& [path, value] : expected) {
    const auto found = added.find(path);
    EXPECT_TRUE(found != added.end()) << "missing: " << path << " = " << value;
    if (found != added.end()) EXPECT_EQ(found->second, value) << path;
  }
  for (const auto& [path, value] : added) {
    if (server_sets(kind, path) || filled_by_others(path, value, seen["added"])) continue;
    EXPECT_TRUE(expected.contains(path)) << "not added by a real server: " << path << " = " << value;
  }
}

TEST(Defaults, AsObservedOnARealServer) {
  const Json observed = vectors::read_facts("defaults_observed");
  int checked = 0;
  for (const Json& seen : observed["cases"]) {
    const std::string kind = seen["kind"];
    const Schema* schema = schema_named(seen["apiVersion"], kind);
    if (!schema) continue;
    SCOPED_TRACE(seen["apiVersion"].get<std::string>() + " " + kind + " " + seen["case"].get<std::string>());
    check(*schema, kind, seen);
    ++checked;
  }
  EXPECT_GT(checked, 40);
}

}  // namespace
}  // namespace ph::api
