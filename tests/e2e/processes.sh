# What `pilothouse up` does around its main job: subsets of components, clear refusals, a clean stop, a second start.
source "$(dirname "$0")/lib.sh"

step "the apiserver alone serves what it holds"
start --components=apiserver
expect 'default +Active' "$K" get namespaces
"$K" create deployment idle --image=x >/dev/null
sleep 1
equals "" "$("$K" get replicasets -o name)" "replica sets without loops"

step "a second server on the directory is refused"
refuse "$DATA" "$PH" up --data-dir "$DATA" --secure-port 0

step "a port in use is refused"
port=$(sed 's/.*://' <<<"$("$K" config view -o jsonpath='{.clusters[0].cluster.server}')")
refuse 'in use' "$PH" up --data-dir "$WORK/other" --secure-port "$port"

step "bad flags are refused"
refuse 'components' "$PH" up --components=nonsense
refuse 'nonsense' "$PH" up --data-dir "$WORK/third" --secure-port 0 --controllers=nonsense
stop

step "a pod with a node, or bound by hand, runs without a scheduler"
start --components=apiserver,controller-manager,node --nodes 1 --controllers=serviceaccount
eventually 10 "$K" get serviceaccount default
equals "" "$("$K" get replicasets -o name)" "replica sets without their loop"
"$K" run direct --image=x --overrides='{"spec":{"nodeName":"node-0"}}' >/dev/null
eventually 10 bash -c "[ \"\$($K get pod direct -o jsonpath='{.status.phase}')\" = Running ]"
"$K" run waiting --image=x >/dev/null
sleep 0.5
equals Pending "$("$K" get pod waiting -o jsonpath='{.status.phase}')" "a pod nobody places"
echo '{"apiVersion":"v1","kind":"Binding","metadata":{"name":"waiting"},"target":{"kind":"Node","name":"node-0"}}' |
  "$K" create --raw /api/v1/namespaces/default/pods/waiting/binding -f - >/dev/null
eventually 10 bash -c "[ \"\$($K get pod waiting -o jsonpath='{.status.phase}')\" = Running ]"
stop

step "loops can be left out"
start --nodes 1 --controllers='*,-replicaset'
eventually 10 bash -c "[ -n \"\$($K get replicasets -o name)\" ]"
sleep 0.5
equals "" "$("$K" get pods -l app=idle -o name)" "pods without the replicaset loop"
stop

step "everything: what was left undone is done"
start --nodes 1
equals 1 "$(grep -c 'stored, but not acted on' "$WORK/server.log")" "lines on what is left undone"
expect '^nodes=1$' "$K" get --raw /flagz
expect 'kube-apiserver statusz' "$K" get --raw /statusz
eventually 10 bash -c "[ \"\$($K get deployment idle -o jsonpath='{.status.readyReplicas}')\" = 1 ]"

step "every namespace has the server's authority, which pods know it by"
"$K" create namespace shop >/dev/null
for space in default shop kube-system; do
  eventually 10 "$K" -n "$space" get configmap kube-root-ca.crt
  equals "$(cat "$DATA/pki/ca.crt")" "$("$K" -n "$space" get configmap kube-root-ca.crt -o jsonpath='{.data.ca\.crt}')" "kube-root-ca.crt of $space"
done
"$K" delete configmap kube-root-ca.crt >/dev/null
eventually 10 "$K" get configmap kube-root-ca.crt
equals kube-root-ca.crt "$("$K" get pod -l app=idle -o jsonpath='{.items[0].spec.volumes[*].projected.sources[*].configMap.name}')" "what a pod mounts"

step "a pod whose claim is not there stays Pending, and says so"
"$K" run claims --image=x --overrides='{"spec":{"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"c"}}]}}' >/dev/null
eventually 10 bash -c "$K get pod claims -o jsonpath='{.status.conditions[0].message}' | grep -q 'persistentvolumeclaim \"c\" not found'"
eventually 10 bash -c "$K get events | grep -q 'FailedScheduling.*persistentvolumeclaim \"c\" not found'"
equals Pending "$("$K" get pod claims -o jsonpath='{.status.phase}')" "a pod with a claim"
stop
for file in pki/ca.key pki/sa.key pki/apiserver.key admin.kubeconfig node.kubeconfig; do
  equals 600 "$(stat -c %a "$DATA/$file")" "the mode of $file"
done
