# kubectl's ways to change one thing: patch, label, annotate, set, scale, autoscale, expose.
source "$(dirname "$0")/lib.sh"
start --nodes 2
C='.spec.template.spec.containers'
cat >"$WORK/web.yaml" <<'Y'
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
      - {name: web, image: "nginx:1", ports: [{containerPort: 8080, name: http}], env: [{name: A, value: "1"}]}
      - {name: side, image: "car:1"}
Y
"$K" create -f "$WORK/web.yaml" >/dev/null
generation() { "$K" get deployment web -o jsonpath='{.metadata.generation}'; }
patch() { "$K" patch "$@"; }

step "patch: strategic"
expect '^deployment.apps/web patched$' patch deployment web -p '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"car:2"}]}}}}'
holds 'nginx:1 car:2' "{$C[*].image}" deployment web
expect 'patched' patch deployment web -p '{"spec":{"template":{"spec":{"containers":[{"name":"side","$patch":"delete"}]}}}}'
holds web "{$C[*].name}" deployment web
expect 'patched' patch deployment web -p '{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"init"},{"name":"web"}],"containers":[{"name":"init","image":"first:1"}]}}}}'
holds 'init web' "{$C[*].name}" deployment web
expect 'patched' patch deployment web -p '{"spec":{"template":{"spec":{"containers":[{"$patch":"replace"},{"name":"web","image":"nginx:2","env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"ports":[{"containerPort":8080,"name":"http"}]}]}}}}'
holds 'web A B' "{$C[*].name} {$C[0].env[*].name}" deployment web
expect 'patched' patch deployment web -p '{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}'
equals '{"type":"Recreate"}' "$("$K" get deployment web -o json | jq -c .spec.strategy)" "a strategy without its old parameters"
"$K" rollout status deployment/web --timeout=60s >/dev/null   # its status comes to rest
expect 'patched \(no change\)' patch deployment web -p '{"spec":{"strategy":{"type":"Recreate"}}}'
expect 'patched' patch serviceaccount default -p '{"secrets":[{"name":"a"},{"name":"b"}]}'
holds 'a b' '{.secrets[*].name}' serviceaccount default
expect 'patched' patch deployment web -p '{"metadata":{"finalizers":["example.com/a","example.com/b"]}}'
expect 'patched' patch deployment web -p '{"metadata":{"$deleteFromPrimitiveList/finalizers":["example.com/a"]}}'
holds '["example.com/b"]' '{.metadata.finalizers}' deployment web
patch deployment web -p '{"metadata":{"finalizers":null}}' >/dev/null

step "patch: merge"
before=$(generation)
expect 'patched' patch deployment web --type=merge -p '{"metadata":{"labels":{"tier":"front"}},"spec":{"revisionHistoryLimit":3}}'
holds 'front 3' '{.metadata.labels.tier} {.spec.revisionHistoryLimit}' deployment web
equals $((before + 1)) "$(generation)" "the generation after a change of the spec"
expect 'patched' patch deployment web --type=merge -p '{"metadata":{"labels":{"tier":null}}}'
holds '{"app":"web"}' '{.metadata.labels}' deployment web
equals $((before + 1)) "$(generation)" "the generation after a change of labels"
expect 'patched' patch deployment web --type=merge -p '{"spec":{"template":{"spec":{"containers":[{"name":"only","image":"only:1"}]}}}}'
equals '1 only' "$("$K" get deployment web -o json | jq -r "\"\($C | length) \($C[0].name)\"")" "a merge patch replaces lists"
"$K" replace --force -f "$WORK/web.yaml" >/dev/null

step "patch: json"
expect 'patched' patch deployment web --type=json -p '[{"op":"test","path":"/spec/replicas","value":2},{"op":"replace","path":"/spec/replicas","value":3},{"op":"add","path":"/metadata/labels/a~1b","value":"c"}]'
holds '3 c' '{.spec.replicas} {.metadata.labels.a/b}' deployment web
refuse 'The request is invalid: the server rejected our request due to an error in our request' patch deployment web --type=json -p '[{"op":"test","path":"/spec/replicas","value":9},{"op":"remove","path":"/spec/replicas"}]'
holds 3 '{.spec.replicas}' deployment web
expect 'patched' patch deployment web --type=json -p '[{"op":"copy","from":"/metadata/labels/app","path":"/metadata/labels/copy"},{"op":"move","from":"/metadata/labels/a~1b","path":"/metadata/labels/moved"},{"op":"add","path":"/spec/template/spec/containers/-","value":{"name":"more","image":"m"}},{"op":"remove","path":"/spec/template/spec/containers/1"}]'
holds 'web c web more' "{.metadata.labels.copy} {.metadata.labels.moved} {$C[*].name}" deployment web

step "patch: sub-resources, files, dry runs, what is refused"
expect 'scale.autoscaling/web patched' patch deployment web --subresource=scale --type=merge -p '{"spec":{"replicas":1}}'
holds 1 '{.spec.replicas}' deployment web
expect 'namespace/default patched' patch namespace default --subresource=status --type=merge -p '{"status":{"conditions":[{"type":"Played","status":"True","reason":"By","message":"hand","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}'
holds 'By hand' '{.status.conditions[?(@.type=="Played")].reason} {.status.conditions[?(@.type=="Played")].message}' namespace default
"$K" run waits --image=x:1 --overrides='{"spec":{"schedulerName":"nobody"}}' >/dev/null
refuse 'Pod QOS Class may not change as a result of resizing' patch pod waits --subresource=resize -p '{"spec":{"containers":[{"name":"waits","resources":{"requests":{"cpu":"100m"}}}]}}'
expect 'pod/waits patched' patch pod waits -p '{"spec":{"containers":[{"name":"waits","image":"x:2"}]}}'
holds x:2 '{.spec.containers[0].image}' pod waits
refuse 'pod updates may not change fields other than' patch pod waits -p '{"spec":{"containers":[{"name":"waits","command":["sh"]}]}}'
refuse 'spec.replicas: Invalid value: -1: must be greater than or equal to 0' patch deployment web -p '{"spec":{"replicas":-1}}'
refuse 'patch: Invalid value: "map\[spec:map\[replicas:three\]\]": unrecognized type: int32' patch deployment web -p '{"spec":{"replicas":"three"}}'
refuse 'metadata.uid: Invalid value: "00000000-0000-0000-0000-000000000000": field is immutable' patch deployment web --type=merge -p '{"metadata":{"uid":"00000000-0000-0000-0000-000000000000"}}'
refuse 'the object has been modified' patch deployment web --type=merge -p '{"metadata":{"resourceVersion":"1"},"spec":{"replicas":2}}'
printf 'spec:\n  minReadySeconds: 1\n' >"$WORK/patch.yaml"
expect 'patched' patch -f "$WORK/web.yaml" --patch-file "$WORK/patch.yaml"
holds 1 '{.spec.minReadySeconds}' deployment web
expect '^ +paused: true$' patch deployment web --dry-run=server -p '{"spec":{"paused":true}}' -o yaml
holds '' '{.spec.paused}' deployment web
expect 'image: local:1' patch --local -f "$WORK/web.yaml" -p '{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"local:1"}]}}}}' -o yaml

step "label"
expect '^deployment.apps/web labeled$' "$K" label deployment web color=red owner=ann
holds 'red ann' '{.metadata.labels.color} {.metadata.labels.owner}' deployment web
refuse "'color' already has a value \(red\), and --overwrite is false" "$K" label deployment web color=blue
expect 'labeled' "$K" label deployment web color=blue --overwrite
holds blue '{.metadata.labels.color}' deployment web
expect 'deployment.apps/web unlabeled' "$K" label deployment web color-
holds '' '{.metadata.labels.color}' deployment web
expect 'label "color" not found' "$K" label deployment web color-
refuse 'invalid label value: "color=not allowed": a valid label must be' "$K" label deployment web 'color=not allowed'
expect 'owner=ann' "$K" label deployment web --list
"$K" rollout status deployment web --timeout=30s >/dev/null
equals 1 "$("$K" label pods -l app=web batch=one | grep -c 'labeled$')" "pods labelled by a selector"
equals 1 "$("$K" get pods -l app=web,batch=one -o name | wc -l)" "pods that carry it"
expect 'node/node-0 labeled' "$K" label nodes --all zone=a
holds 'a a' '{.items[*].metadata.labels.zone}' nodes
refuse 'the object has been modified' "$K" label deployment web x=y --resource-version=1
expect 'labeled' "$K" label deployment web x=y --resource-version="$("$K" get deployment web -o jsonpath='{.metadata.resourceVersion}')"
holds y '{.metadata.labels.x}' deployment web

step "annotate"
expect '^deployment.apps/web annotated$' "$K" annotate deployment web note='a longer text' example.com/count=1
holds 'a longer text 1' '{.metadata.annotations.note} {.metadata.annotations.example\.com/count}' deployment web
refuse "--overwrite is false but found the following declared annotation\(s\): 'note' already has a value" "$K" annotate deployment web note=other
expect 'annotated' "$K" annotate deployment web note=other --overwrite
holds other '{.metadata.annotations.note}' deployment web
expect 'note=other' "$K" annotate deployment web --list
expect 'annotated' "$K" annotate deployment web note- example.com/count-
holds '' '{.metadata.annotations.note}' deployment web
expect 'node/node-1 annotated' "$K" annotate nodes --field-selector=metadata.name=node-1 rack=7
holds ' 7' '{.items[0].metadata.annotations.rack} {.items[1].metadata.annotations.rack}' nodes --sort-by=.metadata.name

step "set"
expect 'deployment.apps/web image updated' "$K" set image deployment/web web=nginx:5 more=m:5
holds 'nginx:5 m:5' "{$C[*].image}" deployment web
expect 'image updated' "$K" set image deployments --all '*=all:1'
holds 'all:1 all:1' "{$C[*].image}" deployment web
refuse 'unable to find container named "none"' "$K" set image deployment/web none=x
expect 'deployment.apps/web env updated' "$K" set env deployment/web -c web B=2 A-
holds 'B=2' "{$C[0].env[*].name}={$C[0].env[*].value}" deployment web
"$K" create configmap settings --from-literal=color=red >/dev/null
"$K" create secret generic keys --from-literal=token=t >/dev/null
expect 'env updated' "$K" set env deployment/web --from=configmap/settings --prefix=CFG_ -c web
holds 'CFG_COLOR settings color' "{$C[0].env[1].name} {$C[0].env[1].valueFrom.configMapKeyRef.name} {$C[0].env[1].valueFrom.configMapKeyRef.key}" deployment web
expect 'env updated' "$K" set env deployment/web --from=secret/keys -c more
holds 'TOKEN keys' "{$C[1].env[0].name} {$C[1].env[0].valueFrom.secretKeyRef.name}" deployment web
expect '^CFG_COLOR=red$' "$K" set env deployment/web --list --resolve -c web
expect 'deployment.apps/web resource requirements updated' "$K" set resources deployment/web -c web --limits=cpu=200m,memory=64Mi --requests=cpu=100m
holds '200m 64Mi 100m 64Mi' "{$C[0].resources.limits.cpu} {$C[0].resources.limits.memory} {$C[0].resources.requests.cpu} {$C[0].resources.limits.memory}" deployment web
refuse 'requests: Invalid value: "1": must be less than or equal to cpu limit of 200m' "$K" set resources deployment/web -c web --requests=cpu=1
"$K" create serviceaccount robot >/dev/null
expect 'deployment.apps/web serviceaccount updated' "$K" set serviceaccount deployment web robot
holds 'robot robot' '{.spec.template.spec.serviceAccountName} {.spec.template.spec.serviceAccount}' deployment web
"$K" create service clusterip web --tcp=80:8080 >/dev/null
expect 'service/web selector updated' "$K" set selector service web app=web,tier=front
holds '{"app":"web","tier":"front"}' '{.spec.selector}' service web
"$K" create rolebinding viewers --clusterrole=view --user=ann >/dev/null
expect 'rolebinding.rbac.authorization.k8s.io/viewers subjects updated' "$K" set subject rolebinding viewers --user=bob --group=staff --serviceaccount=default:robot
holds 'ann bob staff robot' '{.subjects[*].name}' rolebinding viewers
equals yes "$("$K" auth can-i list pods --as=bob)" "what the new subject may"
expect 'image: dry:1' "$K" set image deployment/web web=dry:1 --dry-run=server -o yaml
holds all:1 "{$C[0].image}" deployment web

step "scale"
expect '^deployment.apps/web scaled$' "$K" scale deployment web --replicas=3
holds 3 '{.spec.replicas}' deployment web
expect 'scaled' "$K" scale --current-replicas=3 --replicas=2 deployment/web
refuse 'Expected replicas to be 3, was 2' "$K" scale --current-replicas=3 --replicas=5 deployment/web
soon 20 '^2 2$' "$K" get deployment web -o jsonpath='{.status.replicas} {.status.readyReplicas}'
refuse 'the server could not find the requested resource' "$K" scale configmap settings --replicas=2
refuse 'statefulsets.apps "none" not found' "$K" scale statefulset none --replicas=2
cat <<'Y' | "$K" create -f - >/dev/null
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 1
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: x}]}}
Y
expect 'statefulset.apps/db scaled' "$K" scale statefulset db --replicas=3 --timeout=20s
soon 20 '^3$' "$K" get statefulset db -o jsonpath='{.status.readyReplicas}'
equals 'db-0 db-1 db-2' "$("$K" get pods -l app=db --sort-by=.metadata.name -o jsonpath='{.items[*].metadata.name}')" "pods of the set"
expect 'scaled' "$K" scale -f "$WORK/web.yaml" --replicas=0
soon 20 '^$' "$K" get pods -l app=web -o name

step "autoscale"
expect '^horizontalpodautoscaler.autoscaling/web autoscaled$' "$K" autoscale deployment web --min=2 --max=5 --cpu-percent=80
holds '2 5 Deployment/web cpu 80' '{.spec.minReplicas} {.spec.maxReplicas} {.spec.scaleTargetRef.kind}/{.spec.scaleTargetRef.name} {.spec.metrics[0].resource.name} {.spec.metrics[0].resource.target.averageUtilization}' hpa web
equals 80 "$("$K" get horizontalpodautoscalers.v1.autoscaling web -o jsonpath='{.spec.targetCPUUtilizationPercentage}')" "the same in version 1"
refuse 'horizontalpodautoscalers.autoscaling "web" already exists' "$K" autoscale deployment web --max=5 --cpu=50%
refuse '--max=MAXPODS must be larger or equal to --min=MINPODS' "$K" autoscale statefulset db --min=3 --max=1
refuse 'cannot autoscale a ConfigMap: could not find scale subresource for /v1, Resource=configmaps' "$K" autoscale configmap settings --max=2

step "expose"
expect '^service/shown exposed$' "$K" expose deployment web --name=shown --port=80 --target-port=http --type=NodePort --labels=made=exposed
holds 'NodePort 80 http web exposed' '{.spec.type} {.spec.ports[0].port} {.spec.ports[0].targetPort} {.spec.selector.app} {.metadata.labels.made}' service shown
expect '^service/again exposed$' "$K" expose service shown --name=again --port=81 --session-affinity=ClientIP
holds 'ClientIP 10800 web' '{.spec.sessionAffinity} {.spec.sessionAffinityConfig.clientIP.timeoutSeconds} {.spec.selector.app}' service again
expect '^service/db exposed$' "$K" expose pod db-0 --name=db --port=5432 --cluster-ip=None
holds 'None db-0' '{.spec.clusterIP} {.spec.selector.statefulset\.kubernetes\.io/pod-name}' service db
soon 10 '^10\.' "$K" get endpointslices -l kubernetes.io/service-name=db -o jsonpath='{.items[0].endpoints[0].addresses[0]}'
refuse 'services "shown" already exists' "$K" expose deployment web --name=shown --port=80
refuse 'cannot expose a ConfigMap' "$K" expose configmap settings --port=80
stop
