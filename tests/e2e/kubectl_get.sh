# kubectl get in all its forms, and what tells about the server: explain, api-resources, api-versions, cluster-info, config.
source "$(dirname "$0")/lib.sh"
start --nodes 3
"$K" create namespace shop >/dev/null
cat <<'Y' | "$K" create -f - >/dev/null
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web, tier: front}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec: {containers: [{name: web, image: "nginx:1", ports: [{containerPort: 80}]}, {name: side, image: "car:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: lonely, namespace: shop, labels: {app: lonely}, annotations: {weight: "10"}}
spec: {schedulerName: nobody, containers: [{name: c, image: x}]}
Y
for i in $(seq 1 7); do printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: "m%d", namespace: shop, labels: {num: "%d"}}\ndata: {weight: "%d"}\n' "$i" "$i" $((10 - i)); done | "$K" create -f - >/dev/null
"$K" -n shop rollout status deployment web --timeout=30s >/dev/null
s() { "$K" -n shop "$@"; }

step "tables"
expect '^NAME +READY +STATUS +RESTARTS +AGE$' s get pods
expect '^lonely +0/1 +Pending +0 +[0-9]+s$' s get pods
expect '^web-[0-9a-z]+-[0-9a-z]{5} +2/2 +Running +0 +[0-9]+s +10\.[0-9.]+ +node-[0-2] +<none> +<none>$' s get pods -o wide
expect '^web +3/3 +3 +3 +[0-9]+s +web,side +nginx:1,car:1 +app=web$' s get deployment web -o wide --no-headers
expect '^web +ClusterIP +10\.[0-9.]+ +<none> +80/TCP +[0-9]+s +app=web$' s get service -o wide
expect '^node-0 +Ready +<none> +[0-9]+s +v1\.36\.[0-9]+.* +172\.18\.' "$K" get nodes -o wide
expect '^shop +lonely ' "$K" get pods -A
expect '^NAMESPACE +NAME +' "$K" get configmaps --all-namespaces
expect ' app=lonely$' s get pod lonely --show-labels
expect '^NAME +READY +STATUS +RESTARTS +AGE +APP +TIER$' s get pods -L app,tier
expect '^lonely .* lonely +$' s get pods -L app,tier
expect '^pod/lonely ' s get pods --show-kind
equals 'deployment.apps/web pod/lonely replicaset.apps/web service/web' "$(s get all --no-headers | awk '{print $1}' | sed -E 's/-[0-9a-z-]+$//' | grep -v '^pod/web' | sort | paste -sd' ')" "get all"
expect '^service/web .*' s get service/web deployment/web
expect 'lonely .*0/1' s get -f - <<<'{apiVersion: v1, kind: Pod, metadata: {name: lonely, namespace: shop}}'
expect '^No resources found in shop namespace\.$' s get jobs
refuse 'pods "none" not found' s get pod none
equals '' "$(s get pod none --ignore-not-found)" "--ignore-not-found"
refuse "the server doesn't have a resource type \"nonsense\"" s get nonsense
expect '^Name: +lonely' s describe pod lonely

step "json, yaml, name, kyaml"
equals 'v1 List 7' "$(s get configmaps -l num -o json | jq -r '"\(.apiVersion) \(.kind) \(.items | length)"')" "a list as JSON"
equals 'v1 ConfigMap m1' "$(s get configmap m1 -o json | jq -r '"\(.apiVersion) \(.kind) \(.metadata.name)"')" "one as JSON"
equals '' "$(s get configmap m1 -o json | jq -r '.metadata.managedFields // empty')" "managed fields are left out"
equals kubectl-create "$(s get configmap m1 -o json --show-managed-fields | jq -r '.metadata.managedFields[0].manager')" "managed fields"
equals ConfigMap "$(s get configmap m1 -o yaml | python3 -c 'import sys; print([l.split(": ")[1].strip() for l in sys.stdin if l.startswith("kind")][0])')" "one as YAML"
expect '^kind: List$' s get configmaps -o yaml
equals 'pod/lonely' "$(s get pod lonely -o name)" "a name"
equals 'deployment.apps/web' "$(s get deployment -o name)" "a name with its group"
expect '^  kind: "ConfigMap",$' s get configmap m1 -o kyaml

step "jsonpath"
equals 'm1 m2 m3 m4 m5 m6 m7' "$(s get configmaps -l num -o jsonpath='{.items[*].metadata.name}')" "names"
equals 'm1=9;m2=8;' "$(s get configmaps m1 m2 -o jsonpath='{range .items[*]}{.metadata.name}={.data.weight};{end}')" "a range"
equals 'car:1' "$(s get deployment web -o jsonpath='{.spec.template.spec.containers[?(@.name=="side")].image}')" "a filter"
equals 'm7' "$(s get configmaps -l num -o jsonpath='{.items[-1:].metadata.name}')" "the last one"
equals '["nginx:1","car:1"]' "$(s get deployment web -o jsonpath-as-json='{.spec.template.spec.containers[*].image}' | tr -d ' \n')" "as JSON"
equals 'nginx:1 car:1' "$(s get deployment web -o jsonpath='{..image}')" "anywhere"
printf '{.metadata.name}!' >"$WORK/path"
equals 'web!' "$(s get deployment web -o jsonpath-file="$WORK/path")" "a path from a file"

step "go-template, custom-columns"
equals 'm1:9 m2:8 ' "$(s get configmaps m1 m2 -o go-template='{{range .items}}{{.metadata.name}}:{{.data.weight}} {{end}}')" "a template"
printf '{{.kind}} {{len .spec.template.spec.containers}}' >"$WORK/template"
equals 'Deployment 2' "$(s get deployment web -o go-template-file="$WORK/template")" "a template from a file"
equals 'NAME W|m1 9' "$(s get configmap m1 -o custom-columns=NAME:.metadata.name,W:.data.weight | tr -s ' ' | paste -sd'|')" "columns"
printf 'WHAT   HOW\n.metadata.name .spec.replicas\n' >"$WORK/columns"
equals 'WHAT HOW|web 3' "$(s get deployment web -o custom-columns-file="$WORK/columns" | tr -s ' ' | paste -sd'|')" "columns from a file"
expect '^lonely +<none>$' s get pods -o custom-columns=N:.metadata.name,NODE:.spec.nodeName
equals 'lonely,web-' "$(s get pods -o custom-columns=:.metadata.name --no-headers | sed 's/web-.*/web-/' | sort -u | paste -sd,)" "columns without a header"

step "what is selected, and in which order"
equals 'm7 m6 m5' "$(s get configmaps -l num --sort-by='{.data.weight}' -o jsonpath='{.items[*].metadata.name}' | cut -d' ' -f1-3)" "sorted by a value"
equals 'm3 m5' "$(s get configmaps -l 'num in (3,5)' -o jsonpath='{.items[*].metadata.name}')" "in"
equals 'kube-root-ca.crt' "$(s get configmaps -l '!num' -o jsonpath='{.items[*].metadata.name}')" "without a label"
equals 'm1 m2 m6 m7' "$(s get configmaps -l 'num,num notin (3,4,5)' -o jsonpath='{.items[*].metadata.name}')" "notin"
equals 'm4' "$(s get configmaps --field-selector=metadata.name=m4 -o jsonpath='{.items[*].metadata.name}')" "a field"
equals 'lonely' "$(s get pods --field-selector=status.phase=Pending,spec.nodeName= -o jsonpath='{.items[*].metadata.name}')" "two fields"
equals 3 "$(s get pods --field-selector='status.phase!=Pending' -o name | wc -l)" "not a field"
equals "$("$K" get pods -n shop -o wide --no-headers | grep -c ' node-1 ' || true)" "$("$K" get pods -A --field-selector=spec.nodeName=node-1 -o name | wc -l)" "pods of a node"
refuse 'field label not supported: spec.nonsense' s get pods --field-selector=spec.nonsense=1
refuse "found '=', expected: ',' or 'end of string'" s get pods -l 'a=b=c'

step "--chunk-size, --raw, --subresource"
equals 7 "$(s get configmaps -l num --chunk-size=2 -o name | wc -l)" "objects in chunks of two"
s get configmaps -l num --chunk-size=3 -v=8 >"$WORK/calls" 2>&1
equals 3 "$(grep -oE '[^" ]*configmaps\?[^" ]*limit=3[^" ]*' "$WORK/calls" | sort -u | wc -l)" "requests for chunks"
expect '"kind":"PodList"' "$K" get --raw /api/v1/namespaces/shop/pods
equals '2 true' "$("$K" get --raw '/api/v1/namespaces/shop/configmaps?limit=2&labelSelector=num' | jq -r '"\(.items | length) \(.metadata.continue != null)"')" "a page"
equals ok "$("$K" get --raw /livez)" "livez"
expect '^\[\+\]ping ok' "$K" get --raw '/readyz?verbose'
equals 'v1.36' "$("$K" get --raw /version | jq -r '"v\(.major).\(.minor)"')" "the version"
equals 'Scale 3 app=web' "$(s get deployment web --subresource=scale -o json | jq -r '"\(.kind) \(.status.replicas) \(.status.selector)"')" "the scale of a deployment"
equals 'NAME DESIRED AVAILABLE AGE|web 3 3' "$(s get deployment web --subresource=scale | sed -E 's/ +[0-9]+s$//' | tr -s ' ' | paste -sd'|')" "the scale as a table"
equals Pending "$(s get pod lonely --subresource=status -o jsonpath='{.status.phase}')" "a pod's status"
refuse 'the server could not find the requested resource' "$K" get --raw /apis/none.example.com/v1

step "--watch"
s get configmaps -l num --watch -o name >"$WORK/watch" 2>&1 & W1=$!
s get configmaps -l num --watch-only --output-watch-events -o json >"$WORK/events" 2>/dev/null & W2=$!
told() { jq -r '"\(.type) \(.object.metadata.name) \(.object.data.weight)"' "$WORK/events" 2>/dev/null; }
s get pod lonely --watch -o jsonpath='{.metadata.labels.seen}{"\n"}' >"$WORK/seen" 2>&1 & W3=$!
soon 10 '^configmap/m7$' cat "$WORK/watch"
sleep 1
s label pod lonely seen=one >/dev/null
s create configmap m8 --dry-run=client -o yaml | s label --local -f - num=8 -o yaml | s create -f - >/dev/null
s patch configmap m1 --type=merge -p '{"data":{"weight":"90"}}' >/dev/null
s label configmap m2 num- >/dev/null
s delete configmap m3 >/dev/null
soon 10 '^DELETED m3 ' told
equals 'ADDED m8,MODIFIED m1 90,DELETED m2 8,DELETED m3 7' "$(told | sed 's/ null$//' | paste -sd,)" "events of a watch without a list"
soon 10 '^configmap/m8$' cat "$WORK/watch"
soon 10 '^one$' cat "$WORK/seen"
kill $W1 $W2 $W3 2>/dev/null || true
wait $W1 $W2 $W3 2>/dev/null || true

step "explain"
expect '^VERSION: +v1$' "$K" explain pods
expect 'FIELD: containers <\[\]Container>' "$K" explain pod.spec.containers
expect 'image[[:space:]]+<string>' "$K" explain pod.spec.containers
expect '^FIELD: replicas <integer>' "$K" explain deployment.spec.replicas
expect '^GROUP: +apps$' "$K" explain deployments
expect '^    terminationGracePeriodSeconds[[:space:]]+<integer>' "$K" explain pod --recursive
expect 'livenessProbe' "$K" explain deployment.spec.template.spec.containers --recursive
expect '^VERSION: +v2$' "$K" explain hpa --api-version=autoscaling/v2
expect 'targetCPUUtilizationPercentage' "$K" explain hpa.spec --api-version=autoscaling/v1
expect 'KIND: +Pod' "$K" explain pod --output=plaintext-openapiv2
expect 'containers[[:space:]]+<\[\]Object>' "$K" explain pod.spec --output=plaintext-openapiv2
expect '^FIELD: restartPolicy <string>' "$K" explain pod.spec.restartPolicy
refuse 'field "nonsense" does not exist' "$K" explain pod.spec.nonsense
refuse 'the server doesn.t have a resource type "nonsense"' "$K" explain nonsense

step "api-resources, api-versions, version, cluster-info"
expect '^pods +po +v1 +true +Pod$' "$K" api-resources
expect '^deployments +deploy +apps/v1 +true +Deployment +create,delete,deletecollection,get,list,patch,update,watch +all$' "$K" api-resources -o wide
equals 'nodes' "$("$K" api-resources --namespaced=false --api-group='' -o name | grep -x nodes)" "kinds without namespaces"
equals '' "$("$K" api-resources --namespaced=true -o name | grep -x nodes || true)" "nodes have no namespace"
equals 'cronjobs.batch jobs.batch' "$("$K" api-resources --api-group=batch -o name | paste -sd' ')" "a group"
expect '^pods$' "$K" api-resources --verbs=list,watch -o name
expect '^bindings$' "$K" api-resources --verbs=create -o name
expect '^daemonsets.apps$' "$K" api-resources --categories=all -o name
equals 'sorted' "$("$K" api-resources --sort-by=kind --no-headers | awk '{print $NF}' | LC_ALL=C sort -c 2>&1 && echo sorted)" "sorted by kind"
equals '["apps/v1","batch/v1","v1"]' "$("$K" api-versions | jq -cR . | jq -cs 'map(select(. == "apps/v1" or . == "batch/v1" or . == "v1")) | sort')" "versions"
equals 'v1.36' "$("$K" version -o json | jq -r '"v\(.serverVersion.major).\(.serverVersion.minor)"')" "version"
expect 'control plane.* is running at .*https://127\.0\.0\.1:[0-9]+' "$K" cluster-info
"$K" cluster-info dump --namespaces=shop --output-directory="$WORK/dump" >/dev/null
equals 4 "$(jq '.items | length' "$WORK/dump/shop/pods.json")" "pods in the dump"
equals 3 "$(jq '.items | length' "$WORK/dump/nodes.json")" "nodes in the dump"

step "proxy"
"$K" proxy --port=0 >"$WORK/proxy" 2>&1 & PROXY=$!
soon 10 '^Starting to serve on 127\.0\.0\.1:[0-9]+$' cat "$WORK/proxy"
PROXIED=http://127.0.0.1:$(grep -oE '[0-9]+$' "$WORK/proxy")
equals 'PodList 4' "$(curl -sS "$PROXIED/api/v1/namespaces/shop/pods" | jq -r '"\(.kind) \(.items | length)"')" "a list through a proxy"
equals 404 "$(curl -sS -o "$WORK/none" -w '%{http_code}' "$PROXIED/api/v1/namespaces/shop/pods/none")" "what is not there, through a proxy"
equals 'pods "none" not found' "$(jq -r .message "$WORK/none")" "what it is answered with"
curl -sSN --max-time 20 "$PROXIED/api/v1/namespaces/shop/configmaps?watch=true&fieldSelector=metadata.name=proxied" >"$WORK/proxied" 2>/dev/null & CURL=$!
sleep 0.5
expect '"name": ?"proxied"' curl -sS -H 'Content-Type: application/json' -d '{"metadata":{"name":"proxied"}}' "$PROXIED/api/v1/namespaces/shop/configmaps"
soon 10 '^\{"type":"ADDED".*"name":"proxied"' cat "$WORK/proxied"
kill $CURL $PROXY 2>/dev/null || true
wait $CURL $PROXY 2>/dev/null || true

step "config"
export KUBECONFIG=$WORK/own.kubeconfig
cp "$DATA/admin.kubeconfig" "$KUBECONFIG"
expect 'certificate-authority-data: DATA\+OMITTED' "$K" config view
expect 'client-key-data: [A-Za-z0-9+/=]{40}' "$K" config view --raw
admin=$("$K" config current-context)
cluster=$("$K" config view -o jsonpath="{.contexts[?(@.name==\"$admin\")].context.cluster}")
expect "^\*? +$admin +$cluster " "$K" config get-contexts "$admin"
"$K" -n shop create serviceaccount visitor >/dev/null
"$K" -n shop create rolebinding visitor --clusterrole=view --serviceaccount=shop:visitor >/dev/null
expect 'User "visitor" set\.' "$K" config set-credentials visitor --token="$(s create token visitor)"
expect 'Context "visit" created\.' "$K" config set-context visit --cluster="$cluster" --user=visitor --namespace=shop
expect 'Switched to context "visit"\.' "$K" config use-context visit
equals visit "$("$K" config current-context)" "the context"
expect '^Username +system:serviceaccount:shop:visitor$' "$K" auth whoami
expect 'system:serviceaccounts:shop' "$K" auth whoami -o jsonpath='{.status.userInfo.groups}'
expect '^lonely ' "$K" get pods
refuse 'secrets is forbidden: User "system:serviceaccount:shop:visitor" cannot list resource "secrets" in API group "" in the namespace "shop"' "$K" get secrets
refuse 'pods is forbidden: User "system:serviceaccount:shop:visitor" cannot list resource "pods" in API group "" at the cluster scope' "$K" get pods -A
refuse 'pods "lonely" is forbidden: .* cannot delete resource "pods"' "$K" delete pod lonely
expect '^lonely ' "$K" --context="$admin" -n shop get pods
expect 'Property "contexts.visit.namespace" set' "$K" config set contexts.visit.namespace default
expect 'namespace: default' "$K" config view --minify
expect 'deleted context visit' "$K" config delete-context visit
expect 'deleted user visitor' "$K" config delete-user visitor
refuse 'You must be logged in to the server \(Unauthorized\)' "$K" --kubeconfig=/dev/null --server="$("$K" --context="$admin" config view --minify -o jsonpath='{.clusters[0].cluster.server}')" --insecure-skip-tls-verify --token=nonsense get pods
stop
