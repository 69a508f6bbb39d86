# kubectl create with each of its generators, and run: what they make is what the server then holds, defaults and all.
source "$(dirname "$0")/lib.sh"
start --nodes 1
k() { "$K" -n made "$@"; }
data() { k get "$1" "$2" -o json | jq -cS .data; }

step "namespace"
expect '^namespace/made created$' "$K" create namespace made
holds 'Active made' '{.status.phase} {.metadata.labels.kubernetes\.io/metadata\.name}' namespace made
refuse 'namespaces "made" already exists' "$K" create namespace made
refuse 'Invalid value: "Made": a lowercase RFC 1123 label' "$K" create namespace Made

step "configmap"
printf 'one\ntwo\n' >"$WORK/lines.txt"
printf '\000\001\377' >"$WORK/bytes.bin"
printf '# of no meaning\nA=1\nB=two words\n' >"$WORK/settings.env"
expect '^configmap/literals created$' k create configmap literals --from-literal=a=1 --from-literal=b=2
equals '{"a":"1","b":"2"}' "$(data configmap literals)" "literals"
expect '^configmap/files created$' k create configmap files --from-file="$WORK/lines.txt" --from-file=named="$WORK/lines.txt" --from-file="$WORK/bytes.bin"
equals '{"lines.txt":"one\ntwo\n","named":"one\ntwo\n"}' "$(data configmap files)" "files"
holds 'AAH/' '{.binaryData.bytes\.bin}' -n made configmap files
expect '^configmap/env created$' k create configmap env --from-env-file="$WORK/settings.env"
equals '{"A":"1","B":"two words"}' "$(data configmap env)" "an env file"
expect '^configmap/hashed-[a-z0-9]{10} created$' k create configmap hashed --from-literal=a=1 --append-hash
refuse 'configmaps "literals" already exists' k create configmap literals
refuse 'not a valid key name for a ConfigMap' k create configmap bad --from-literal='a b=1'
equals 'created (server dry run)' "$(k create configmap dry --dry-run=server | sed 's/^configmap.dry //')" "a dry run"
refuse 'configmaps "dry" not found' k get configmap dry
expect '^ +uid: [0-9a-f-]{36}$' k create configmap dry --dry-run=server -o yaml
k create configmap piped --from-literal=x=y --dry-run=client -o yaml | k create -f - >/dev/null
equals '{"x":"y"}' "$(data configmap piped)" "a client's dry run, created"

step "secret"
expect '^secret/plain created$' k create secret generic plain --from-literal=user=admin --from-file="$WORK/bytes.bin"
equals '{"bytes.bin":"AAH/","user":"YWRtaW4="}' "$(data secret plain)" "a generic secret"
holds Opaque '{.type}' -n made secret plain
expect '^secret/typed created$' k create secret generic typed --type=example.com/own --from-literal=a=b
holds example.com/own '{.type}' -n made secret typed
refuse 'data\[tls\.crt\]: Required value' k create secret generic untrue --type=kubernetes.io/tls --from-literal=a=b
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$WORK/tls.key" -out "$WORK/tls.crt" -subj /CN=made.example -days 2 2>/dev/null
expect '^secret/served created$' k create secret tls served --cert="$WORK/tls.crt" --key="$WORK/tls.key"
holds kubernetes.io/tls '{.type}' -n made secret served
equals "$(cat "$WORK/tls.crt")" "$(k get secret served -o jsonpath='{.data.tls\.crt}' | base64 -d)" "the certificate of a TLS secret"
expect '^secret/pull created$' k create secret docker-registry pull --docker-server=registry.example --docker-username=u --docker-password=p --docker-email=e@example.com
holds kubernetes.io/dockerconfigjson '{.type}' -n made secret pull
equals '{"auths":{"registry.example":{"username":"u","password":"p","email":"e@example.com","auth":"dTpw"}}}' \
  "$(k get secret pull -o jsonpath='{.data.\.dockerconfigjson}' | base64 -d)" "the registry's credentials"
refuse 'Invalid value|invalid' k create secret generic broken --type=kubernetes.io/dockerconfigjson --from-literal=.dockerconfigjson=x

step "serviceaccount, token"
expect '^serviceaccount/robot created$' k create serviceaccount robot
claims() { cut -d. -f2 | tr '_-' '/+' | awk '{while (length($0) % 4) $0 = $0 "="; print}' | base64 -d; }
k create token robot --audience=vault --audience=other --duration=20m | claims >"$WORK/claims"
equals 'system:serviceaccount:made:robot ["vault","other"] 1200' "$(jq -r '"\(.sub) \(.aud) \(.exp - .iat)"' "$WORK/claims")" "the claims of a token"
equals "made robot $(k get serviceaccount robot -o jsonpath='{.metadata.uid}')" \
  "$(jq -r '."kubernetes.io" | "\(.namespace) \(.serviceaccount.name) \(.serviceaccount.uid)"' "$WORK/claims")" "whom a token is for"
k create token robot --bound-object-kind=Secret --bound-object-name=plain | claims >"$WORK/claims"
equals plain "$(jq -r '."kubernetes.io".secret.name' "$WORK/claims")" "what a token is bound to"
refuse 'may not specify a duration less than 10 minutes' k create token robot --duration=1m
refuse 'serviceaccounts "nobody" not found' k create token nobody
expect '"status": *\{|token: ' k create token robot -o yaml

step "role, rolebinding, clusterrole, clusterrolebinding"
expect 'role.rbac.authorization.k8s.io/reader created' k create role reader --verb=get,list --resource=pods,pods/log,deployments.apps --resource-name=web
equals '[{"apiGroups":[""],"resourceNames":["web"],"resources":["pods","pods/log"],"verbs":["get","list"]},{"apiGroups":["apps"],"resourceNames":["web"],"resources":["deployments"],"verbs":["get","list"]}]' \
  "$(k get role reader -o json | jq -cS .rules)" "rules of a role"
refuse "the server doesn't have a resource type \"nonsense\"" k create role bad --verb=get --resource=nonsense
expect 'rolebinding.rbac.authorization.k8s.io/readers created' k create rolebinding readers --role=reader --user=ann --group=staff --serviceaccount=made:robot
equals 'Role/reader User/ann Group/staff ServiceAccount/robot' \
  "$(k get rolebinding readers -o json | jq -r '"\(.roleRef.kind)/\(.roleRef.name) " + ([.subjects[] | "\(.kind)/\(.name)"] | join(" "))')" "a binding"
expect 'clusterrole.rbac.authorization.k8s.io/probe created' "$K" create clusterrole probe --verb=get --non-resource-url='/healthz*' 
equals '[{"nonResourceURLs":["/healthz*"],"verbs":["get"]}]' "$("$K" get clusterrole probe -o json | jq -cS .rules)" "a role for paths"
expect 'clusterrole.rbac.authorization.k8s.io/gathered created' "$K" create clusterrole gathered --aggregation-rule=rbac.example.com/gather=true
holds true '{.aggregationRule.clusterRoleSelectors[0].matchLabels.rbac\.example\.com/gather}' clusterrole gathered
expect 'clusterrolebinding.rbac.authorization.k8s.io/probes created' "$K" create clusterrolebinding probes --clusterrole=probe --user=prober
holds 'ClusterRole/probe User/prober' '{.roleRef.kind}/{.roleRef.name} {.subjects[0].kind}/{.subjects[0].name}' clusterrolebinding probes
equals ok "$("$K" get --raw /healthz --as=prober)" "what the bound user reads"

step "quota"
"$K" create namespace small >/dev/null
expect '^resourcequota/limits created$' "$K" -n small create quota limits --hard=pods=1,configmaps=3,requests.cpu=1
soon 10 '^1 0 0$' "$K" -n small get quota limits -o jsonpath='{.status.hard.pods} {.status.used.pods} {.status.used.requests\.cpu}'
refuse 'forbidden: failed quota: limits: must specify requests.cpu' "$K" -n small run a --image=x
k_small_pod() { "$K" -n small run "$1" --image=x --overrides='{"spec":{"containers":[{"name":"'"$1"'","image":"x","resources":{"requests":{"cpu":"100m"}}}]}}'; }
expect '^pod/a created$' k_small_pod a
refuse 'forbidden: exceeded quota: limits, requested: pods=1, used: pods=1, limited: pods=1' k_small_pod b
expect '^resourcequota/best created$' "$K" -n small create quota best --hard=pods=5 --scopes=BestEffort
holds '["BestEffort"]' '{.spec.scopes}' -n small quota best

step "deployment"
expect '^deployment.apps/web created$' k create deployment web --image=nginx:1 --image=registry.example/side/car:2 --replicas=2 
holds '2 {"app":"web"} nginx car' '{.spec.replicas} {.spec.selector.matchLabels} {.spec.template.spec.containers[*].name}' -n made deployment web
holds '25% 25% 10 600 RollingUpdate' '{.spec.strategy.rollingUpdate.maxSurge} {.spec.strategy.rollingUpdate.maxUnavailable} {.spec.revisionHistoryLimit} {.spec.progressDeadlineSeconds} {.spec.strategy.type}' -n made deployment web
expect '^deployment.apps/busy created$' k create deployment busy --image=busybox --port=8080 -- sleep 1d
holds '8080 ["sleep","1d"]' '{.spec.template.spec.containers[0].ports[0].containerPort} {.spec.template.spec.containers[0].command}' -n made deployment busy
expect 'deployment "web" successfully rolled out' k rollout status deployment web --timeout=30s
refuse 'Invalid value: "Web": a lowercase RFC 1123 subdomain' k create deployment Web --image=x

step "job, cronjob, and one of the other"
expect '^job.batch/once created$' k create job once --image=busybox -- echo it works
expect 'job.batch/once condition met' k wait --for=condition=Complete job/once --timeout=20s
equals 'it works' "$(k logs job/once)" "the log of a job"
holds '1 Never 1' '{.status.succeeded} {.spec.template.spec.restartPolicy} {.spec.completions}' -n made job once
expect '^cronjob.batch/nightly created$' k create cronjob nightly --image=busybox --schedule='0 3 * * *' --restart=OnFailure -- date
holds '0 3 * * * OnFailure Allow 3 1' '{.spec.schedule} {.spec.jobTemplate.spec.template.spec.restartPolicy} {.spec.concurrencyPolicy} {.spec.successfulJobsHistoryLimit} {.spec.failedJobsHistoryLimit}' -n made cronjob nightly
refuse 'spec.schedule: Invalid value: "often": expected exactly 5 fields, found 1' k create cronjob often --image=x --schedule=often
expect '^job.batch/now created$' k create job now --from=cronjob/nightly
holds 'CronJob/nightly true manual' '{.metadata.ownerReferences[0].kind}/{.metadata.ownerReferences[0].name} {.metadata.ownerReferences[0].controller} {.metadata.annotations.cronjob\.kubernetes\.io/instantiate}' -n made job now

step "service"
expect '^service/inside created$' k create service clusterip inside --tcp=80:8080 --tcp=443
holds '80>8080 443>443 ClusterIP' '{range .spec.ports[*]}{.port}>{.targetPort} {end}{.spec.type}' -n made service inside
expect '^10\.' k get service inside -o jsonpath='{.spec.clusterIP}'
expect '^service/headless created$' k create service clusterip headless --clusterip=None
holds None '{.spec.clusterIP}' -n made service headless
expect '^service/door created$' k create service nodeport door --tcp=80 --node-port=30123
holds 'NodePort 30123 Cluster' '{.spec.type} {.spec.ports[0].nodePort} {.spec.externalTrafficPolicy}' -n made service door
refuse 'nodePort: Invalid value: 30123: provided port is already allocated' k create service nodeport second --tcp=80 --node-port=30123
refuse 'not in the valid range|provided port is not in the valid range' k create service nodeport third --tcp=80 --node-port=80
expect '^service/outside created$' k create service loadbalancer outside --tcp=80
holds 'LoadBalancer true' '{.spec.type} {.spec.allocateLoadBalancerNodePorts}' -n made service outside
expect '^service/elsewhere created$' k create service externalname elsewhere --external-name=db.example.com --tcp=5432
holds 'ExternalName db.example.com ' '{.spec.type} {.spec.externalName} {.spec.clusterIP}' -n made service elsewhere

step "ingress, poddisruptionbudget, priorityclass"
expect '^ingress.networking.k8s.io/front created$' k create ingress front --class=public --rule='shop.example/cart*=web:80,tls=served' --rule='/=web:http' --default-backend=inside:443
equals '{"host":"shop.example","path":"/cart","type":"Prefix","port":{"number":80}} {"host":null,"path":"/","type":"Exact","port":{"name":"http"}}' \
  "$(k get ingress front -o json | jq -c '.spec.rules[] | .host as $host | .http.paths[] | {host: $host, path, type: .pathType, port: .backend.service.port}' | paste -sd' ')" "rules of an ingress"
holds 'public inside served shop.example' '{.spec.ingressClassName} {.spec.defaultBackend.service.name} {.spec.tls[0].secretName} {.spec.tls[0].hosts[0]}' -n made ingress front
expect '^poddisruptionbudget.policy/keep created$' k create poddisruptionbudget keep --selector=app=web --min-available=1
soon 10 '^1 2 1$' k get pdb keep -o jsonpath='{.status.disruptionsAllowed} {.status.currentHealthy} {.status.desiredHealthy}'
expect '^poddisruptionbudget.policy/half created$' k create pdb half --selector=app=busy --max-unavailable=50%
holds 50% '{.spec.maxUnavailable}' -n made pdb half
expect '^priorityclass.scheduling.k8s.io/urgent created$' "$K" create priorityclass urgent --value=1000 --description='before others' --preemption-policy=Never
holds '1000 before others Never ' '{.value} {.description} {.preemptionPolicy} {.globalDefault}' priorityclass urgent
expect '^priorityclass.scheduling.k8s.io/usual created$' "$K" create priorityclass usual --value=5 --global-default
holds true '{.globalDefault}' priorityclass usual
refuse 'is already marked as default' "$K" create priorityclass second --value=6 --global-default
refuse 'maximum allowed value of a user defined priority is 1000000000' "$K" create priorityclass huge --value=2000000000
"$K" delete priorityclass usual >/dev/null

step "run"
expect '^pod/alone created$' k run alone --image=busybox --labels=app=alone,tier=none --env=MODE=test --port=5701 --restart=Never --command -- sleep 1d
holds 'none MODE=test 5701 Never ["sleep","1d"]' '{.metadata.labels.tier} {.spec.containers[0].env[0].name}={.spec.containers[0].env[0].value} {.spec.containers[0].ports[0].containerPort} {.spec.restartPolicy} {.spec.containers[0].command}' -n made pod alone
soon 10 '^Running$' k get pod alone -o jsonpath='{.status.phase}'
expect 'service/exposed created' k run exposed --image=nginx --port=80 --expose
holds 'exposed 80' '{.spec.selector.run} {.spec.ports[0].port}' -n made service exposed
expect '^pod/urgent created$' k run urgent --image=x --overrides='{"spec":{"priorityClassName":"urgent"}}'
holds '1000 Never' '{.spec.priority} {.spec.preemptionPolicy}' -n made pod urgent
refuse 'no PriorityClass with name missing was found' k run lost --image=x --overrides='{"spec":{"priorityClassName":"missing"}}'
k run quick --image=x --restart=Never --annotations=note=here -o yaml --dry-run=client >"$WORK/quick.yaml"
expect 'note: here' cat "$WORK/quick.yaml"
equals 'hello' "$(k run talker --image=x --restart=Never -o name -- echo hello >/dev/null; k wait --for=jsonpath='{.status.phase}'=Succeeded pod/talker --timeout=10s >/dev/null; k logs talker)" "a pod that says something and ends"

step "--edit, --save-config, --raw, --validate"
cat >"$WORK/editor" <<'E'
#!/bin/sh
exec sed -i -E "$EDIT" "$1"
E
chmod +x "$WORK/editor"
export KUBE_EDITOR=$WORK/editor
expect 'configmap/edited created' env EDIT='s/name: before/name: edited/' "$K" -n made create --edit -f - <<<'{apiVersion: v1, kind: ConfigMap, metadata: {name: before}, data: {k: v}}'
equals '{"k":"v"}' "$(data configmap edited)" "what was edited before it was created"
expect 'configmap/saved created' k create configmap saved --from-literal=a=b --save-config
expect '"a":"b"' k get configmap saved -o jsonpath='{.metadata.annotations.kubectl\.kubernetes\.io/last-applied-configuration}'
expect '"name":"by-path"' "$K" create --raw /api/v1/namespaces/made/configmaps -f - <<<'{"metadata":{"name":"by-path"}}'
typo='{apiVersion: v1, kind: ConfigMap, metadata: {name: typo}, date: {k: v}}'
refuse 'unknown field "date"' k create -f - <<<"$typo"
expect 'Warning: unknown field "date"' k create --validate=warn -f - <<<"$typo"
expect '^configmap/named-[a-z0-9]{5} created$' k create -f - <<<'{apiVersion: v1, kind: ConfigMap, metadata: {generateName: named-}}'
stop
