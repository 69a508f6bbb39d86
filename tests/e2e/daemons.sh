# The programs by themselves: flags, exit codes, secure ports, who may read them, restarts, loops and schedulers apart.
source "$(dirname "$0")/lib.sh"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# page PORT PATH [curl arguments]: the status and the body.
page() { curl -sS --max-time 10 -k -w '\n%{http_code}\n' "${@:3}" "https://127.0.0.1:$1$2"; }

step "help, versions, and what is refused"
for program in ph-apiserver ph-controller-manager ph-scheduler ph-node; do
  expect '^Usage:' "$BIN/$program" --help
  expect 'Kubernetes v1\.36\.' "$BIN/$program" --version
  refuse "$program: unknown flag: --nonsense" "$BIN/$program" --nonsense
  refuse 'pilothouse .*: unknown flag: --nonsense' "$PH" "${program/ph-/}" --nonsense
done
refuse 'stat .*none: no such file or directory' "$BIN/ph-scheduler" --kubeconfig "$WORK/none"
refuse 'there is no --kubeconfig, and this is no pod' env -u KUBERNETES_SERVICE_HOST "$BIN/ph-scheduler"
refuse 'not supported: the store is RocksDB' "$BIN/ph-apiserver" --data-dir "$DATA" --etcd-servers=http://127.0.0.1:2379
refuse 'enable-admission-plugins plugin "Nonsense" is unknown' "$BIN/ph-apiserver" --data-dir "$DATA" --enable-admission-plugins=Nonsense
refuse 'plugin "ClusterTrustBundleAttest" is not there yet' "$BIN/ph-apiserver" --data-dir "$DATA" --enable-admission-plugins=ClusterTrustBundleAttest
refuse 'EventRateLimit: apiVersion .* are wanted' "$BIN/ph-apiserver" --data-dir "$WORK/unused" --secure-port 0 --enable-admission-plugins=EventRateLimit
refuse "there is no file $WORK/none" "$BIN/ph-apiserver" --data-dir "$WORK/unused" --secure-port 0 --kubelet-certificate-authority="$WORK/none"
refuse 'GangScheduling to true: only its default' "$BIN/ph-controller-manager" --kubeconfig "$WORK/none" --feature-gates=GangScheduling=true
refuse 'leaseDuration must be greater than renewDeadline|lease' "$BIN/ph-scheduler" --kubeconfig "$WORK/none" --leader-elect-lease-duration=5s
refuse 'error parsing root-ca-file at .*none: there is no such file' "$BIN/ph-controller-manager" --kubeconfig "$WORK/none" --root-ca-file="$WORK/none"
refuse '"nonsense" is not in the list of known controllers' "$BIN/ph-controller-manager" --kubeconfig "$WORK/none" --controllers=nonsense

step "an apiserver alone, which says what it leaves undone; a second one on its directory is refused"
start_apiserver 0 --goaway-chance=0.001 --etcd-compaction-interval=3m --disable-admission-plugins=EventRateLimit
said apiserver 'a flag without effect flag=etcd-compaction-interval why="there is no etcd"'
said apiserver 'stored, but not acted on \(README.md, Limits\) what="[A-Z]'
equals 1 "$(grep -c 'a flag without effect' "$WORK/apiserver.log")" "lines on flags without effect"
equals 1 "$(grep -c 'stored, but not acted on' "$WORK/apiserver.log")" "lines on what is left undone"
expect 'default +Active' "$K" get namespaces
refuse "$DATA" "$BIN/ph-apiserver" --data-dir "$DATA" --secure-port 0

step "secure ports: health for everybody, the rest for those the apiserver lets"
manager_port=$(free_port)
daemon manager ph-controller-manager --kubeconfig "$DATA/controller-manager.kubeconfig" --use-service-account-credentials --bind-address=127.0.0.1 --secure_port "$manager_port" \
  --authentication-kubeconfig "$DATA/controller-manager.kubeconfig" --authorization-kubeconfig "$DATA/controller-manager.kubeconfig" \
  --leader-elect-retry-period=200ms -v=2 --controllers='*,-replicaset' --kube-api-qps=100
said manager 'loops started'
said manager 'a flag without effect flag=kube-api-qps'
said manager 'stored, but not acted on \(README.md, Limits\) what="[A-Z]'
eventually 10 bash -c "curl -skf https://127.0.0.1:$manager_port/readyz"
for path in /healthz /livez /readyz; do equals $'ok\n200' "$(page "$manager_port" $path)" "$path"; done
expect '\[\+\]leaderElection ok' page "$manager_port" '/healthz?verbose'
expect '^403$' page "$manager_port" /metrics
expect '^401$' page "$manager_port" /metrics -H 'Authorization: Bearer nonsense'
"$K" -n kube-system create serviceaccount prometheus >/dev/null
"$K" create clusterrolebinding prometheus --clusterrole=system:monitoring --serviceaccount=kube-system:prometheus >/dev/null
TOKEN=$("$K" -n kube-system create token prometheus)
expect '^200$' page "$manager_port" /metrics -H "Authorization: Bearer $TOKEN"
step "what monitoring reads, everywhere"
"$K" get --raw / | jq -e '.paths | contains(["/flagz", "/metrics/slis", "/statusz"])' >/dev/null || fail "/ does not list the pages"
curl_credentials
api_port=${URL##*:}
for port in "$manager_port" "$api_port"; do
  for path in /metrics /metrics/slis /flagz /statusz; do expect '^200$' page "$port" "$path" -H "Authorization: Bearer $TOKEN"; done
  for path in /metrics/slis /flagz /statusz; do expect '^403$' page "$port" "$path"; done
  expect '^200$' page "$port" /readyz
  expect 'kubernetes_healthcheck\{name="ping",type="readyz"\} 1' page "$port" /metrics/slis -H "Authorization: Bearer $TOKEN"
  expect '"kind":"Statusz","apiVersion":"config.k8s.io/v1beta1"' page "$port" /statusz -H "Authorization: Bearer $TOKEN" \
    -H 'Accept: application/json;v=v1beta1;g=config.k8s.io;as=Statusz'
  expect '^406$' page "$port" /flagz -H "Authorization: Bearer $TOKEN" -H 'Accept: application/json'
done
expect 'goaway-chance=0.001' "$K" get --raw /flagz
expect 'kube-apiserver statusz' "$K" get --raw /statusz
for path in /metrics /configz /flagz /statusz; do
  eventually 10 bash -c "curl -sS -k -f --max-time 5 --cert '$CERT' --key '$KEY' https://127.0.0.1:$manager_port$path"
done
expect 'leader-elect-retry-period=200ms' page "$manager_port" /flagz --cert "$CERT" --key "$KEY"
expect '"kubecontrollermanager.config.k8s.io"' page "$manager_port" /configz --cert "$CERT" --key "$KEY"
expect '^404$' page "$manager_port" /nonsense --cert "$CERT" --key "$KEY"
expect 'kube-controller-manager +' "$K" -n kube-system get lease kube-controller-manager -o custom-columns=N:.metadata.name,H:.spec.holderIdentity

step "--controllers='*,-replicaset': no pods; with it: pods"
daemon node ph-node --kubeconfig "$DATA/node.kubeconfig" --secure-port 0 --nodes 2
daemon scheduler ph-scheduler --kubeconfig "$DATA/scheduler.kubeconfig" --secure-port 0
said node 'all nodes are registered'
"$K" create deployment web --image=web:1 --replicas=3 >/dev/null
eventually 10 bash -c "[ -n \"\$($K get replicasets -o name)\" ]"
sleep 0.5
equals "" "$("$K" get pods -o name)" "pods without the replicaset loop"
equals "$(cat "$DATA/pki/ca.crt")" "$("$K" get configmap kube-root-ca.crt -o jsonpath='{.data.ca\.crt}')" "kube-root-ca.crt: the kubeconfig's authority"
end_daemon manager
cat "$DATA/pki/ca.crt" "$DATA/pki/ca.crt" >"$WORK/roots.pem"
equals "" "$("$K" -n kube-system get lease kube-controller-manager -o jsonpath='{.spec.holderIdentity}')" "the holder after a clean end"
: >"$WORK/manager.log"
daemon manager ph-controller-manager --kubeconfig "$DATA/controller-manager.kubeconfig" --use-service-account-credentials \
  --bind-address=127.0.0.1 --secure-port="$manager_port" --client-ca-file="$DATA/pki/ca.crt" --leader-elect-retry-period=200ms \
  --root-ca-file="$WORK/roots.pem"
said manager 'loops started'
expect 'successfully rolled out' "$K" rollout status deployment/web --timeout=30s

eventually 10 bash -c "[ \"\$($K get configmap kube-root-ca.crt -o jsonpath='{.data.ca\\.crt}')\" = \"\$(cat $WORK/roots.pem)\" ]"

step "two schedulers, each its own pods"
cat >"$WORK/second.yaml" <<Y
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: $DATA/scheduler.kubeconfig}
leaderElection: {resourceName: second}
profiles: [{schedulerName: second}]
extenders: [{urlPrefix: "http://127.0.0.1:1/none", filterVerb: filter, preemptVerb: preempt, tlsConfig: {caData: c2VjcmV0}, managedResources: [{name: example.com/card}]}]
Y
second_port=$(free_port)
daemon second ph-scheduler --config "$WORK/second.yaml" --bind-address=127.0.0.1 --secure-port "$second_port" \
  --authentication-kubeconfig "$DATA/scheduler.kubeconfig" --authorization-kubeconfig "$DATA/scheduler.kubeconfig"
said second 'preemptVerb is never called.*http://127.0.0.1:1/none'
said second 'scheduling begins'
expect '"urlPrefix":"http://127.0.0.1:1/none"' page "$second_port" /configz --cert "$CERT" --key "$KEY"
page "$second_port" /configz --cert "$CERT" --key "$KEY" | grep -q 'secret\|c2VjcmV0' && fail "/configz shows an extender's certificates"
for i in 1 2 3; do
  "$K" run "one-$i" --image=x >/dev/null
  "$K" run "two-$i" --image=x --overrides='{"spec":{"schedulerName":"second"}}' >/dev/null
  "$K" run "none-$i" --image=x --overrides='{"spec":{"schedulerName":"nobody"}}' >/dev/null
done
for i in 1 2 3; do
  eventually 10 bash -c "[ \"\$($K get pod one-$i -o jsonpath='{.status.phase}')\" = Running ]"
  eventually 10 bash -c "[ \"\$($K get pod two-$i -o jsonpath='{.status.phase}')\" = Running ]"
  equals "" "$("$K" get pod none-$i -o jsonpath='{.spec.nodeName}')" "the node of a pod nobody places"
done
placed() { "$K" get events -o json | jq -r --arg by "$1" '.items[] | select(.reason == "Scheduled" and (.reportingComponent == $by or .source.component == $by)) | .involvedObject.name' | sort | tr '\n' ' '; }
eventually 10 bash -c "[ \"\$($K get events -o json | jq '[.items[] | select(.reason == \"Scheduled\")] | length')\" -ge 9 ]"
equals "two-1 two-2 two-3 " "$(placed second)" "pods the second scheduler placed"
placed default-scheduler | grep -q two- && fail "the first scheduler placed the second's pods"
end_daemon second

step "logs come from the nodes' port"
"$K" run talk --image=x --restart=Never -- sh -c 'echo hello from afar' >/dev/null
eventually 10 bash -c "$K logs talk | grep -q 'hello from afar'"
"$K" run tells --image=x --restart=Never -- sh -c 'echo once; sleep 2; echo more' >/dev/null
"$K" wait --for=jsonpath='{.status.phase}'=Running pod/tells --timeout=20s >/dev/null
equals once "$("$K" logs tells)" "what has been said so far"
equals 'once more' "$(timeout 20 "$K" logs --follow tells | paste -sd' ')" "a log that is followed to its end"
equals more "$("$K" logs tells --tail=1)" "its tail"
refuse '\(BadRequest\): previous terminated container "tells" in pod "tells" not found' "$K" logs tells --previous

step "an apiserver that restarts is resumed, not read anew"
counted() { curl -sS -k --max-time 5 --cert "$CERT" --key "$KEY" "https://127.0.0.1:$manager_port/metrics" | awk -v name="$1" 'index($0, name "{") == 1 {n += $NF} END {print n + 0}'; }
lists=$(counted pilothouse_informer_lists_total)
resumes=$(counted pilothouse_informer_resumes_total)
[ "$lists" -gt 5 ] || fail "the counter of lists shows $lists"
port=$("$K" config view -o jsonpath='{.clusters[0].cluster.server}' | sed 's/.*://')
end_daemon apiserver
start_apiserver "$port"
"$K" scale deployment web --replicas=5 >/dev/null
expect 'successfully rolled out' "$K" rollout status deployment/web --timeout=60s
eventually 40 bash -c "[ \"\$(curl -sS -k --cert '$CERT' --key '$KEY' https://127.0.0.1:$manager_port/metrics | grep -c '^pilothouse_informer_synced{.* 1$')\" -ge 5 ]"
equals "$lists" "$(counted pilothouse_informer_lists_total)" "lists the manager has made, after the apiserver's restart"
resumed=$(($(counted pilothouse_informer_resumes_total) - resumes))
[ "$resumed" -gt 5 ] || fail "only $resumed watches were resumed"
echo "$lists lists before and after; $resumed watches resumed"
stop_separate
