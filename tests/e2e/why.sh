# `kubectl why`: reasons for pending, what would have to change, what if; with `pilothouse up` and with the programs apart.
source "$(dirname "$0")/lib.sh"
export PATH=$BIN:$PATH

why() { "$K" why "$@"; }
# pods YAML…: creates what standard input holds.
pods() { "$K" create -f - >/dev/null; }
# told PATTERN POD: the scheduler comes to say so.
told() {
  # shellcheck disable=SC2016
  eventually 10 bash -c '"$0" why pod "$1" | grep -Eq -- "$2"' "$K" "$2" "$1"
}

start --nodes 3
for i in 0 1 2; do "$K" label node "node-$i" "zone=z$i" >/dev/null; done

step "ten reasons for pending"
pods <<'Y'
apiVersion: v1
kind: List
items:
- {kind: Pod, apiVersion: v1, metadata: {name: cpu}, spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 1k}}}]}}
- {kind: Pod, apiVersion: v1, metadata: {name: selector}, spec: {nodeSelector: {zone: z9}, containers: [{name: c, image: i}]}}
- kind: Pod
  apiVersion: v1
  metadata: {name: near}
  spec:
    affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, labelSelector: {matchLabels: {app: none}}}]}}
    containers: [{name: c, image: i}]
- {kind: Pod, apiVersion: v1, metadata: {name: volume}, spec: {volumes: [{name: v, persistentVolumeClaim: {claimName: data}}], containers: [{name: c, image: i}]}}
- {kind: Pod, apiVersion: v1, metadata: {name: gate}, spec: {schedulingGates: [{name: example.com/wait}], containers: [{name: c, image: i}]}}
- {kind: Pod, apiVersion: v1, metadata: {name: other}, spec: {schedulerName: nobody, containers: [{name: c, image: i}]}}
Y
told '^  node-[012]$' cpu
told 'NodeResourcesFit: [0-9]+ more cpu: the pod asks for 1k, .*; the whole node is too small$' cpu
told 'Preemption: no: no node was refused for anything' cpu
told 'NodeAffinity: the label zone=z9: the node has zone=z0' selector
told 'InterPodAffinity: a pod \(app=none\) in zone=z0' near
told '3  VolumeRestrictions: persistentvolumeclaim "data" not found' volume
told '^default/gate: gated$' gate
told 'waiting for scheduling gates: \[example.com/wait\]; without that: 3/3 nodes fit' gate
told '^default/other: foreign$' other

step "taints, ports, spread, anti-affinity, an unschedulable node"
pods <<'Y'
apiVersion: v1
kind: List
items:
- {kind: Pod, apiVersion: v1, metadata: {name: p0, labels: {app: web}}, spec: {nodeName: node-0, containers: [{name: c, image: i, ports: [{containerPort: 80, hostPort: 80}]}]}}
Y
"$K" taint node node-1 team=blue:NoSchedule >/dev/null
"$K" cordon node-2 >/dev/null
pods <<'Y'
apiVersion: v1
kind: List
items:
- {kind: Pod, apiVersion: v1, metadata: {name: port}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 80, hostPort: 80}]}]}}
- kind: Pod
  apiVersion: v1
  metadata: {name: spread, labels: {app: web}}
  spec:
    topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}]
    containers: [{name: c, image: i}]
- kind: Pod
  apiVersion: v1
  metadata: {name: away, labels: {app: api}}
  spec:
    affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, labelSelector: {matchLabels: {app: web}}}]}}
    containers: [{name: c, image: i}]
Y
told "NodePorts: the host's port 80/TCP, which default/p0 uses" port
told "TaintToleration: a toleration of the node's taint team=blue:NoSchedule" port
told 'NodeUnschedulable: the node open for pods again' port
told 'PodTopologySpread: 1 pod\(s\) fewer in zone=z0, or more elsewhere: 1 are there, 0 in the emptiest domain, and maxSkew is 1' spread
told 'InterPodAffinity: no pods \(app=web\) in zone=z0' away

step "the words are those of the event"
message=$("$K" get pod port -o jsonpath='{.status.conditions[?(@.type=="PodScheduled")].message}')
expect "$(sed 's/ preemption:.*//; s/[][()*+?.]/\\&/g' <<<"$message")" why pod port

step "what if"
expect '^  what if: node node-2 uncordoned$' why pod port --uncordon node-2
expect 'node-2 would be taken: no other node fits' why pod port --uncordon node-2
expect 'node-1 would be taken' why pod/port --taint node-1:team-
expect 'node-0-like-1 would be taken|one of 2' why pod port --add-nodes 2 --like node-0
expect '2 nodes like node-0 added' why pod port --add-nodes 2 --like node-0
expect 'node node-0 drained of [0-9]+ pods?' why pod port --drain node-0
expect 'default/port: unschedulable' why pod port --drain node-0
expect 'node-0 would be taken' why pod selector --label node-0:zone=z9
equals 3 "$("$K" get nodes -o name | wc -l)" "nodes, after all that was imagined"

step "pods that are not there: of a file, of a template, with nodes"
cat >"$WORK/idea.yaml" <<'Y'
apiVersion: apps/v1
kind: Deployment
metadata: {name: idea}
spec:
  selector: {matchLabels: {app: idea}}
  template:
    metadata: {labels: {app: idea}}
    spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 500}}}]}
Y
expect '^default/idea \(imagined\): unschedulable$' why -f "$WORK/idea.yaml"
cat >>"$WORK/idea.yaml" <<'Y'
---
apiVersion: v1
kind: Node
metadata: {name: giant}
status: {allocatable: {cpu: 512, memory: 1Ti, pods: 250}}
Y
expect 'giant would be taken: no other node fits' why -f "$WORK/idea.yaml"
refuse 'spec.containers\[0\].name: Required value' why -f - <<'Y'
{apiVersion: v1, kind: Pod, metadata: {name: bad}, spec: {containers: [{image: i}]}}
Y
equals "" "$("$K" get pods idea -o name 2>/dev/null)" "the imagined pod"

step "a pod that has its node, and preemption that would help"
"$K" uncordon node-2 >/dev/null
eventually 20 bash -c "[ -n \"\$($K get pod port -o jsonpath='{.spec.nodeName}')\" ]"
expect '^default/port: placed$' why pod port
expect '  on node-2; asked anew: 1/3 nodes fit, node-2 would be taken' why pod port
"$K" create -f - >/dev/null <<'Y'
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: urgent}
value: 1000
Y
expect 'Preemption: would make room' why -f - <<'Y'
{apiVersion: v1, kind: Pod, metadata: {name: vip}, spec: {priorityClassName: urgent, containers: [{name: c, image: i, ports: [{containerPort: 80, hostPort: 80}]}]}}
Y

step "JSON, YAML, and what there is not"
why pod cpu -o json | jq -e '.state == "unschedulable" and .nodes == 3 and .nearest[0].lacking[0].needs[0].resource == "cpu"' >/dev/null || fail "-o json"
why pod cpu -o yaml | grep -q '^state: unschedulable$' || fail "-o yaml"
"$K" get --raw '/debug/why?pod=default/cpu' | jq -e '.pod.name == "cpu"' >/dev/null || fail "kubectl get --raw"
refuse 'pods "nobody" not found' why pod nobody
refuse 'there is no node "z"' why pod cpu --drain z
refuse 'there is no parameter "colour"' "$K" get --raw '/debug/why?pod=default/cpu&colour=red'
refuse 'what about which pod' why node node-0
refuse 'forbidden|cannot get path' "$K" get --raw '/debug/why?pod=default/cpu' --as=nobody
stop

step "the programs apart: by the scheduler's own port"
PH_SEPARATE=1
DATA=$WORK/apart
start_apiserver
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
daemon manager ph-controller-manager --kubeconfig "$DATA/controller-manager.kubeconfig" --secure-port 0 --use-service-account-credentials --controllers=serviceaccount,nodelifecycle
daemon node ph-node --kubeconfig "$DATA/node.kubeconfig" --secure-port 0 --nodes 2
daemon scheduler ph-scheduler --kubeconfig "$DATA/scheduler.kubeconfig" --secure-port "$port" --bind-address 127.0.0.1 --leader-elect-retry-period=200ms \
  --cert-dir "$WORK/certs" --authentication-kubeconfig "$DATA/scheduler.kubeconfig" --authorization-kubeconfig "$DATA/scheduler.kubeconfig"
said scheduler 'scheduling begins'
said node 'all nodes are registered'
eventually 10 "$K" get serviceaccount default
"$K" run big --image=i --overrides='{"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"1k"}}}]}}' >/dev/null
refuse 'has no /debug/why: name a scheduler of Pilothouse.s with --scheduler-url' why pod big
refuse 'certificate' why pod big --scheduler-url "https://127.0.0.1:$port"
eventually 10 bash -c "'$K' why pod big --scheduler-url https://127.0.0.1:$port --insecure-skip-tls-verify | grep -q '0/2 nodes are available: 2 Insufficient cpu'"
expect '0/2 nodes are available: 2 Insufficient cpu' why pod big --scheduler-url "https://127.0.0.1:$port" --certificate-authority "$WORK/certs/kube-scheduler.crt"
"$K" create serviceaccount curious >/dev/null
token=$("$K" create token curious)
equals 403 "$(curl -sk -o "$WORK/answer" -w '%{http_code}' -H "Authorization: Bearer $token" "https://127.0.0.1:$port/debug/why?pod=default/big")" "somebody without the right"
"$K" create clusterrole why --verb=get --verb=post --non-resource-url=/debug/why >/dev/null
"$K" create clusterrolebinding why --clusterrole=why --serviceaccount=default:curious >/dev/null
eventually 20 bash -c "curl -skf -H 'Authorization: Bearer $token' 'https://127.0.0.1:$port/debug/why?pod=default/big' | jq -e '.state == \"unschedulable\"'"
step "a scheduler that stands by says so"
second=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
daemon standby ph-scheduler --kubeconfig "$DATA/scheduler.kubeconfig" --secure-port "$second" --bind-address 127.0.0.1 \
  --authentication-kubeconfig "$DATA/scheduler.kubeconfig" --authorization-kubeconfig "$DATA/scheduler.kubeconfig"
eventually 10 curl -skf "https://127.0.0.1:$second/readyz"
eventually 10 bash -c "'$K' why pod big --scheduler-url https://127.0.0.1:$second --insecure-skip-tls-verify 2>&1 | grep -q 'stands by'"
refuse 'this scheduler stands by' why pod big --scheduler-url "https://127.0.0.1:$second" --insecure-skip-tls-verify
end_daemon standby
stop_separate
