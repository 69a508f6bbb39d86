#!/usr/bin/env bash
# tests/perf/scale.sh NODES DEPLOYMENTS REPLICAS [WINDOW]: so many pods through Deployments on so many hollow nodes, with
# `pilothouse up`. Prints pods a second in windows of so many seconds (2), CPU a pod in all and by thread, resident memory, and what
# 30 seconds at rest take; in the end a line for growth.sh: "=", nodes, pods, pods a second, µs of CPU a pod, MB resident, the most of them,
# and thousandths of a core at rest. Asserts nothing but that all pods become ready. SCALE_FLAGS: more flags of `up`.
[ $# -ge 3 ] || { echo "scale.sh NODES DEPLOYMENTS REPLICAS [WINDOW]" >&2; exit 2; }
NODES=$1 DEPLOYMENTS=$2 REPLICAS=$3 WINDOW=${4:-2}
source "$(dirname "$0")/../e2e/lib.sh"
PODS=$((DEPLOYMENTS * REPLICAS))
HZ=$(getconf CLK_TCK)
now() { date +%s%N; }
seconds() { awk -v ns="$1" 'BEGIN {printf "%.1f", ns / 1e9}'; }

# Ticks of CPU by thread, "all" first; threads that are numbered count together.
cpu() {
  awk '{print "all", $14 + $15}' "/proc/$SERVER/stat"
  cat "/proc/$SERVER/task"/*/stat 2>/dev/null | sed -E 's/^[0-9]+ \((.*)\) /\1\t/' |
    awk -F'\t' '{split($2, field, " "); sub(/[-:]?[0-9]+$/, "", $1); gsub(/ /, "_", $1); sum[$1] += field[12] + field[13]}
                END {for (name in sum) print name, sum[name]}'
}

# spent BEFORE AFTER DIVISOR UNIT: a line a thread, the most first; microseconds for each of DIVISOR.
spent() {
  awk -v hz="$HZ" -v divisor="$3" 'NR == FNR {before[$1] = $2; next} {us = ($2 - before[$1]) * 1e6 / hz; if (us > 0) print us / divisor, $1}' \
    "$1" "$2" | sort -rn | awk -v unit="${4:-}" '{printf "  %-14s %10.1f %s\n", $2, $1, unit}'
}

all_of() { awk '$1 == "all" {print $2}'; }
megabytes() { awk -v what="$1:" '$1 == what {printf "%.0f", $2 / 1024}' "/proc/$SERVER/status"; }
memory() { awk '/VmRSS|VmHWM/ {printf "%s %.0f MB  ", $1, $2 / 1024} END {print ""}' "/proc/$SERVER/status"; }

deployment() {
  cat <<Y
apiVersion: apps/v1
kind: Deployment
metadata: {name: scale-$1}
spec:
  replicas: $REPLICAS
  selector: {matchLabels: {app: scale-$1}}
  template:
    metadata: {labels: {app: scale-$1}}
    spec: {containers: [{name: c, image: "img:1", resources: {requests: {cpu: 10m, memory: 10Mi}}}]}
Y
}

# What the Deployments count as ready: a small list, whatever the number of pods.
ready() { call "$URL/apis/apps/v1/namespaces/default/deployments" | awk -F'"readyReplicas": *' '{for (i = 2; i <= NF; ++i) sum += $i + 0} END {print sum + 0}'; }

step "$NODES hollow nodes"
# shellcheck disable=SC2086
start --nodes "$NODES" ${SCALE_FLAGS:-}
curl_credentials
sleep 5
echo "  $(memory)"

step "$DEPLOYMENTS Deployments of $REPLICAS pods: ready after so many seconds, and a second since the line before"
cpu >"$WORK/before"
began=$(now)
for i in $(seq 1 "$DEPLOYMENTS"); do
  deployment "$i" | call -H 'Content-Type: application/yaml' --data-binary @- "$URL/apis/apps/v1/namespaces/default/deployments" >/dev/null
done
last=$began count=0 still=0
while [ "$count" -lt "$PODS" ]; do
  sleep "$WINDOW"
  was=$count count=$(ready) at=$(now)
  awk -v t="$(seconds $((at - began)))" -v count="$count" -v more=$((count - was)) -v ns=$((at - last)) \
    'BEGIN {printf "  %7.1f s %8d pods %8.0f/s\n", t, count, more * 1e9 / ns}'
  last=$at
  if [ "$count" -gt "$was" ]; then still=0; else still=$((still + 1)); fi
  [ "$still" -lt $((120 / WINDOW)) ] || fail "nothing has become ready for two minutes"
done
cpu >"$WORK/after"
RATE=$((PODS * 1000 / ((last - began) / 1000000)))
echo "  all $PODS after $(seconds $((last - began))) s: $RATE/s"

step "CPU a pod"
spent "$WORK/before" "$WORK/after" "$PODS" "µs a pod"
A_POD=$(spent "$WORK/before" "$WORK/after" "$PODS" | all_of)
echo "  $(memory)"

step "at rest, after 15 s: CPU over 30 s, in thousandths of a core"
sleep 15
cpu >"$WORK/before"
sleep 30
cpu >"$WORK/after"
spent "$WORK/before" "$WORK/after" 30000 "‰"
echo "  $(memory)"
echo "= $NODES $PODS $RATE $A_POD $(megabytes VmRSS) $(megabytes VmHWM) $(spent "$WORK/before" "$WORK/after" 30000 | all_of)"
stop
