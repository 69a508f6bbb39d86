# kubectl's other commands against what is served.
source "$(dirname "$0")/lib.sh"
start --nodes 2
"$K" apply -f "$ROOT/manifests/samples/guestbook.yaml" >/dev/null
"$K" rollout status deployment/frontend --timeout=30s >/dev/null

step "explain"
expect 'terminationMessagePath' "$K" explain pod.spec.containers --recursive
expect 'FIELD: replicas' "$K" explain deployment.spec.replicas

step "describe"
expect 'ScalingReplicaSet' "$K" describe deployment frontend
expect 'Successfully assigned default/frontend' bash -c "$K describe pod -l tier=frontend"
expect 'Ready +True' "$K" describe node node-0
# Before 1.31 it looks at v1 Endpoints, which nobody keeps here for services.
if [ "${KUBECTL_VERSION:-33}" -ge 31 ]; then
  expect 'Endpoints: +10\.' "$K" describe service frontend
else
  expect 'TargetPort: +80/TCP' "$K" describe service frontend
fi

step "diff"
if "$K" diff -f "$ROOT/manifests/samples/guestbook.yaml" >"$WORK/diff" 2>&1; then :; else fail "a diff without differences: $(cat "$WORK/diff")"; fi
sed 's/replicas: 3/replicas: 4/' "$ROOT/manifests/samples/guestbook.yaml" >"$WORK/four.yaml"
if "$K" diff -f "$WORK/four.yaml" >"$WORK/diff" 2>&1; then fail "no difference seen"; fi
grep -q '^+  replicas: 4' "$WORK/diff" || fail "diff shows $(cat "$WORK/diff")"

step "label, annotate, patch"
expect labeled "$K" label deployment frontend color=red
refuse 'already has a value|--overwrite' "$K" label deployment frontend color=blue
expect labeled "$K" label deployment frontend color=blue --overwrite
expect '(un)?labeled' "$K" label deployment frontend color-
expect 'annotated?' "$K" annotate deployment frontend note=hello
expect patched "$K" patch deployment frontend --type=merge -p '{"spec":{"replicas":2}}'
expect patched "$K" patch deployment frontend --type=json -p '[{"op":"replace","path":"/spec/replicas","value":4}]'
expect patched "$K" patch deployment frontend -p '{"spec":{"template":{"spec":{"containers":[{"name":"php-redis","env":[{"name":"EXTRA","value":"1"}]}]}}}}'
equals "GET_HOSTS_FROM EXTRA" "$("$K" get deployment frontend -o jsonpath='{.spec.template.spec.containers[0].env[*].name}' | tr ' ' '\n' | sort -r | xargs)" "env after a strategic merge"
expect 'successfully rolled out' "$K" rollout status deployment/frontend --timeout=30s

step "replace"
cat >"$WORK/replaced.yaml" <<'EOF'
apiVersion: v1
kind: Pod
metadata: {name: replaced}
spec:
  serviceAccountName: default
  automountServiceAccountToken: false
  schedulerName: nobody
  containers: [{name: c, image: busybox}]
EOF
expect created "$K" create -f "$WORK/replaced.yaml"
expect replaced "$K" replace -f "$WORK/replaced.yaml"
sed -i 's/image: busybox/image: busybox:latest/' "$WORK/replaced.yaml"
expect replaced "$K" replace -f "$WORK/replaced.yaml"
equals busybox:latest "$("$K" get pod replaced -o jsonpath='{.spec.containers[0].image}')" "the image after a replace"
sed -i '/serviceAccountName/d' "$WORK/replaced.yaml"
refuse 'pod updates may not change fields' "$K" replace -f "$WORK/replaced.yaml"
"$K" delete pod replaced --wait=false >/dev/null

step "get in every form"
equals 4 "$("$K" get pods -l tier=frontend --field-selector=status.phase=Running -o name | grep -c ^pod/)" "running frontends"
expect '^NAME' "$K" get pods --sort-by=.metadata.name
expect '"kind": "List"' "$K" get pods -o json
expect '^kind: List' "$K" get pods -o yaml
expect '^NODE' "$K" get pods -o custom-columns=NODE:.spec.nodeName
expect 'redis-leader' "$K" get pods -A -o wide
refuse 'field label not supported|not a known field' "$K" get pods --field-selector=spec.nonsense=1
"$K" get pods -w -o name >"$WORK/watch" 2>/dev/null &
WATCH=$!
sleep 0.5
"$K" delete pod -l app=redis,role=leader --wait=false >/dev/null
eventually 10 bash -c "[ \$(sort -u $WORK/watch | grep -c redis-leader) -ge 2 ]"
kill $WATCH 2>/dev/null || true

step "auth"
equals yes "$("$K" auth can-i create pods)" "the admin may create pods"
equals no "$("$K" auth can-i create pods --as=system:serviceaccount:default:default || true)" "a service account may not"
# Before 1.28 it asks for a beta version, which v1.36 does not serve.
if [ "${KUBECTL_VERSION:-33}" -ge 28 ]; then expect 'kubernetes-admin' "$K" auth whoami; fi

step "logs, events, api-resources, top-level"
expect 'hollow container leader' bash -c "$K logs deployment/redis-leader"
expect 'Scheduled' "$K" get events
expect 'deployments +deploy +apps/v1' "$K" api-resources
expect 'apps/v1' "$K" api-versions
expect 'v1\.36\.[0-9]+\+pilothouse' "$K" version
expect 'is running at' "$K" cluster-info

step "metrics"
expect '^apiserver_request_total\{code="200",.*resource="pods",.*verb="LIST"' "$K" get --raw /metrics
[ -n "${PH_SEPARATE:-}" ] || expect '^scheduler_schedule_attempts_total\{profile="default-scheduler",result="scheduled"\} [1-9]' "$K" get --raw /metrics
[ -n "${PH_SEPARATE:-}" ] || expect '^workqueue_adds_total\{name="deployment"\} [1-9]' "$K" get --raw /metrics
expect '^process_resident_memory_bytes [1-9]' "$K" get --raw /metrics
expect '^pilothouse_executor_longest_turn_seconds\{executor="apiserver"\} [0-9]' "$K" get --raw /metrics
refuse 'Forbidden|forbidden' "$K" get --raw /metrics --as=system:serviceaccount:default:default
expect '^apiserver_request_total' "$K" get --raw /metrics --as=prometheus --as-group=system:monitoring

step "what a person does wrong"
refuse 'NotFound' "$K" get pod nobody
refuse 'AlreadyExists|already exists' "$K" create namespace default
refuse 'Invalid value|Invalid' "$K" run BadName --image=x
refuse 'unknown field "spec.replica' bash -c "sed 's/replicas: 3/replica: 3/' $ROOT/manifests/samples/guestbook.yaml | $K apply -f - --validate=strict"
refuse 'NotFound|not found' "$K" -n nowhere create configmap x
expect 'created' "$K" run one --image=busybox --restart=Never -- sh -c 'echo hello; sleep 1; exit 0'
eventually 10 bash -c "[ \"\$($K get pod one -o jsonpath='{.status.phase}')\" = Succeeded ]"
equals hello "$("$K" logs one)" "the log"

step "edit through a dry run changes nothing"
expect 'server dry run' "$K" create configmap dry --from-literal=a=b --dry-run=server
refuse 'NotFound' "$K" get configmap dry
stop
