// kube-apiserver's discovery, OpenAPI, health and version: recorded in pieces, and so they are compared.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/vectors/observed_server.h"
#include "tests/vectors/play.h"

namespace ph::vectors {
namespace {

struct Document {
  int code = 0;
  std::string type, text;
  Json body;
};

// Nothing when the document has no such piece.
using Piece = std::optional<Json>;

const Json* named(const Json& list, const char* key, const std::string& name) {
  for (const Json& each : list) {
    if (each.value(key, "") == name) return &each;
  }
  return nullptr;
}

Json or_null(const Json& document, const char* name) { return document.value(name, Json()); }

Json sorted_keys(const Json& document) {
  Json out = Json::array();
  for (const auto& [name, value] : document.items()) out.push_back(name);
  return out;
}

// Names of parameters, references to them when they are given so.
Json parameters_of(const Json& operation) {
  std::vector<std::string> out;
  for (const Json& parameter : operation.value("parameters", Json::array())) {
    out.push_back(parameter.contains("$ref") ? parameter["$ref"] : parameter["name"]);
  }
  std::ranges::sort(out);
  return out;
}

bool is_method(const std::string& name) { return name != "parameters" && !name.starts_with("x-"); }

Piece path_v2(const Json& document, const std::string& path) {
  const Json paths = document.value("paths", Json::object());
  if (!paths.contains(path)) return std::nullopt;
  Json methods = Json::object();
  for (const auto& [method, operation] : paths[path].items()) {
    if (!is_method(method)) continue;
    methods[method] = {
        {"action", or_null(operation, "x-kubernetes-action")}, {"codes", sorted_keys(operation["responses"])},
        {"consumes", or_null(operation, "consumes")},          {"gvk", or_null(operation, "x-kubernetes-group-version-kind")},
        {"operationId", or_null(operation, "operationId")},    {"produces", or_null(operation, "produces")}};
  }
  return Json{{"methods", methods}, {"parameters", parameters_of(paths[path])}};
}

Piece path_v3(const Json& document, const std::string& path) {
  const Json paths = document.value("paths", Json::object());
  if (!paths.contains(path)) return std::nullopt;
  Json methods = Json::object();
  for (const auto& [method, operation] : paths[path].items()) {
    if (!is_method(method)) continue;
    const Json body = operation.contains("requestBody") ? sorted_keys(operation["requestBody"]["content"]) : Json::array();
    methods[method] = {
        {"action", or_null(operation, "x-kubernetes-action")}, {"body", body},
        {"codes", sorted_keys(operation["responses"])},        {"gvk", or_null(operation, "x-kubernetes-group-version-kind")},
        {"operationId", or_null(operation, "operationId")},    {"parameters", parameters_of(operation)}};
  }
  return Json{{"methods", methods}, {"parameters", parameters_of(paths[path])}};
}

Piece definition(const Json& document, const std::string& name) {
  const Json all = document.value("definitions", Json::object());
  if (!all.contains(name)) return std::nullopt;
  const Json& one = all[name];
  return Json{{"gvk", or_null(one, "x-kubernetes-group-version-kind")},
              // Recorded as lists, be there none.
              {"properties", sorted_keys(one.value("properties", Json::object()))},
              {"required", one.value("required", Json::array())},
              {"type", or_null(one, "type")}};
}

// Of schemas that are of many kinds.
constexpr std::size_t kKindsRecorded = 3;

Json schemas(const Json& document) {
  Json out = Json::object();
  if (!document.contains("components")) return out;
  for (const auto& [name, schema] : document["components"]["schemas"].items()) {
    out[name] = nullptr;
    for (const Json& kind : schema.value("x-kubernetes-group-version-kind", Json::array())) {
      if (out[name].size() == kKindsRecorded) break;
      if (out[name].is_null()) out[name] = Json::array();
      out[name].push_back({kind["group"], kind["kind"], kind["version"]});
    }
  }
  return out;
}

// Of an aggregated document: "core/v1/pods", or "group/apps".
Piece resource_piece(const Json& document, const std::string& where) {
  const std::size_t first = where.find('/'), second = where.find('/', first + 1);
  std::string group = where.substr(0, first);
  if (group == "core") group.clear();
  for (const Json& each : document.value("items", Json::array())) {
    if (each["metadata"].value("name", "") != group) continue;
    const Json* version = named(each["versions"], "version", where.substr(first + 1, second - first - 1));
    const Json* resource = version ? named((*version)["resources"], "resource", where.substr(second + 1)) : nullptr;
    if (resource) return *resource;
  }
  return std::nullopt;
}

Piece group_piece(const Json& document, std::string name) {
  if (name == "core") name.clear();
  for (Json each : document.value("items", Json::array())) {
    if (each["metadata"].value("name", "") != name) continue;
    for (Json& version : each["versions"]) {
      Json names = Json::array();
      for (const Json& resource : version["resources"]) names.push_back(resource["resource"]);
      version["resources"] = names;
    }
    return each;
  }
  return std::nullopt;
}

std::string after(const std::string& text, std::string_view what) {
  const std::size_t at = text.find(what);
  return at == std::string::npos ? std::string() : text.substr(at + what.size());
}

class DiscoveryPlayer final : public Player {
 public:
  DiscoveryPlayer() { server_.add_widgets(); }

  Outcome play(const Json& row) override {
    const std::string name = row["case"];
    const Piece got = piece(row, name);
    const std::string group = group_of(row);
    if (!got) return Outcome::not_served(group + " " + name.substr(name.rfind('/') + 1));
    Bindings bindings;
    Json recorded = row;
    for (const char* not_of_the_answer : {"case", "p", "accept"}) recorded.erase(not_of_the_answer);
    const std::string differs = differences(recorded, *got, bindings);
    if (differs.empty()) return Outcome::agrees(1);
    return Outcome::differs(0, group + ": " + shortened(kind_of_difference(differs), 120), differs);
  }

  static std::string group_of(const Json& row) {
    const std::string name = row["case"];
    if (name.starts_with("openapi-v2/") || name.starts_with("discovery/")) return part_of(name, 2);
    if (name.starts_with("openapi-v3/")) {
      return std::string("openapi-v3/") + (name.find("/path/") != std::string::npos ? "path"
                                           : name.ends_with("/schemas")             ? "schemas"
                                                                                    : "index");
    }
    return part_of(name, 1);
  }

 private:
  const Document& get(const std::string& path, const std::string& accept = "application/json") {
    Document& out = documents_[path + " " + accept];
    if (out.code != 0) return out;
    Json step = {{"p", path}, {"h", {{"Accept", accept}}}};
    const Answer got = server_.send(Request::of(step, {}));
    out = {got.code, got.fields.value("type", "application/json"), got.fields.value("text", ""), got.body()};
    // Here a Status is recorded whole.
    if (out.body.is_object() && got.code >= 400 && !out.body.contains("kind")) {
      out.body.update({{"kind", "Status"}, {"apiVersion", "v1"}});
      if (!out.body.contains("metadata")) out.body["metadata"] = Json::object();
    }
    return out;
  }

  // In the form of the row.
  Piece piece(const Json& row, const std::string& name) {
    if (name.starts_with("openapi-v2/path/")) return path_v2(get("/openapi/v2").body, after(name, "openapi-v2/path"));
    if (name.starts_with("openapi-v2/definition/")) return definition(get("/openapi/v2").body, after(name, "/definition/"));
    if (name == "openapi-v3/index") return Json{{"paths", hashes_masked(get("/openapi/v3").body)}};
    if (name.starts_with("openapi-v3/")) return piece_v3(name);
    const Document& document = get(row["p"], row.value("accept", "application/json"));
    if (row.contains("resource")) return wrapped("resource", resource_piece(document.body, resource_name(name)));
    if (row.contains("group")) return wrapped("group", group_piece(document.body, after(name, "/group/")));
    if (row.contains("keys")) return version(document);
    return whole(row, document);
  }

  Piece piece_v3(const std::string& name) {
    const std::string where = after(name, "openapi-v3/");
    const std::size_t path = where.find("/path/");
    const bool of_schemas = path == std::string::npos;
    const std::string document_name = where.substr(0, of_schemas ? where.rfind('/') : path);
    const Document& document = get("/openapi/v3/" + document_name);
    if (document.code != 200) return std::nullopt;
    if (of_schemas) return Json{{"schemas", schemas(document.body)}};
    return path_v3(document.body, where.substr(path + 5));
  }

  static Piece wrapped(const char* name, Piece piece) {
    if (!piece) return std::nullopt;
    return Json{{name, *piece}};
  }

  // "discovery/v2/apis/apps/v1/deployments" → "apps/v1/deployments".
  static std::string resource_name(const std::string& name) {
    return name.find("/apis/") != std::string::npos ? after(name, "/apis/") : after(name, "/api/");
  }

  static Json hashes_masked(const Json& index) {
    Json out = Json::object();
    for (const auto& [name, entry] : index.value("paths", Json::object()).items())
      out[name] = entry.value("serverRelativeURL", "");
    return out;
  }

  static Piece version(const Document& document) {
    return Json{{"code", document.code},
                {"keys", sorted_keys(document.body)},
                {"major", or_null(document.body, "major")},
                {"minor", or_null(document.body, "minor")}};
  }

  static Piece whole(const Json& row, const Document& document) {
    Json out = {{"code", document.code}};
    if (row.contains("contentType")) out["contentType"] = document.type;
    if (row.contains("text")) out["text"] = document.text;
    if (row.contains("r")) {
      out["r"] = row["r"].is_string() ? Json(document.text) : document.body;
      // The pieces are rows of their own.
      if (row["case"].get<std::string>().ends_with("/document") && out["r"].is_object()) out["r"].erase("items");
    }
    return out;
  }

  ObservedServer server_;
  std::map<std::string, Document> documents_;
};

TEST(Observed, Discovery) {
  DiscoveryPlayer player;
  play({.name = "observed/discovery",
        .levels = {"whole"},
        .row_name = [](const Json& row) { return row.at("case").get<std::string>(); },
        .group = DiscoveryPlayer::group_of},
       player);
}

}  // namespace
}  // namespace ph::vectors
