# kubectl apply --server-side: managers share an object field by field, and take over from client-side apply.
source "$(dirname "$0")/lib.sh"
start --nodes 1
apply() { "$K" apply --server-side --field-manager="$1" -f "$2" "${@:3}"; }
managers() { "$K" get "$@" -o jsonpath='{range .metadata.managedFields[*]}{.manager}:{.operation} {end}' --show-managed-fields | xargs -n1 | sort | xargs; }

cat >"$WORK/web.yaml" <<'EOF'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1
        ports: [{containerPort: 80}]
        env: [{name: A, value: "1"}, {name: B, value: "1"}]
EOF

step "create and change"
expect 'deployment.apps/web serverside-applied' apply team "$WORK/web.yaml"
expect 'successfully rolled out' "$K" rollout status deployment/web --timeout=30s
before=$("$K" get deployment web -o jsonpath='{.metadata.generation}')
expect 'serverside-applied' apply team "$WORK/web.yaml"
equals "$before" "$("$K" get deployment web -o jsonpath='{.metadata.generation}')" "the generation after the same again"
sed -e '/env:/d' -e 's/nginx:1/nginx:2/' "$WORK/web.yaml" >"$WORK/next.yaml"
expect 'serverside-applied' apply team "$WORK/next.yaml"
equals "nginx:2" "$("$K" get deployment web -o jsonpath='{.spec.template.spec.containers[0].image}')" "the image"
equals "" "$("$K" get deployment web -o jsonpath='{.spec.template.spec.containers[0].env}')" "the variables that are not applied any more"

step "another manager"
cat >"$WORK/scaler.yaml" <<'EOF'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 3}
EOF
refuse 'conflict with "team": .spec.replicas' apply scaler "$WORK/scaler.yaml"
refuse 'conflicts?' apply scaler "$WORK/scaler.yaml" --dry-run=server
expect 'serverside-applied' apply scaler "$WORK/scaler.yaml" --force-conflicts
equals 3 "$("$K" get deployment web -o jsonpath='{.spec.replicas}')" "replicas after forcing"
refuse 'conflict with "scaler": .spec.replicas' apply team "$WORK/next.yaml"
sed '/replicas: 2/d' "$WORK/next.yaml" >"$WORK/without.yaml"
expect 'serverside-applied' apply team "$WORK/without.yaml"
equals 3 "$("$K" get deployment web -o jsonpath='{.spec.replicas}')" "replicas that somebody else owns"
"$K" scale deployment web --replicas=1 >/dev/null
refuse 'conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas' apply scaler "$WORK/scaler.yaml"

step "what is wrong"
refuse 'field not declared in schema' bash -c "sed 's/replicas: 3/replica: 3/' '$WORK/scaler.yaml' | $K apply --server-side --validate=false -f -"
refuse 'failed to create typed patch object' bash -c "sed 's/replicas: 3/replicas: many/' '$WORK/scaler.yaml' | $K apply --server-side --validate=false -f -"

step "from client-side apply"
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: "1", b: "1"}\n' >"$WORK/settings.yaml"
expect created "$K" apply -f "$WORK/settings.yaml"
sed 's/, b: "1"/, c: "1"/; s/a: "1"/a: "2"/' "$WORK/settings.yaml" >"$WORK/settings2.yaml"
expect 'serverside-applied' "$K" apply --server-side -f "$WORK/settings2.yaml"
equals '2 1' "$("$K" get configmap settings -o jsonpath='{.data.a} {.data.c}')" "data taken over"
expect '"c":"1"' "$K" get configmap settings -o jsonpath='{.metadata.annotations.kubectl\.kubernetes\.io/last-applied-configuration}'

step "custom resources"
"$K" create -f "$ROOT/tests/data/crds/rollouts.yaml" >/dev/null
expect 'condition met' "$K" wait --for=condition=Established crd --all --timeout=10s
eventually 10 "$K" get rollouts
expect 'serverside-applied' apply team "$ROOT/tests/data/crds/samples/rollouts.yaml"
expect 'serverside-applied' apply team "$ROOT/tests/data/crds/samples/rollouts.yaml"
equals 'team:Apply' "$(managers rollout web)" "who manages the rollout"
refuse 'conflicts? with "team"' bash -c "sed 's/replicas: [0-9]*/replicas: 9/' '$ROOT/tests/data/crds/samples/rollouts.yaml' | $K apply --server-side --field-manager=other -f -"
stop
