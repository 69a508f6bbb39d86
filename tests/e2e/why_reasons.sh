# Ten reasons for a pod to be pending, and what `kubectl why` says of each: docs/why-reasons.md is what this prints.
# WRITE_TRANSCRIPTS=1 writes it anew, to be read before it is committed.
source "$(dirname "$0")/lib.sh"
export PATH=$BIN:$PATH
PAGE=$WORK/page.md
start --nodes 3
eventually 10 "$K" get serviceaccount default
"$K" label node node-0 zone=a >/dev/null
"$K" label node node-1 zone=b >/dev/null
"$K" taint node node-2 team=blue:NoSchedule >/dev/null

cat >"$PAGE" <<'Y'
# Ten reasons

What `kubectl why` says of pods that are pending, each for another reason, on three hollow nodes: `node-0` has the label `zone=a`, `node-1` has
`zone=b`, and `node-2` the taint `team=blue:NoSchedule`. `tests/e2e/why_reasons.sh` makes this page and compares it.
Y

# reason TITLE SPEC [ARGUMENTS]: a pod of that spec, what is said of it, and its end. What it needs is there already.
NUMBER=0
reason() {
  NUMBER=$((NUMBER + 1))
  local name=pod-$NUMBER
  printf '\n## %s\n\n    spec: %s\n\n    $ kubectl why pod %s\n' "$1" "$2" "$name" >>"$PAGE"
  "$K" apply -f - >/dev/null <<Y
apiVersion: v1
kind: Pod
metadata: {name: $name, labels: {app: web}}
spec: $2
Y
  soon 10 'Unschedulable|SchedulingGated' "$K" get pod "$name" -o jsonpath='{.status.conditions[*].reason}'
  "$K" why pod "$name" | sed -E -e 's/^/    /' -e 's/ *$//' -e 's/[0-9]{4}(-[0-9]{2}){2}T[0-9:]{8}Z/<time>/' >>"$PAGE"
  "$K" delete pod "$name" --wait >/dev/null
}
CONTAINER='containers: [{name: c, image: "i:1"}]'

reason "More than any node has" '{containers: [{name: c, image: "i:1", resources: {requests: {cpu: "12"}}}]}'
reason "No node with such labels" "{nodeSelector: {disk: ssd}, $CONTAINER}"
reason "A taint that is not tolerated, where alone it may go" "{nodeSelector: {kubernetes.io/hostname: node-2}, $CONTAINER}"
reason "It waits for a gate" "{schedulingGates: [{name: example.com/quota}], $CONTAINER}"
reason "A claim that is not there" "{volumes: [{name: v, persistentVolumeClaim: {claimName: data}}], $CONTAINER}"
"$K" apply -f - >/dev/null <<'Y'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: unbound}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
Y
reason "A claim without a volume" "{volumes: [{name: v, persistentVolumeClaim: {claimName: unbound}}], $CONTAINER}"
for node in node-0 node-1; do
  "$K" apply -f - >/dev/null <<Y
apiVersion: v1
kind: Pod
metadata: {name: on-$node, labels: {app: web}}
spec: {nodeName: $node, containers: [{name: c, image: "i:1", ports: [{containerPort: 80, hostPort: 80}], resources: {requests: {cpu: "6"}}}]}
Y
done
soon 10 'Running Running' "$K" get pods on-node-0 on-node-1 -o jsonpath='{.items[*].status.phase}'
reason "A port of the node that is taken" '{containers: [{name: c, image: "i:1", ports: [{containerPort: 80, hostPort: 80}]}]}'
reason "Not beside its like" "{affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {matchLabels: {app: web}}, topologyKey: kubernetes.io/hostname}]}}, $CONTAINER}"
"$K" delete pod on-node-1 --wait >/dev/null
reason "Spread evenly, where the emptier zone has no room" "{nodeSelector: {zone: a}, topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, nodeTaintsPolicy: Honor, nodeAffinityPolicy: Ignore, labelSelector: {matchLabels: {app: web}}}], $CONTAINER}"
"$K" cordon node-0 node-1 >/dev/null
for node in node-0 node-1; do soon 10 'node.kubernetes.io/unschedulable' "$K" get node "$node" -o jsonpath='{.spec.taints[*].key}'; done
reason "Every node is cordoned or tainted" "{$CONTAINER}"

if [ -n "${WRITE_TRANSCRIPTS:-}" ]; then cp "$PAGE" "$ROOT/docs/why-reasons.md"; exit 0; fi
CHECKED=$((CHECKED + NUMBER))
diff -u "$ROOT/docs/why-reasons.md" "$PAGE" || fail "docs/why-reasons.md is not what kubectl why says"
