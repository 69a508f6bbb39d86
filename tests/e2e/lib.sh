# What every end-to-end test starts from: a control plane of its own on a free port, in a temporary directory, gone at the end.
# Sourced. Sets KUBECONFIG, PH (the program), K (kubectl).
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PH=${PH_PROGRAM:?the program under test}
K=$("$ROOT/scripts/kubectl" "${KUBECTL_VERSION:-33}")
WORK=$(mktemp -d)
DATA=$WORK/data
SERVER=
trap finish EXIT

finish() {
  local code=$?
  [ -z "$SERVER" ] || { kill "$SERVER" 2>/dev/null && wait "$SERVER" 2>/dev/null; } || true
  if [ $code -ne 0 ] && [ -f "$WORK/server.log" ]; then
    echo "--- the server's last words:"; tail -n 40 "$WORK/server.log"
  fi
  rm -rf "$WORK"
  exit $code
}

# start [flags of `pilothouse up`]: returns when it is ready.
start() {
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

fail() { echo "FAILED: $*" >&2; exit 1; }

# expect PATTERN COMMAND…: the command succeeds and its output holds the pattern (grep -E).
expect() {
  local pattern=$1 out
  shift
  out=$("$@" 2>&1) || fail "\`${*/$K/kubectl}\` ended with $?: $out"
  grep -Eq -- "$pattern" <<<"$out" || fail "\`${*/$K/kubectl}\` does not show /$pattern/ but: $out"
}

# refuse PATTERN COMMAND…: the command fails and says so.
refuse() {
  local pattern=$1 out
  shift
  if out=$("$@" 2>&1); then fail "\`${*/$K/kubectl}\` succeeded: $out"; fi
  grep -Eq -- "$pattern" <<<"$out" || fail "\`${*/$K/kubectl}\` does not say /$pattern/ but: $out"
}

# eventually SECONDS COMMAND…: the command succeeds before the time is over.
eventually() {
  local tries=$(($1 * 10))
  shift
  for _ in $(seq 1 "$tries"); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  "$@" || fail "\`${*/$K/kubectl}\` did not succeed in time"
}

# equals WANT GOT WHAT
equals() { [ "$1" = "$2" ] || fail "$3: wanted '$1', got '$2'"; }

# Credentials for curl: sets CA, CERT, KEY (files) and URL.
curl_credentials() {
  URL=$("$K" config view --raw -o jsonpath='{.clusters[0].cluster.server}')
  CA=$WORK/ca.pem CERT=$WORK/cert.pem KEY=$WORK/key.pem
  "$K" config view --raw -o jsonpath='{.clusters[0].cluster.certificate-authority-data}' | base64 -d >"$CA"
  "$K" config view --raw -o jsonpath='{.users[0].user.client-certificate-data}' | base64 -d >"$CERT"
  "$K" config view --raw -o jsonpath='{.users[0].user.client-key-data}' | base64 -d >"$KEY"
}
call() { curl -sS --max-time 20 --cacert "$CA" --cert "$CERT" --key "$KEY" "$@"; }
