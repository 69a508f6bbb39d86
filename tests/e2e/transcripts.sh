# A day of each kind of workload: created, scaled, updated, rolled back, deleted; what `kubectl describe` says after each step is
# compared with tests/e2e/transcripts/KIND.txt. WRITE_TRANSCRIPTS=1 writes them anew, to be read before they are committed.
source "$(dirname "$0")/lib.sh"
HERE=$ROOT/tests/e2e/transcripts
start --nodes 1
eventually 10 "$K" get serviceaccount default

# What differs from run to run: times, addresses, uids, random ends of names; the order of conditions and of events of one second,
# and how often one was counted.
normalised() {
  sed -E -e 's/[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} [+-][0-9]{4}/<time>/' \
    -e 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/<uid>/g' \
    -e 's/-[bcdfghjklmnpqrstvwxz2456789]{5}\b/-<random>/g' -e 's/(nightly-[0-9]{8})\b/nightly-<minute>/g' \
    -e 's/\b10\.[0-9]+\.[0-9]+\.[0-9]+\b/<ip>/g' -e 's/^(Duration: +).*/\1<time>/' |
    awk '/^[A-Z]/ {list = ""} /^(Events|Conditions):/ {list = $1; lines = 0}
         list == "" || ++lines <= 3 {close("sort -u"); print; fflush(); next}
         list == "Events:" {sub(/ +[0-9]+[smhd]+( \(x[0-9]+ over [0-9a-z]+\))? +/, "  <age>  "); gsub(/ +/, " ")}
         {print | "sort -u"}'
}

# told KIND STEP NAME: what describe says of KIND/NAME goes to the kind's transcript.
told() {
  { echo "== $1: $2"; "$K" describe "$1" "$3" | normalised; } >>"$WORK/$1.txt"
}

# compare KIND: with the transcript that is committed.
compare() {
  if [ -n "${WRITE_TRANSCRIPTS:-}" ]; then cp "$WORK/$1.txt" "$HERE/$1.txt"; return; fi
  CHECKED=$((CHECKED + $(grep -c '^==' "$HERE/$1.txt")))
  diff -u "$HERE/$1.txt" "$WORK/$1.txt" || fail "describe $1 says something else than its transcript"
}

gone() {
  "$K" delete "$1" "$2" --wait >/dev/null
  refuse "\"$2\" not found" "$K" get "$1" "$2"
  eventually 20 bash -c "[ -z \"\$($K get pods -l app=$2 -o name)\" ]"
}

containers() { echo "spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: \"$1:1\"}]}"; }

step "deployment"
"$K" apply -f - >/dev/null <<Y
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, $(containers web)}}
Y
rolled() { "$K" rollout status "$1" --timeout=60s >/dev/null; }
rolled deployment/web; told deployment created web
"$K" scale deployment web --replicas=3 >/dev/null; rolled deployment/web; told deployment scaled web
"$K" set image deployment/web main=web:2 >/dev/null; rolled deployment/web; told deployment updated web
"$K" rollout undo deployment/web >/dev/null; rolled deployment/web; told deployment "rolled back" web
NEWEST=$("$K" get replicasets -l app=web -o json | jq -r '[.items[] | select(.spec.replicas > 0)][0].metadata.name')
told replicaset "of the deployment" "$NEWEST"
gone deployment web; compare deployment; compare replicaset

step "statefulset"
"$K" apply -f - >/dev/null <<Y
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, labels: {app: db}}
spec: {serviceName: db, replicas: 2, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, $(containers db)}}
Y
rolled statefulset/db; told statefulset created db
"$K" scale statefulset db --replicas=3 >/dev/null; rolled statefulset/db; told statefulset scaled db
"$K" set image statefulset/db main=db:2 >/dev/null; rolled statefulset/db; told statefulset updated db
"$K" rollout undo statefulset/db >/dev/null; rolled statefulset/db; told statefulset "rolled back" db
told pod "of the stateful set" db-0
gone statefulset db; compare statefulset; compare pod

step "daemonset"
"$K" apply -f - >/dev/null <<Y
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, labels: {app: agent}}
spec: {selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}, $(containers agent)}}
Y
rolled daemonset/agent; told daemonset created agent
"$K" set image daemonset/agent main=agent:2 >/dev/null; rolled daemonset/agent; told daemonset updated agent
"$K" rollout undo daemonset/agent >/dev/null; rolled daemonset/agent; told daemonset "rolled back" agent
gone daemonset agent; compare daemonset

step "replicationcontroller"
"$K" apply -f - >/dev/null <<Y
apiVersion: v1
kind: ReplicationController
metadata: {name: old, labels: {app: old}}
spec: {replicas: 1, template: {metadata: {labels: {app: old}}, $(containers old)}}
Y
ready() { eventually 30 bash -c "[ \"\$($K get $1 $2 -o jsonpath='{.status.readyReplicas}')\" = $3 ]"; }
ready replicationcontroller old 1; told replicationcontroller created old
"$K" scale replicationcontroller old --replicas=2 >/dev/null; ready replicationcontroller old 2; told replicationcontroller scaled old
"$K" scale replicationcontroller old --replicas=1 >/dev/null
eventually 30 bash -c "[ \"\$($K get replicationcontroller old -o jsonpath='{.status.replicas}')\" = 1 ]"
told replicationcontroller "scaled down" old
gone replicationcontroller old; compare replicationcontroller

step "job"
"$K" apply -f - >/dev/null <<Y
apiVersion: batch/v1
kind: Job
metadata: {name: once, labels: {app: once}}
spec: {completions: 3, parallelism: 1, template: {metadata: {labels: {app: once}}, spec: {restartPolicy: Never, containers: [{name: main, image: "once:1", command: ["true"]}]}}}
Y
"$K" wait job/once --for=condition=Complete --timeout=60s >/dev/null; told job complete once
gone job once
"$K" create job held --image=held:1 --dry-run=client -o json | jq '.spec.suspend = true' | "$K" apply -f - >/dev/null
eventually 10 bash -c "$K get job held -o jsonpath='{.status.conditions[*].type}' | grep -q Suspended"
told job suspended held
"$K" patch job held -p '{"spec":{"suspend":false}}' >/dev/null
eventually 20 bash -c "[ \"\$($K get job held -o jsonpath='{.status.ready}')\" = 1 ]"
told job resumed held
gone job held; compare job

step "cronjob"
"$K" create cronjob nightly --image=nightly:1 --schedule='0 3 * * *' -- true >/dev/null
told cronjob created nightly
"$K" patch cronjob nightly -p '{"spec":{"suspend":true,"concurrencyPolicy":"Forbid","startingDeadlineSeconds":30}}' >/dev/null
told cronjob suspended nightly
gone cronjob nightly; compare cronjob
