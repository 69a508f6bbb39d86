# Rolling updates within their bounds, undo, history, the three ways to delete, and a namespace with its contents.
source "$(dirname "$0")/lib.sh"
start --nodes 3

step "a deployment of 10"
"$K" create namespace shop >/dev/null
cat >"$WORK/web.yaml" <<'Y'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 10
  strategy: {rollingUpdate: {maxSurge: 3, maxUnavailable: 2}}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
Y
"$K" apply -f "$WORK/web.yaml" >/dev/null
expect 'successfully rolled out' "$K" -n shop rollout status deployment/web --timeout=30s

step "set image keeps within maxSurge and maxUnavailable at every step"
"$K" -n shop get pods -l app=web -w --output-watch-events -o json >"$WORK/pods.json" 2>/dev/null &
WATCH=$!
sleep 0.7
"$K" -n shop set image deployment/web web=web:2 >/dev/null
expect 'successfully rolled out' "$K" -n shop rollout status deployment/web --timeout=60s
sleep 0.5
kill $WATCH 2>/dev/null || true
# Replays the watch: never more than 13 pods that are not on their way out, never fewer than 8 that are ready.
jq -n -r '
  reduce inputs as $e ({pods: {}, most: 0, least: 99, seen: 0};
    .pods[$e.object.metadata.name] = (if $e.type == "DELETED" or $e.object.metadata.deletionTimestamp then null
      else {ready: any($e.object.status.conditions[]?; .type == "Ready" and .status == "True")} end)
    | ([.pods[] | select(. != null)] | length) as $all
    | ([.pods[] | select(. != null and .ready)] | length) as $ready
    | .seen += 1 | .most = ([.most, $all] | max)
    | if .seen >= 10 then .least = ([.least, $ready] | min) else . end)
  | "\(.most) \(.least)"' "$WORK/pods.json" >"$WORK/bounds"
read -r most least <"$WORK/bounds"
[ "$most" -le 13 ] || fail "there were $most pods at once, 13 are allowed"
[ "$most" -gt 10 ] || fail "the surge was not used"
[ "$least" -ge 8 ] || fail "there were only $least ready pods, 8 are promised"

step "history and undo"
expect '^2 ' "$K" -n shop rollout history deployment/web
expect 'rolled back' "$K" -n shop rollout undo deployment/web
expect 'successfully rolled out' "$K" -n shop rollout status deployment/web --timeout=60s
equals web:1 "$("$K" -n shop get deployment web -o jsonpath='{.spec.template.spec.containers[0].image}')" "the image after undo"
expect '^3 ' "$K" -n shop rollout history deployment/web
equals 2 "$("$K" -n shop get replicasets -l app=web -o name | wc -l)" "replica sets after undo"

step "orphan"
expect deleted "$K" -n shop delete deployment web --cascade=orphan
equals 2 "$("$K" -n shop get replicasets -o name | wc -l)" "replica sets left"
eventually 10 bash -c "[ -z \"\$($K -n shop get replicasets -o jsonpath='{.items[*].metadata.ownerReferences}')\" ]"
equals 10 "$("$K" -n shop get pods -o name | wc -l)" "pods left"

step "adopted again, then deleted in the foreground"
"$K" apply -f "$WORK/web.yaml" >/dev/null
eventually 10 bash -c "[ \"\$($K -n shop get deployment web -o jsonpath='{.status.readyReplicas}')\" = 10 ]"
expect deleted "$K" -n shop delete deployment web --cascade=foreground --timeout=30s
equals "" "$("$K" -n shop get pods,replicasets -o name)" "what is left after a foreground delete"

step "a replication controller: made, scaled, deleted in two ways"
cat >"$WORK/old.yaml" <<'Y'
apiVersion: v1
kind: ReplicationController
metadata: {name: old, namespace: shop}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: old}}
    spec: {containers: [{name: old, image: "old:1"}]}
Y
"$K" apply -f "$WORK/old.yaml" >/dev/null
eventually 10 bash -c "[ \"\$($K -n shop get rc old -o jsonpath='{.status.readyReplicas}')\" = 3 ]"
expect '^old +3 +3 +3 ' "$K" -n shop get rc
expect 'scaled' "$K" -n shop scale rc old --replicas=5
eventually 10 bash -c "[ \"\$($K -n shop get rc old -o jsonpath='{.status.availableReplicas}')\" = 5 ]"
expect 'SuccessfulCreate .*replication-controller' "$K" -n shop describe rc old
expect deleted "$K" -n shop delete rc old --cascade=orphan
equals 5 "$("$K" -n shop get pods -l app=old -o name | wc -l)" "pods left by the replication controller"
"$K" apply -f "$WORK/old.yaml" >/dev/null
eventually 10 bash -c "[ \"\$($K -n shop get pods -l app=old -o name | wc -l)\" = 3 ]"
expect deleted "$K" -n shop delete rc old
eventually 10 bash -c "[ -z \"\$($K -n shop get pods -o name)\" ]"

step "a namespace with its contents"
"$K" apply -f "$WORK/web.yaml" >/dev/null
"$K" -n shop create configmap settings --from-literal=a=b >/dev/null
"$K" -n shop create secret generic keys --from-literal=a=b >/dev/null
"$K" -n shop expose deployment web --port=80 >/dev/null
expect deleted "$K" delete namespace shop --timeout=60s
refuse 'NotFound' "$K" get namespace shop
equals "" "$("$K" get all,configmaps,secrets,endpointslices -A -o json | jq -r '.items[] | select(.metadata.namespace == "shop") | .kind')" "what is left in the namespace"
stop
