# What an administrator does: nodes (cordon, drain, taint), rights (auth), certificates, debugging; and what is refused clearly.
source "$(dirname "$0")/lib.sh"
start --nodes 3
"$K" create deployment web --image=x --replicas=6 >/dev/null
"$K" rollout status deployment web --timeout=30s >/dev/null
on() { "$K" get pods -A --field-selector="spec.nodeName=$1" -o name | wc -l; }

step "cordon, uncordon"
expect '^node/node-0 cordoned$' "$K" cordon node-0
holds true '{.spec.unschedulable}' node node-0
expect 'node-0 +Ready,SchedulingDisabled' "$K" get node node-0
expect 'already cordoned' "$K" cordon node-0
before=$(on node-0)
"$K" scale deployment web --replicas=9 >/dev/null
"$K" rollout status deployment web --timeout=30s >/dev/null
equals "$before" "$(on node-0)" "pods of a cordoned node"
expect '^node/node-0 uncordoned$' "$K" uncordon node-0
holds '' '{.spec.unschedulable}' node node-0
expect 'already uncordoned' "$K" uncordon node-0
expect 'node/node-2 cordoned' "$K" cordon -l kubernetes.io/hostname=node-2
"$K" uncordon node-2 >/dev/null

step "taint"
expect '^node/node-1 tainted$' "$K" taint node node-1 dedicated=db:NoSchedule
holds 'dedicated=db:NoSchedule' '{.spec.taints[0].key}={.spec.taints[0].value}:{.spec.taints[0].effect}' node node-1
refuse 'already has dedicated taint\(s\) with same effect\(s\) and --overwrite is false' "$K" taint node node-1 dedicated=web:NoSchedule
expect 'node/node-1 modified' "$K" taint node node-1 dedicated=web:NoSchedule --overwrite
holds web '{.spec.taints[0].value}' node node-1
before=$(on node-1)
"$K" scale deployment web --replicas=12 >/dev/null
"$K" rollout status deployment web --timeout=30s >/dev/null
equals "$before" "$(on node-1)" "pods of a tainted node"
"$K" run tolerant --image=x --overrides='{"spec":{"nodeSelector":{"kubernetes.io/hostname":"node-1"},"tolerations":[{"key":"dedicated","operator":"Equal","value":"web","effect":"NoSchedule"}]}}' >/dev/null
soon 10 '^node-1$' "$K" get pod tolerant -o jsonpath='{.spec.nodeName}'
"$K" run picky --image=x --overrides='{"spec":{"nodeSelector":{"kubernetes.io/hostname":"node-1"}}}' >/dev/null
soon 10 '0/3 nodes are available: 1 node\(s\) had untolerated taint' "$K" get pod picky -o jsonpath='{.status.conditions[0].message}'
expect '^node/node-1 untainted$' "$K" taint node node-1 dedicated:NoSchedule-
holds '' '{.spec.taints}' node node-1
soon 20 '^node-1$' "$K" get pod picky -o jsonpath='{.spec.nodeName}'
refuse 'taint "none" not found' "$K" taint node node-1 none-
refuse 'invalid taint effect: Sometimes, unsupported taint effect' "$K" taint node node-1 a=b:Sometimes

step "drain"
"$K" delete pod tolerant picky --wait=false >/dev/null
printf '{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent}, spec: {selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: c, image: x}]}}}}' | "$K" create -f - >/dev/null
"$K" rollout status daemonset agent --timeout=30s >/dev/null
"$K" run naked --image=x --overrides='{"spec":{"nodeName":"node-0"}}' >/dev/null
soon 10 '^Running$' "$K" get pod naked -o jsonpath='{.status.phase}'
refuse 'cannot delete DaemonSet-managed Pods \(use --ignore-daemonsets to ignore\): default/agent-' "$K" drain node-0
refuse 'cannot delete.*declare no controller \(use --force to override\): default/naked' "$K" drain node-0 --ignore-daemonsets
holds true '{.spec.unschedulable}' node node-0
expect '^node/node-0 drained \(server dry run\)$' "$K" drain node-0 --ignore-daemonsets --force --dry-run=server
expect '^node/node-0 drained$' "$K" drain node-0 --ignore-daemonsets --force --timeout=60s
equals 1 "$(on node-0)" "pods left on a drained node: its daemon"
refuse 'pods "naked" not found' "$K" get pod naked
"$K" rollout status deployment web --timeout=30s >/dev/null
holds 12 '{.status.readyReplicas}' deployment web
"$K" uncordon node-0 >/dev/null
"$K" create pdb web --selector=app=web --min-available=12 >/dev/null
soon 10 '^0 12$' "$K" get pdb web -o jsonpath='{.status.disruptionsAllowed} {.status.currentHealthy}'
refuse "Cannot evict pod as it would violate the pod's disruption budget" "$K" drain node-1 --ignore-daemonsets --timeout=2s
expect 'node/node-1 drained' "$K" drain node-1 --ignore-daemonsets --disable-eviction --timeout=60s
equals 1 "$(on node-1)" "pods left after a drain without evictions"
"$K" uncordon node-1 >/dev/null

step "auth can-i"
equals yes "$("$K" auth can-i '*' '*')" "the administrator"
"$K" create serviceaccount robot >/dev/null
as=(--as=system:serviceaccount:default:robot)
equals no "$("$K" auth can-i list pods "${as[@]}" || true)" "a robot without a role"
refuse '^no' "$K" auth can-i list pods "${as[@]}"
"$K" create role reader --verb=get,list,watch --resource=pods,pods/log >/dev/null
"$K" create rolebinding robot --role=reader --serviceaccount=default:robot >/dev/null
equals yes "$("$K" auth can-i list pods "${as[@]}")" "a robot with one"
equals yes "$("$K" auth can-i get pods --subresource=log "${as[@]}")" "its sub-resource"
equals no "$("$K" auth can-i list pods -n kube-system "${as[@]}" || true)" "in another namespace"
equals no "$("$K" auth can-i list pods -A "${as[@]}" || true)" "in all namespaces"
equals no "$("$K" auth can-i get /metrics "${as[@]}" || true)" "a path"
equals yes "$("$K" auth can-i get /version "${as[@]}")" "a path for all"
expect "Warning: the server doesn't have a resource type 'nonsense'" "$K" auth can-i get nonsense
expect '^pods(/log)? +\[\] +\[\] +\[get list watch\]' "$K" auth can-i --list "${as[@]}"
expect '^selfsubjectreviews.authentication.k8s.io +\[\] +\[\] +\[create\]' "$K" auth can-i --list "${as[@]}"
expect '\[/healthz\]' "$K" auth can-i --list "${as[@]}"
expect '^\*\.\* +\[\] +\[\] +\[\*\]' "$K" auth can-i --list
expect '^Username +kubernetes-admin$' "$K" auth whoami
expect 'system:masters' "$K" auth whoami
equals 'ann ["staff","system:authenticated"]' "$("$K" auth whoami --as=ann --as-group=staff -o json | jq -cr '.status.userInfo | "\(.username) \(.groups | tojson)"')" "who one acts as"
refuse 'User "system:serviceaccount:default:robot" cannot impersonate-on:user-info:list resource "pods" in API group "" in the namespace "default"' bash -c "$K create token robot >'$WORK/token'; $K --kubeconfig=/dev/null --certificate-authority='$DATA/pki/ca.crt' --server=\$($K config view -o jsonpath='{.clusters[0].cluster.server}') --token=\$(cat '$WORK/token') --as=ann get pods"

step "auth reconcile"
cat >"$WORK/rbac.yaml" <<'Y'
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: default}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: robot, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: User, name: ann, apiGroup: rbac.authorization.k8s.io}]
Y
expect 'role.rbac.authorization.k8s.io/reader reconciled' "$K" auth reconcile -f "$WORK/rbac.yaml"
equals 'configmaps,pods,pods/log' "$("$K" get role reader -o json | jq -r '[.rules[].resources[]] | sort | unique | join(",")')" "rules are added"
holds 'robot ann' '{.subjects[*].name}' rolebinding robot
expect 'reconciled' "$K" auth reconcile -f "$WORK/rbac.yaml" --remove-extra-permissions --remove-extra-subjects
equals 'configmaps' "$("$K" get role reader -o json | jq -r '[.rules[].resources[]] | sort | unique | join(",")')" "rules are removed"
holds ann '{.subjects[*].name}' rolebinding robot
refuse 'User "ann" cannot create resource "roles"' "$K" create role thief --verb='*' --resource=secrets --as=ann
"$K" create role keeper --verb=create,get --resource=roles.rbac.authorization.k8s.io >/dev/null
"$K" create rolebinding keeper --role=keeper --user=ann >/dev/null
refuse 'user "ann" \(groups=\["system:authenticated"\]\) is attempting to grant RBAC permissions not currently held' "$K" create role thief --verb='*' --resource=secrets --as=ann

step "certificates"
request() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$WORK/$1.key" -out "$WORK/$1.csr" -subj "/O=staff/CN=$1" 2>/dev/null
  printf '{apiVersion: certificates.k8s.io/v1, kind: CertificateSigningRequest, metadata: {name: %s}, spec: {signerName: %s, usages: [client auth], request: %s}}' "$1" "$2" "$(base64 -w0 "$WORK/$1.csr")" | "$K" create -f -
}
expect '^certificatesigningrequest.certificates.k8s.io/bob created$' request bob example.com/own
expect '^bob +[0-9]+s +example.com/own +kubernetes-admin +<none> +Pending$' "$K" get csr bob
expect 'certificatesigningrequest.certificates.k8s.io/bob approved' "$K" certificate approve bob
holds 'Approved True KubectlApprove' '{.status.conditions[0].type} {.status.conditions[0].status} {.status.conditions[0].reason}' csr bob
expect 'Approved' "$K" get csr bob --no-headers
expect 'certificatesigningrequest.certificates.k8s.io/bob condition met' "$K" wait --for=condition=Approved csr/bob --timeout=5s
request eve example.com/own >/dev/null
expect 'certificatesigningrequest.certificates.k8s.io/eve denied' "$K" certificate deny eve
holds 'Denied KubectlDeny' '{.status.conditions[0].type} {.status.conditions[0].reason}' csr eve
refuse 'certificate signing request "eve" is already Denied' "$K" certificate approve eve
refuse 'status.conditions\[1\].type: Invalid value: "Approved": Approved and Denied conditions are mutually exclusive' \
  "$K" patch csr eve --subresource=approval --type=json -p '[{"op":"add","path":"/status/conditions/-","value":{"type":"Approved","status":"True"}}]'
refuse 'status.conditions: Forbidden: updates may not remove a condition of type "Denied"' "$K" patch csr eve --subresource=approval --type=merge -p '{"status":{"conditions":[]}}'
refuse 'certificatesigningrequests.certificates.k8s.io "none" not found' "$K" certificate approve none
refuse 'forbidden' "$K" certificate approve bob --as=ann
equals kubernetes-admin "$("$K" get csr bob -o jsonpath='{.spec.username}')" "who asked"
refuse 'spec.request: Invalid value' "$K" create -f - <<<'{apiVersion: certificates.k8s.io/v1, kind: CertificateSigningRequest, metadata: {name: bad}, spec: {signerName: example.com/own, usages: [client auth], request: bm9uc2Vuc2U=}}'

step "debug"
"$K" run target --image=app:1 --labels=app=target >/dev/null
soon 10 '^Running$' "$K" get pod target -o jsonpath='{.status.phase}'
"$K" debug target --image=tools:1 --container=debugger --target=target --profile=general >/dev/null
holds 'debugger tools:1 target' '{.spec.ephemeralContainers[0].name} {.spec.ephemeralContainers[0].image} {.spec.ephemeralContainers[0].targetContainerName}' pod target
refuse 'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debugger" may not be changed' "$K" debug target --image=tools:2 --container=debugger --profile=general
"$K" debug target --image=tools:1 --copy-to=copy --set-image='target=app:2' --container=debugger --profile=general >/dev/null
holds 'app:2 tools:1' '{.spec.containers[*].image}' pod copy
expect 'Creating debugging pod node-debugger-node-0-[a-z0-9]{5}' "$K" debug node/node-0 --image=tools:1 --profile=general
equals 'node-0 true' "$("$K" get pods -o json | jq -r '.items[] | select(.metadata.name | startswith("node-debugger")) | "\(.spec.nodeName) \(.spec.hostPID)"')" "a pod on the node"

step "what is not served says so"
refuse '\(NotFound\): the server could not find the requested resource' "$K" exec target -- ls
refuse '\(NotFound\): the server could not find the requested resource' "$K" attach target
refuse '\(NotFound\): the server could not find the requested resource' "$K" cp target:/etc/hosts "$WORK/hosts"
refuse 'error upgrading connection: the server could not find the requested resource' timeout 10 "$K" port-forward pod/target 0:80
step "what nodes and pods use"
expect '^node-0 +[0-9]+m +[0-9]+% +[0-9]+Mi +[0-9]+%' "$K" top nodes
expect '^target +[0-9]+m +[0-9]+Mi' "$K" top pods
stop
