// What a pod costs in each format: parsed, written, and turned from stored bytes into served ones.
//   build/release/bin/codec_bench
#include <chrono>
#include <cstdio>

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/kinds.h"

namespace ph::api {
namespace {

using core::v1::Pod;

// A running pod as a deployment makes it and a kubelet reports it.
const char* const kPod =
    R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"frontend-6c9b5d4f7d-x2x8p","generateName":"frontend-6c9b5d4f7d-",
"namespace":"default","uid":"3f0e7c1e-5a7e-4c0e-9d8e-0d7f3e9b2a11","resourceVersion":"123456","generation":1,"creationTimestamp":"2024-01-02T03:04:05Z",
"labels":{"app":"guestbook","pod-template-hash":"6c9b5d4f7d","tier":"frontend"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet",
"name":"frontend-6c9b5d4f7d","uid":"8d1f9e0b-27b1-4e3c-8f0f-6b1c5c2d9a10","controller":true,"blockOwnerDeletion":true}],"managedFields":[{"manager":"pilothouse",
"operation":"Update","apiVersion":"v1","time":"2024-01-02T03:04:05Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:generateName":{},"f:labels":{".":{},
"f:app":{},"f:pod-template-hash":{},"f:tier":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\"8d1f9e0b-27b1-4e3c-8f0f-6b1c5c2d9a10\"}":{}}},"f:spec":{"f:containers":
{"k:{\"name\":\"php-redis\"}":{".":{},"f:env":{},"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:ports":{},"f:resources":{}}},"f:dnsPolicy":{}}}}]},
"spec":{"volumes":[{"name":"kube-api-access-8zq6v","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":
{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},{"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1",
"fieldPath":"metadata.namespace"}}]}}],"defaultMode":420}}],"containers":[{"name":"php-redis","image":"gcr.io/google-samples/gb-frontend:v5","ports":[{"containerPort":80,
"protocol":"TCP"}],"env":[{"name":"GET_HOSTS_FROM","value":"dns"}],"resources":{"limits":{"cpu":"500m","memory":"256Mi"},"requests":{"cpu":"100m","memory":"100Mi"}},
"volumeMounts":[{"name":"kube-api-access-8zq6v","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],"livenessProbe":{"httpGet":{"path":"/healthz",
"port":80,"scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},"terminationMessagePath":"/dev/termination-log",
"terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst",
"serviceAccountName":"default","serviceAccount":"default","nodeName":"node-0042","securityContext":{},"schedulerName":"default-scheduler","tolerations":
[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},{"key":"node.kubernetes.io/unreachable","operator":"Exists",
"effect":"NoExecute","tolerationSeconds":300}],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"},"status":{"phase":"Running","conditions":
[{"type":"Initialized","status":"True","lastProbeTime":null,"lastTransitionTime":"2024-01-02T03:04:05Z"},{"type":"Ready","status":"True","lastProbeTime":null,
"lastTransitionTime":"2024-01-02T03:04:07Z"},{"type":"ContainersReady","status":"True","lastProbeTime":null,"lastTransitionTime":"2024-01-02T03:04:07Z"},{"type":
"PodScheduled","status":"True","lastProbeTime":null,"lastTransitionTime":"2024-01-02T03:04:05Z"}],"hostIP":"10.0.0.42","hostIPs":[{"ip":"10.0.0.42"}],"podIP":"10.42.0.7",
"podIPs":[{"ip":"10.42.0.7"}],"startTime":"2024-01-02T03:04:05Z","containerStatuses":[{"name":"php-redis","state":{"running":{"startedAt":"2024-01-02T03:04:06Z"}},
"lastState":{},"ready":true,"restartCount":0,"image":"gcr.io/google-samples/gb-frontend:v5","imageID":"sha256:4a8b1c2d","containerID":"containerd://9f8e7d","started":true}],
"qosClass":"Burstable"}})";

const Pod& pod() {
  static const Pod pod = [] {
    Pod out;
    decode_json(kPod, out);
    return out;
  }();
  return pod;
}

void count_bytes(benchmark::State& state, std::size_t size) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(size));
  state.counters["bytes"] = static_cast<double>(size);
}

void JsonDecode(benchmark::State& state) {
  const std::string text = encode_json(pod());
  for (auto _ : state) {
    Pod out;
    decode_json(text, out);
    benchmark::DoNotOptimize(out);
  }
  count_bytes(state, text.size());
}
BENCHMARK(JsonDecode);

void JsonEncode(benchmark::State& state) {
  std::size_t size = 0;
  for (auto _ : state) size = encode_json(pod()).size();
  count_bytes(state, size);
}
BENCHMARK(JsonEncode);

void ProtobufDecode(benchmark::State& state) {
  const std::string bytes = encode_protobuf(pod());
  for (auto _ : state) {
    Pod out;
    decode_protobuf(bytes, out);
    benchmark::DoNotOptimize(out);
  }
  count_bytes(state, bytes.size());
}
BENCHMARK(ProtobufDecode);

// What protobuf itself takes for the same bytes.
void ProtobufParseAlone(benchmark::State& state) {
  const std::string bytes = encode_protobuf(pod());
  for (auto _ : state) {
    Pod out;
    benchmark::DoNotOptimize(out.ParseFromString(bytes));
  }
  count_bytes(state, bytes.size());
}
BENCHMARK(ProtobufParseAlone);

void ProtobufEncode(benchmark::State& state) {
  std::size_t size = 0;
  for (auto _ : state) size = encode_protobuf(pod()).size();
  count_bytes(state, size);
}
BENCHMARK(ProtobufEncode);

// Stored bytes to a client's JSON, no object made.
void Transcode(benchmark::State& state) {
  const std::string bytes = encode_protobuf(pod());
  const Schema& schema = schema_of<Pod>();
  std::string out;
  for (auto _ : state) {
    out.clear();
    transcode_to_json(schema, bytes, true, out);
  }
  count_bytes(state, out.size());
}
BENCHMARK(Transcode);

void YamlDecode(benchmark::State& state) {
  const std::string text = json_to_yaml(to_json(pod()));
  for (auto _ : state) {
    Pod out;
    decode_json(yaml_to_json(text), out);
    benchmark::DoNotOptimize(out);
  }
  count_bytes(state, text.size());
}
BENCHMARK(YamlDecode);

void YamlEncode(benchmark::State& state) {
  std::size_t size = 0;
  for (auto _ : state) size = json_to_yaml(to_json(pod())).size();
  count_bytes(state, size);
}
BENCHMARK(YamlEncode);

void DocumentDecode(benchmark::State& state) {  // nlohmann/json alone, for comparison
  const std::string text = encode_json(pod());
  for (auto _ : state) benchmark::DoNotOptimize(nlohmann::json::parse(text));
  count_bytes(state, text.size());
}
BENCHMARK(DocumentDecode);

void WithResourceVersion(benchmark::State& state) {
  const std::string bytes = encode_envelope(pod());
  for (auto _ : state) benchmark::DoNotOptimize(with_resource_version(bytes, "123457"));
  count_bytes(state, bytes.size());
}
BENCHMARK(WithResourceVersion);

void ScalarAt(benchmark::State& state) {
  const std::string bytes = encode_protobuf(pod());
  const Schema& schema = schema_of<Pod>();
  for (auto _ : state) benchmark::DoNotOptimize(scalar_at(schema, bytes, "spec.nodeName"));
}
BENCHMARK(ScalarAt);

}  // namespace
}  // namespace ph::api

int main(int argc, char** argv) {
  const auto start = std::chrono::steady_clock::now();
  ph::api::Scheme::builtin();
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  std::printf("all schemas of the built-in kinds: %.2f ms, once\n", took.count());
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
