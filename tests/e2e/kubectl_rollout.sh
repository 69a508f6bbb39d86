# kubectl rollout, wait, events and logs: what workloads go through, as it is told to those who watch them.
source "$(dirname "$0")/lib.sh"
start --nodes 3
# Looked at last: by then it has been started again.
"$K" run crashes --image=x --annotations=role=crashes -- sh -c 'echo up; sleep 1; echo down; exit 3' >/dev/null
IMAGE='{.spec.template.spec.containers[0].image}'
workload() {   # KIND NAME SPEC
  printf '{apiVersion: apps/v1, kind: %s, metadata: {name: %s}, spec: {selector: {matchLabels: {app: %s}}, template: {metadata: {labels: {app: %s}}, spec: {containers: [{name: c, image: "v:1"}]}}%s}}' \
    "$1" "$2" "$2" "$2" "$3" | "$K" create -f - >/dev/null
}

step "a deployment: status, history, undo"
workload Deployment web ', replicas: 3'
expect '^deployment "web" successfully rolled out$' "$K" rollout status deployment/web --timeout=30s
"$K" annotate deployment web kubernetes.io/change-cause='the beginning' >/dev/null
"$K" set image deployment/web c=v:2 >/dev/null
"$K" annotate deployment web kubernetes.io/change-cause='a new image' --overwrite >/dev/null
expect 'successfully rolled out' "$K" rollout status deployment/web --timeout=30s
expect '^1 +the beginning$' "$K" rollout history deployment/web
expect '^2 +a new image$' "$K" rollout history deployment/web
expect 'Image:[[:space:]]+v:1' "$K" rollout history deployment/web --revision=1
refuse 'unable to find the specified revision' "$K" rollout history deployment/web --revision=9
expect '^deployment.apps/web rolled back$' "$K" rollout undo deployment/web
holds v:1 "$IMAGE" deployment web
expect 'successfully rolled out' "$K" rollout status deployment/web --timeout=30s
soon 10 '^3$' "$K" get deployment web -o jsonpath='{.metadata.annotations.deployment\.kubernetes\.io/revision}'
equals '2 3' "$("$K" rollout history deployment/web | awk '$1 ~ /^[0-9]+$/ {print $1}' | paste -sd' ')" "revisions after undo"
expect 'rolled back' "$K" rollout undo deployment/web --to-revision=2
holds v:2 "$IMAGE" deployment web
refuse 'unable to find specified revision 7 in history' "$K" rollout undo deployment/web --to-revision=7
soon 10 '^4$' "$K" get deployment web -o jsonpath='{.metadata.annotations.deployment\.kubernetes\.io/revision}'
expect 'skipped rollback \(current template already matches revision 4\)' "$K" rollout undo deployment/web --to-revision=4
expect 'Image:[[:space:]]+v:1' "$K" rollout undo deployment/web --dry-run=client

step "pause and resume"
expect '^deployment.apps/web paused$' "$K" rollout pause deployment/web
holds true '{.spec.paused}' deployment web
refuse 'is already paused' "$K" rollout pause deployment/web
sets=$("$K" get replicasets -l app=web -o name | wc -l)
"$K" set image deployment/web c=v:3 >/dev/null
"$K" set resources deployment/web --requests=cpu=10m >/dev/null
soon 10 '^DeploymentPaused$' "$K" get deployment web -o jsonpath='{.status.conditions[?(@.type=="Progressing")].reason}'
equals "$sets" "$("$K" get replicasets -l app=web -o name | wc -l)" "replica sets while it is paused"
refuse 'you cannot rollback a paused deployment; resume it first' "$K" rollout undo deployment/web
refuse 'can.t restart paused deployment' "$K" rollout restart deployment/web
expect '^deployment.apps/web resumed$' "$K" rollout resume deployment/web
refuse 'is not paused' "$K" rollout resume deployment/web
expect 'successfully rolled out' "$K" rollout status deployment/web --timeout=30s
equals $((sets + 1)) "$("$K" get replicasets -l app=web -o name | wc -l)" "two changes made one replica set"

step "restart"
before=$("$K" get pods -l app=web -o jsonpath='{.items[*].metadata.uid}')
expect '^deployment.apps/web restarted$' "$K" rollout restart deployment/web
expect '^20[0-9-]+T' "$K" get deployment web -o jsonpath='{.spec.template.metadata.annotations.kubectl\.kubernetes\.io/restartedAt}'
expect 'successfully rolled out' "$K" rollout status deployment/web --timeout=30s
soon 10 '^3$' bash -c "$K get pods -l app=web -o name | wc -l"
for uid in $before; do "$K" get pods -o jsonpath='{.items[*].metadata.uid}' | grep -q "$uid" && fail "a pod outlived the restart"; done
expect 'restarted' "$K" rollout restart deployment --selector=app!=none

step "a rollout that gets nowhere"
"$K" patch deployment web -p '{"spec":{"progressDeadlineSeconds":2,"minReadySeconds":1,"template":{"spec":{"nodeSelector":{"no":"where"}}}}}' >/dev/null
refuse 'exceeded its progress deadline' "$K" rollout status deployment/web --timeout=30s
expect 'ProgressDeadlineExceeded' "$K" get deployment web -o jsonpath='{.status.conditions[?(@.type=="Progressing")].reason}'
expect 'rolled back' "$K" rollout undo deployment/web
expect 'successfully rolled out' "$K" rollout status deployment/web --timeout=30s
refuse '^error: timed out waiting for the condition$' bash -c "$K patch deployment web -p '{\"spec\":{\"progressDeadlineSeconds\":600,\"template\":{\"spec\":{\"nodeSelector\":{\"no\":\"there\"}}}}}' >/dev/null; $K rollout status deployment/web --timeout=1s"
"$K" delete deployment web --wait=false >/dev/null

step "a stateful set"
workload StatefulSet db ', replicas: 3, serviceName: db'
expect 'partitioned roll out complete: 3 new pods have been updated' "$K" rollout status statefulset/db --timeout=40s
"$K" set image statefulset/db c=v:2 >/dev/null
expect 'partitioned roll out complete: 3 new pods have been updated' "$K" rollout status statefulset/db --timeout=40s
equals 'v:2 v:2 v:2' "$("$K" get pods -l app=db -o jsonpath='{.items[*].spec.containers[0].image}')" "images of the set"
expect '^2 ' "$K" rollout history statefulset/db
expect 'Image:[[:space:]]+v:1' "$K" rollout history statefulset/db --revision=1
expect '^statefulset.apps/db rolled back$' "$K" rollout undo statefulset/db
expect 'partitioned roll out complete: 3 new pods have been updated' "$K" rollout status statefulset/db --timeout=40s
holds v:1 "$IMAGE" statefulset db
equals '2 3' "$("$K" rollout history statefulset/db | awk '$1 ~ /^[0-9]+$/ {print $1}' | paste -sd' ')" "revisions of the set"
"$K" patch statefulset db -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":2}}}}' >/dev/null
"$K" set image statefulset/db c=v:3 >/dev/null
expect 'partitioned roll out complete: 1 new pods have been updated' "$K" rollout status statefulset/db --timeout=40s
equals 'v:1 v:1 v:3' "$("$K" get pods -l app=db --sort-by=.metadata.name -o jsonpath='{.items[*].spec.containers[0].image}')" "a partition holds the others back"
refuse 'pausing is not supported' "$K" rollout pause statefulset/db
expect 'statefulset.apps/db restarted' "$K" rollout restart statefulset/db
"$K" delete statefulset db --wait=false >/dev/null

step "a daemon set"
workload DaemonSet agent ''
expect '^daemon set "agent" successfully rolled out$' "$K" rollout status daemonset/agent --timeout=30s
equals 3 "$("$K" get pods -l app=agent -o jsonpath='{range .items[*]}{.spec.nodeName}{"\n"}{end}' | sort -u | wc -l)" "nodes with an agent"
"$K" set image daemonset/agent c=v:2 >/dev/null
expect 'successfully rolled out' "$K" rollout status daemonset/agent --timeout=30s
expect '^2 ' "$K" rollout history daemonset/agent
expect '^daemonset.apps/agent rolled back$' "$K" rollout undo daemonset/agent
holds v:1 "$IMAGE" daemonset agent
expect 'successfully rolled out' "$K" rollout status daemonset/agent --timeout=30s
expect 'daemonset.apps/agent restarted' "$K" rollout restart daemonset agent
expect 'successfully rolled out' "$K" rollout status daemonset/agent --timeout=30s
"$K" delete daemonset agent --wait=false >/dev/null

step "wait"
"$K" create job later --image=x -- sleep 2 >/dev/null
refuse 'condition not met for jobs/later' "$K" wait --for=condition=Complete job/later --timeout=0s
expect '^job.batch/later condition met$' "$K" wait --for=condition=Complete job/later --timeout=20s
expect 'job.batch/later condition met' "$K" wait --for=jsonpath='{.status.succeeded}'=1 job/later --timeout=5s
"$K" run there --image=x >/dev/null
expect '^pod/there condition met$' "$K" wait --for=condition=Ready pod -l run=there --timeout=20s
expect 'pod/there condition met' "$K" wait --for=jsonpath='{.status.podIP}' pod/there --timeout=5s
(sleep 0.5; "$K" create configmap awaited --from-literal=a=b >/dev/null) &
expect '^configmap/awaited condition met$' "$K" wait --for=create configmap/awaited --timeout=20s
(sleep 0.5; "$K" delete pod there --wait=false >/dev/null) &
expect '^pod/there condition met$' "$K" wait --for=delete pod/there --timeout=20s
refuse 'pods "there" not found' "$K" get pod there
refuse 'no matching resources found' "$K" wait --for=condition=Ready pod -l run=nothing --timeout=1s
refuse 'pods "none" not found' "$K" wait --for=condition=Ready pod/none --timeout=1s
wait $(jobs -p | grep -v "^$SERVER$") 2>/dev/null || true

step "logs"
"$K" run talks --image=x --restart=Never -- sh -c 'echo first; echo second; echo third' >/dev/null
"$K" run tells --image=x --restart=Never -- sh -c 'echo once; sleep 2; echo more' >/dev/null
"$K" wait --for=jsonpath='{.status.phase}'=Running pod/tells --timeout=20s >/dev/null
equals once "$("$K" logs tells)" "what has been said so far"
equals 'once more' "$(timeout 20 "$K" logs --follow tells | paste -sd' ')" "a log that is followed to its end"
equals Succeeded "$("$K" get pod tells -o jsonpath='{.status.phase}')" "when it has ended"
equals 'first second third' "$("$K" logs talks | paste -sd' ')" "all of a log"
equals 'second third' "$("$K" logs talks --tail=2 | paste -sd' ')" "its tail"
equals 'first sec' "$("$K" logs talks --limit-bytes=9 | paste -sd' ')" "so many bytes of it"
expect '^20[0-9]{2}-[0-9-]{5}T[0-9:]{8}\.[0-9]{9}Z second$' "$K" logs talks --timestamps
equals '' "$("$K" logs talks --since-time=2999-01-01T00:00:00Z)" "what was said in the future"
equals 'first second third' "$("$K" logs talks --since=1h | paste -sd' ')" "what was said in the last hour"
expect '^\[pod/talks/talks\] first$' "$K" logs talks --prefix
expect '^third$' "$K" logs -l run=talks --all-containers
expect '^third$' "$K" logs -l role!=none,run=talks --tail=-1
refuse 'container none is not valid for pod talks' "$K" logs talks -c none
refuse 'pods "nobody" not found' "$K" logs nobody
refuse '\(BadRequest\): previous terminated container "talks" in pod "talks" not found' "$K" logs talks --previous
refuse 'tailLines: Invalid value: -3: must be greater than or equal to 0' "$K" get --raw '/api/v1/namespaces/default/pods/talks/log?tailLines=-3'
"$K" run pending --image=x --overrides='{"spec":{"schedulerName":"nobody"}}' >/dev/null
equals '' "$("$K" logs pending)" "the log of a pod without a node"
"$K" run prepares --image=x --overrides='{"spec":{"initContainers":[{"name":"first","image":"x","command":["sh","-c","echo ready; sleep 2"]}]}}' >/dev/null
soon 10 '^PodInitializing$' "$K" get pod prepares -o jsonpath='{.status.containerStatuses[0].state.waiting.reason}'
refuse '\(BadRequest\): container "prepares" in pod "prepares" is waiting to start: PodInitializing' "$K" logs prepares
equals ready "$("$K" logs prepares -c first)" "the log of an init container"
soon 10 '^.*hollow container prepares of pod default/prepares started' "$K" logs prepares
soon 20 '^[1-9]' "$K" get pod crashes -o jsonpath='{.status.containerStatuses[0].restartCount}'
equals 'up down' "$("$K" logs crashes --previous | paste -sd' ')" "the log of the run before"
holds 'Error 3' '{.status.containerStatuses[0].lastState.terminated.reason} {.status.containerStatuses[0].lastState.terminated.exitCode}' pod crashes
expect '^crashes +[01]/1 +(Running|Error|CrashLoopBackOff) +[1-9] \([0-9ms]+ ago\) +[0-9ms]+$' "$K" get pod crashes
expect 'Last State: +Terminated' "$K" describe pod crashes
workload Deployment crowd ', replicas: 2'
"$K" rollout status deployment/crowd --timeout=30s >/dev/null
expect '^Found 2 pods, using pod/crowd-' "$K" logs deployment/crowd
equals 2 "$("$K" logs -l app=crowd --prefix | grep -c '^\[pod/crowd-')" "logs of all of them"

step "events"
expect 'Scheduled.*Successfully assigned default/talks to node-' "$K" events --for=pod/talks
expect '^[0-9]+m?s? .*SuccessfulCreate' "$K" events --types=Normal
equals '' "$("$K" events --for=pod/talks --types=Warning -o name)" "warnings about a pod that went well"
expect '"reason": "Scheduled"' "$K" events --for=pod/talks -o json
"$K" events --watch --for=pod/late >"$WORK/events" 2>&1 & EVENTS=$!
sleep 0.5
"$K" run late --image=x >/dev/null
soon 10 ' Normal +Scheduled +Pod/late +Successfully assigned default/late to node-' cat "$WORK/events"
kill $EVENTS; wait $EVENTS 2>/dev/null || true
expect 'ScalingReplicaSet +deployment/web +Scaled up replica set web-' "$K" get events --field-selector=involvedObject.kind=Deployment,reason=ScalingReplicaSet --sort-by=.metadata.creationTimestamp
expect '^Completed +Job$' "$K" get events.v1.events.k8s.io --field-selector=reason=Completed -o custom-columns=R:.reason,K:.regarding.kind
stop
