# Custom resources with kubectl: ten definitions as operators ship them, and their objects.
source "$(dirname "$0")/lib.sh"
start --nodes 1
CRDS=$ROOT/tests/data/crds

step "definitions"
"$K" create -f "$CRDS" >"$WORK/created" || fail "definitions: $(cat "$WORK/created")"
equals 10 "$(grep -c ' created$' "$WORK/created")" "definitions created"
expect 'condition met' "$K" wait --for=condition=Established crd --all --timeout=10s
expect '^rollouts +ro +deploy.example.dev/v1 +true +Rollout' "$K" api-resources --api-group=deploy.example.dev --no-headers
expect 'RESOURCE|rollouts|FIELDS' "$K" explain rollouts

step "objects"
"$K" create -f "$CRDS/samples" >"$WORK/created" || fail "samples: $(cat "$WORK/created")"
[ "$(grep -c ' created$' "$WORK/created")" -ge 10 ] || fail "samples: $(cat "$WORK/created")"
expect 'rollout.deploy.example.dev/web' "$K" get ro -o name
expect '^NAME +.*' "$K" get rollouts
equals deploy.example.dev/v1 "$("$K" get ro web -o jsonpath='{.apiVersion}')" "the version that is preferred"
equals deploy.example.dev/v1alpha1 "$("$K" get rollouts.v1alpha1.deploy.example.dev web -o jsonpath='{.apiVersion}')" "another version"

step "changes"
expect 'labeled' "$K" label ro web team=a
expect 'annotate' "$K" annotate ro web note=b
expect 'patched' "$K" patch ro web --type merge -p '{"spec":{"replicas":7}}'
equals 7 "$("$K" get ro web -o jsonpath='{.spec.replicas}')" "replicas after the patch"
equals a "$("$K" get ro -l team=a -o jsonpath='{.items[0].metadata.labels.team}')" "selected by label"
expect 'configured|unchanged' "$K" apply -f "$CRDS/samples/rollouts.yaml"
refuse 'spec.replicas' "$K" patch ro web --type merge -p '{"spec":{"replicas":"many"}}'
refuse 'unknown field "spec.bogus"' bash -c "$K get ro web -o json | sed 's/\"replicas\"/\"bogus\":1,\"replicas\"/' | $K replace --validate=strict -f -"

step "who may"
"$K" create serviceaccount reader >/dev/null
"$K" create role rollouts-reader --verb=get,list --resource=rollouts.deploy.example.dev >/dev/null
"$K" create rolebinding rollouts-reader --role=rollouts-reader --serviceaccount=default:reader >/dev/null
equals yes "$("$K" auth can-i list rollouts.deploy.example.dev --as=system:serviceaccount:default:reader)" "the reader reads"
equals no "$("$K" auth can-i delete rollouts.deploy.example.dev --as=system:serviceaccount:default:reader || true)" "the reader does not delete"
refuse 'forbidden' "$K" delete ro web --as=system:serviceaccount:default:reader

step "a restart"
[ -n "${PH_SEPARATE:-}" ] || { stop; start --nodes 1; }
expect 'rollout.deploy.example.dev/web' "$K" get ro -o name

step "namespaces and owners"
"$K" create namespace shop >/dev/null
expect 'created' bash -c "sed 's/namespace: default/namespace: shop/' '$CRDS/samples/rollouts.yaml' | $K create -f -"
expect 'deleted' "$K" delete namespace shop --timeout=60s
"$K" create configmap owned >/dev/null
"$K" patch configmap owned --type merge -p '{"metadata":{"ownerReferences":[{"apiVersion":"deploy.example.dev/v1","kind":"Rollout","name":"web","uid":"'"$("$K" get ro web -o jsonpath='{.metadata.uid}')"'"}]}}' >/dev/null

step "delete"
expect 'deleted' "$K" delete ro web
expect '' "$K" wait --for=delete configmap/owned --timeout=60s
refuse 'NotFound' "$K" get ro web
expect 'deleted' "$K" delete crd --all --timeout=30s
# kubectl may remember what there was.
refuse "the server doesn't have a resource type|could not find the requested resource" "$K" get rollouts
equals '' "$("$K" get crd -o name)" "definitions left"
stop
