# Manifests as people have them (tests/e2e/manifests): applied, upgraded, deleted; what the cluster makes of them, and that nothing is left.
source "$(dirname "$0")/lib.sh"
start --nodes 3
M=$ROOT/tests/e2e/manifests
# unchanged FILE [BUT]: the same again changes nothing. (Claim templates and the sources of projected volumes are
# lists that are compared whole, with their defaults: kubectl says "configured" each time; so it does of budgets, whose selectors are replaced.)
unchanged() { equals "${2:-}" "$("$K" apply -f "$1" | grep -v unchanged || true)" "$(basename "$1") applied again"; }
# gone FILE NAMESPACE: deleted by the file; nothing of it is left, and the namespace has gone with what was made in it.
gone() {
  "$K" delete -f "$1" --ignore-not-found --timeout=60s >"$WORK/deleted" 2>&1 || fail "delete -f $1: $(cat "$WORK/deleted")"
  equals '' "$("$K" get -f "$1" --ignore-not-found -o name)" "objects of $(basename "$1") that are left"
  refuse "namespaces \"$2\" not found" "$K" get namespace "$2"
  equals '' "$("$K" get all,configmaps,secrets,endpointslices,pvc -A -o json | jq -r --arg n "$2" '.items[] | select(.metadata.namespace == $n) | "\(.kind)/\(.metadata.name)"')" "what is left in $2"
}

step "a database: disks"
d() { "$K" -n database "$@"; }
for i in 0 1 2; do
  printf '{apiVersion: v1, kind: PersistentVolume, metadata: {name: disk-%d}, spec: {capacity: {storage: 20Gi}, accessModes: [ReadWriteOnce], storageClassName: database, persistentVolumeReclaimPolicy: Retain, claimRef: {namespace: database, name: data-database-%d}, local: {path: /disks/%d}, nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node-%d]}]}]}}}}\n---\n' $i $i $i $i
done | "$K" create -f - >/dev/null
expect '^statefulset.apps/database created$' "$K" apply -f "$M/database.yaml"
# bound CLAIM DISK: by the control plane's binder where there is one, else as one binds by hand.
BY_HAND=
bound() {
  soon 20 "^$1$" d get pvc "$1" -o jsonpath='{.metadata.name}'
  [ -n "$BY_HAND" ] || "$K" wait -n database --for=jsonpath='{.status.phase}'=Bound pvc/"$1" --timeout=3s >/dev/null 2>&1 || BY_HAND=1
  if [ -n "$BY_HAND" ]; then
    uid=$(d get pvc "$1" -o jsonpath='{.metadata.uid}')
    "$K" patch pv "$2" --type=merge -p '{"spec":{"claimRef":{"apiVersion":"v1","kind":"PersistentVolumeClaim","uid":"'"$uid"'"}}}' >/dev/null || true
    "$K" patch pv "$2" --subresource=status --type=merge -p '{"status":{"phase":"Bound"}}' >/dev/null || true
    d patch pvc "$1" --type=merge -p '{"metadata":{"annotations":{"pv.kubernetes.io/bind-completed":"yes"}},"spec":{"volumeName":"'"$2"'"}}' >/dev/null || true
    d patch pvc "$1" --subresource=status --type=merge -p '{"status":{"phase":"Bound","accessModes":["ReadWriteOnce"],"capacity":{"storage":"20Gi"}}}' >/dev/null || true
  fi
  soon 20 "^Bound $2$" d get pvc "$1" -o jsonpath='{.status.phase} {.spec.volumeName}'
}
for i in 0 1 2; do bound data-database-$i disk-$i; done
expect 'rolling update complete 3 pods' d rollout status statefulset/database --timeout=40s
equals 'node-0 node-1 node-2' "$(d get pods -l app=database --sort-by=.metadata.name -o jsonpath='{.items[*].spec.nodeName}')" "members are where their disks are"
expect '^data-database-1 +Bound +disk-1 +20Gi +RWO +database ' d get pvc
expect '^disk-2 +20Gi +RWO +Retain +Bound +database/data-database-2 +database ' "$K" get pv
equals 'data-database-2 database-2' "$(d get pod database-2 -o jsonpath='{.spec.volumes[?(@.name=="data")].persistentVolumeClaim.claimName} {.spec.hostname}')" "a member's disk and name"
unchanged "$M/database.yaml" $'statefulset.apps/database configured\npoddisruptionbudget.policy/database configured'

step "a database: services, budget, backup"
soon 20 '^6$' bash -c "$K -n database get endpointslices -l kubernetes.io/service-name=members -o json | jq '[.items[] | (.endpoints | length) * (.ports | length)] | add'"
soon 20 '^database-0 database-1 database-2$' bash -c "$K -n database get endpointslices -l kubernetes.io/service-name=members -o json | jq -r '[.items[].endpoints[].hostname] | sort | join(\" \")'"
soon 20 '^1 3$' d get pdb database -o jsonpath='{.status.disruptionsAllowed} {.status.currentHealthy}'
d create job backup-now --from=cronjob/backup >/dev/null
expect 'condition met' d wait --for=condition=Complete job/backup-now --timeout=20s
equals dumped "$(d logs job/backup-now)" "what the backup said"
refuse "violates PodSecurity \"baseline:latest\": host namespaces \(hostNetwork=true\)" d run rogue --image=x --overrides='{"spec":{"hostNetwork":true}}'
equals yes "$(d auth can-i patch leases --as=system:serviceaccount:database:database)" "members elect a leader"

step "a database: an upgrade from behind, one that is held, a member that comes back"
sed 's/16\.1/16.2/' "$M/database.yaml" >"$WORK/database.yaml"
expect 'statefulset.apps/database configured' "$K" apply -f "$WORK/database.yaml"
expect 'rolling update complete 3 pods' d rollout status statefulset/database --timeout=60s
equals 'database:16.2 database:16.2 database:16.2' "$(d get pods -l app=database -o jsonpath='{.items[*].spec.containers[0].image}')" "images"
created() { d get pod "database-$1" -o jsonpath='{.metadata.creationTimestamp}'; }
[[ ! "$(created 2)" > "$(created 1)" && ! "$(created 1)" > "$(created 0)" ]] || fail "members were not upgraded from behind"
uid=$(d get pvc data-database-1 -o jsonpath='{.metadata.uid}')
# It is back before kubectl, which goes by names, could see that it has gone: its wait might not end.
member=$(d get pod database-1 -o jsonpath='{.metadata.uid}')
d delete pod database-1 --wait=false >/dev/null
soon 20 '^[0-9a-f-]{36}$' bash -c "$K -n database get pod database-1 -o jsonpath='{.metadata.uid}' | grep -v $member"
expect 'rolling update complete 3 pods' d rollout status statefulset/database --timeout=40s
soon 20 '^3$' d get statefulset database -o jsonpath='{.status.readyReplicas}'
equals "$uid node-1" "$(d get pvc data-database-1 -o jsonpath='{.metadata.uid}') $(d get pod database-1 -o jsonpath='{.spec.nodeName}')" "a member comes back to its disk"
"$K" drain node-2 --ignore-daemonsets --timeout=20s >/dev/null 2>&1 || true
soon 20 '^0$' d get pdb database -o jsonpath='{.status.disruptionsAllowed}'
refuse "violate the pod's disruption budget" "$K" drain node-1 --ignore-daemonsets --timeout=2s
"$K" uncordon node-1 node-2 >/dev/null
soon 20 '^3$' d get statefulset database -o jsonpath='{.status.readyReplicas}'
refuse 'spec: Forbidden: updates to statefulset spec for fields other than' bash -c "sed 's/serviceName: members/serviceName: other/' '$WORK/database.yaml' | $K apply -f -"
gone "$WORK/database.yaml" database
for i in 0 1 2; do
  [ -z "$BY_HAND" ] || "$K" patch pv disk-$i --subresource=status --type=merge -p '{"status":{"phase":"Released"}}' >/dev/null
done
soon 20 '^Released Released Released$' "$K" get pv -o jsonpath='{.items[*].status.phase}'
"$K" delete pv --all --timeout=30s >/dev/null
equals '' "$("$K" get pv -o name)" "disks left"

step "an ingress controller"
i() { "$K" -n ingress "$@"; }
expect '^ingress.networking.k8s.io/site created$' "$K" apply -f "$M/ingress-controller.yaml"
expect 'successfully rolled out' i rollout status daemonset/proxy --timeout=30s
expect 'successfully rolled out' i rollout status deployment/default-backend --timeout=30s
unchanged "$M/ingress-controller.yaml"
holds proxy '{.spec.ingressClassName}' -n ingress ingress site
expect '^site +proxy +site.example +80, 443 ' i get ingress
expect '^proxy +LoadBalancer +10\.[0-9.]+ +<pending> +80:3[0-9]{4}/TCP,443:3[0-9]{4}/TCP' i get service proxy
expect '^[0-9]{5}$' i get service proxy -o jsonpath='{.spec.healthCheckNodePort}'
i patch ingress site --subresource=status --type=merge -p '{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.7"}]}}}' >/dev/null
expect '^site +proxy +site.example +192.0.2.7 +80, 443 ' i get ingress
equals yes "$("$K" auth can-i watch secrets -A --as=system:serviceaccount:ingress:ingress)" "what the controller reads"
equals no "$("$K" auth can-i get secrets -A --as=system:serviceaccount:ingress:ingress || true)" "what it does not"
taken() { "$K" run taken --image=x --overrides='{"spec":{"nodeSelector":{"kubernetes.io/hostname":"node-0"},"containers":[{"name":"c","image":"x","ports":[{"containerPort":80,"hostPort":80}]}]}}' >/dev/null; }
taken
soon 10 "didn't have free ports for the requested pod ports" "$K" get pod taken -o jsonpath='{.status.conditions[0].message}'
"$K" delete pod taken >/dev/null   # it might be faster than the next proxy
sed 's/proxy:1\.10/proxy:1.11/' "$M/ingress-controller.yaml" >"$WORK/ingress.yaml"
expect 'daemonset.apps/proxy configured' "$K" apply -f "$WORK/ingress.yaml"
expect 'successfully rolled out' i rollout status daemonset/proxy --timeout=40s
equals 3 "$(i get pods -l app=proxy -o json | jq '[.items[] | select(.metadata.deletionTimestamp == null and .spec.containers[0].image == "proxy:1.11")] | length')" "upgraded proxies"
gone "$WORK/ingress.yaml" ingress
equals '' "$("$K" get ingressclasses,validatingwebhookconfigurations -o name)" "classes and webhooks left"
taken
soon 30 '^Running$' "$K" get pod taken -o jsonpath='{.status.phase}'
"$K" delete pod taken --wait=false >/dev/null

step "metrics"
m() { "$K" -n metrics "$@"; }
expect '^deployment.apps/front created$' "$K" apply --server-side=false -f "$M/metrics.yaml"
expect 'condition met' "$K" wait --for=condition=Established crd/scrapes.metrics.example.dev --timeout=10s
expect 'scrape.metrics.example.dev/store created' "$K" apply -f "$M/metrics-scrapes.yaml"
for what in daemonset/exporter statefulset/store deployment/front; do expect 'successfully rolled out|partitioned roll out complete: 2 new pods' m rollout status $what --timeout=40s; done
expect '^exporter +30s' m get scrapes
equals /metrics "$(m get scrape exporter -o jsonpath='{.spec.ports[0].path}')" "a default of the custom kind"
m patch scrape store --subresource=status --type=merge -p '{"status":{"up":2}}' >/dev/null
expect '^store +60s +2$' m get scr store
refuse 'spec.interval in body should match' m patch scrape store --type=merge -p '{"spec":{"interval":"often"}}'
equals 'true 2000001000' "$(m get pods -l app=exporter -o jsonpath='{.items[0].spec.hostNetwork} {.items[0].spec.priority}')" "an exporter"
equals "$("$K" get node node-1 -o jsonpath='{.status.addresses[?(@.type=="InternalIP")].address}')" "$(m get pods -l app=exporter --field-selector=spec.nodeName=node-1 -o jsonpath='{.items[0].status.podIP}')" "its address is the node's"
refuse 'immutable when `immutable` is set|field is immutable' m patch configmap rules --type=merge -p '{"data":{"alerts.yml":"groups: [1]"}}'
soon 20 'ValidMetricFound' m get hpa front -o jsonpath='{.status.conditions[*].reason}'
unchanged "$M/metrics.yaml" 'statefulset.apps/store configured'
sed -e 's/front:10/front:11/' -e 's/store:2\.50/store:2.51/' "$M/metrics.yaml" >"$WORK/metrics.yaml"
equals 'deployment.apps/front configured,statefulset.apps/store configured' "$("$K" apply -f "$WORK/metrics.yaml" | grep -v unchanged | sort | paste -sd,)" "what an upgrade changes"
for what in statefulset/store deployment/front; do expect 'rolled out|partitioned roll out complete: 2 new pods' m rollout status $what --timeout=40s; done
equals 'front:11 front:11' "$(m get pods -l app=front -o jsonpath='{.items[*].spec.containers[0].image}')" "recreated: never two versions"
gone "$WORK/metrics.yaml" metrics
refuse "the server doesn't have a resource type|could not find the requested resource" "$K" get scrapes -A

step "a CI runner"
c() { "$K" -n ci "$@"; }
expect '^job.batch/matrix created$' "$K" apply -f "$M/ci-runner.yaml"
expect 'successfully rolled out' c rollout status deployment/runner --timeout=30s
expect '^runner-[0-9a-z]+-[0-9a-z]{5} +2/2 +Running' c get pods -l app=runner
holds '-10 Never registry' '{.items[0].spec.priority} {.items[0].spec.preemptionPolicy} {.items[0].spec.imagePullSecrets[0].name}' -n ci pods -l app=runner
holds '100m 1Gi' '{.items[0].spec.containers[0].resources.requests.cpu} {.items[0].spec.containers[0].resources.limits.memory}' -n ci pods -l app=runner
expect 'condition met' c wait --for=condition=Complete job/matrix --timeout=40s
holds '4 0-3' '{.status.succeeded} {.status.completedIndexes}' -n ci job matrix
equals '0 1 2 3' "$(c get pods -l app=matrix -o json | jq -r '[.items[].metadata.annotations["batch.kubernetes.io/job-completion-index"]] | sort | join(" ")')" "indexes"
expect 'condition met' c wait --for=condition=Failed job/broken --timeout=20s
holds 'PodFailurePolicy 1' '{.status.conditions[?(@.type=="Failed")].reason} {.status.failed}' -n ci job broken
holds 'Suspended ' '{.status.conditions[0].type} {.status.active}' -n ci job held
soon 20 'jobs.batch "short-lived" not found' c get job short-lived
c patch job held --type=merge -p '{"spec":{"suspend":false}}' >/dev/null
expect 'condition met' c wait --for=condition=Complete job/held --timeout=20s
soon 20 '^3 8$' c get quota builds -o jsonpath='{.status.used.count/jobs\.batch} {.status.hard.count/jobs\.batch}'
refuse 'maximum cpu usage per Container is 4, but limit is 8' c run huge --image=x --overrides='{"spec":{"containers":[{"name":"huge","image":"x","resources":{"limits":{"cpu":"8"},"requests":{"cpu":"1"}}}]}}'
for n in 1 2 3 4 5; do c create job "more-$n" --image=x -- true >/dev/null 2>&1 || true; done
refuse 'exceeded quota: builds, requested: count/jobs.batch=1, used: count/jobs.batch=8, limited: count/jobs.batch=8' c create job more-6 --image=x -- true
c delete job more-1 more-2 more-3 more-4 more-5 >/dev/null
expect 'deployment.apps/runner configured' bash -c "sed 's/image: \"runner:3\", volume/image: \"runner:4\", volume/' '$M/ci-runner.yaml' | $K apply -f -"
expect 'successfully rolled out' c rollout status deployment/runner --timeout=30s
equals 'runner:4' "$(c get deployment runner -o jsonpath='{.spec.template.spec.containers[0].image}')" "the runners' image"
soon 20 'jobs.batch "short-lived" not found' c get job short-lived
"$K" delete -f "$M/ci-runner.yaml" --ignore-not-found --timeout=60s >/dev/null
equals '' "$("$K" get namespace ci --ignore-not-found -o name)" "the namespace"
equals '' "$("$K" get pods,jobs,cronjobs,deployments -A -o name)" "what is left of it all"
stop
