# What hollow nodes do on request: stages of a file, annotations, problems of nodes, static pods; and pods take their time to end.
source "$(dirname "$0")/lib.sh"
cat >"$WORK/stages.yaml" <<'Y'
apiVersion: hollow.pilothouse.dev/v1alpha1
kind: Stages
pods:
- name: crashers
  selector: {matchLabels: {app: crash}}
  does: {runsFor: 1s, exitCode: 3}
- name: missing
  does: {pullFailures: always}
nodes:
- selector: {matchLabels: {kubernetes.io/hostname: node-2}}
  problem: memory-pressure
Y
mkdir -p "$WORK/static/node-1"
cat >"$WORK/static/node-1/proxy.yaml" <<'Y'
apiVersion: v1
kind: Pod
metadata: {name: proxy, namespace: kube-system}
spec: {containers: [{name: c, image: "proxy:1"}]}
Y

step "a file that is wrong is refused, by path"
printf 'apiVersion: hollow.pilothouse.dev/v1alpha1\nkind: Stages\npods: [{name: a, does: {exitCode: 300}}]\n' >"$WORK/wrong.yaml"
refuse 'pods\[0\].does.exitCode: must be a whole number between 0 and 255' "$PH" up --data-dir "$WORK/other" --secure-port 0 --stages "$WORK/wrong.yaml"
refuse 'pods\[0\].does.exitCode' "$BIN/ph-node" --kubeconfig /dev/null --stages "$WORK/wrong.yaml"

start --nodes 3 --stages "$WORK/stages.yaml" --pod-manifest-path "$WORK/static"

step "crash loops and images that never come"
"$K" run crash --image=x --labels=app=crash >/dev/null
"$K" run missing --image=nowhere --annotations=hollow.pilothouse.dev/stage=missing >/dev/null
soon 20 'crash +0/1 +CrashLoopBackOff +0' "$K" get pod crash
soon 30 'missing +0/1 +(ErrImagePull|ImagePullBackOff) +0' "$K" get pod missing
soon 30 'crash +[01]/1 +(CrashLoopBackOff|Running) +1' "$K" get pod crash
holds 3 '{.status.containerStatuses[0].lastState.terminated.exitCode}' pod crash

step "problems of nodes"
soon 10 '^True$' "$K" get node node-2 -o jsonpath='{.status.conditions[?(@.type=="MemoryPressure")].status}'
"$K" annotate node node-0 hollow.pilothouse.dev/problem=not-ready >/dev/null
soon 10 'node-0 +NotReady' "$K" get node node-0
"$K" annotate node node-0 hollow.pilothouse.dev/problem- >/dev/null
soon 10 'node-0 +Ready' "$K" get node node-0

step "a static pod has a mirror, which comes back"
soon 25 'proxy-node-1 +1/1 +Running' "$K" -n kube-system get pod proxy-node-1
holds Node '{.metadata.ownerReferences[0].kind}' -n kube-system pod proxy-node-1
uid=$("$K" -n kube-system get pod proxy-node-1 -o jsonpath='{.metadata.uid}')
expect 'deleted' "$K" -n kube-system delete pod proxy-node-1 --wait=false
another() { local now; now=$("$K" -n kube-system get pod proxy-node-1 -o jsonpath='{.metadata.uid}') && [ -n "$now" ] && [ "$now" != "$uid" ]; }
eventually 10 another
expect 'node/node-1 drained' "$K" drain node-1 --ignore-daemonsets --force --delete-emptydir-data
expect 'proxy-node-1 +1/1 +Running' "$K" -n kube-system get pod proxy-node-1

step "pods of a stateful set that are deleted end before they return"
"$K" apply -f - >/dev/null <<'Y'
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: x}]}}
Y
"$K" rollout status statefulset db --timeout=30s >/dev/null
expect '^pod "db-0" deleted' timeout 20 "$K" delete pod db-0
"$K" rollout status statefulset db --timeout=30s >/dev/null
stop
