# The leader's connections fall silent without a word, while new ones are served: it makes a new one in time, and keeps its lease.
source "$(dirname "$0")/lib.sh"
start_apiserver
curl_credentials
python3 "$ROOT/tests/e2e/freezing_proxy.py" "${URL##*:}" >"$WORK/proxy.log" 2>&1 &
DAEMONS[proxy]=$!
said proxy '^listening on '
sed "s|$URL|https://127.0.0.1:$(sed -n 's/^listening on //p' "$WORK/proxy.log")|" "$DATA/controller-manager.kubeconfig" >"$WORK/by-proxy.kubeconfig"
LEASE=(--leader-elect-lease-duration=6s --leader-elect-renew-deadline=5s --leader-elect-retry-period=500ms)
daemon first ph-controller-manager --kubeconfig "$WORK/by-proxy.kubeconfig" --secure-port 0 "${LEASE[@]}"
said first 'loops started'
# Who takes the lease as soon as it can be had.
daemon second ph-controller-manager --kubeconfig "$DATA/controller-manager.kubeconfig" --secure-port 0 "${LEASE[@]}"
said second 'leader identity='
lease() { "$K" -n kube-system get lease kube-controller-manager -o jsonpath="{.spec.$1}"; }
later() { [[ "$(lease renewTime)" > "$1" ]]; }
holder=$(lease holderIdentity)
transitions=$(lease leaseTransitions)

for round in 1 2; do
  step "the leader's connections fall silent, $round"
  connections=$(grep -c '^a connection' "$WORK/proxy.log")
  kill -USR1 "${DAEMONS[proxy]}"
  eventually 5 bash -c "[ \"\$(grep -Ec '^[1-9][0-9]* connections are frozen' $WORK/proxy.log)\" = $round ]"
  # Until the lease would have ended, had the last renewal been the one before.
  eventually 30 later "$(date -u -d '+6 seconds' +%Y-%m-%dT%H:%M:%S.%6NZ)"
  equals "$holder" "$(lease holderIdentity)" "the holder"
  equals "$transitions" "$(lease leaseTransitions)" "how often the lease changed hands"
  [ "$(grep -c '^a connection' "$WORK/proxy.log")" -gt "$connections" ] || fail "the leader made no new connection"
done
equals 1 "$(grep -c 'loops started' "$WORK/first.log")" "how often the leader began"
grep -q 'loops started' "$WORK/second.log" && fail "both managers work"

step "it ends well, and the other goes on"
end_daemon first
said second 'loops started'
end_daemon second
end_daemon proxy
stop_separate
