# Two controller managers; the leader is killed amid a rollout. The other finishes it, and no pod beyond the surge is ever made.
source "$(dirname "$0")/lib.sh"
start_apiserver
# Upstream's lease lasts 15 s; a shorter one keeps the test short.
LEASE=(--leader-elect-lease-duration=3s --leader-elect-renew-deadline=2s --leader-elect-retry-period=500ms)
for name in first second; do
  daemon $name ph-controller-manager --kubeconfig "$DATA/controller-manager.kubeconfig" --use-service-account-credentials --secure-port 0 "${LEASE[@]}"
  [ $name = second ] || said first 'loops started'
done
daemon scheduler ph-scheduler --kubeconfig "$DATA/scheduler.kubeconfig" --secure-port 0
daemon node ph-node --kubeconfig "$DATA/node.kubeconfig" --secure-port 0 --nodes 5
said node 'all nodes are registered'
said second 'leader identity='
grep -q 'loops started' "$WORK/second.log" && fail "both managers work"

step "a deployment of 40, updated"
cat >"$WORK/web.yaml" <<'Y'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 40
  strategy: {rollingUpdate: {maxSurge: 4, maxUnavailable: 3}}
  minReadySeconds: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
Y
"$K" apply -f "$WORK/web.yaml" >/dev/null
expect 'successfully rolled out' "$K" rollout status deployment/web --timeout=60s
"$K" get pods -l app=web -w --output-watch-events -o json >"$WORK/pods.json" 2>/dev/null &
WATCH=$!
sleep 0.7
"$K" set image deployment/web web=web:2 >/dev/null
eventually 20 bash -c "[ \"\$($K get deployment web -o jsonpath='{.status.updatedReplicas}')\" -ge 10 ]"

step "kill -9 the leader in the middle"
updated=$("$K" get deployment web -o jsonpath='{.status.updatedReplicas}')
crash_daemon first
[ "$updated" -lt 40 ] || fail "the rollout was over before the leader was killed"
said second 'loops started' 20
expect 'successfully rolled out' "$K" rollout status deployment/web --timeout=90s
sleep 0.5
kill $WATCH 2>/dev/null || true
most=$(jq -n -r '
  reduce inputs as $e ({pods: {}, most: 0};
    .pods[$e.object.metadata.name] = (if $e.type == "DELETED" or $e.object.metadata.deletionTimestamp then null else true end)
    | .most = ([.most, ([.pods[] | select(. != null)] | length)] | max)) | .most' "$WORK/pods.json")
[ "$most" -le 44 ] || fail "there were $most pods at once, 44 are allowed"
[ "$most" -gt 40 ] || fail "the surge was not used"
echo "killed with $updated of 40 updated; never more than $most pods"

step "the killed one comes back as a standby, and takes over when the other ends"
: >"$WORK/first.log"
daemon first ph-controller-manager --kubeconfig "$DATA/controller-manager.kubeconfig" --use-service-account-credentials --secure-port 0 "${LEASE[@]}"
said first 'leader identity='
sleep 1
grep -q 'loops started' "$WORK/first.log" && fail "both managers work"
end_daemon second
said first 'loops started' 5
"$K" scale deployment web --replicas=20 >/dev/null
eventually 20 bash -c "[ \"\$($K get pods -l app=web -o name | wc -l)\" = 20 ]"
end_daemon first
stop_separate
