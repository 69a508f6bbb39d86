# A hardened control plane works, `pilothouse cis` finds nothing wrong with it, and finds what is undone.
source "$(dirname "$0")/lib.sh"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# failing [flags of cis]: the items that fail, on one line; it ends with 1 if there are some, else with 0.
failing() {
  local code=0
  "$PH" cis -o json "$@" >"$WORK/cis.json" || code=$?
  local items
  items=$(jq -r '[.items[] | select(.status == "FAIL") | .item] | join(" ")' "$WORK/cis.json")
  [ $code -eq "$([ -z "$items" ] && echo 0 || echo 1)" ] || echo "it ended with $code"
  echo "$items"
}

step "in one process: kubectl works"
start --hardened --nodes 2
expect 'node-1 +Ready' "$K" get nodes
"$K" create deployment web --image=web:1 --replicas=2 >/dev/null
expect 'successfully rolled out' "$K" rollout status deployment/web --timeout=30s
holds Always '{.items[0].spec.containers[0].imagePullPolicy}' pods
"$K" create secret generic letter --from-literal=word=abracadabra-of-nobody >/dev/null
"$K" create configmap letter --from-literal=word=abracadabra-of-all >/dev/null
holds YWJyYWNhZGFicmEtb2Ytbm9ib2R5 '{.data.word}' secret letter

step "nobody is nobody, secrets are encrypted, and who wrote them stands in the log"
curl_credentials
equals 401 "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$URL/version")" "who shows no credentials"
grep -rqaF abracadabra-of-all "$DATA/store" || fail "the config map is not to be found in the store"
if grep -rqaF abracadabra-of-nobody "$DATA/store"; then fail "the secret stands in the store"; fi
if grep -rqaF abracadabra "$DATA/hardened"; then fail "bodies stand in the audit log"; fi
grep -q '"verb":"create".*"resource":"secrets".*"name":"letter"' "$DATA/hardened/audit.log" || fail "the audit log does not tell of the secret"
equals "" "$(find "$DATA" -perm /077)" "what others can read"

step "cis finds nothing wrong, and what is open to others"
expect '^CIS Kubernetes Benchmark [0-9.]+: [0-9]+ passed, 0 failed, 1 to be looked at' "$PH" cis
equals "" "$(failing)" "what fails"
chmod 644 "$DATA/admin.kubeconfig"
equals 1.1.13 "$(failing)" "what fails"
refuse '^1\.1\.13 +chmod 600 admin\.kubeconfig$' "$PH" cis
chmod 600 "$DATA/admin.kubeconfig"
stop

step "as programs: nothing wrong either, and what was encrypted is read"
start_apiserver 0 --hardened
curl_credentials
manager_port=$(free_port)
scheduler_port=$(free_port)
daemon manager ph-controller-manager --hardened --kubeconfig "$DATA/controller-manager.kubeconfig" --secure-port "$manager_port" \
  --client-ca-file="$DATA/pki/ca.crt"
daemon scheduler ph-scheduler --hardened --kubeconfig "$DATA/scheduler.kubeconfig" --secure-port "$scheduler_port" \
  --client-ca-file="$DATA/pki/ca.crt"
said manager 'loops started'
said scheduler 'scheduling begins'
holds YWJyYWNhZGFicmEtb2Ytbm9ib2R5 '{.data.word}' secret letter
ALL=(--controller-manager "https://127.0.0.1:$manager_port" --scheduler "https://127.0.0.1:$scheduler_port")
equals "" "$(failing "${ALL[@]}")" "what fails"
equals 1 "$(jq .manual "$WORK/cis.json")" "what is to be looked at"

step "a flag that is given counts, and is found"
for name in scheduler apiserver; do end_daemon $name; done
: >"$WORK/scheduler.log"
start_apiserver "${URL##*:}" --hardened --anonymous-auth=true --disable-admission-plugins=AlwaysPullImages
daemon scheduler ph-scheduler --hardened --kubeconfig "$DATA/scheduler.kubeconfig" --secure-port "$scheduler_port" \
  --client-ca-file="$DATA/pki/ca.crt" --profiling
equals 200 "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$URL/version")" "who shows no credentials"
said scheduler 'scheduling begins'
equals "1.2.1 1.2.11 1.4.1" "$(failing "${ALL[@]}")" "what fails"

step "what is not asked is to be looked at"
equals "1.2.1 1.2.11" "$(failing)" "what fails"
equals 10 "$(jq .manual "$WORK/cis.json")" "what is to be looked at"
refuse 'text or json' "$PH" cis -o yaml
refuse 'there is no data directory' "$PH" cis --data-dir "$WORK/nowhere"
