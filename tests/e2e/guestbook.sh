# The main job, as the README shows it, with one kubectl: apply, rollout, get, and what follows.
source "$(dirname "$0")/lib.sh"
start --nodes 3

step "apply"
expect 'deployment.apps/frontend created' "$K" apply -f "$ROOT/manifests/samples/guestbook.yaml"
expect 'successfully rolled out' "$K" rollout status deployment/frontend --timeout=30s
expect 'successfully rolled out' "$K" rollout status deployment/redis-follower --timeout=30s
expect 'unchanged' "$K" apply -f "$ROOT/manifests/samples/guestbook.yaml"

step "get"
expect 'frontend-[0-9a-z]+-[0-9a-z]{5} +1/1 +Running +0 +[0-9]+s +10\.[0-9.]+ +node-[0-9]' "$K" get pods -o wide
expect 'frontend +NodePort +10\.[0-9.]+ +<none> +80:3[0-9]+/TCP' "$K" get svc -o wide
eventually 10 bash -c "$K get endpointslices -l kubernetes.io/service-name=frontend -o jsonpath='{.items[*].endpoints[*].addresses[0]}' | wc -w | grep -qx 3"
expect 'frontend-[0-9a-z]+ +IPv4 +80 +10\.' "$K" get endpointslices

step "scale"
expect 'scaled' "$K" scale deployment/frontend --replicas=5
expect 'successfully rolled out' "$K" rollout status deployment/frontend --timeout=30s
equals 5 "$("$K" get deployment frontend -o jsonpath='{.status.readyReplicas}')" "ready replicas"

step "delete"
expect 'deployment.apps "frontend" deleted' "$K" delete deployment frontend
eventually 20 bash -c "[ -z \"\$($K get pods,replicasets -l tier=frontend -o name)\" ]"
stop
