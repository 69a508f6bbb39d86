# kubectl's ways to change what is there by a file: apply (of both kinds), diff, edit, replace; and kustomize.
source "$(dirname "$0")/lib.sh"
start --nodes 2
K_IMAGE='{.spec.template.spec.containers[0].image}'
ANNOTATION='{.metadata.annotations.kubectl\.kubernetes\.io/last-applied-configuration}'
file=$WORK/web.yaml
cat >"$file" <<'Y'
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {part-of: web}}
data: {color: red, size: large}
---
apiVersion: v1
kind: Service
metadata: {name: web, labels: {part-of: web}}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080}, {name: admin, port: 81, targetPort: 8081}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {part-of: web}, annotations: {note: first}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1
        env: [{name: A, value: "1"}, {name: B, value: "2"}]
        ports: [{containerPort: 8080}]
      - {name: side, image: "car:1"}
Y

step "apply"
expect '^configmap/settings created$' "$K" apply -f "$file"
holds '80>8080 81>8081 ' '{range .spec.ports[*]}{.port}>{.targetPort} {end}' service web
equals 'settings/unchanged web/unchanged web/unchanged' "$("$K" apply -f "$file" | sed 's|^[^/]*/||; s| |/|' | paste -sd' ')" "the same again"
expect '"color":"red"' "$K" get configmap settings -o jsonpath="$ANNOTATION"
resource_version=$("$K" get deployment web -o jsonpath='{.metadata.generation}')
sed -i -e 's/color: red, size: large/color: blue, weight: light/' -e 's/name: B, value: "2"/name: C, value: "3"/' -e '/name: side/d' -e 's/, {name: admin[^}]*}//' -e 's/note: first/other: second/' "$file"
equals 'configmap/settings configured,service/web configured,deployment.apps/web configured' "$("$K" apply -f "$file" | paste -sd,)" "apply after changes"
equals '{"color":"blue","weight":"light"}' "$("$K" get configmap settings -o json | jq -c .data)" "a key changed, one gone, one new"
holds 'A C' '{.spec.template.spec.containers[0].env[*].name}' deployment web
holds web '{.spec.template.spec.containers[*].name}' deployment web
holds '80' '{.spec.ports[*].port}' service web
holds ' second' '{.metadata.annotations.note} {.metadata.annotations.other}' deployment web
[ "$("$K" get deployment web -o jsonpath='{.metadata.generation}')" -gt "$resource_version" ] || fail "the generation did not grow"

step "apply keeps what others set, and takes back what it says"
"$K" scale deployment web --replicas=3 >/dev/null
"$K" patch configmap settings --type=merge -p '{"data":{"foreign":"kept","color":"green"}}' >/dev/null
expect 'configmap/settings configured' "$K" apply -f "$file"
equals '{"color":"blue","foreign":"kept","weight":"light"}' "$("$K" get configmap settings -o json | jq -cS .data)" "own keys set again, foreign ones kept"
holds 2 '{.spec.replicas}' deployment web
sed -i '/replicas: 2/d' "$file"
"$K" apply -f "$file" >/dev/null
"$K" scale deployment web --replicas=4 >/dev/null
expect 'deployment.apps/web unchanged' "$K" apply -f "$file"
holds 4 '{.spec.replicas}' deployment web

step "apply: view, edit and set the last applied; dry runs; what is refused"
expect '^ +weight: light$' "$K" apply view-last-applied configmap/settings
expect '"weight": "light"' "$K" apply view-last-applied configmap/settings -o json
printf '{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {color: blue}}' >"$WORK/less.yaml"
expect 'configmap/settings configured' "$K" apply set-last-applied -f "$WORK/less.yaml"
equals '{"color":"blue"}' "$("$K" get configmap settings -o jsonpath="$ANNOTATION" | jq -c .data)" "what was last applied, as it was set"
"$K" apply -f "$WORK/less.yaml" >/dev/null
equals light "$("$K" get configmap settings -o jsonpath='{.data.weight}')" "a key that was not in what was last applied"
expect 'configured \(server dry run\)' bash -c "sed 's/nginx:1/nginx:9/' '$file' | $K apply --dry-run=server -f -"
expect 'configured \(dry run\)' bash -c "sed 's/nginx:1/nginx:9/' '$file' | $K apply --dry-run=client -f -"
holds nginx:1 "$K_IMAGE" deployment web
refuse 'spec.selector: Invalid value:.*field is immutable' bash -c "sed 's/app: web/app: other/' '$file' | $K apply -f -"
refuse 'unknown field "spec.replica"' bash -c "sed 's/^  selector: {matchL/  replica: 3\n&/' '$file' | $K apply -f -"
refuse 'spec.ports\[0\].port: Invalid value: 99999' bash -c "sed 's/port: 80,/port: 99999,/' '$file' | $K apply -f -"
expect 'Warning: resource configmaps/bare is missing the kubectl.kubernetes.io/last-applied-configuration annotation' \
  bash -c "$K create configmap bare >/dev/null; echo '{apiVersion: v1, kind: ConfigMap, metadata: {name: bare}, data: {a: b}}' | $K apply -f -"

step "apply --prune"
mkdir "$WORK/set"
for name in one two; do printf '{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, labels: {set: pruned}}}' $name >"$WORK/set/$name.yaml"; done
expect 'configmap/two created' "$K" apply -f "$WORK/set" --prune -l set=pruned --prune-allowlist=core/v1/ConfigMap
rm "$WORK/set/two.yaml"
expect 'configmap/two pruned' "$K" apply -f "$WORK/set" --prune -l set=pruned --prune-allowlist=core/v1/ConfigMap
equals configmap/one "$("$K" get configmap -l set=pruned -o name)" "what is left of the set"

step "apply --prune with an ApplySet"
export KUBECTL_APPLYSET=true
printf '{apiVersion: v1, kind: ConfigMap, metadata: {name: two}}' >"$WORK/set/two.yaml"
"$K" delete configmap one >/dev/null
expect 'configmap/two serverside-applied' "$K" apply --server-side -f "$WORK/set" --prune --applyset=configmaps/pruned -n default
expect '^applyset-[A-Za-z0-9_-]+-v1$' "$K" get configmap two -o jsonpath='{.metadata.labels.applyset\.kubernetes\.io/part-of}'
rm "$WORK/set/two.yaml"
expect 'configmap/two pruned' "$K" apply --server-side -f "$WORK/set" --prune --applyset=configmaps/pruned -n default
refuse 'configmaps "two" not found' "$K" get configmap two

step "apply --server-side: conflicts, who owns what, force"
owners() { "$K" get "$@" --show-managed-fields -o json | jq -r '[.metadata.managedFields[] | "\(.manager)/\(.operation)"] | sort | join(" ")'; }
cat >"$WORK/owned.yaml" <<'Y'
apiVersion: v1
kind: ConfigMap
metadata: {name: owned}
data: {a: "1", b: "1"}
Y
expect 'configmap/owned serverside-applied' "$K" apply --server-side --field-manager=one -f "$WORK/owned.yaml"
equals one/Apply "$(owners configmap owned)" "who owns it"
sed 's/a: "1"/a: "2"/' "$WORK/owned.yaml" >"$WORK/other.yaml"
refuse 'conflict with "one": .data.a' "$K" apply --server-side --field-manager=two -f "$WORK/other.yaml"
holds 1 '{.data.a}' configmap owned
expect 'serverside-applied' "$K" apply --server-side --field-manager=two --force-conflicts -f "$WORK/other.yaml"
holds '2 1' '{.data.a} {.data.b}' configmap owned
equals 'one/Apply two/Apply' "$(owners configmap owned)" "two owners"
equals '{"f:b":{}}' "$("$K" get configmap owned --show-managed-fields -o json | jq -c '.metadata.managedFields[] | select(.manager == "one") | .fieldsV1."f:data" | del(."f:a", .".")')" "what the first has left"
"$K" patch configmap owned --type=merge -p '{"data":{"b":"5"}}' --field-manager=hand >/dev/null
refuse 'conflicts with "hand" using v1:' "$K" apply --server-side --field-manager=one -f "$WORK/owned.yaml"
refuse '^- \.data\.b$' "$K" apply --server-side --field-manager=one -f "$WORK/owned.yaml"
sed -i '/^data/d' "$WORK/other.yaml"
"$K" apply --server-side --field-manager=two -f "$WORK/other.yaml" >/dev/null
equals '{"b":"5"}' "$("$K" get configmap owned -o json | jq -c .data)" "what the second alone owned has gone"
expect 'serverside-applied \(server dry run\)' "$K" apply --server-side --dry-run=server --field-manager=three -f "$WORK/other.yaml"
refuse 'metadata.managedFields must be nil' bash -c "$K get configmap owned --show-managed-fields -o yaml | $K apply --server-side -f -"

step "diff"
expect '^\+ +image: nginx:2$' bash -c "sed 's/nginx:1/nginx:2/' '$file' | $K diff -f - || test \$? = 1"
equals '' "$("$K" diff -f "$file")" "a diff without differences"
expect '^\+  name: unborn$' bash -c "echo '{apiVersion: v1, kind: ConfigMap, metadata: {name: unborn}}' | $K diff -f - || test \$? = 1"
expect '^[-+] +image: nginx' bash -c "sed 's/nginx:1/nginx:2/' '$file' | $K diff --server-side --field-manager=kubectl --force-conflicts -f - || test \$? = 1"
expect '^\+ +password: .*\*\*\*' bash -c "$K create secret generic hidden --from-literal=password=old >/dev/null; $K create secret generic hidden --from-literal=password=new --dry-run=client -o yaml | $K diff -f - || test \$? = 1"
holds nginx:1 "$K_IMAGE" deployment web

step "edit"
cat >"$WORK/editor" <<'E'
#!/bin/sh
cp "$1" "$(dirname "$0")/shown"
exec sed -i -E "$EDIT" "$1"
E
chmod +x "$WORK/editor"
export KUBE_EDITOR=$WORK/editor TMPDIR=$WORK   # where it leaves what could not be saved
edit() { EDIT=$1 "$K" edit "${@:2}"; }
expect '^configmap/settings edited$' edit 's/color: blue/color: violet/' configmap settings
holds violet '{.data.color}' configmap settings
expect '^# Please edit the object below' cat "$WORK/shown"
expect 'Edit cancelled, no changes made' edit '' configmap settings
expect '"image": "nginx:3"' edit 's/"image": "nginx:1"/"image": "nginx:3"/' deployment web -o json
holds nginx:3 "$K_IMAGE" deployment web
expect 'configmap/owned edited' edit 's/b: "5"/b: "6"/; s/color: violet/color: white/' configmap settings owned
holds '6' '{.data.b}' configmap owned
holds white '{.data.color}' configmap settings
refuse 'error: Edit cancelled, no valid changes were saved\.' edit 's/^      app: web/      app: other/' deployment web
printf '{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {color: white}}' | "$K" apply -f - >/dev/null
expect 'configmap/settings edited' env EDIT='s/color: white/color: black/' "$K" apply edit-last-applied configmap/settings
equals black "$("$K" get configmap settings -o jsonpath="$ANNOTATION" | jq -r .data.color)" "what was last applied, edited"
holds white '{.data.color}' configmap settings

step "replace"
printf '{apiVersion: v1, kind: ConfigMap, metadata: {name: replaced}, data: {a: "1"}}' >"$WORK/replaced.yaml"
refuse 'configmaps "replaced" not found' "$K" replace -f "$WORK/replaced.yaml"
"$K" create -f "$WORK/replaced.yaml" >/dev/null
old=$("$K" get configmap replaced -o yaml)
sed -i 's/a: "1"/b: "2"/' "$WORK/replaced.yaml"
expect '^configmap/replaced replaced$' "$K" replace -f "$WORK/replaced.yaml"
equals '{"b":"2"}' "$("$K" get configmap replaced -o json | jq -c .data)" "all of it is replaced"
refuse 'the object has been modified; please apply your changes to the latest version' "$K" replace -f - <<<"$old"
uid=$("$K" get configmap replaced -o jsonpath='{.metadata.uid}')
expect '^configmap/replaced replaced$' "$K" replace --force -f "$WORK/replaced.yaml"
[ "$("$K" get configmap replaced -o jsonpath='{.metadata.uid}')" != "$uid" ] || fail "replace --force kept the object"
expect '^service/web replaced$' bash -c "$K get service web -o json | jq '.spec.ports[0].targetPort = 9090' | $K replace -f -"
holds 9090 '{.spec.ports[0].targetPort}' service web
refuse 'spec.clusterIPs\[0\]: Invalid value: \["10.0.0.77"\]: may not change once set' bash -c "$K get service web -o json | jq '.spec.clusterIP = \"10.0.0.77\" | .spec.clusterIPs = [\"10.0.0.77\"]' | $K replace -f -"
expect 'pod/phantom replaced' bash -c "$K create -f - >/dev/null <<<'{apiVersion: v1, kind: Pod, metadata: {name: phantom}, spec: {schedulerName: nobody, containers: [{name: c, image: x}]}}'; $K get pod phantom -o json | jq '.status.phase = \"Failed\" | .status.reason = \"Played\"' | $K replace --subresource=status -f -"
holds 'Failed Played' '{.status.phase} {.status.reason}' pod phantom

step "kustomize"
mkdir -p "$WORK/kustom/base" "$WORK/kustom/over"
cp "$file" "$WORK/kustom/base/web.yaml"
printf 'resources: [web.yaml]\n' >"$WORK/kustom/base/kustomization.yaml"
cat >"$WORK/kustom/over/kustomization.yaml" <<'Y'
namespace: staged
namePrefix: staged-
resources: [../base]
images: [{name: nginx, newTag: "7"}]
replicas: [{name: web, count: 1}]
labels: [{pairs: {stage: test}, includeSelectors: true}]
configMapGenerator: [{name: made, literals: [x=y]}]
patches:
- target: {kind: Service}
  patch: '[{"op": "replace", "path": "/spec/ports/0/port", "value": 8000}]'
Y
expect '^  name: staged-web$' "$K" kustomize "$WORK/kustom/over"
expect '^  namespace: staged$' "$K" kustomize "$WORK/kustom/over"
"$K" create namespace staged >/dev/null
expect '^deployment.apps/staged-web created$' "$K" apply -k "$WORK/kustom/over"
holds 'nginx:7 1 test' "$K_IMAGE {.spec.replicas} {.spec.selector.matchLabels.stage}" -n staged deployment staged-web
holds '8000 test' '{.spec.ports[0].port} {.spec.selector.stage}' -n staged service staged-web
expect '^configmap/staged-made-[a-z0-9]{10}$' "$K" -n staged get configmap -l stage=test -o name
equals '' "$("$K" diff -k "$WORK/kustom/over")" "a diff of what is applied"
expect 'service "staged-web" deleted' "$K" delete -k "$WORK/kustom/over"
equals '' "$("$K" -n staged get deployment,service,configmap -l stage=test -o name)" "what is left of it"
stop
