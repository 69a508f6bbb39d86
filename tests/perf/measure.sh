#!/usr/bin/env bash
# tests/perf/measure.sh [program]: prints the numbers the README quotes. Asserts nothing.
source "$(dirname "$0")/../e2e/lib.sh"
now() { date +%s%N; }
ms() { echo $((($(now) - $1) / 1000000)); }

step "from exec to /readyz on an existing directory (ms), five times"
start --nodes 10
curl_credentials
stop
port=$(sed 's/.*://' <<<"$URL")
for _ in 1 2 3 4 5; do
  began=$(now)
  "$PH" up --data-dir "$DATA" --secure-port "$port" --nodes 10 >"$WORK/server.log" 2>&1 &
  SERVER=$!
  until [ "$(curl -s --max-time 1 --cacert "$CA" "$URL/readyz" 2>/dev/null)" = ok ]; do
    [ "$(ms "$began")" -lt 20000 ] || fail "it is not ready after 20 s"
  done
  echo "  readyz after $(ms "$began") ms; by its own count: $(sed -n 's/^  apiserver .* \([0-9.]* s\)$/\1/p' "$WORK/server.log")"
  stop
done

step "idle, 10 hollow nodes, all loops, after 20 s: resident memory and CPU over 30 s"
start --nodes 10
sleep 20
ticks() { awk '{print $14 + $15}' "/proc/$SERVER/stat"; }
before=$(ticks)
sleep 30
after=$(ticks)
echo "  RSS $(awk '/VmRSS/ {print $2 / 1024 " MB"}' "/proc/$SERVER/status"), CPU $(awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" 'BEGIN {printf "%.2f %% of a core", 100 * t / hz / 30}')"

step "1,000 pods through a Deployment: from the apply to all Running (ms)"
cat >"$WORK/thousand.yaml" <<'Y'
apiVersion: apps/v1
kind: Deployment
metadata: {name: thousand}
spec:
  replicas: 1000
  selector: {matchLabels: {app: thousand}}
  template:
    metadata: {labels: {app: thousand}}
    spec: {containers: [{name: c, image: "img:1"}]}
Y
curl_credentials
deployments=$URL/apis/apps/v1/namespaces/default/deployments
# One watch, so that measuring takes nothing from what is measured.
coproc WATCH { exec curl -sSN --cacert "$CA" --cert "$CERT" --key "$KEY" "$deployments?watch=1&timeoutSeconds=60&fieldSelector=metadata.name%3Dthousand"; }
began=$(now)
call -H 'Content-Type: application/yaml' --data-binary @"$WORK/thousand.yaml" "$deployments" >/dev/null
grep -q -m 1 '"readyReplicas":1000' <&"${WATCH[0]}" || fail "not all pods are ready after a minute"
echo "  $(ms "$began") ms"
echo "  RSS $(awk '/VmRSS/ {print $2 / 1024 " MB"}' "/proc/$SERVER/status")"

{ kill "$WATCH_PID" && wait "$WATCH_PID"; } 2>/dev/null || true

step "reads of those pods"
for form in "application/json" "application/vnd.kubernetes.protobuf"; do
  began=$(now)
  bytes=$(call -H "Accept: $form" "$URL/api/v1/pods" | wc -c)
  echo "  list as $form: $bytes bytes in $(ms "$began") ms, curl's own start included"
done
stop
