# Helm (HELM_VERSION 3 or 4), a release's whole life: install, upgrade, rollback, test, uninstall; hooks, --wait, what is kept, what is
# refused; and with Helm 4 server-side apply.
source "$(dirname "$0")/lib.sh"
H=$("$ROOT/scripts/helm" "${HELM_VERSION:?3 or 4}") || skip "there is no helm $HELM_VERSION to be had"
export HELM_CACHE_HOME=$WORK/helm/cache HELM_CONFIG_HOME=$WORK/helm/config HELM_DATA_HOME=$WORK/helm/data
CHART=$ROOT/tests/e2e/charts/shop
start --nodes 3
"$K" create namespace trade >/dev/null
h() { "$H" -n trade "$@"; }
k() { "$K" -n trade "$@"; }
# value PATH GET-ARGUMENTS…
value() { k get "${@:2}" -o jsonpath="$1" 2>/dev/null; }
if [ "$HELM_VERSION" = 4 ]; then on_failure=--rollback-on-failure; else on_failure=--atomic; fi

step "before anything: template, a dry run that asks the server"
expect '^ +replicas: 5$' h template a "$CHART" --set replicas=5
expect 'server: v1\.36\.' h install shop "$CHART" --dry-run=server
equals '' "$(k get all,configmaps,secrets -o name | grep shop || true)" "after a dry run"
refuse 'service.?port.*(got string, want integer|Expected: integer)' h install shop "$CHART" --set-string service.port=http

step "install --wait"
out=$(h install shop "$CHART" --wait --timeout 40s 2>&1) || fail "install: $out"
expect '^STATUS: deployed$' echo "$out"
expect '^shop is served at port 80 of shop-web.trade\.$' echo "$out"
equals '2 2' "$(value '{.spec.replicas} {.status.readyReplicas}' deployment shop-web)" "what --wait waited for"
equals 1 "$(value '{.status.readyReplicas}' statefulset shop-cache)" "the part's set"
equals 'Helm shop trade' "$(value '{.metadata.labels.app\.kubernetes\.io/managed-by} {.metadata.annotations.meta\.helm\.sh/release-name} {.metadata.annotations.meta\.helm\.sh/release-namespace}' service shop-web)" "marks of the release"
equals 'helm.sh/release.v1 deployed 1' "$(value '{.type} {.metadata.labels.status} {.metadata.labels.version}' secret sh.helm.release.v1.shop.v1)" "the release is a secret"
equals red "$(value '{.data.color}' configmap shop-settings)" "a value"
equals counters.shop.example.dev "$("$K" get crd -o jsonpath='{.items[*].metadata.name}')" "the custom kind"
expect '^v1\.36\.' value '{.data.server}' configmap shop-extra

step "hooks"
equals 1 "$(value '{.status.succeeded}' job shop-pre-install)" "the hook before"
equals 1 "$(value '{.status.succeeded}' job shop-post-install)" "the hook behind"
equals pre-install "$(k logs job/shop-pre-install)" "what the hook said"
before=$(value '{.status.completionTime}' job shop-pre-install) made=$(value '{.metadata.creationTimestamp}' deployment shop-web) behind=$(value '{.metadata.creationTimestamp}' job shop-post-install)
[[ ! $before > $made && ! $made > $behind ]] || fail "hooks out of order: $before, $made, $behind"
refuse 'configmaps "shop-brief" not found' k get configmap shop-brief
refuse 'not found' k get job shop-pre-delete

step "what helm tells"
expect '^shop[[:space:]]+trade[[:space:]]+1[[:space:]].*deployed[[:space:]]+shop-1\.2\.3[[:space:]]+1' h list
expect 'deployment|^STATUS: deployed' h status shop
equals '{"replicas":2}' "$(h get values shop --all -o json | jq -c '{replicas}')" "values"
expect '^kind: StatefulSet$' h get manifest shop
expect 'helm.sh/hook: post-install' h get hooks shop
expect 'shop is served' h get notes shop
equals '1 deployed Install complete' "$(h history shop -o json | jq -r '.[] | "\(.revision) \(.status) \(.description)"')" "history"

step "test"
expect 'Phase: +Succeeded' h test shop --timeout 20s
expect 'reached shop' k logs shop-test
expect '^reached shop$' h test shop --logs --timeout 20s

step "upgrade"
uid=$(value '{.metadata.uid}' service shop-web)
address=$(value '{.spec.clusterIP}' service shop-web)
password=$(value '{.data.password}' secret shop-password)
expect '^REVISION: 2$' h upgrade shop "$CHART" --wait --timeout 40s --set image.tag=2,replicas=3,extra=false,settings.color=blue,settings.size=large,service.port=8000
equals 'shop:2 3 3' "$(value '{.spec.template.spec.containers[0].image} {.spec.replicas} {.status.readyReplicas}' deployment shop-web)" "the deployment"
equals 3 "$(k get pods -l part=web --field-selector=status.phase=Running -o json | jq '[.items[] | select(.metadata.deletionTimestamp == null and .spec.containers[0].image == "shop:2")] | length')" "new pods"
equals 'blue large' "$(value '{.data.color} {.data.size}' configmap shop-settings)" "settings"
equals "$uid $address 8000" "$(value '{.metadata.uid} {.spec.clusterIP} {.spec.ports[0].port}' service shop-web)" "the service is the same, with another port"
equals "$password" "$(value '{.data.password}' secret shop-password)" "a password that is looked up"
refuse 'configmaps "shop-extra" not found' k get configmap shop-extra
equals 3 "$(value '{.spec.drawers}' counter shop)" "an object of the custom kind, now that it is known"
equals 'superseded deployed' "$(k get secrets -l owner=helm,name=shop --sort-by=.metadata.name -o jsonpath='{.items[*].metadata.labels.status}')" "states of the revisions"
expect '^REVISION: 3$' h upgrade shop "$CHART" --reset-values --set image.tag=2,replicas=3,extra=false,settings.color=blue,service.port=8000 --wait --timeout 40s
equals '{"color":"blue"}' "$(k get configmap shop-settings -o json | jq -c .data)" "a value taken away"
expect '^REVISION: 4$' h upgrade shop "$CHART" --reuse-values --set settings.size=small --wait --timeout 40s
equals 'shop:2 small blue' "$(value '{.spec.template.spec.containers[0].image}' deployment shop-web) $(value '{.data.size} {.data.color}' configmap shop-settings)" "values used again"

step "upgrades that fail"
refuse 'replicas: Invalid value: -1|spec.replicas: Invalid value' h upgrade shop "$CHART" --reuse-values --set replicas=-1
equals failed "$(h history shop -o json | jq -r '.[-1].status')" "the refused revision"
refuse 'context deadline exceeded|timed out|not ready|rolled back' h upgrade shop "$CHART" --reuse-values --set nodeSelector.no=where --wait --timeout 3s $on_failure
expect 'Rollback to 4' bash -c "$H -n trade history shop"
equals '' "$(value '{.spec.template.spec.nodeSelector}' deployment shop-web)" "after a failed upgrade was taken back"
k rollout status deployment shop-web --timeout=30s >/dev/null
refuse 'pre-upgrade hooks failed.*|BackoffLimitExceeded|failed' h upgrade shop "$CHART" --reuse-values --set before.code=1 --timeout 20s
equals 1 "$(value '{.status.failed}' job shop-pre-install)" "the hook that failed"
equals failed "$(h history shop -o json | jq -r '.[-1].status')" "a revision whose hook failed"

step "rollback"
expect 'Rollback was a success' h rollback shop 1 --wait --timeout 40s
equals 'shop:1 2' "$(value '{.spec.template.spec.containers[0].image} {.spec.replicas}' deployment shop-web)" "the first revision again"
equals '{"color":"red"}' "$(k get configmap shop-settings -o json | jq -c .data)" "its settings"
equals 80 "$(value '{.spec.ports[0].port}' service shop-web)" "its port"
equals 1 "$(value '{.status.succeeded}' job shop-post-rollback)" "the hook behind a rollback"
expect 'shop-extra' k get configmap shop-extra
equals 'deployed Rollback to 1' "$(h history shop -o json | jq -r '.[-1] | "\(.status) \(.description)"')" "history says so"
refuse 'release: not found|no revision|has no 99 version|not found' h rollback shop 99

step "a test that fails, a name that is taken, objects of others"
expect 'deployed' h upgrade shop "$CHART" --reset-values --set test.code=3
refuse 'pod shop-test failed|failed' h test shop --timeout 20s
expect 'Failed' value '{.status.phase}' pod shop-test
refuse 'cannot re-use a name that is still in use|cannot reuse a name' h install shop "$CHART"
k create configmap other-settings >/dev/null
refuse 'exists and cannot be imported into the current release: invalid ownership metadata' h install other "$CHART"
expect 'STATUS: deployed' h install other "$CHART" --take-ownership --set cache.enabled=false
equals 'other red' "$(value '{.metadata.annotations.meta\.helm\.sh/release-name} {.data.color}' configmap other-settings)" "taken over"
refuse 'statefulsets.apps "other-cache" not found' k get statefulset other-cache
expect 'release "other" uninstalled' h uninstall other --no-hooks
refuse 'not found' k get job other-pre-delete

if [ "$HELM_VERSION" = 4 ]; then
  step "server-side apply"
  managers() { k get "$@" --show-managed-fields -o json | jq -r '[.metadata.managedFields[] | "\(.manager)/\(.operation)"] | sort | unique | join(" ")'; }
  expect 'STATUS: deployed' h install applied "$CHART" --server-side=true --wait --timeout 40s --set cache.enabled=false
  equals helm/Apply "$(managers configmap applied-settings)" "who owns the settings"
  k patch configmap applied-settings --type=merge -p '{"data":{"color":"green","foreign":"kept"}}' --field-manager=hand >/dev/null
  refuse 'conflict with "hand" using v1: .data.color' h upgrade applied "$CHART" --set cache.enabled=false,settings.color=white
  equals green "$(value '{.data.color}' configmap applied-settings)" "after a conflict"
  expect 'STATUS: deployed' h upgrade applied "$CHART" --set cache.enabled=false,settings.color=white --force-conflicts
  equals 'white kept' "$(value '{.data.color} {.data.foreign}' configmap applied-settings)" "forced, and what others added is kept"
  expect 'STATUS: deployed' h upgrade applied "$CHART" --set cache.enabled=false --server-side=false
  equals 'red kept' "$(value '{.data.color} {.data.foreign}' configmap applied-settings)" "from server-side to client-side"
  expect 'release "applied" uninstalled' h uninstall applied --no-hooks --wait --timeout 30s
  equals '' "$(k get deployments,services,configmaps -o name | grep /applied- || true)" "what is left of it"
else
  equals helm "$(k get configmap shop-settings --show-managed-fields -o jsonpath='{.metadata.managedFields[0].manager}')" "who owns the settings"
fi

step "uninstall"
expect 'release "shop" uninstalled' h uninstall shop --wait --timeout 40s --keep-history
equals 1 "$(value '{.status.succeeded}' job shop-pre-delete)" "the hook before"
equals '' "$(k get deployments,statefulsets,services,serviceaccounts,roles,rolebindings,counters -o name | grep /shop || true)" "what is left"
soon 20 '^$' k get pods -l app.kubernetes.io/instance=shop -o name
equals "$password" "$(value '{.data.password}' secret shop-password)" "what is to be kept"
equals uninstalled "$(h list --uninstalled -o json | jq -r '.[0].status')" "the release's state"
expect 'STATUS: deployed|Rollback was a success' h rollback shop 1 --timeout 40s
equals deployed "$(h list -o json | jq -r '.[0].status')" "back again"
expect 'release "shop" uninstalled' h uninstall shop --no-hooks
equals '' "$(k get secrets -l owner=helm -o name)" "releases without their history"
equals counters.shop.example.dev "$("$K" get crd -o jsonpath='{.items[*].metadata.name}')" "the custom kind stays"
stop
