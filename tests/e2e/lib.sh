# What every end-to-end test starts from: a control plane of its own on a free port, in a temporary directory, gone at the end.
# Sourced. Sets KUBECONFIG, PH (the program), K (kubectl).
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PH=${PH_PROGRAM:?the program under test}
K=$("$ROOT/scripts/kubectl" "${KUBECTL_VERSION:-33}")
WORK=$(mktemp -d)
DATA=$WORK/data
SERVER=
CHECKED=0   # how often something was looked at; told at the end
FAILED=0    # with KEEP_GOING=1 all that fails is told, not the first alone
export KUBECACHEDIR=$WORK/discovery   # what kubectl remembers goes by address, and ports are used again
declare -A DAEMONS=()   # name → process, when the programs run apart (PH_SEPARATE=1)
BIN=$(dirname "$PH")
trap finish EXIT

finish() {
  local code=$?
  [ "$FAILED" -eq 0 ] || { echo "$FAILED failed" && code=1; }
  for name in "${!DAEMONS[@]}"; do
    kill "${DAEMONS[$name]}" 2>/dev/null && wait "${DAEMONS[$name]}" 2>/dev/null || true
    if [ $code -ne 0 ]; then echo "--- the last words of $name:"; tail -n 20 "$WORK/$name.log"; fi
  done
  [ -z "$SERVER" ] || { kill "$SERVER" 2>/dev/null && wait "$SERVER" 2>/dev/null; } || true
  if [ $code -ne 0 ] && [ -f "$WORK/server.log" ]; then
    echo "--- the server's last words:"; tail -n 40 "$WORK/server.log"
  fi
  rm -rf "$WORK"
  [ $code -ne 0 ] || [ "$CHECKED" -eq 0 ] || echo "$CHECKED checks"
  exit $code
}

# daemon NAME PROGRAM [flags]: starts a program in the background; its output goes to $WORK/NAME.log.
daemon() {
  local name=$1 program=$2
  shift 2
  "$BIN/$program" "$@" >>"$WORK/$name.log" 2>&1 &
  DAEMONS[$name]=$!
}

# end_daemon NAME: SIGTERM; it must end with 0.
end_daemon() {
  local pid=${DAEMONS[$1]}
  unset "DAEMONS[$1]"
  kill "$pid"
  wait "$pid" || { echo "$1 ended with $?"; tail -n 20 "$WORK/$1.log"; return 1; }
}

# crash_daemon NAME: SIGKILL.
crash_daemon() {
  local pid=${DAEMONS[$1]}
  unset "DAEMONS[$1]"
  kill -9 "$pid"
  wait "$pid" 2>/dev/null || true
}

# said NAME PATTERN [SECONDS]: the daemon's output comes to hold the pattern.
said() {
  for _ in $(seq 1 $((${3:-15} * 20))); do
    grep -Eq -- "$2" "$WORK/$1.log" && return 0
    sleep 0.05
  done
  fail "$1 did not say /$2/ in ${3:-15} s: $(tail -n 5 "$WORK/$1.log")"
}

# start_apiserver [PORT [flags]]
start_apiserver() {
  : >"$WORK/apiserver.log"
  daemon apiserver ph-apiserver --data-dir "$DATA" --bind-address 127.0.0.1 --secure-port "${1:-0}" "${@:2}"
  said apiserver '^ready: '
  export KUBECONFIG=$DATA/admin.kubeconfig
}

# The same cluster as four programs; takes --nodes, --stages and --controllers of `pilothouse up`, and --request-timeout=… and
# --metrics-server=… of the apiserver; `port` is where the nodes listen then.
start_separate() {
  local nodes=3 controllers='*' serving=() hollow=() port=0
  while [ $# -gt 0 ]; do
    case $1 in
      --nodes) nodes=$2; shift ;;
      --controllers=*) controllers=${1#*=} ;;
      --request-timeout=*) serving+=("$1") ;;
      --metrics-server=*) serving+=("$1"); port=${1##*:} ;;
      --stages) hollow+=("$1" "$2"); shift ;;
      *) fail "start: $1 is not known to separate programs" ;;
    esac
    shift
  done
  start_apiserver 0 "${serving[@]}"
  daemon manager ph-controller-manager --kubeconfig "$DATA/controller-manager.kubeconfig" --secure-port 0 --controllers="$controllers" \
    --use-service-account-credentials
  daemon scheduler ph-scheduler --kubeconfig "$DATA/scheduler.kubeconfig" --secure-port 0
  daemon node ph-node --kubeconfig "$DATA/node.kubeconfig" --secure-port "$port" --nodes "$nodes" "${hollow[@]}"
  said manager 'loops started'
  said scheduler 'scheduling begins'
  said node 'all nodes are registered'
  eventually 10 "$K" get serviceaccount default
}

stop_separate() {
  for name in node scheduler manager apiserver; do
    [ -z "${DAEMONS[$name]:-}" ] || end_daemon $name
  done
}

# start [flags of `pilothouse up`]: returns when it is ready.
start() {
  if [ -n "${PH_SEPARATE:-}" ]; then start_separate "$@"; return; fi
  : >"$WORK/server.log"
  "$PH" up --data-dir "$DATA" --secure-port 0 "$@" >"$WORK/server.log" 2>&1 &
  SERVER=$!
  export KUBECONFIG=$DATA/admin.kubeconfig
  for _ in $(seq 1 300); do
    grep -q '^ready after' "$WORK/server.log" && return 0
    kill -0 "$SERVER" 2>/dev/null || { echo "it did not start"; SERVER=; return 1; }
    sleep 0.05
  done
  echo "it is not ready after 15 s"
  return 1
}

stop() {
  if [ -n "${PH_SEPARATE:-}" ]; then stop_separate; return; fi
  kill "$SERVER"
  wait "$SERVER" || { echo "it ended with $?"; return 1; }
  SERVER=
}

crash() {
  kill -9 "$SERVER"
  wait "$SERVER" 2>/dev/null || true
  SERVER=
}

step() { echo "== $*"; }

fail() {
  echo "FAILED: $*" >&2
  [ -n "${KEEP_GOING:-}" ] || exit 1
  FAILED=$((FAILED + 1))
}

# skip WHY: what the test needs is not to be had; ctest shows it as skipped (SKIP_RETURN_CODE).
skip() { echo "SKIPPED: $*"; exit 77; }

# expect PATTERN COMMAND…: the command succeeds and its output holds the pattern (grep -E).
expect() {
  local pattern=$1 out
  shift
  CHECKED=$((CHECKED + 1))
  out=$("$@" 2>&1) || fail "\`${*/$K/kubectl}\` ended with $?: $out"
  grep -Eq -- "$pattern" <<<"$out" || fail "\`${*/$K/kubectl}\` does not show /$pattern/ but: $out"
}

# refuse PATTERN COMMAND…: the command fails and says so.
refuse() {
  local pattern=$1 out
  shift
  CHECKED=$((CHECKED + 1))
  if out=$("$@" 2>&1); then fail "\`${*/$K/kubectl}\` succeeded: $out"; fi
  grep -Eq -- "$pattern" <<<"$out" || fail "\`${*/$K/kubectl}\` does not say /$pattern/ but: $out"
}

# eventually SECONDS COMMAND…: the command succeeds before the time is over.
eventually() {
  local tries=$(($1 * 10))
  shift
  CHECKED=$((CHECKED + 1))
  for _ in $(seq 1 "$tries"); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  "$@" || fail "\`${*/$K/kubectl}\` did not succeed in time"
}

# equals WANT GOT WHAT
equals() {
  CHECKED=$((CHECKED + 1))
  [ "$1" = "$2" ] || fail "$3: wanted '$1', got '$2'"
}

# soon SECONDS PATTERN COMMAND…: the output of the command comes to hold the pattern, whatever it ends with meanwhile.
soon() {
  local tries=$(($1 * 10)) pattern=$2 out=
  shift 2
  CHECKED=$((CHECKED + 1))
  for _ in $(seq 1 "$tries"); do
    out=$("$@" 2>&1) || true
    if grep -Eq -- "$pattern" <<<"$out"; then return 0; fi
    sleep 0.1
  done
  fail "\`${*/$K/kubectl}\` does not come to show /$pattern/ but: $out"
}

# holds WANT JSONPATH ARGUMENTS…: what `kubectl get ARGUMENTS` has at that path.
holds() {
  local got
  got=$("$K" get "${@:3}" -o jsonpath="$2" 2>&1) || fail "\`kubectl get ${*:3}\` ended with $?: $got"
  equals "$1" "$got" "$2 of ${*:3}"
}

# Credentials for curl: sets CA, CERT, KEY (files) and URL.
curl_credentials() {
  URL=$("$K" config view --raw -o jsonpath='{.clusters[0].cluster.server}')
  CA=$WORK/ca.pem CERT=$WORK/cert.pem KEY=$WORK/key.pem
  "$K" config view --raw -o jsonpath='{.clusters[0].cluster.certificate-authority-data}' | base64 -d >"$CA"
  "$K" config view --raw -o jsonpath='{.users[0].user.client-certificate-data}' | base64 -d >"$CERT"
  "$K" config view --raw -o jsonpath='{.users[0].user.client-key-data}' | base64 -d >"$KEY"
}
call() { curl -sS --max-time 20 --cacert "$CA" --cert "$CERT" --key "$KEY" "$@"; }
