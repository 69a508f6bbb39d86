#!/usr/bin/env bash
# tests/perf/nodes.sh [NODES [PODS [SECONDS]]]: so many hollow nodes (10,000) with so many pods (100,000), as four programs, watched at rest for so
# many seconds (600). Prints, of every program: CPU (thousandths of a core) and resident memory; and of the apiserver: requests a second and the
# 99th percentile of their time by verb. Asserts nothing but that all pods become ready. The pods come from Deployments of 1,000 each.
NODES=${1:-10000} PODS=${2:-100000} SECONDS_AT_REST=${3:-600}
export PH_SEPARATE=1
source "$(dirname "$0")/../e2e/lib.sh"
HZ=$(getconf CLK_TCK)
DEPLOYMENTS=$(((PODS + 999) / 1000))

deployment() {
  cat <<Y
apiVersion: apps/v1
kind: Deployment
metadata: {name: rest-$1}
spec:
  replicas: $2
  selector: {matchLabels: {app: rest-$1}}
  template:
    metadata: {labels: {app: rest-$1}}
    spec: {containers: [{name: c, image: "img:1", resources: {requests: {cpu: 10m, memory: 10Mi}}}]}
Y
}

ready() { call "$URL/apis/apps/v1/namespaces/default/deployments" | awk -F'"readyReplicas": *' '{for (i = 2; i <= NF; ++i) sum += $i + 0} END {print sum + 0}'; }

# Ticks of CPU of every program: "name ticks".
cpu() {
  for name in apiserver manager scheduler node; do
    awk -v name="$name" '{print name, $14 + $15}' "/proc/${DAEMONS[$name]}/stat"
  done
}

# The buckets of the requests' times, summed over all but the verb: "verb le count".
buckets() {
  call "$URL/metrics" | grep '^apiserver_request_duration_seconds_bucket{' |
    awk '{match($0, /verb="[^"]*"/); verb = substr($0, RSTART + 6, RLENGTH - 7)
          match($0, /[{,]le="[^"]*"/); le = substr($0, RSTART + 5, RLENGTH - 6)
          sum[verb " " le] += $NF}
         END {for (key in sum) print key, sum[key]}'
}

step "$NODES hollow nodes"
start --nodes "$NODES"
curl_credentials

step "$PODS pods"
left=$PODS
for i in $(seq 1 "$DEPLOYMENTS"); do
  size=$((left > 1000 ? 1000 : left)) left=$((left - 1000))
  deployment "$i" "$size" | call -H 'Content-Type: application/yaml' --data-binary @- "$URL/apis/apps/v1/namespaces/default/deployments" >/dev/null
done
was=-1 still=0 count=0
while [ "$count" -lt "$PODS" ]; do
  sleep 5
  count=$(ready)
  echo "  $count"
  if [ "$count" -gt "$was" ]; then still=0; else still=$((still + 1)); fi
  [ "$still" -lt 36 ] || fail "nothing has become ready for three minutes"
  was=$count
done
sleep 30

step "$SECONDS_AT_REST seconds at rest"
cpu >"$WORK/cpu_before"
buckets >"$WORK/buckets_before"
sleep "$SECONDS_AT_REST"
cpu >"$WORK/cpu_after"
buckets >"$WORK/buckets_after"
equals "$PODS" "$(ready)" "pods that are ready in the end"

printf '  %-12s %10s %10s\n' program "core/1000" "MB"
while read -r name after; do
  before=$(awk -v name="$name" '$1 == name {print $2}' "$WORK/cpu_before")
  mb=$(awk '/^VmRSS:/ {printf "%.0f", $2 / 1024}' "/proc/${DAEMONS[$name]}/status")
  awk -v name="$name" -v ticks=$((after - before)) -v hz="$HZ" -v s="$SECONDS_AT_REST" -v mb="$mb" \
    'BEGIN {printf "  %-12s %10.1f %10d\n", name, ticks * 1000 / hz / s, mb}'
done <"$WORK/cpu_after"

printf '  %-20s %12s %12s\n' verb "requests/s" "p99 below, s"
awk -v s="$SECONDS_AT_REST" '
  NR == FNR {before[$1 " " $2] = $3; next}
  {count[$1 " " $2] = $3 - before[$1 " " $2]; verbs[$1] = 1; bounds[$2] = 1}
  END {
    for (verb in verbs) {
      all = count[verb " +Inf"]
      if (all <= 0) continue
      best = "+Inf"
      for (bound in bounds) {
        if (bound == "+Inf" || count[verb " " bound] < 0.99 * all) continue
        if (best == "+Inf" || bound + 0 < best + 0) best = bound
      }
      printf "  %-20s %12.1f %12s\n", verb, all / s, best
    }
  }' "$WORK/buckets_before" "$WORK/buckets_after" | sort
stop
