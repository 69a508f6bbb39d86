// Requests of a grammar (methods, paths, queries, headers, bodies, in any combination) sent to a whole server: each is answered, and
// none with what the server cannot explain; what is stored can be read in every form.
//
// PH_RANDOM_REQUESTS: how many a seed (500). Under sanitizers and for long: PH_RANDOM_REQUESTS=100000 build/asan/bin/apiserver_tests
// --gtest_filter='*RandomRequests*'
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "api/codec.h"
#include "api/kinds.h"
#include "tests/api/random_object.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

int requests_a_seed() {
  const char* const text = std::getenv("PH_RANDOM_REQUESTS");
  return text ? std::atoi(text) : 500;
}

// Objects that are taken as they are, for others to be made of by changes. NAME and SPACE are filled in.
struct Sample {
  const char *group, *version, *plural;
  bool namespaced;
  const char* text;
};
constexpr Sample kSamples[] = {
    {"", "v1", "namespaces", false, R"({"metadata":{"name":"NAME"}})"},
    {"", "v1", "configmaps", true, R"({"metadata":{"name":"NAME","labels":{"a":"b"}},"data":{"k":"v"}})"},
    {"", "v1", "secrets", true, R"({"metadata":{"name":"NAME"},"stringData":{"k":"v"},"type":"Opaque"})"},
    {"", "v1", "pods", true,
     R"({"metadata":{"name":"NAME","labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"1"}}}]}})"},
    {"", "v1", "services", true,
     R"({"metadata":{"name":"NAME"},"spec":{"selector":{"a":"b"},"ports":[{"port":80}],"type":"NodePort"}})"},
    {"", "v1", "nodes", false, R"({"metadata":{"name":"NAME"},"spec":{"podCIDR":"10.0.0.0/24"}})"},
    {"", "v1", "serviceaccounts", true, R"({"metadata":{"name":"NAME"}})"},
    {"", "v1", "persistentvolumeclaims", true,
     R"({"metadata":{"name":"NAME"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}})"},
    {"", "v1", "resourcequotas", true, R"({"metadata":{"name":"NAME"},"spec":{"hard":{"pods":"3","configmaps":"5"}}})"},
    {"", "v1", "limitranges", true,
     R"({"metadata":{"name":"NAME"},"spec":{"limits":[{"type":"Container","default":{"cpu":"1"},"max":{"cpu":"2"}}]}})"},
    {"", "v1", "events", true,
     R"({"metadata":{"name":"NAME"},"involvedObject":{"kind":"Pod","name":"p","namespace":"SPACE"},"reason":"r","source":{"component":"c"}})"},
    {"events.k8s.io", "v1", "events", true,
     R"({"metadata":{"name":"NAME"},"eventTime":"2026-01-01T00:00:00.000000Z","action":"a","reason":"r","type":"Normal","reportingController":"c.io/c","reportingInstance":"i","regarding":{"kind":"Pod","name":"p","namespace":"SPACE"}})"},
    {"apps", "v1", "deployments", true,
     R"({"metadata":{"name":"NAME"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})"},
    {"apps", "v1", "statefulsets", true,
     R"({"metadata":{"name":"NAME"},"spec":{"serviceName":"s","selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})"},
    {"batch", "v1", "jobs", true,
     R"({"metadata":{"name":"NAME"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}})"},
    {"batch", "v1", "cronjobs", true,
     R"({"metadata":{"name":"NAME"},"spec":{"schedule":"* * * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}}})"},
    {"autoscaling", "v1", "horizontalpodautoscalers", true,
     R"({"metadata":{"name":"NAME"},"spec":{"maxReplicas":3,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}}})"},
    {"autoscaling", "v2", "horizontalpodautoscalers", true,
     R"({"metadata":{"name":"NAME"},"spec":{"maxReplicas":3,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}}})"},
    {"coordination.k8s.io", "v1", "leases", true,
     R"({"metadata":{"name":"NAME"},"spec":{"holderIdentity":"h","leaseDurationSeconds":15}})"},
    {"policy", "v1", "poddisruptionbudgets", true,
     R"({"metadata":{"name":"NAME"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"a":"b"}}}})"},
    {"rbac.authorization.k8s.io", "v1", "roles", true,
     R"({"metadata":{"name":"NAME"},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]})"},
    {"networking.k8s.io", "v1", "ingresses", true,
     R"({"metadata":{"name":"NAME"},"spec":{"defaultBackend":{"service":{"name":"s","port":{"number":80}}}}})"},
    {"flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", false,
     R"({"metadata":{"name":"NAME"},"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":1,"limitResponse":{"type":"Reject"}}}})"},
    {"one.example.com", "v1", "gangs", true,
     R"({"apiVersion":"one.example.com/v1","kind":"Gang","metadata":{"name":"NAME"},"spec":{"replicas":2}})"},
};

constexpr const char* kDefinition =
    R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"gangs.one.example.com"},
  "spec":{"group":"one.example.com","scope":"Namespaced","names":{"plural":"gangs","kind":"Gang"},"versions":[{"name":"v1","served":true,"storage":true,
    "subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas"}},
    "selectableFields":[{"jsonPath":".spec.color"}],
    "schema":{"openAPIV3Schema":{"type":"object","properties":{
      "spec":{"type":"object","properties":{"replicas":{"type":"integer","minimum":0,"default":1},"color":{"type":"string"},
        "any":{"x-kubernetes-preserve-unknown-fields":true},
        "list":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","required":["k"],"properties":{"k":{"type":"string"},"v":{"type":"integer"}}}}}},
      "status":{"type":"object","properties":{"replicas":{"type":"integer"}}}}}}}]}})";

class Grammar {
 public:
  Grammar(std::uint64_t seed, api::Scheme scheme) : rng_(seed), objects_(rng_), scheme_(std::move(scheme)) {}

  HttpRequest request() {
    const Sample& sample = kSamples[rng_.below(std::size(kSamples))];
    HttpRequest out;
    out.method = pick(
        {"GET", "GET", "POST", "POST", "POST", "PUT", "PUT", "PATCH", "PATCH", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"});
    out.target = path(sample, out.method == "POST") + query();
    headers(out);
    if (out.method == "PATCH") patch(sample, out);
    else if (out.method != "GET" && out.method != "HEAD") body(sample, out);
    out.peer.identity = one_in(8) ? StandardWorld::user(pick({"jane", "system:node:n0", ""}), {pick({"system:nodes", "people"})})
                                  : StandardWorld::admin();
    return out;
  }

 private:
  bool one_in(std::uint64_t n) { return rng_.below(n) == 0; }
  const char* pick(std::initializer_list<const char*> from) { return from.begin()[rng_.below(from.size())]; }
  std::string name() { return pick({"n0", "n1", "n2", "default", "kube-system"}); }

  std::string path(const Sample& sample, bool creates) {
    if (one_in(20)) {
      return pick({"/",
                   "/api",
                   "/apis",
                   "/apis/apps",
                   "/apis/apps/v1",
                   "/api/v1",
                   "/version",
                   "/healthz",
                   "/readyz?verbose",
                   "/metrics",
                   "/openapi/v2",
                   "/openapi/v3",
                   "/openapi/v3/apis/apps/v1",
                   "//api//v1",
                   "/api/v1/../v1",
                   "/api/v1/namespaces/%2e%2e/pods",
                   "/api/v1/namespaces/a%2fb/pods",
                   "/apis/none.example.com/v1/x",
                   "/api/v1/namespaces/default",
                   "/api/v1/proxy/x"});
    }
    std::string out = *sample.group ? std::string("/apis/") + sample.group + "/" : "/api/";
    out += one_in(30) ? "v9" : sample.version;
    if (one_in(30)) out += "/watch";
    if (sample.namespaced ? !one_in(8) : one_in(20)) out += "/namespaces/" + (one_in(3) ? name() : "default");
    out += std::string("/") + (one_in(40) ? "nothings" : sample.plural);
    if (creates ? one_in(8) : !one_in(4)) {
      out += "/" + name();
      if (one_in(3)) {
        out += std::string("/") + pick({"status", "status", "scale", "eviction", "binding", "finalize", "ephemeralcontainers",
                                        "resize", "approval", "token", "log", "exec", "proxy/x/y", "nothing", ""});
      }
    }
    if (one_in(30)) out += "/";
    return out;
  }

  std::string query() {
    std::string out;
    for (std::uint64_t n = one_in(2) ? 0 : rng_.below(4); n > 0; --n) {
      out += out.empty() ? "?" : "&";
      const std::string key = pick({"watch",
                                    "resourceVersion",
                                    "resourceVersionMatch",
                                    "limit",
                                    "continue",
                                    "labelSelector",
                                    "fieldSelector",
                                    "timeoutSeconds",
                                    "allowWatchBookmarks",
                                    "sendInitialEvents",
                                    "dryRun",
                                    "fieldManager",
                                    "fieldValidation",
                                    "force",
                                    "pretty",
                                    "propagationPolicy",
                                    "gracePeriodSeconds",
                                    "orphanDependents",
                                    "includeObject",
                                    "timeout",
                                    "other"});
      out += key + "=" + value(key);
    }
    return out;
  }

  std::string value(const std::string& key) {
    if (one_in(4)) return pick({"", "x", "-1", "0", "99999999999999999999", "%", "%00", "%ff", "a,b", "true", "1"});
    if (key == "resourceVersion") return pick({"0", "1", "5", "100000"});
    if (key == "resourceVersionMatch") return pick({"Exact", "NotOlderThan"});
    if (key == "limit") return pick({"1", "2", "500"});
    if (key == "labelSelector") return pick({"a=b", "a!=b", "a+in+(b,c)", "!a", "a", "a+notin+(b)", "a==b,c", "((", "a+in+("});
    if (key == "fieldSelector") {
      return pick({"metadata.name=n0", "metadata.namespace=default", "spec.nodeName=", "status.phase!=Running", "nothing=1",
                   "spec.color=red"});
    }
    if (key == "timeoutSeconds") return pick({"1", "2"});
    if (key == "dryRun") return "All";
    if (key == "fieldManager") return pick({"m1", "m2"});
    if (key == "fieldValidation") return pick({"Strict", "Warn", "Ignore"});
    if (key == "propagationPolicy") return pick({"Orphan", "Foreground", "Background"});
    if (key == "gracePeriodSeconds") return pick({"0", "1", "30"});
    if (key == "includeObject") return pick({"None", "Metadata", "Object"});
    if (key == "timeout") return pick({"1s", "5s"});
    return pick({"true", "false"});
  }

  void headers(HttpRequest& out) {
    if (one_in(2)) {
      out.headers.add("Accept", pick({"application/json", "application/yaml", "application/vnd.kubernetes.protobuf",
                                      "application/cbor", "*/*", "application/json;as=Table;v=v1;g=meta.k8s.io",
                                      "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
                                      "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", "text/html",
                                      "application/vnd.kubernetes.protobuf;stream=watch",
                                      "application/json;as=Table;v=v9;g=x, application/json", ";;;"}));
    }
    if (one_in(4)) out.headers.add("Accept-Encoding", pick({"gzip", "identity", "br, gzip;q=0"}));
    if (one_in(20)) out.headers.add("Impersonate-User", pick({"jane", "system:serviceaccount:default:default", ""}));
    if (one_in(40)) out.headers.add("Impersonate-Group", pick({"system:masters", "people"}));
    if (one_in(40)) out.headers.add("Authorization", pick({"Bearer x", "Bearer a.b.c", "Basic x", ""}));
  }

  json object(const Sample& sample) {
    std::string text = sample.text;
    for (const auto& [mark, with] : {std::pair<std::string, std::string>{"NAME", name()}, {"SPACE", "default"}}) {
      for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + with.size()))
        text.replace(at, mark.size(), with);
    }
    json out = json::parse(text);
    const api::Resource* const resource = scheme_.resource(sample.group, sample.version, sample.plural);
    if (resource && one_in(3)) {
      if (one_in(4)) return objects_.make(*resource->schema);
      out = objects_.change(*resource->schema, out);
      if (one_in(2) && out.contains("metadata") && out["metadata"].is_object()) out["metadata"]["name"] = name();
    }
    if (one_in(10) && out.contains("metadata") && out["metadata"].is_object()) {
      out["metadata"][pick({"resourceVersion", "uid", "generateName", "deletionTimestamp", "finalizers", "ownerReferences"})] =
          anything();
    }
    return out;
  }

  json anything() {
    switch (rng_.below(8)) {
      case 0: return nullptr;
      case 1: return true;
      case 2: return -1;
      case 3: return 1e300;
      case 4: return json::array({json::object(), 1});
      case 5: return json::object({{"a", json::object({{"b", nullptr}})}});
      case 6: return std::string("x");
      default: return "";
    }
  }

  // Sometimes cut, or with one byte of another kind.
  std::string spoiled(std::string text) {
    if (!text.empty() && one_in(12)) text.resize(rng_.below(text.size()));
    if (!text.empty() && one_in(12)) text[rng_.below(text.size())] = static_cast<char>(rng_.below(256));
    return text;
  }

  void body(const Sample& sample, HttpRequest& out) {
    if (out.method == "DELETE" && one_in(2)) return;
    const json document =
        out.method == "DELETE"
            ? json{{"kind", "DeleteOptions"}, {"apiVersion", "v1"}, {"preconditions", anything()}, {"gracePeriodSeconds", 0}}
            : object(sample);
    const api::Resource* const resource = scheme_.resource(sample.group, sample.version, sample.plural);
    if (one_in(6) && resource && resource->schema->descriptor && out.method != "DELETE") {
      try {
        const auto message = scheme_.make(*resource->schema);
        api::from_json(document, *message);
        out.body = spoiled(api::encode_envelope(*message));
        out.headers.add("Content-Type", "application/vnd.kubernetes.protobuf");
        return;
      } catch (const api::DecodeError&) {
      }
    }
    out.body = spoiled(document.dump(-1, ' ', false, json::error_handler_t::replace));
    out.headers.add("Content-Type",
                    one_in(10) ? pick({"application/yaml", "text/plain", "application/cbor", "application/json; charset=x", ""})
                               : "application/json");
  }

  json operation() {
    static constexpr const char* kPaths[] = {"/metadata/labels/a",
                                             "/metadata/labels",
                                             "/spec",
                                             "/spec/replicas",
                                             "/spec/containers/0",
                                             "/spec/containers/-",
                                             "/data/k",
                                             "/metadata/finalizers",
                                             "/metadata/finalizers/-",
                                             "/spec/list",
                                             "",
                                             "/",
                                             "/~1~0",
                                             "x",
                                             "/spec/ports/0/port"};
    json out{{"op", pick({"add", "remove", "replace", "move", "copy", "test", "nothing"})},
             {"path", kPaths[rng_.below(std::size(kPaths))]}};
    if (!one_in(4)) out["value"] = anything();
    if (one_in(3)) out["from"] = kPaths[rng_.below(std::size(kPaths))];
    return out;
  }

  void patch(const Sample& sample, HttpRequest& out) {
    const std::string type = pick({"application/json-patch+json", "application/merge-patch+json",
                                   "application/strategic-merge-patch+json", "application/apply-patch+yaml", "application/json"});
    out.headers.add("Content-Type", type);
    if (type == "application/json-patch+json") {
      json operations = json::array();
      for (std::uint64_t n = rng_.below(4); n > 0; --n) operations.push_back(operation());
      out.body = spoiled(operations.dump());
      return;
    }
    json document = object(sample);
    if (type == "application/apply-patch+yaml" && !one_in(6)) {
      document["apiVersion"] = *sample.group ? std::string(sample.group) + "/" + sample.version : sample.version;
      const api::Resource* const resource = scheme_.resource(sample.group, sample.version, sample.plural);
      document["kind"] = resource ? resource->kind.kind : "Gang";
      out.target += (out.target.find('?') == std::string::npos ? "?" : "&") + std::string("fieldManager=m1&force=true");
    }
    if (one_in(5)) document["$patch"] = pick({"replace", "delete", "merge", "x"});
    if (one_in(5)) document["metadata"]["$retainKeys"] = anything();
    if (one_in(5)) document["spec"] = anything();
    out.body = spoiled(document.dump(-1, ' ', false, json::error_handler_t::replace));
  }

  SeededRng rng_;
  api::testing::RandomObject objects_;
  const api::Scheme scheme_;
};

// Reads the first frames of a watch, and leaves.
Task<void> exchange(ApiServer* server, HttpRequest request, std::shared_ptr<std::optional<Reply>> out) {
  HttpResponse response = co_await server->handle(std::move(request));
  Reply reply{response.status, response.headers, body_text(response)};
  for (int frames = 0; response.stream && frames < 3; ++frames) {
    const auto frame = co_await response.stream->next();
    if (!frame) break;
    reply.body += **frame;
  }
  *out = std::move(reply);
}

class RandomRequests : public ::testing::TestWithParam<int> {
 protected:
  std::optional<Reply> send(HttpRequest request) {
    Scope scope(world.executor);
    auto reply = std::make_shared<std::optional<Reply>>();
    scope.spawn(exchange(world.server.get(), std::move(request), reply));
    world.executor.drain();
    for (int i = 0; i < 30 && !*reply; ++i) world.executor.advance(100ms);
    const bool watches = !*reply;  // with nothing to tell
    scope.cancel();
    world.executor.drain();
    return watches ? std::nullopt : *reply;
  }

  StandardWorld world;
};

std::string described(const HttpRequest& request) {
  std::string out = request.method + " " + request.target;
  for (const auto& [name, value] : request.headers) out += "\n" + name + ": " + value;
  return out + "\n" + request.body;
}

TEST_P(RandomRequests, AreAnsweredAndHarmNothing) {
  ASSERT_EQ(world.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", kDefinition).status, 201);
  world.executor.advance(1s);
  Grammar grammar(static_cast<std::uint64_t>(GetParam()), world.server->reader().scheme());
  std::map<int, int> codes;
  for (int i = requests_a_seed(); i > 0 && !HasFailure(); --i) {
    HttpRequest request = grammar.request();
    const std::string text = described(request);
    const std::optional<Reply> reply = send(std::move(request));
    if (!reply) continue;
    ++codes[reply->status];
    EXPECT_GE(reply->status, 200) << text;
    // Some refusals are upstream's 500, and say why; this is what the server cannot explain.
    EXPECT_EQ(reply->body.find("\"reason\":\"InternalError\""), std::string::npos) << text << "\n" << reply->body;
  }
  // Enough of it is taken to mean something.
  EXPECT_GT(codes[200] + codes[201], requests_a_seed() / 40);
  for (const Sample& sample : kSamples) {
    const std::string base = *sample.group ? std::string("/apis/") + sample.group + "/" : "/api/";
    for (const char* accept : {"application/json", "application/json;as=Table;v=v1;g=meta.k8s.io", "application/yaml"}) {
      EXPECT_EQ(world.get_as(base + sample.version + "/" + sample.plural, accept).status, 200) << sample.plural;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRequests, ::testing::Range(0, 8));

}  // namespace
}  // namespace ph::apiserver::testing
