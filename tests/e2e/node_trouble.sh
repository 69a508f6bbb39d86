# Nodes in trouble: one falls silent and comes back, or is said to be out of service; most of a zone falls silent, and then every node. A drain
# waits for a budget, and leaves mirror pods and daemons where they are.
source "$(dirname "$0")/lib.sh"
mkdir -p "$WORK/static/node-8"
cat >"$WORK/static/node-8/proxy.yaml" <<'Y'
apiVersion: v1
kind: Pod
metadata: {name: proxy, namespace: kube-system}
spec: {containers: [{name: c, image: "proxy:1"}]}
Y

start_apiserver 0
expect 'storageclass.storage.k8s.io/hollow created' "$K" apply -f "$ROOT/manifests/storage/hollow-csi.yaml"
daemon manager ph-controller-manager --kubeconfig "$DATA/controller-manager.kubeconfig" --secure-port 0 --use-service-account-credentials \
  --controllers='*,hollow-csi-provisioner,hollow-csi-attacher,hollow-csi-resizer' --node-monitor-grace-period=16s \
  --node-eviction-rate=1 --secondary-node-eviction-rate=0.005 --large-cluster-size-threshold=3 --unhealthy-zone-threshold=0.4
daemon scheduler ph-scheduler --kubeconfig "$DATA/scheduler.kubeconfig" --secure-port 0
daemon node ph-node --kubeconfig "$DATA/node.kubeconfig" --secure-port 0 --nodes 9 --pod-manifest-path "$WORK/static"
said manager 'loops started'
said scheduler 'scheduling begins'
said node 'all nodes are registered'
eventually 10 "$K" get serviceaccount default
"$K" label node node-{0..5} topology.kubernetes.io/zone=a >/dev/null
"$K" label node node-{6..8} topology.kubernetes.io/zone=b >/dev/null

# Pods that are given up 2 s after their node. Those of `web` are told by `app=web`.
quick='tolerations: [{key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 2}, {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 2}]'
"$K" create -f - >/dev/null <<Y
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 27
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {$quick, containers: [{name: c, image: x}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: c, image: x}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 1
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {$quick, nodeSelector: {topology.kubernetes.io/zone: a}, containers: [{name: c, image: x, volumeMounts: [{name: data, mountPath: /d}]}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {storageClassName: hollow, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
Y
"$K" rollout status deployment web --timeout=40s >/dev/null
"$K" rollout status daemonset agent --timeout=40s >/dev/null
"$K" rollout status statefulset db --timeout=40s >/dev/null

problem() { "$K" annotate node "${@:2}" "hollow.pilothouse.dev/problem$1" >/dev/null; }
ready_of() { "$K" get node "$1" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}'; }
taints_of() { "$K" get node "$1" -o jsonpath='{range .spec.taints[*]}{.key}:{.effect} {end}'; }
# How many nodes are to be left by pods that do not tolerate it.
given_up() { "$K" get nodes -o json | jq '[.items[] | select(any(.spec.taints[]?; .effect == "NoExecute"))] | length'; }
# Pods of `web` on a node ("" of all) that nobody has deleted.
alive() { "$K" get pods -l app=web -o json | jq --arg node "$1" '[.items[] | select(.metadata.deletionTimestamp == null and ($node == "" or .spec.nodeName == $node))] | length'; }
attached() { "$K" get volumeattachments -o jsonpath='{range .items[*]}{.spec.nodeName}={.status.attached} {end}'; }

step "a drain waits for a budget, and passes over mirror pods and daemons"
soon 25 'proxy-node-8 +1/1 +Running' "$K" -n kube-system get pod proxy-node-8
mirror=$("$K" -n kube-system get pod proxy-node-8 -o jsonpath='{.metadata.uid}')
agent=$("$K" get pods -l app=agent --field-selector=spec.nodeName=node-8 -o jsonpath='{.items[0].metadata.uid}')
"$K" create pdb web --selector=app=web --min-available=27 >/dev/null
soon 10 '^0 27$' "$K" get pdb web -o jsonpath='{.status.disruptionsAllowed} {.status.currentHealthy}'
before=$(alive node-8)
[ "$before" -gt 0 ] || fail "no pod of web is on node-8"
refuse "Cannot evict pod as it would violate the pod's disruption budget" "$K" drain node-8 --ignore-daemonsets --timeout=6s
equals "$before" "$(alive node-8)" "pods that a budget protects"
"$K" patch pdb web --type=merge -p '{"spec":{"minAvailable":24}}' >/dev/null
expect 'node/node-8 drained' "$K" drain node-8 --ignore-daemonsets --timeout=60s
equals 0 "$(alive node-8)" "pods of web on a drained node"
"$K" delete pdb web >/dev/null
"$K" uncordon node-8 >/dev/null
"$K" rollout status deployment web --timeout=30s >/dev/null

step "a node falls silent: unknown, tainted, its pods are made elsewhere"
victim=$("$K" get pod db-0 -o jsonpath='{.spec.nodeName}')
db=$("$K" get pod db-0 -o jsonpath='{.metadata.uid}')
[ "$(alive "$victim")" -gt 0 ] || fail "no pod of web is on $victim"
equals "$victim=true " "$(attached)" "what is attached"
daemon="$("$K" get pods -l app=agent --field-selector="spec.nodeName=$victim" -o jsonpath='{.items[0].metadata.uid}') "
problem =silent "$victim"
soon 40 '^Unknown$' ready_of "$victim"
soon 10 'node.kubernetes.io/unreachable:NoSchedule ' taints_of "$victim"
soon 10 'node.kubernetes.io/unreachable:NoExecute ' taints_of "$victim"
soon 10 '^0$' alive "$victim"
soon 20 '^27$' "$K" get deployment web -o jsonpath='{.status.readyReplicas}'
expect 'Marking for deletion Pod|TaintManagerEviction' "$K" get events
soon 10 '^DeletionByTaintManager$' "$K" get pod db-0 -o jsonpath='{.status.conditions[?(@.type=="DisruptionTarget")].reason}'
holds "$db" '{.metadata.uid}' pod db-0   # nobody says that it has ended
equals "$victim=true " "$(attached)" "what is attached while nobody knows"
daemons() { "$K" get pods -l app=agent --field-selector="spec.nodeName=$1" -o jsonpath='{.items[*].metadata.uid} {.items[*].metadata.deletionTimestamp}'; }
equals "$daemon" "$(daemons "$victim")" "the daemon of a silent node"
holds '8 1' '{.status.desiredNumberScheduled} {.status.numberMisscheduled}' daemonset agent   # it stays, and none would be put there
equals 1 "$(given_up)" "nodes that are given up"

step "it is said to be out of service: its pods and volumes are let go"
"$K" taint node "$victim" node.kubernetes.io/out-of-service=nodeshutdown:NoExecute >/dev/null
moved() { [ "$("$K" get pod db-0 -o jsonpath='{.metadata.uid}')" != "$db" ]; }
eventually 30 moved
soon 40 'db-0 +1/1 +Running' "$K" get pod db-0
elsewhere=$("$K" get pod db-0 -o jsonpath='{.spec.nodeName}')
[ "$elsewhere" != "$victim" ] || fail "db-0 is where it was"
equals "$elsewhere=true " "$(attached)" "what is attached"
equals 0 "$("$K" get pods -l app=web --field-selector="spec.nodeName=$victim" -o name | wc -l)" "pods of web on $victim"

step "it comes back, and its taints go"
"$K" taint node "$victim" node.kubernetes.io/out-of-service- >/dev/null
problem - "$victim"
soon 30 '^True$' ready_of "$victim"
soon 10 '^$' taints_of "$victim"
"$K" rollout status daemonset agent --timeout=20s >/dev/null
holds "$mirror" '{.metadata.uid}' -n kube-system pod proxy-node-8   # drains and the collector of pods have passed over it
equals "$agent" "$("$K" get pods -l app=agent --field-selector=spec.nodeName=node-8 -o jsonpath='{.items[0].metadata.uid}')" "the daemon of a drained node"

step "most of a zone falls silent: its nodes are given up slowly; those of a zone that is lost are not"
unknown() { "$K" get nodes -o json | jq '[.items[] | select(any(.status.conditions[]; .type == "Ready" and .status == "Unknown"))] | length'; }
# given_up_of ZONE
given_up_of() { "$K" get nodes -l topology.kubernetes.io/zone="$1" -o json | jq '[.items[] | select(any(.spec.taints[]?; .effect == "NoExecute"))] | length'; }
problem =silent node-{0..4} node-{6..8}
soon 45 '^8$' unknown
soon 10 '^3$' given_up_of b
sleep 6   # five at one a second, otherwise
# Two before there are too many, and the first of those that are given up slowly.
slow=$(given_up_of a)
[ "$slow" -le 3 ] || fail "$slow nodes of a zone in trouble were given up"
left=()
for node in node-{0..4}; do grep -q NoExecute <<<"$(taints_of "$node")" || left+=("$node"); done
kept() {
  local sum=0 node
  for node in "${left[@]}"; do sum=$((sum + $(alive "$node"))); done
  echo "$sum"
}
before=$(kept)
[ "$before" -gt 0 ] || fail "no pod is left on ${left[*]}"
soon 5 'node.kubernetes.io/unreachable:NoSchedule' taints_of "${left[0]}"

step "the last node falls silent: none is given up any more, and nothing is evicted"
problem =silent node-5
soon 45 '^9$' unknown
soon 15 '^0$' given_up
said manager 'no node is ready: no pods are evicted'
equals "$before" "$(kept)" "pods of nodes that were not given up"
before=$(alive '')
sleep 6
equals "$before" "$(alive '')" "pods that nobody has deleted"

step "they come back"
problem - node-{0..8}
soon 30 '^0$' unknown
soon 10 '^0$' given_up
"$K" rollout status deployment web --timeout=40s >/dev/null
equals 27 "$(alive '')" "pods of web"
for name in node scheduler manager apiserver; do end_daemon $name; done
