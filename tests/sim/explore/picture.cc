#include "tests/sim/explore/picture.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>

#include "api/codec.h"
#include "api/schema.h"

namespace ph::sim::explore {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kSuffix = 5;

void forget(Json& value) {
  if (value.is_object()) {
    for (const char* name : {"generation", "observedGeneration", "resourceVersion", "uid", "managedFields", "creationTimestamp"})
      value.erase(name);
  }
  if (!value.is_structured()) return;
  // A token holds the UID of its account.
  if (value.is_object() && value.contains("data") && value["data"].is_object() && value["data"].contains("token"))
    value["data"]["token"] = "signed";
  // A certificate's number is drawn, and it holds the time of its making.
  if (value.is_object() && value.contains("certificate")) value["certificate"] = "issued";
  // The name of a claim that was made for a pod is drawn, and stays in its status when the claim has gone.
  if (value.is_object() && value.contains("resourceClaimStatuses")) {
    for (Json& each : value["resourceClaimStatuses"]) {
      if (each.contains("resourceClaimName")) each["resourceClaimName"] = "drawn";
    }
  }
  for (Json& each : value) forget(each);
  // What set off the last write is known to the process that saw it. Another, which sees the service for the first time, takes the
  // time of the service for it: upstream's does, too.
  if (value.is_object() && value.contains("annotations") && value["annotations"].is_object()) {
    value["annotations"].erase("endpoints.kubernetes.io/last-change-trigger-time");
    if (value["annotations"].empty()) value.erase("annotations");
  }
}

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

std::string without_what_is_drawn(std::string text) {
  static const std::regex uid("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
  static const std::regex time("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?Z");
  static const std::regex address("\\b10([.][0-9]{1,3}){3}\\b");
  text = std::regex_replace(text, uid, "UID");
  text = std::regex_replace(text, time, "TIME");
  return std::regex_replace(text, address, "ADDRESS");
}

}  // namespace

void Picture::follow(Cluster& cluster) {
  cluster.on_write([this](const Cluster::Write& write) {
    const std::string& kind = write.kind.kind;
    if (kind == "Event" || kind == "Lease") return;
    if (write.object.empty()) {
      objects_.erase(write.key);
      return;
    }
    if (write.created) ++made_[kind];
    objects_[write.key] = {write.kind, write.object};
  });
}

std::vector<std::string> Picture::lines() const {
  std::vector<std::string> out;
  std::map<std::string, std::string> generated;  // names → what they are called here
  for (const auto& [key, object] : objects_) {
    const api::Schema* schema = api::Scheme::builtin().find(object.kind);
    std::string text;
    if (schema) api::transcode_to_json(*schema, object.bytes, true, text);
    else text = object.bytes;  // of a custom kind
    Json document = Json::parse(text);
    const std::string name = document["metadata"].value("name", ""), prefix = document["metadata"].value("generateName", "");
    if (!prefix.empty() && name.size() == prefix.size() + kSuffix && name.starts_with(prefix)) generated[name] = prefix + "*";
    if (object.kind.kind == "Node") document.erase("status");
    forget(document);
    out.push_back(document.dump());
  }
  for (std::string& line : out) {
    for (const auto& [name, told] : generated) replace_all(line, name, told);
    line = without_what_is_drawn(std::move(line));
  }
  std::ranges::sort(out);
  return out;
}

std::vector<std::string> differences(const std::vector<std::string>& wanted, const std::vector<std::string>& got) {
  std::vector<std::string> lost, added, out;
  std::ranges::set_difference(wanted, got, std::back_inserter(lost));
  std::ranges::set_difference(got, wanted, std::back_inserter(added));
  for (const std::string& line : lost) out.push_back("- " + line);
  for (const std::string& line : added) out.push_back("+ " + line);
  return out;
}

}  // namespace ph::sim::explore
