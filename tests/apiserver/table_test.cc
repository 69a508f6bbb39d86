#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/times.h"
#include "apiserver/tables/tables.h"
#include "tests/api/random_object.h"

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
     R"j({"metadata":{"name":"a","creationTimestamp":"2026-01-01T11:55:00Z"},"spec":{"containers":[{"name":"c"}]},"status":{"phase":"Pending"}})j",
     R"j(["a","0/1","Pending","0","5m","<none>","<none>","<none>","<none>"])j"},
    {"running", "", "pods",
     R"j({"metadata":{"name":"a","creationTimestamp":"2026-01-01T11:59:50Z"},"spec":{"nodeName":"n","containers":[{"name":"c"}]},
         "status":{"phase":"Running","podIPs":[{"ip":"10.0.0.1"}],"containerStatuses":[{"name":"c","ready":true,"state":{"running":{}}}]}})j",
     R"j(["a","1/1","Running","0","10s","10.0.0.1","n","<none>","<none>"])j"},
    {"restarted", "", "pods",
     R"j({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]},
         "status":{"phase":"Running","containerStatuses":[{"name":"c","ready":true,"restartCount":3,"state":{"running":{}},
           "lastState":{"terminated":{"exitCode":1,"finishedAt":"2026-01-01T11:55:00Z"}}}]}})j",
     R"j(["a","1/1","Running","3 (5m ago)","<unknown>"])j"},
    {"crash loop", "", "pods",
     R"j({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]},
         "status":{"phase":"Running","containerStatuses":[{"name":"c","restartCount":1,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}})j",
     R"j(["a","0/1","CrashLoopBackOff","1"])j"},
    {"ended without a reason", "", "pods",
     R"j({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]},
         "status":{"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":3}}}]}})j",
     R"j(["a","0/1","ExitCode:3","0"])j"},
    {"killed by a signal", "", "pods",
     R"j({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]},
         "status":{"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":137,"signal":9}}}]}})j",
     R"j(["a","0/1","Signal:9","0"])j"},
    {"completed", "", "pods",
     R"j({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]},
         "status":{"phase":"Succeeded","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]}})j",
     R"j(["a","0/1","Completed","0"])j"},
    {"one completed, one running, ready", "", "pods",
     R"j({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"},{"name":"d"}]},
         "status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[
           {"name":"c","state":{"terminated":{"exitCode":0,"reason":"Completed"}}},{"name":"d","ready":true,"state":{"running":{}}}]}})j",
     R"j(["a","1/2","Running","0"])j"},
    {"one completed, one running, not ready", "", "pods",
     R"j({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"},{"name":"d"}]},
         "status":{"phase":"Running","containerStatuses":[
           {"name":"c","state":{"terminated":{"exitCode":0,"reason":"Completed"}}},{"name":"d","ready":true,"state":{"running":{}}}]}})j",
     R"j(["a","1/2","NotReady","0"])j"},
    {"first init container of two", "", "pods",
     R"j({"metadata":{"name":"a"},"spec":{"initContainers":[{"name":"i"},{"name":"j"}],"containers":[{"name":"c"}]},
         "status":{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"running":{}}},{"name":"j","state":{"waiting":{"reason":"PodInitializing"}}}]}})j",
     R"j(["a","0/1","Init:0/2","0"])j"},
    {"second init container fails", "", "pods",
     R"j({"metadata":{"name":"a"},"spec":{"initContainers":[{"name":"i"},{"name":"j"}],"containers":[{"name":"c"}]},
         "status":{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":0}}},{"name":"j","restartCount":2,"state":{"terminated":{"exitCode":1,"reason":"Error"}}}]}})j",
     R"j(["a","0/1","Init:Error","2"])j"},
    {"init container cannot pull", "", "pods",
     R"j({"metadata":{"name":"a"},"spec":{"initContainers":[{"name":"i"}],"containers":[{"name":"c"}]},
         "status":{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"waiting":{"reason":"ImagePullBackOff"}}}]}})j",
     R"j(["a","0/1","Init:ImagePullBackOff","0"])j"},
    {"a sidecar counts", "", "pods",
     R"j({"metadata":{"name":"a"},"spec":{"initContainers":[{"name":"i","restartPolicy":"Always"}],"containers":[{"name":"c"}]},
         "status":{"phase":"Running","initContainerStatuses":[{"name":"i","started":true,"ready":true,"restartCount":1,"state":{"running":{}}}],
           "containerStatuses":[{"name":"c","ready":true,"state":{"running":{}}}]}})j",
     R"j(["a","2/2","Running","1"])j"},
    {"gated", "", "pods",
     R"j({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]},
         "status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated"}]}})j",
     R"j(["a","0/1","SchedulingGated","0"])j"},
    {"evicted", "", "pods",
     R"j({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]},"status":{"phase":"Failed","reason":"Evicted"}})j",
     R"j(["a","0/1","Evicted","0"])j"},
    {"being deleted", "", "pods",
     R"j({"metadata":{"name":"a","deletionTimestamp":"2026-01-01T12:00:00Z"},"spec":{"containers":[{"name":"c"}]},"status":{"phase":"Running"}})j",
     R"j(["a","0/1","Terminating","0"])j"},
    {"ended and being deleted", "", "pods",
     R"j({"metadata":{"name":"a","deletionTimestamp":"2026-01-01T12:00:00Z"},"spec":{"containers":[{"name":"c"}]},"status":{"phase":"Succeeded"}})j",
     R"j(["a","0/1","Succeeded","0"])j"},
    {"readiness gates", "", "pods",
     R"j({"metadata":{"name":"a"},"spec":{"readinessGates":[{"conditionType":"x"},{"conditionType":"y"}],"containers":[{"name":"c"}]},
         "status":{"phase":"Running","conditions":[{"type":"x","status":"True"}],"nominatedNodeName":"m"}})j",
     R"j(["a","0/1","Running","0","<unknown>","<none>","<none>","m","1/2"])j"},
};

const Case kOthers[] = {
    {"deployment", "apps", "deployments",
     R"j({"metadata":{"name":"d"},"spec":{"replicas":3,"selector":{"matchLabels":{"app":"x"}},"template":{"spec":{"containers":[{"name":"c","image":"i:1"},{"name":"d","image":"j"}]}}},
         "status":{"readyReplicas":1,"updatedReplicas":3,"availableReplicas":2}})j",
     R"j(["d","1/3",3,2,"<unknown>","c,d","i:1,j","app=x"])j"},
    {"replica set", "apps", "replicasets",
     R"j({"metadata":{"name":"r"},"spec":{"replicas":3},"status":{"replicas":2,"readyReplicas":1}})j",
     R"j(["r",3,2,1,"<unknown>","","","<none>"])j"},
    {"stateful set", "apps", "statefulsets", R"j({"metadata":{"name":"s"},"spec":{"replicas":2},"status":{"readyReplicas":1}})j",
     R"j(["s","1/2"])j"},
    {"daemon set", "apps", "daemonsets",
     R"j({"metadata":{"name":"d"},"spec":{"template":{"spec":{"nodeSelector":{"b":"2","a":"1"}}}},
         "status":{"desiredNumberScheduled":5,"currentNumberScheduled":4,"numberReady":3,"updatedNumberScheduled":2,"numberAvailable":1}})j",
     R"j(["d",5,4,3,2,1,"a=1,b=2"])j"},
    {"revision of a stateful set", "apps", "controllerrevisions",
     R"j({"metadata":{"name":"r","ownerReferences":[{"apiVersion":"apps/v1","kind":"StatefulSet","name":"web","controller":true}]},"revision":7})j",
     R"j(["r","statefulset.apps/web",7])j"},
    {"running job", "batch", "jobs",
     R"j({"metadata":{"name":"j"},"spec":{"completions":3},"status":{"succeeded":1,"startTime":"2026-01-01T11:59:00Z"}})j",
     R"j(["j","Running","1/3","60s"])j"},
    {"a job that has run since the beginning of time", "batch", "jobs",
     R"j({"metadata":{"name":"j"},"status":{"startTime":"0001-01-02T00:00:00Z"}})j", R"j(["j","Running","0/1","292y"])j"},
    {"complete job", "batch", "jobs",
     R"j({"metadata":{"name":"j"},"spec":{"parallelism":2},"status":{"succeeded":1,"startTime":"2026-01-01T11:59:00Z","completionTime":"2026-01-01T11:59:05Z","conditions":[{"type":"Complete","status":"True"}]}})j",
     R"j(["j","Complete","1/1 of 2","5s"])j"},
    {"failed job that never started", "batch", "jobs",
     R"j({"metadata":{"name":"j"},"status":{"conditions":[{"type":"Failed","status":"True"}]}})j",
     R"j(["j","Failed","0/1",""])j"},
    {"cron job", "batch", "cronjobs",
     R"j({"metadata":{"name":"c"},"spec":{"schedule":"* * * * *","suspend":false},"status":{"active":[{"name":"x"}],"lastScheduleTime":"2026-01-01T11:59:00Z"}})j",
     R"j(["c","* * * * *","<none>","False",1,"60s"])j"},
    {"service", "", "services",
     R"j({"metadata":{"name":"s"},"spec":{"type":"ClusterIP","clusterIP":"10.96.0.1","clusterIPs":["10.96.0.1"],"ports":[{"port":80,"protocol":"TCP"},{"port":53,"protocol":"UDP"}],"selector":{"a":"b"}}})j",
     R"j(["s","ClusterIP","10.96.0.1","<none>","80/TCP,53/UDP","<unknown>","a=b"])j"},
    {"node port", "", "services",
     R"j({"metadata":{"name":"s"},"spec":{"type":"NodePort","clusterIP":"10.96.0.1","externalIPs":["1.2.3.4"],"ports":[{"port":80,"protocol":"TCP","nodePort":30080}]}})j",
     R"j(["s","NodePort","10.96.0.1","1.2.3.4","80:30080/TCP"])j"},
    {"load balancer without an address", "", "services", R"j({"metadata":{"name":"s"},"spec":{"type":"LoadBalancer"}})j",
     R"j(["s","LoadBalancer","<none>","<pending>","<none>"])j"},
    {"load balancer", "", "services",
     R"j({"metadata":{"name":"s"},"spec":{"type":"LoadBalancer","externalIPs":["9.9.9.9"]},"status":{"loadBalancer":{"ingress":[{"ip":"5.6.7.8"},{"hostname":"a.b"}]}}})j",
     R"j(["s","LoadBalancer","<none>","5.6.7.8,a.b,9.9.9.9"])j"},
    {"external name", "", "services", R"j({"metadata":{"name":"s"},"spec":{"type":"ExternalName","externalName":"x.y"}})j",
     R"j(["s","ExternalName","<none>","x.y"])j"},
    {"endpoints", "", "endpoints",
     R"j({"metadata":{"name":"e"},"subsets":[{"addresses":[{"ip":"1.1.1.1"},{"ip":"fd00::1"}],"ports":[{"port":80},{"port":81}]}]})j",
     R"j(["e","1.1.1.1:80,[fd00::1]:80,1.1.1.1:81 + 1 more..."])j"},
    {"endpoints of which none is ready", "", "endpoints",
     R"j({"metadata":{"name":"e"},"subsets":[{"notReadyAddresses":[{"ip":"1.1.1.1"}],"ports":[{"port":80}]}]})j",
     R"j(["e",""])j"},
    {"no endpoints", "", "endpoints", R"j({"metadata":{"name":"e"}})j", R"j(["e","<none>"])j"},
    {"slice", "discovery.k8s.io", "endpointslices",
     R"j({"metadata":{"name":"e"},"addressType":"IPv4","ports":[{"port":80}],"endpoints":[{"addresses":["1.1.1.1"]},{"addresses":["1.1.1.2"]}]})j",
     R"j(["e","IPv4","80","1.1.1.1,1.1.1.2"])j"},
    {"empty slice", "discovery.k8s.io", "endpointslices", R"j({"metadata":{"name":"e"},"addressType":"IPv4"})j",
     R"j(["e","IPv4","<unset>","<unset>"])j"},
    {"ready node", "", "nodes",
     R"j({"metadata":{"name":"n","labels":{"node-role.kubernetes.io/b":"","kubernetes.io/role":"a"}},
         "status":{"conditions":[{"type":"Ready","status":"True"}],"addresses":[{"type":"InternalIP","address":"1.2.3.4"}],"nodeInfo":{"kubeletVersion":"v1","osImage":"os"}}})j",
     R"j(["n","Ready","a,b","<unknown>","v1","1.2.3.4","<none>","os","<unknown>","<unknown>"])j"},
    {"node that tells its kernel and what it runs on", "", "nodes",
     R"j({"metadata":{"name":"n"},"status":{"nodeInfo":{"kernelVersion":"6.1","architecture":"arm64"}}})j",
     R"j(["n","Unknown","<none>","<unknown>","","<none>","<none>","<unknown>","6.1 (arm64)","<unknown>"])j"},
    {"node that tells its kernel alone", "", "nodes",
     R"j({"metadata":{"name":"n"},"status":{"nodeInfo":{"kernelVersion":"6.1"}}})j",
     R"j(["n","Unknown","<none>","<unknown>","","<none>","<none>","<unknown>","6.1","<unknown>"])j"},
    {"cordoned node that is not ready", "", "nodes",
     R"j({"metadata":{"name":"n"},"spec":{"unschedulable":true},"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}})j",
     R"j(["n","NotReady,SchedulingDisabled","<none>"])j"},
    {"node that said nothing", "", "nodes", R"j({"metadata":{"name":"n"}})j", R"j(["n","Unknown","<none>"])j"},
    {"old event", "", "events",
     R"j({"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"p","fieldPath":"spec"},"type":"Normal","reason":"R","message":" m\n","count":4,
         "firstTimestamp":"2026-01-01T11:00:00Z","lastTimestamp":"2026-01-01T11:59:00Z","source":{"component":"kubelet","host":"n"}})j",
     R"j(["60s","Normal","R","pod/p","spec","kubelet, n","m","60m",4,"e"])j"},
    {"new event with a series", "events.k8s.io", "events",
     R"j({"metadata":{"name":"e"},"regarding":{"kind":"Pod"},"type":"Warning","reason":"R","note":"m","eventTime":"2026-01-01T11:00:00.000000Z","reportingController":"c",
         "series":{"count":9,"lastObservedTime":"2026-01-01T11:59:58.000000Z"}})j",
     R"j(["2s","Warning","R","pod","","c","m","60m",9,"e"])j"},
    {"volume", "", "persistentvolumes",
     R"j({"metadata":{"name":"v"},"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteMany","ReadWriteOnce"],"persistentVolumeReclaimPolicy":"Retain","claimRef":{"namespace":"a","name":"b"},"storageClassName":"s","volumeMode":"Block"},"status":{"phase":"Bound"}})j",
     R"j(["v","1Gi","RWO,RWX","Retain","Bound","a/b","s","<unset>","","<unknown>","Block"])j"},
    {"claim that is not bound", "", "persistentvolumeclaims",
     R"j({"metadata":{"name":"c"},"spec":{"accessModes":["ReadWriteOnce"],"storageClassName":"s"},"status":{"phase":"Pending"}})j",
     R"j(["c","Pending","","","","s","<unset>","<unknown>","<unset>"])j"},
    {"bound claim", "", "persistentvolumeclaims",
     R"j({"metadata":{"name":"c"},"spec":{"volumeName":"v"},"status":{"phase":"Bound","accessModes":["ReadWriteOnce"],"capacity":{"storage":"1Gi"}}})j",
     R"j(["c","Bound","v","1Gi","RWO",""])j"},
    {"config map", "", "configmaps", R"j({"metadata":{"name":"c"},"data":{"a":"1"},"binaryData":{"b":"AA=="}})j", R"j(["c",2])j"},
    {"secret", "", "secrets", R"j({"metadata":{"name":"s"},"type":"Opaque","data":{"a":"AA=="}})j", R"j(["s","Opaque",1])j"},
    {"quota", "", "resourcequotas",
     R"j({"metadata":{"name":"q"},"status":{"hard":{"pods":"4","limits.cpu":"2"},"used":{"pods":"1"}}})j",
     R"j(["q","pods: 1/4","limits.cpu: 0/2"])j"},
    {"role", "rbac.authorization.k8s.io", "roles", R"j({"metadata":{"name":"r","creationTimestamp":"2026-01-01T11:00:00Z"}})j",
     R"j(["r","2026-01-01T11:00:00Z"])j"},
    {"cluster role binding", "rbac.authorization.k8s.io", "clusterrolebindings",
     R"j({"metadata":{"name":"b"},"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"User","name":"u"},{"kind":"Group","name":"g"},{"kind":"Group","name":"h"},{"kind":"ServiceAccount","namespace":"n","name":"s"}]})j",
     R"j(["b","ClusterRole/r","<unknown>","u","g, h","n/s"])j"},
    {"lease", "coordination.k8s.io", "leases", R"j({"metadata":{"name":"l"},"spec":{"holderIdentity":"me"}})j",
     R"j(["l","me"])j"},
    {"disruption budget", "policy", "poddisruptionbudgets",
     R"j({"metadata":{"name":"p"},"spec":{"minAvailable":"50%"},"status":{"disruptionsAllowed":1}})j",
     R"j(["p","50%","N/A",1])j"},
    {"priority class", "scheduling.k8s.io", "priorityclasses",
     R"j({"metadata":{"name":"p"},"value":7,"globalDefault":true,"preemptionPolicy":"Never"})j",
     R"j(["p",7,true,"<unknown>","Never"])j"},
    {"default storage class", "storage.k8s.io", "storageclasses",
     R"j({"metadata":{"name":"s","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}},"provisioner":"p"})j",
     R"j(["s (default)","p","Delete","Immediate",false])j"},
    {"autoscaler", "autoscaling", "horizontalpodautoscalers",
     R"j({"metadata":{"name":"h"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"d"},"maxReplicas":5,"targetCPUUtilizationPercentage":80},"status":{"currentReplicas":2}})j",
     R"j(["h","Deployment/d","cpu: <unknown>/80%","<unset>",5,2])j"},
    {"autoscaler by more", "autoscaling", "horizontalpodautoscalers",
     R"j({"metadata":{"name":"h","annotations":{"autoscaling.alpha.kubernetes.io/metrics":"[{\"type\":\"Pods\",\"pods\":{\"metricName\":\"m\",\"targetAverageValue\":\"1\"}},{\"type\":\"External\",\"external\":{\"metricName\":\"m\",\"targetAverageValue\":\"5\"}}]"}},
         "spec":{"scaleTargetRef":{"kind":"Deployment","name":"d"},"maxReplicas":5,"targetCPUUtilizationPercentage":80}})j",
     R"j(["h","Deployment/d","<unknown>/1, <unknown>/5 (avg) + 1 more..."])j"},
    {"claim, free", "resource.k8s.io", "resourceclaims", R"j({"metadata":{"name":"c"}})j", R"j(["c","pending"])j"},
    {"claim, in use", "resource.k8s.io", "resourceclaims",
     R"j({"metadata":{"name":"c"},"status":{"allocation":{},"reservedFor":[{"uid":"1"}]}})j", R"j(["c","allocated,reserved"])j"},
    {"slice", "resource.k8s.io", "resourceslices",
     R"j({"metadata":{"name":"s"},"spec":{"driver":"d.io","nodeName":"n","pool":{"name":"p"}}})j", R"j(["s","n","d.io","p"])j"},
    {"webhooks", "admissionregistration.k8s.io", "validatingwebhookconfigurations",
     R"j({"metadata":{"name":"w"},"webhooks":[{},{}]})j", R"j(["w",2])j"},
    {"policy", "admissionregistration.k8s.io", "validatingadmissionpolicies",
     R"j({"metadata":{"name":"p"},"spec":{"paramKind":{"apiVersion":"v1","kind":"ConfigMap"},"validations":[{}]}})j",
     R"j(["p",1,"v1/ConfigMap"])j"},
    {"binding", "admissionregistration.k8s.io", "mutatingadmissionpolicybindings",
     R"j({"metadata":{"name":"b"},"spec":{"policyName":"p","paramRef":{"selector":{"matchLabels":{"a":"b"}}}}})j",
     R"j(["b","p","&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},}"])j"},
    {"API service", "apiregistration.k8s.io", "apiservices",
     R"j({"metadata":{"name":"a"},"spec":{"service":{"namespace":"n","name":"s"}},"status":{"conditions":[{"type":"Available","status":"False","reason":"R"}]}})j",
     R"j(["a","n/s","False (R)"])j"},
    {"flow schema", "flowcontrol.apiserver.k8s.io", "flowschemas",
     R"j({"metadata":{"name":"f"},"spec":{"priorityLevelConfiguration":{"name":"l"},"matchingPrecedence":5}})j",
     R"j(["f","l",5,"<none>","<unknown>","?"])j"},
    {"priority level", "flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations",
     R"j({"metadata":{"name":"l"},"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":5,"limitResponse":{"type":"Reject"}}}})j",
     R"j(["l","Limited",5,"<none>","<none>","<none>"])j"},
    {"ingress", "networking.k8s.io", "ingresses",
     R"j({"metadata":{"name":"i"},"spec":{"rules":[{"host":"a"},{},{"host":"b"},{"host":"c"},{"host":"d"}],"tls":[{}]},
         "status":{"loadBalancer":{"ingress":[{"hostname":"h"},{"ip":"1.2.3.4"}]}}})j",
     R"j(["i","<none>","a,b,c + 2 more...","1.2.3.4,h","80, 443"])j"},
    {"ingress without hosts", "networking.k8s.io", "ingresses",
     R"j({"metadata":{"name":"i"},"spec":{"ingressClassName":"c","rules":[{}]}})j", R"j(["i","c","*","","80"])j"},
    {"ingress class", "networking.k8s.io", "ingressclasses",
     R"j({"metadata":{"name":"c"},"spec":{"controller":"a.b/c","parameters":{"apiGroup":"g.io","kind":"K","name":"n"}}})j",
     R"j(["c","a.b/c","K.g.io/n"])j"},
    {"network policy", "networking.k8s.io", "networkpolicies",
     R"j({"metadata":{"name":"n"},"spec":{"podSelector":{"matchLabels":{"a":"b"}}}})j", R"j(["n","a=b"])j"},
    {"range of services", "networking.k8s.io", "servicecidrs",
     R"j({"metadata":{"name":"s"},"spec":{"cidrs":["10.0.0.0/24","::/112"]}})j", R"j(["s","10.0.0.0/24,::/112"])j"},
    {"address", "networking.k8s.io", "ipaddresses",
     R"j({"metadata":{"name":"10.0.0.1"},"spec":{"parentRef":{"group":"G.io","resource":"widgets","name":"w"}}})j",
     R"j(["10.0.0.1","widgets.g.io/w"])j"},
    {"runtime class", "node.k8s.io", "runtimeclasses", R"j({"metadata":{"name":"r"},"handler":"h"})j", R"j(["r","h"])j"},
    {"signing request", "certificates.k8s.io", "certificatesigningrequests",
     R"j({"metadata":{"name":"c"},"spec":{"signerName":"a.b/c","username":"u","expirationSeconds":86400},
         "status":{"conditions":[{"type":"Approved"},{"type":"Failed"}],"certificate":"YQ=="}})j",
     R"j(["c","<unknown>","a.b/c","u","24h","Approved,Failed,Issued"])j"},
    {"signing request, denied", "certificates.k8s.io", "certificatesigningrequests",
     R"j({"metadata":{"name":"c"},"status":{"conditions":[{"type":"Approved"},{"type":"Denied"}]}})j",
     R"j(["c","<unknown>","<none>","","<none>","Denied"])j"},
    {"namespace", "", "namespaces", R"j({"metadata":{"name":"n"},"status":{"phase":"Active"}})j", R"j(["n","Active"])j"},
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

// As many as there are columns; upstream's rows of addresses have an age besides, which no column is for.
std::size_t cells_wanted(const api::Resource& resource, const json& made) {
  return made["columnDefinitions"].size() + (resource.plural == "ipaddresses" ? 1 : 0);
}

TEST(Tables, EveryResourceHasARow) {
  for (const api::Resource& resource : api::Scheme::builtin().resources()) {
    if (!resource.has_verb("list")) continue;
    SCOPED_TRACE(resource.kind.kind);
    const json made = table(resource, R"j({"metadata":{"name":"a"}})j", {});
    EXPECT_EQ(made["rows"][0]["cells"].size(), cells_wanted(resource, made));
    EXPECT_EQ(made["rows"][0]["object"]["metadata"]["name"], "a");
  }
}

// The converter asserts it. A printer that left out a cell for some object would end the server.
TEST(Tables, WhateverAnObjectHoldsItsRowIsFull) {
  for (const api::Resource& resource : api::Scheme::builtin().resources()) {
    if (!resource.has_verb("list")) continue;
    SCOPED_TRACE(resource.kind.kind);
    SeededRng rng(3);
    api::testing::RandomObject random(rng);
    for (int i = 0; i < 50; ++i) {
      const json made = table(resource, random.make(*resource.schema).dump().c_str(), {});
      ASSERT_EQ(made["rows"][0]["cells"].size(), cells_wanted(resource, made));
    }
  }
}

TEST(Tables, Frame) {
  const api::Resource& pods = *api::Scheme::builtin().resource("", "v1", "pods");
  const char* pod = R"j({"metadata":{"name":"a","labels":{"x":"y"}},"spec":{"nodeName":"n"},"status":{"phase":"Succeeded"}})j";
  const json first = table(pods, pod, {});
  EXPECT_EQ(first["kind"], "Table");
  EXPECT_EQ(first["apiVersion"], "meta.k8s.io/v1");
  EXPECT_EQ(first["columnDefinitions"][0],
            json::parse(R"j({"name":"Name","type":"string","format":"name","description":"","priority":0})j"));
  EXPECT_EQ(first["columnDefinitions"][5]["priority"], 1);
  EXPECT_EQ(
      first["rows"][0]["object"],
      json::parse(
          R"j({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a","labels":{"x":"y"}}})j"));
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
  EXPECT_EQ(made["metadata"], json::parse(R"j({"resourceVersion":"7","continue":"next","remainingItemCount":3})j"));
  EXPECT_EQ(made["rows"], json::array());
}

}  // namespace
}  // namespace ph::apiserver
