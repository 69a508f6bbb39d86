#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/times.h"
#include "apiserver/tables/tables.h"

namespace ph::apiserver {
namespace {

using nlohmann::json;

const Time kNow = *api::parse_rfc3339("2026-01-01T12:00:00Z");

struct Case {
  const char* name;
  const char* group;
  const char* plural;
  const char* object;
  const char* cells;  // JSON; fewer than there are columns: the rest is not looked at
};

const Case kPods[] = {
    {"pending", "", "pods",
     R"({"metadata":{"name":"a","creationTimestamp":"2026-01-01T11:55:00Z"},"spec":{"containers":[{"name":"c"}]},"status":{"phase":"Pending"}})",
     R"(["a","0/1","Pending","0","5m","<none>","<none>","<none>","<none>"])"},
    {"running", "", "pods",
     R"({"metadata":{"name":"a","creationTimestamp":"2026-01-01T11:59:50Z"},"spec":{"nodeName":"n","containers":[{"name":"c"}]},
         "status":{"phase":"Running","podIPs":[{"ip":"10.0.0.1"}],"containerStatuses":[{"name":"c","ready":true,"state":{"running":{}}}]}})",
     R"(["a","1/1","Running","0","10s","10.0.0.1","n","<none>","<none>"])"},
    {"restarted", "", "pods",
     R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]},
         "status":{"phase":"Running","containerStatuses":[{"name":"c","ready":true,"restartCount":3,"state":{"running":{}},
           "lastState":{"terminated":{"exitCode":1,"finishedAt":"2026-01-01T11:55:00Z"}}}]}})",
     R"(["a","1/1","Running","3 (5m ago)","<unknown>"])"},
    {"crash loop", "", "pods",
     R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]},
         "status":{"phase":"Running","containerStatuses":[{"name":"c","restartCount":1,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}})",
     R"(["a","0/1","CrashLoopBackOff","1"])"},
    {"ended without a reason", "", "pods",
     R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]},
         "status":{"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":3}}}]}})",
     R"(["a","0/1","ExitCode:3","0"])"},
    {"killed by a signal", "", "pods",
     R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]},
         "status":{"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":137,"signal":9}}}]}})",
     R"(["a","0/1","Signal:9","0"])"},
    {"completed", "", "pods",
     R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]},
         "status":{"phase":"Succeeded","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]}})",
     R"(["a","0/1","Completed","0"])"},
    {"one completed, one running, ready", "", "pods",
     R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"},{"name":"d"}]},
         "status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[
           {"name":"c","state":{"terminated":{"exitCode":0,"reason":"Completed"}}},{"name":"d","ready":true,"state":{"running":{}}}]}})",
     R"(["a","1/2","Running","0"])"},
    {"one completed, one running, not ready", "", "pods",
     R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"},{"name":"d"}]},
         "status":{"phase":"Running","containerStatuses":[
           {"name":"c","state":{"terminated":{"exitCode":0,"reason":"Completed"}}},{"name":"d","ready":true,"state":{"running":{}}}]}})",
     R"(["a","1/2","NotReady","0"])"},
    {"first init container of two", "", "pods",
     R"({"metadata":{"name":"a"},"spec":{"initContainers":[{"name":"i"},{"name":"j"}],"containers":[{"name":"c"}]},
         "status":{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"running":{}}},{"name":"j","state":{"waiting":{"reason":"PodInitializing"}}}]}})",
     R"(["a","0/1","Init:0/2","0"])"},
    {"second init container fails", "", "pods",
     R"({"metadata":{"name":"a"},"spec":{"initContainers":[{"name":"i"},{"name":"j"}],"containers":[{"name":"c"}]},
         "status":{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":0}}},{"name":"j","restartCount":2,"state":{"terminated":{"exitCode":1,"reason":"Error"}}}]}})",
     R"(["a","0/1","Init:Error","2"])"},
    {"init container cannot pull", "", "pods",
     R"({"metadata":{"name":"a"},"spec":{"initContainers":[{"name":"i"}],"containers":[{"name":"c"}]},
         "status":{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"waiting":{"reason":"ImagePullBackOff"}}}]}})",
     R"(["a","0/1","Init:ImagePullBackOff","0"])"},
    {"a sidecar counts", "", "pods",
     R"({"metadata":{"name":"a"},"spec":{"initContainers":[{"name":"i","restartPolicy":"Always"}],"containers":[{"name":"c"}]},
         "status":{"phase":"Running","initContainerStatuses":[{"name":"i","started":true,"ready":true,"restartCount":1,"state":{"running":{}}}],
           "containerStatuses":[{"name":"c","ready":true,"state":{"running":{}}}]}})",
     R"(["a","2/2","Running","1"])"},
    {"gated", "", "pods",
     R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]},
         "status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated"}]}})",
     R"(["a","0/1","SchedulingGated","0"])"},
    {"evicted", "", "pods",
     R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]},"status":{"phase":"Failed","reason":"Evicted"}})",
     R"(["a","0/1","Evicted","0"])"},
    {"being deleted", "", "pods",
     R"({"metadata":{"name":"a","deletionTimestamp":"2026-01-01T12:00:00Z"},"spec":{"containers":[{"name":"c"}]},"status":{"phase":"Running"}})",
     R"(["a","0/1","Terminating","0"])"},
    {"ended and being deleted", "", "pods",
     R"({"metadata":{"name":"a","deletionTimestamp":"2026-01-01T12:00:00Z"},"spec":{"containers":[{"name":"c"}]},"status":{"phase":"Succeeded"}})",
     R"(["a","0/1","Succeeded","0"])"},
    {"readiness gates", "", "pods",
     R"({"metadata":{"name":"a"},"spec":{"readinessGates":[{"conditionType":"x"},{"conditionType":"y"}],"containers":[{"name":"c"}]},
         "status":{"phase":"Running","conditions":[{"type":"x","status":"True"}],"nominatedNodeName":"m"}})",
     R"(["a","0/1","Running","0","<unknown>","<none>","<none>","m","1/2"])"},
};

const Case kOthers[] = {
    {"deployment", "apps", "deployments",
     R"({"metadata":{"name":"d"},"spec":{"replicas":3,"selector":{"matchLabels":{"app":"x"}},"template":{"spec":{"containers":[{"name":"c","image":"i:1"},{"name":"d","image":"j"}]}}},
         "status":{"readyReplicas":1,"updatedReplicas":3,"availableReplicas":2}})",
     R"(["d","1/3",3,2,"<unknown>","c,d","i:1,j","app=x"])"},
    {"replica set", "apps", "replicasets",
     R"({"metadata":{"name":"r"},"spec":{"replicas":3},"status":{"replicas":2,"readyReplicas":1}})",
     R"(["r",3,2,1,"<unknown>","","","<none>"])"},
    {"stateful set", "apps", "statefulsets", R"({"metadata":{"name":"s"},"spec":{"replicas":2},"status":{"readyReplicas":1}})",
     R"(["s","1/2"])"},
    {"daemon set", "apps", "daemonsets",
     R"({"metadata":{"name":"d"},"spec":{"template":{"spec":{"nodeSelector":{"b":"2","a":"1"}}}},
         "status":{"desiredNumberScheduled":5,"currentNumberScheduled":4,"numberReady":3,"updatedNumberScheduled":2,"numberAvailable":1}})",
     R"(["d",5,4,3,2,1,"a=1,b=2"])"},
    {"revision of a stateful set", "apps", "controllerrevisions",
     R"({"metadata":{"name":"r","ownerReferences":[{"apiVersion":"apps/v1","kind":"StatefulSet","name":"web","controller":true}]},"revision":7})",
     R"(["r","statefulset.apps/web",7])"},
    {"running job", "batch", "jobs",
     R"({"metadata":{"name":"j"},"spec":{"completions":3},"status":{"succeeded":1,"startTime":"2026-01-01T11:59:00Z"}})",
     R"(["j","Running","1/3","60s"])"},
    {"complete job", "batch", "jobs",
     R"({"metadata":{"name":"j"},"spec":{"parallelism":2},"status":{"succeeded":1,"startTime":"2026-01-01T11:59:00Z","completionTime":"2026-01-01T11:59:05Z","conditions":[{"type":"Complete","status":"True"}]}})",
     R"(["j","Complete","1/1 of 2","5s"])"},
    {"failed job that never started", "batch", "jobs",
     R"({"metadata":{"name":"j"},"status":{"conditions":[{"type":"Failed","status":"True"}]}})", R"(["j","Failed","0/1",""])"},
    {"cron job", "batch", "cronjobs",
     R"({"metadata":{"name":"c"},"spec":{"schedule":"* * * * *","suspend":false},"status":{"active":[{"name":"x"}],"lastScheduleTime":"2026-01-01T11:59:00Z"}})",
     R"(["c","* * * * *","<none>","False",1,"60s"])"},
    {"service", "", "services",
     R"({"metadata":{"name":"s"},"spec":{"type":"ClusterIP","clusterIP":"10.96.0.1","clusterIPs":["10.96.0.1"],"ports":[{"port":80,"protocol":"TCP"},{"port":53,"protocol":"UDP"}],"selector":{"a":"b"}}})",
     R"(["s","ClusterIP","10.96.0.1","<none>","80/TCP,53/UDP","<unknown>","a=b"])"},
    {"node port", "", "services",
     R"({"metadata":{"name":"s"},"spec":{"type":"NodePort","clusterIP":"10.96.0.1","externalIPs":["1.2.3.4"],"ports":[{"port":80,"protocol":"TCP","nodePort":30080}]}})",
     R"(["s","NodePort","10.96.0.1","1.2.3.4","80:30080/TCP"])"},
    {"load balancer without an address", "", "services", R"({"metadata":{"name":"s"},"spec":{"type":"LoadBalancer"}})",
     R"(["s","LoadBalancer","<none>","<pending>","<none>"])"},
    {"load balancer", "", "services",
     R"({"metadata":{"name":"s"},"spec":{"type":"LoadBalancer","externalIPs":["9.9.9.9"]},"status":{"loadBalancer":{"ingress":[{"ip":"5.6.7.8"},{"hostname":"a.b"}]}}})",
     R"(["s","LoadBalancer","<none>","5.6.7.8,a.b,9.9.9.9"])"},
    {"external name", "", "services", R"({"metadata":{"name":"s"},"spec":{"type":"ExternalName","externalName":"x.y"}})",
     R"(["s","ExternalName","<none>","x.y"])"},
    {"endpoints", "", "endpoints",
     R"({"metadata":{"name":"e"},"subsets":[{"addresses":[{"ip":"1.1.1.1"},{"ip":"fd00::1"}],"ports":[{"port":80},{"port":81}]}]})",
     R"(["e","1.1.1.1:80,[fd00::1]:80,1.1.1.1:81 + 1 more..."])"},
    {"no endpoints", "", "endpoints", R"({"metadata":{"name":"e"}})", R"(["e","<none>"])"},
    {"slice", "discovery.k8s.io", "endpointslices",
     R"({"metadata":{"name":"e"},"addressType":"IPv4","ports":[{"port":80}],"endpoints":[{"addresses":["1.1.1.1"]},{"addresses":["1.1.1.2"]}]})",
     R"(["e","IPv4","80","1.1.1.1,1.1.1.2"])"},
    {"empty slice", "discovery.k8s.io", "endpointslices", R"({"metadata":{"name":"e"},"addressType":"IPv4"})",
     R"(["e","IPv4","<unset>","<unset>"])"},
    {"ready node", "", "nodes",
     R"({"metadata":{"name":"n","labels":{"node-role.kubernetes.io/b":"","kubernetes.io/role":"a"}},
         "status":{"conditions":[{"type":"Ready","status":"True"}],"addresses":[{"type":"InternalIP","address":"1.2.3.4"}],"nodeInfo":{"kubeletVersion":"v1","osImage":"os"}}})",
     R"(["n","Ready","a,b","<unknown>","v1","1.2.3.4","<none>","os","<unknown>","<unknown>"])"},
    {"cordoned node that is not ready", "", "nodes",
     R"({"metadata":{"name":"n"},"spec":{"unschedulable":true},"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}})",
     R"(["n","NotReady,SchedulingDisabled","<none>"])"},
    {"node that said nothing", "", "nodes", R"({"metadata":{"name":"n"}})", R"(["n","Unknown","<none>"])"},
    {"old event", "", "events",
     R"({"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"p","fieldPath":"spec"},"type":"Normal","reason":"R","message":" m\n","count":4,
         "firstTimestamp":"2026-01-01T11:00:00Z","lastTimestamp":"2026-01-01T11:59:00Z","source":{"component":"kubelet","host":"n"}})",
     R"(["60s","Normal","R","pod/p","spec","kubelet, n","m","60m",4,"e"])"},
    {"new event with a series", "events.k8s.io", "events",
     R"({"metadata":{"name":"e"},"regarding":{"kind":"Pod"},"type":"Warning","reason":"R","note":"m","eventTime":"2026-01-01T11:00:00.000000Z","reportingController":"c",
         "series":{"count":9,"lastObservedTime":"2026-01-01T11:59:58.000000Z"}})",
     R"(["2s","Warning","R","pod","","c","m","60m",9,"e"])"},
    {"volume", "", "persistentvolumes",
     R"({"metadata":{"name":"v"},"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteMany","ReadWriteOnce"],"persistentVolumeReclaimPolicy":"Retain","claimRef":{"namespace":"a","name":"b"},"storageClassName":"s","volumeMode":"Block"},"status":{"phase":"Bound"}})",
     R"(["v","1Gi","RWO,RWX","Retain","Bound","a/b","s","<unset>","","<unknown>","Block"])"},
    {"claim that is not bound", "", "persistentvolumeclaims",
     R"({"metadata":{"name":"c"},"spec":{"accessModes":["ReadWriteOnce"],"storageClassName":"s"},"status":{"phase":"Pending"}})",
     R"(["c","Pending","","","","s","<unset>","<unknown>","<unset>"])"},
    {"bound claim", "", "persistentvolumeclaims",
     R"({"metadata":{"name":"c"},"spec":{"volumeName":"v"},"status":{"phase":"Bound","accessModes":["ReadWriteOnce"],"capacity":{"storage":"1Gi"}}})",
     R"(["c","Bound","v","1Gi","RWO",""])"},
    {"config map", "", "configmaps", R"({"metadata":{"name":"c"},"data":{"a":"1"},"binaryData":{"b":"AA=="}})", R"(["c",2])"},
    {"secret", "", "secrets", R"({"metadata":{"name":"s"},"type":"Opaque","data":{"a":"AA=="}})", R"(["s","Opaque",1])"},
    {"quota", "", "resourcequotas",
     R"({"metadata":{"name":"q"},"status":{"hard":{"pods":"4","limits.cpu":"2"},"used":{"pods":"1"}}})",
     R"(["q","pods: 1/4","limits.cpu: 0/2"])"},
    {"role", "rbac.authorization.k8s.io", "roles", R"({"metadata":{"name":"r","creationTimestamp":"2026-01-01T11:00:00Z"}})",
     R"(["r","2026-01-01T11:00:00Z"])"},
    {"cluster role binding", "rbac.authorization.k8s.io", "clusterrolebindings",
     R"({"metadata":{"name":"b"},"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"User","name":"u"},{"kind":"Group","name":"g"},{"kind":"Group","name":"h"},{"kind":"ServiceAccount","namespace":"n","name":"s"}]})",
     R"(["b","ClusterRole/r","<unknown>","u","g, h","n/s"])"},
    {"lease", "coordination.k8s.io", "leases", R"({"metadata":{"name":"l"},"spec":{"holderIdentity":"me"}})", R"(["l","me"])"},
    {"disruption budget", "policy", "poddisruptionbudgets",
     R"({"metadata":{"name":"p"},"spec":{"minAvailable":"50%"},"status":{"disruptionsAllowed":1}})", R"(["p","50%","N/A",1])"},
    {"priority class", "scheduling.k8s.io", "priorityclasses",
     R"({"metadata":{"name":"p"},"value":7,"globalDefault":true,"preemptionPolicy":"Never"})", R"(["p",7,true,"<unknown>","Never"])"},
    {"default storage class", "storage.k8s.io", "storageclasses",
     R"({"metadata":{"name":"s","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}},"provisioner":"p"})",
     R"(["s (default)","p","Delete","Immediate",false])"},
    {"autoscaler", "autoscaling", "horizontalpodautoscalers",
     R"({"metadata":{"name":"h"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"d"},"maxReplicas":5,"targetCPUUtilizationPercentage":80},"status":{"currentReplicas":2}})",
     R"(["h","Deployment/d","cpu: <unknown>/80%","<unset>",5,2])"},
    {"namespace", "", "namespaces", R"({"metadata":{"name":"n"},"status":{"phase":"Active"}})", R"(["n","Active"])"},
};

const api::Resource& resource_of(const Case& c) {
  const api::Resource* found = api::Scheme::builtin().resource(c.group, "v1", c.plural);
  EXPECT_NE(found, nullptr) << c.plural;
  return *found;
}

EntryRef entry_of(const api::Resource& resource, const char* text) {
  const auto message = api::Scheme::builtin().make(*resource.schema);
  api::decode_json(text, *message);
  return std::make_shared<const Entry>(Entry{"x", Revision{1}, share(api::encode_envelope(*message))});
}

json table(const api::Resource& resource, const char* object, TableOptions options) {
  options.now = kNow;
  const EntryRef entry = entry_of(resource, object);
  return json::parse(make_table_converter()->table(resource, std::span(&entry, 1), {}, options));
}

void expect_cells(std::span<const Case> cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    json cells = table(resource_of(c), c.object, {})["rows"][0]["cells"];
    const json wanted = json::parse(c.cells);
    ASSERT_GE(cells.size(), wanted.size());
    cells.erase(cells.begin() + static_cast<std::ptrdiff_t>(wanted.size()), cells.end());
    EXPECT_EQ(cells, wanted);
  }
}

TEST(Tables, Pods) { expect_cells(kPods); }
TEST(Tables, OtherKinds) { expect_cells(kOthers); }

TEST(Tables, EveryResourceHasARow) {
  for (const api::Resource& resource : api::Scheme::builtin().resources()) {
    if (!resource.has_verb("list")) continue;
    SCOPED_TRACE(resource.kind.kind);
    const json made = table(resource, R"({"metadata":{"name":"a"}})", {});
    EXPECT_EQ(made["rows"][0]["cells"].size(), made["columnDefinitions"].size());
    EXPECT_EQ(made["rows"][0]["object"]["metadata"]["name"], "a");
  }
}

TEST(Tables, Frame) {
  const api::Resource& pods = *api::Scheme::builtin().resource("", "v1", "pods");
  const char* pod = R"({"metadata":{"name":"a","labels":{"x":"y"}},"spec":{"nodeName":"n"},"status":{"phase":"Succeeded"}})";
  const json first = table(pods, pod, {});
  EXPECT_EQ(first["kind"], "Table");
  EXPECT_EQ(first["apiVersion"], "meta.k8s.io/v1");
  EXPECT_EQ(first["columnDefinitions"][0],
            json::parse(R"({"name":"Name","type":"string","format":"name","description":"","priority":0})"));
  EXPECT_EQ(first["columnDefinitions"][5]["priority"], 1);
  EXPECT_EQ(first["rows"][0]["object"],
            json::parse(R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a","labels":{"x":"y"}}})"));
  EXPECT_EQ(first["rows"][0]["conditions"][0]["reason"], "Succeeded");

  const json later = table(pods, pod, {.include = IncludeObject::None, .column_definitions = false});
  EXPECT_TRUE(later["columnDefinitions"].is_null());
  EXPECT_TRUE(later["rows"][0]["object"].is_null());

  const json whole = table(pods, pod, {.include = IncludeObject::Object});
  EXPECT_EQ(whole["rows"][0]["object"]["kind"], "Pod");
  EXPECT_EQ(whole["rows"][0]["object"]["spec"]["nodeName"], "n");
}

TEST(Tables, CarriesListMetadata) {
  const api::Resource& pods = *api::Scheme::builtin().resource("", "v1", "pods");
  meta::v1::ListMeta metadata;
  metadata.set_resource_version("7");
  metadata.set_continue_("next");
  metadata.set_remaining_item_count(3);
  const json made = json::parse(make_table_converter()->table(pods, {}, metadata, {.now = kNow}));
  EXPECT_EQ(made["metadata"], json::parse(R"({"resourceVersion":"7","continue":"next","remainingItemCount":3})"));
  EXPECT_EQ(made["rows"], json::array());
}

}  // namespace
}  // namespace ph::apiserver
