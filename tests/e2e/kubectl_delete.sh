# kubectl delete in all its forms, and what is gone afterwards.
source "$(dirname "$0")/lib.sh"
start --nodes 2
deployment() { printf '{apiVersion: apps/v1, kind: Deployment, metadata: {name: %s, labels: {set: %s}}, spec: {replicas: 2, selector: {matchLabels: {app: %s}}, template: {metadata: {labels: {app: %s}}, spec: {containers: [{name: c, image: x}]}}}}\n---\n' "$1" "${2:-none}" "$1" "$1"; }
names() { "$K" get "$@" -o name | paste -sd' '; }
held() { printf '{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, finalizers: [example.com/held]}}' "$1" | "$K" create -f - >/dev/null; }
let_go() { "$K" patch configmap "$1" --type=merge -p '{"metadata":{"finalizers":null}}' >/dev/null; }

step "the three cascades"
{ deployment back; deployment fore; deployment orphan; } | "$K" create -f - >/dev/null
for name in back fore orphan; do "$K" rollout status deployment $name --timeout=30s >/dev/null; done
expect '^deployment.apps "back" deleted' "$K" delete deployment back --cascade=background
soon 20 '^$' names pods,replicasets -l app=back
expect 'deployment.apps "fore" deleted' "$K" delete deployment fore --cascade=foreground
equals '' "$(names pods,replicasets,deployments -l app=fore)" "what is left at once after a foreground delete"
orphans=$(names pods,replicasets -l app=orphan)
expect 'deployment.apps "orphan" deleted' "$K" delete deployment orphan --cascade=orphan
equals "$orphans" "$(names pods,replicasets -l app=orphan)" "what was orphaned"
soon 10 '^$' "$K" get replicasets -l app=orphan -o jsonpath='{.items[*].metadata.ownerReferences}'
expect 'replicaset.apps "orphan-[0-9a-z]+" deleted' "$K" delete replicasets,pods -l app=orphan
soon 20 '^$' names pods,replicasets -l app=orphan

step "--wait and finalizers"
held one
expect '^configmap "one" deleted' "$K" delete configmap one --wait=false
expect '^20[0-9-]+T' "$K" get configmap one -o jsonpath='{.metadata.deletionTimestamp}'
refuse 'timed out waiting for the condition on configmaps/one' "$K" delete configmap one --timeout=1s
refuse 'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers \[\]string\{"example.com/more"\}' "$K" patch configmap one --type=merge -p '{"metadata":{"finalizers":["example.com/held","example.com/more"]}}'
(sleep 0.5; let_go one) &
expect 'configmap "one" deleted' "$K" delete configmap one --timeout=20s
refuse 'configmaps "one" not found' "$K" get configmap one
wait $! || true

step "--now, --force, --grace-period"
pod() { "$K" run "$1" --image=x --overrides='{"spec":{"schedulerName":"'"${2:-default-scheduler}"'"}}' >/dev/null; }
for name in slow now force; do pod $name; done
"$K" wait --for=condition=Ready pod/slow pod/now pod/force --timeout=20s >/dev/null
"$K" get pods -w --output-watch-events -o json >"$WORK/graces" 2>/dev/null & W=$!
graces() { jq -r '"\(.type) \(.object.metadata.name) \(.object.metadata.deletionGracePeriodSeconds)"' "$WORK/graces" 2>/dev/null; }
soon 20 '^ADDED force null$' graces
expect 'pod "now" deleted' "$K" delete pod now --now
soon 10 '^MODIFIED now 1$' graces
expect 'pod "slow" deleted' "$K" delete pod slow --grace-period=7
soon 10 '^MODIFIED slow 7$' graces
expect 'Warning: Immediate deletion does not wait' "$K" delete pod force --force
refuse 'pods "force" not found' "$K" get pod force
soon 10 '^DELETED force (0|null)$' graces
equals '' "$(graces | grep '^MODIFIED force' | grep -v ' null$' || true)" "a grace for what was forced"
kill $W 2>/dev/null; wait $W 2>/dev/null || true
pod nowhere nobody
expect 'pod "nowhere" deleted' "$K" delete pod nowhere
refuse 'pods "nowhere" not found' "$K" get pod nowhere
pod nowhere nobody
refuse '--force and --grace-period greater than 0 cannot be specified together' "$K" delete pod nowhere --force --grace-period=3
equals pod/nowhere "$(names pods)" "a refused delete"

step "by label, by file, all, several, --dry-run, --ignore-not-found"
for i in 1 2 3 4 5; do "$K" create configmap "m$i" -o yaml --dry-run=client | "$K" label --local -f - set=$((i % 2)) -o yaml; echo ---; done | "$K" create -f - >/dev/null
expect '^configmap "m1" deleted from default namespace \(server dry run\)$' "$K" delete configmap m1 --dry-run=server
expect '^configmap "m1" deleted from default namespace \(dry run\)$' "$K" delete configmap m1 --dry-run=client
equals 5 "$("$K" get configmaps -l set -o name | wc -l)" "after dry runs"
equals 3 "$("$K" delete configmaps -l set=1 | grep -c ' deleted')" "deleted by label"
equals 'configmap/m2 configmap/m4' "$(names configmaps -l set)" "left"
expect 'configmap "m2" deleted' "$K" delete configmap/m2 configmap/m4
equals '' "$(names configmaps -l set)" "two of them by name"
refuse 'configmaps "m2" not found' "$K" delete configmap m2
equals '' "$("$K" delete configmap m2 --ignore-not-found)" "--ignore-not-found"
for i in 1 2; do "$K" create secret generic "s$i" --from-literal=a=b >/dev/null; done
expect 'secret "s2" deleted' "$K" delete secrets --all
equals '' "$(names secrets)" "secrets after --all"
deployment filed | sed '/---/d' >"$WORK/filed.yaml"
"$K" create -f "$WORK/filed.yaml" >/dev/null
expect 'deployment.apps "filed" deleted' "$K" delete -f "$WORK/filed.yaml"
soon 20 '^pod/nowhere$' names pods,replicasets,deployments
refuse 'resource\(s\) were provided, but no name was specified' "$K" delete pods
printf '{apiVersion: v1, kind: ConfigMap, metadata: {name: typed}}' | "$K" create -f - >/dev/null
expect 'configmap "typed" deleted' "$K" delete cm --field-selector=metadata.name=typed
expect '"kind":"Pod".*"name":"nowhere"' "$K" delete --raw '/api/v1/namespaces/default/pods/nowhere?gracePeriodSeconds=0'
refuse 'pods "nowhere" not found' "$K" get pod nowhere
expect 'deleted' bash -c "$K create configmap asked >/dev/null; echo y | $K delete configmap asked --interactive"
"$K" create configmap asked >/dev/null
expect 'deletion is cancelled' bash -c "echo n | $K delete configmap asked --interactive"
equals configmap/asked "$(names configmap asked)" "a deletion that was not confirmed"

step "namespaces"
"$K" create namespace gone >/dev/null
deployment web | sed '/---/d' | "$K" -n gone create -f - >/dev/null
"$K" -n gone create configmap stays --from-literal=a=b >/dev/null
"$K" -n gone patch configmap stays --type=merge -p '{"metadata":{"finalizers":["example.com/held"]}}' >/dev/null
expect 'namespace "gone" deleted' "$K" delete namespace gone --wait=false
holds Terminating '{.status.phase}' namespace gone
refuse 'unable to create new content in namespace gone because it is being terminated' "$K" -n gone create configmap late
soon 20 'Some content in the namespace has finalizers remaining: example.com/held in 1 resource instances' "$K" get namespace gone -o jsonpath='{.status.conditions[?(@.type=="NamespaceFinalizersRemaining")].message}'
soon 20 '^$' "$K" -n gone get deployments,replicasets,pods -o name
"$K" -n gone patch configmap stays --type=merge -p '{"metadata":{"finalizers":null}}' >/dev/null
"$K" wait --for=delete namespace/gone --timeout=60s >/dev/null
refuse 'namespaces "gone" not found' "$K" get namespace gone
refuse 'forbidden: this namespace may not be deleted' "$K" delete namespace default
equals 'default kube-node-lease kube-public kube-system' "$("$K" get namespaces -o jsonpath='{.items[*].metadata.name}')" "namespaces left"

step "stateful sets keep their claims, or not"
for policy in Retain Delete; do
  low=${policy,,}
  printf '{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: %s}, spec: {serviceName: s, replicas: 0, persistentVolumeClaimRetentionPolicy: {whenDeleted: %s}, selector: {matchLabels: {app: %s}}, template: {metadata: {labels: {app: %s}}, spec: {schedulerName: nobody, containers: [{name: c, image: x}]}}, volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}}' \
    $low $policy $low $low | "$K" create -f - >/dev/null
  "$K" scale statefulset $low --replicas=1 >/dev/null
  soon 20 "data-$low-0" "$K" get pvc -o name
done
soon 20 '^StatefulSet/delete$' "$K" get pvc data-delete-0 -o jsonpath='{.metadata.ownerReferences[0].kind}/{.metadata.ownerReferences[0].name}'
expect 'statefulset.apps "retain" deleted' "$K" delete statefulset retain delete
soon 20 '^persistentvolumeclaim/data-retain-0$' names pvc
expect 'persistentvolumeclaim "data-retain-0" deleted' "$K" delete pvc --all
stop
