// Everything that the facts of an API group name: its resources in discovery, their columns and selectors, and every verb and
// sub-resource at work.
#include "tests/vectors/inventory.h"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "apiserver/admission/admission.h"
#include "tests/vectors/observed_server.h"
#include "tests/vectors/reading.h"

namespace ph::vectors {
namespace {

using testing::Contains;

// Verbs and sub-resources that are described and refused (README, Limits).
const std::set<std::string> kNotServed{"attach", "exec", "portforward", "proxy"};

Json strings(const Json& list) { return list.is_null() ? Json::array() : list; }

Json sorted(Json list) {
  std::sort(list.begin(), list.end());
  return list;
}

const Json* named(const Json& list, const std::string& name) {
  for (const Json& each : list) {
    if (each.at("name") == name) return &each;
  }
  return nullptr;
}

Answer get(ObservedServer& server, const std::string& path, const std::string& accept = "application/json") {
  return server.send(Request::of({{"p", path}, {"h", {{"Accept", accept}}}}, {}));
}
Answer patch(ObservedServer& server, const std::string& path, const std::string& type, const Json& body) {
  return server.send(Request::make("PATCH", path, body, "application/" + type));
}

// -- Discovery

TEST(Inventory, ResourcesAreDiscovered) {
  ObservedServer server;
  for (const ListedResource& resource : listed_resources()) {
    SCOPED_TRACE(resource.text());
    const Json document = get(server, resource.root).body();
    const Json* entry = named(document.at("resources"), resource.plural());
    ASSERT_NE(entry, nullptr);
    const Json& facts = resource.facts;
    EXPECT_EQ(entry->at("kind"), facts.at("kind"));
    EXPECT_EQ(entry->at("singularName"), facts.at("singular"));
    EXPECT_EQ(entry->at("namespaced"), facts.at("namespaced"));
    EXPECT_EQ(sorted(entry->at("verbs")), sorted(facts.at("verbs")));
    EXPECT_EQ(strings(entry->value("shortNames", Json())), strings(facts.at("shortNames")));
    EXPECT_EQ(strings(entry->value("categories", Json())), strings(facts.at("categories")));
    EXPECT_EQ(entry->value("storageVersionHash", Json()), facts.value("storageVersionHash", Json()));
    for (const Json& part : facts.at("subresources")) {
      SCOPED_TRACE(part.dump());
      const Json* sub = named(document.at("resources"), resource.plural() + "/" + part.at("name").get<std::string>());
      ASSERT_NE(sub, nullptr);
      EXPECT_EQ(sub->at("kind"), part.at("kind"));
      EXPECT_EQ(sorted(sub->at("verbs")), sorted(part.at("verbs")));
    }
  }
}

TEST(Inventory, NothingElseIsDiscovered) {
  std::set<std::string> listed, found;
  ObservedServer server;
  for (const ListedResource& resource : listed_resources()) listed.insert(resource.root + "/" + resource.plural());
  std::set<std::string> roots;
  for (const ListedResource& resource : listed_resources()) roots.insert(resource.root);
  for (const std::string& root : roots) {
    for (const Json& entry : get(server, root).body().at("resources")) {
      const std::string name = entry.at("name");
      if (name.find('/') == std::string::npos) found.insert(root + "/" + name);
    }
  }
  EXPECT_EQ(found, listed);
}

// -- Tables and selectors

TEST(Inventory, TablesHaveTheirColumns) {
  ObservedServer server;
  for (const ListedResource& resource : listed_resources()) {
    if (resource.facts.at("columns").is_null() || !resource.can("watch")) continue;
    SCOPED_TRACE(resource.text());
    const Json table = get(server, resource.collection(), "application/json;as=Table;v=v1;g=meta.k8s.io").body();
    Json columns = Json::array();
    for (const Json& each : table.at("columnDefinitions")) {
      Json column = {{"name", each.at("name")}, {"type", each.at("type")}, {"priority", each.at("priority")}};
      if (!each.at("format").get<std::string>().empty()) column["format"] = each.at("format");
      columns.push_back(column);
    }
    EXPECT_EQ(columns, resource.facts.at("columns"));
  }
}

TEST(Inventory, FieldSelectors) {
  ObservedServer server;
  for (const ListedResource& resource : listed_resources()) {
    if (!resource.can("watch")) continue;
    SCOPED_TRACE(resource.text());
    for (const std::string text : resource.facts.at("fieldSelectors")) {
      // "a->b": taken, and means another.
      const std::string field = text.substr(0, text.find("->"));
      EXPECT_EQ(get(server, resource.collection() + "?fieldSelector=" + field + "%3Dzz").code, 200) << field;
    }
    EXPECT_EQ(get(server, resource.collection() + "?fieldSelector=spec.zz%3Dzz").code, 400);
  }
}

// -- Verbs

// The life of one object.
class Life {
 public:
  Life(ObservedServer& server, const ListedResource& resource, Json sample)
      : server_(server), resource_(resource), sample_(std::move(sample)) {}

  void live() {
    const std::string before = resource_.can("list") ? revision_of(get(server_, resource_.collection())) : std::string();
    const Answer made = server_.send(Request::make("POST", resource_.collection(), sample_));
    ASSERT_EQ(made.code, 201) << made.fields.dump();
    if (!resource_.can("get")) return;  // it is answered, and forgotten
    created_ = made.body();
    path_ = resource_.collection() + "/" + created_.at("metadata").at("name").get<std::string>();
    // What the server does about a new object may change it.
    server_.advance(1s);
    reads(before);
    changes();
    ends();
  }

 private:
  static std::string revision_of(const Answer& answer) { return answer.body().at("metadata").at("resourceVersion"); }

  std::string name() const { return created_.at("metadata").at("name"); }

  void reads(const std::string& before) {
    EXPECT_EQ(get(server_, path_).body().at("metadata").at("uid"), created_.at("metadata").at("uid"));
    std::vector<std::string> names;
    for (const Json& item : get(server_, resource_.collection()).body().at("items"))
      names.push_back(item.at("metadata").at("name"));
    EXPECT_THAT(names, Contains(name()));
    const Answer watched = get(server_, resource_.collection() + "?watch=true&timeoutSeconds=1&resourceVersion=" + before);
    ASSERT_EQ(watched.code, 200);
    const bool told = std::ranges::any_of(watched.fields.at("events"), [&](const Json& event) {
      return event.at("type") == "ADDED" && event.at("object").at("metadata").value("name", "") == name();
    });
    EXPECT_TRUE(told) << watched.fields.dump();
  }

  void changes() {
    const Json labelled = {{"metadata", {{"labels", {{"merge", "yes"}}}}}};
    EXPECT_EQ(patch(server_, path_, "merge-patch+json", labelled).code, 200);
    const Json strategic = {{"metadata", {{"labels", {{"strategic", "yes"}}}}}};
    EXPECT_EQ(patch(server_, path_, "strategic-merge-patch+json", strategic).code, 200);
    const Json operation = {{"op", "add"}, {"path", "/metadata/labels/json"}, {"value", "yes"}};
    EXPECT_EQ(patch(server_, path_, "json-patch+json", Json::array({operation})).code, 200);
    const Json applied = {{"apiVersion", resource_.api_version},
                          {"kind", resource_.kind()},
                          {"metadata", {{"name", name()}, {"labels", {{"apply", "yes"}}}}}};
    const Answer apply = patch(server_, path_ + "?fieldManager=inventory", "apply-patch+yaml", applied);
    EXPECT_EQ(apply.code, 200) << apply.fields.dump();
    const Json now = get(server_, path_).body();
    for (const char* label : {"merge", "strategic", "json", "apply"})
      EXPECT_EQ(now.at("metadata").at("labels").value(label, ""), "yes") << label;

    Json stale = now;
    stale["metadata"]["resourceVersion"] = created_.at("metadata").at("resourceVersion");
    EXPECT_EQ(server_.send(Request::make("PUT", path_, stale)).code, 409);
    const Answer updated = server_.send(Request::make("PUT", path_, now));
    EXPECT_EQ(updated.code, 200) << updated.fields.dump();
    EXPECT_EQ(Json(revision_of(updated)), now.at("metadata").at("resourceVersion")) << "it says nothing new";
  }

  void ends() {
    remove(path_);
    if (!resource_.can("deletecollection")) return;
    EXPECT_EQ(server_.send(Request::make("POST", resource_.collection(), sample_)).code, 201);
    remove(resource_.collection() + "?fieldSelector=metadata.name%3D" + name());
  }

  // It is gone, or on its way, and then waits for somebody else's finalizer.
  void remove(const std::string& target) {
    const Answer removed = server_.send(Request::make("DELETE", target));
    EXPECT_EQ(removed.code, 200) << removed.fields.dump();
    server_.advance(2s);
    const Answer left = get(server_, path_);
    if (left.code == 404) return;
    EXPECT_TRUE(left.body().at("metadata").contains("deletionTimestamp")) << left.fields.dump();
    patch(server_, path_, "merge-patch+json", {{"metadata", {{"finalizers", nullptr}}}});
    if (resource_.plural() == "namespaces") return;  // …/finalize is a sub-resource
    EXPECT_EQ(get(server_, path_).code, 404);
  }

  ObservedServer& server_;
  const ListedResource& resource_;
  const Json sample_;
  Json created_;
  std::string path_;
};

TEST(Inventory, VerbsWork) {
  ObservedServer server;
  for (const ListedResource& resource : listed_resources()) {
    SCOPED_TRACE(resource.text());
    const Json sample = sample_of(resource);
    if (resource.plural() == "bindings") continue;  // with the sub-resources
    if (resource.plural() == "componentstatuses") {
      EXPECT_EQ(get(server, resource.collection()).code, 404) << "is served now: README's Limits say it is not";
      continue;
    }
    ASSERT_FALSE(sample.is_null()) << "nobody knows how to make one";
    Life(server, resource, sample).live();
  }
}

TEST(Inventory, OtherVerbsAreNoMethods) {
  struct Verb {
    const char* name;
    const char* method;
    bool of_object;
  };
  constexpr Verb kVerbs[] = {{"get", "GET", true},
                             {"list", "GET", false},
                             {"create", "POST", false},
                             {"update", "PUT", true},
                             {"patch", "PATCH", true},
                             {"delete", "DELETE", true},
                             {"deletecollection", "DELETE", false}};
  ObservedServer server;
  for (const ListedResource& resource : listed_resources()) {
    for (const Verb& verb : kVerbs) {
      if (resource.can(verb.name)) continue;
      SCOPED_TRACE(resource.text() + " " + verb.name);
      const std::string path = resource.collection() + (verb.of_object ? "/zz" : "");
      const int code = server.send(Request::make(verb.method, path, Json::object())).code;
      const bool has_path = std::ranges::any_of(
          kVerbs, [&](const Verb& other) { return other.of_object == verb.of_object && resource.can(other.name); });
      EXPECT_EQ(code, has_path ? 405 : 404);
    }
  }
}

// -- Sub-resources

// What is posted to those that are made, not changed.
std::optional<Json> posted(const std::string& part, const std::string& name) {
  if (part == "binding")
    return Json{
        {"apiVersion", "v1"}, {"kind", "Binding"}, {"metadata", {{"name", name}}}, {"target", {{"kind", "Node"}, {"name", "n"}}}};
  if (part == "eviction") return Json{{"apiVersion", "policy/v1"}, {"kind", "Eviction"}, {"metadata", {{"name", name}}}};
  if (part == "token")
    return Json{{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenRequest"}, {"spec", Json::object()}};
  return std::nullopt;
}

TEST(Inventory, SubresourcesWork) {
  ObservedServer server;
  for (const ListedResource& resource : listed_resources()) {
    if (resource.facts.at("subresources").empty()) continue;
    Json sample = sample_of(resource);
    const Answer made = server.send(Request::make("POST", resource.collection(), sample));
    ASSERT_EQ(made.code, 201) << resource.text() << made.fields.dump();
    server.advance(1s);
    const std::string name = made.body().at("metadata").at("name"), object = resource.collection() + "/" + name;
    for (const Json& part : resource.facts.at("subresources")) {
      const std::string sub = part.at("name"), path = object + "/" + sub;
      SCOPED_TRACE(resource.text() + "/" + sub);
      const Json& verbs = part.at("verbs");
      const auto can = [&](const char* verb) { return std::find(verbs.begin(), verbs.end(), Json(verb)) != verbs.end(); };
      if (kNotServed.contains(sub)) {
        EXPECT_EQ(get(server, path).code, 404);
        continue;
      }
      if (sub == "log") continue;  // asked of the node
      if (can("get")) EXPECT_EQ(get(server, path).code, 200);
      if (can("update")) {
        const Json whole = can("get") ? get(server, path).body() : get(server, object).body();
        const Answer updated = server.send(Request::make("PUT", path, whole));
        EXPECT_EQ(updated.code, 200) << updated.fields.dump();
      }
      if (can("patch")) EXPECT_EQ(patch(server, path, "merge-patch+json", Json::object()).code, 200);
      if (can("create")) {
        const Answer posted_to = server.send(Request::make("POST", path, *posted(sub, name)));
        EXPECT_EQ(posted_to.code, 201) << posted_to.fields.dump();
      }
    }
  }
}

// -- The objects of a fresh cluster

TEST(Inventory, AFreshClusterHasItsObjects) {
  struct Kind {
    const char* name;
    const char* collection;
  };
  constexpr Kind kKinds[] = {{"namespaces", "/api/v1/namespaces"},
                             {"priorityclasses", "/apis/scheduling.k8s.io/v1/priorityclasses"},
                             {"flowschemas", "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"},
                             {"prioritylevelconfigurations", "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations"},
                             {"apiservices", "/apis/apiregistration.k8s.io/v1/apiservices"},
                             {"clusterroles", "/apis/rbac.authorization.k8s.io/v1/clusterroles"},
                             {"clusterrolebindings", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"},
                             {"roles", "/apis/rbac.authorization.k8s.io/v1/roles"},
                             {"rolebindings", "/apis/rbac.authorization.k8s.io/v1/rolebindings"}};
  const Json facts = read_facts("bootstrap");
  ObservedServer server;
  for (const Kind& kind : kKinds) {
    const Json items = get(server, kind.collection).body().at("items");
    for (const Json& wanted : facts.at(kind.name)) {
      const Json& metadata = wanted.contains("metadata") ? wanted.at("metadata") : wanted;
      SCOPED_TRACE(std::string(kind.name) + " " + metadata.at("name").get<std::string>());
      const auto found = std::ranges::find_if(items, [&](const Json& item) {
        return item.at("metadata").at("name") == metadata.at("name") &&
               item.at("metadata").value("namespace", "") == metadata.value("namespace", "");
      });
      ASSERT_NE(found, items.end());
      if (wanted.contains("spec")) EXPECT_EQ(found->at("spec"), wanted.at("spec"));
      if (wanted.contains("value")) EXPECT_EQ(found->at("value"), wanted.at("value"));
      if (wanted.contains("roleRef")) EXPECT_EQ(found->at("roleRef"), wanted.at("roleRef"));
      Json labels = wanted.value("labels", Json::object());
      if (std::string_view(kind.collection).find("/rbac.") != std::string_view::npos)
        labels.update(facts.at("rbacCommon").at("labels"));
      if (!labels.empty()) EXPECT_EQ(found->at("metadata").at("labels"), labels);
    }
  }
}

TEST(Inventory, GroupsAreInTheirOrder) {
  ObservedServer server;
  Json found = Json::array();
  for (const Json& group : get(server, "/apis").body().at("groups")) {
    Json versions = Json::array();
    for (const Json& version : group.at("versions")) versions.push_back(version.at("version"));
    found.push_back(
        {{"group", group.at("name")}, {"versions", versions}, {"preferred", group.at("preferredVersion").at("version")}});
  }
  EXPECT_EQ(found, read_facts("bootstrap").at("apiGroupOrder"));
}

// -- Admission

TEST(Inventory, AdmissionPluginsAreKnownInTheirOrder) {
  const Json facts = read_facts("apiserver");
  Json names = Json::array(), on = Json::array();
  for (const apiserver::UpstreamAdmission& plugin : apiserver::upstream_admission()) {
    names.push_back(plugin.name);
    if (plugin.on_by_default) on.push_back(plugin.name);
  }
  EXPECT_EQ(names, facts.at("admissionOrder"));
  EXPECT_EQ(on, facts.at("admissionOnByDefault"));
  // Those that are here run in that order.
  std::size_t last = 0;
  for (const apiserver::AdmissionEntry& entry : apiserver::admission_entries()) {
    const auto at = std::find(names.begin(), names.end(), Json(entry.name)) - names.begin();
    EXPECT_GE(at, static_cast<std::ptrdiff_t>(last)) << entry.name;
    last = static_cast<std::size_t>(at);
  }
}

}  // namespace
}  // namespace ph::vectors
