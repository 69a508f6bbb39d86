# kill -9 amid concurrent creates, round after round on one directory:
#   PH_PROGRAM=build/release/bin/pilothouse CRASH_ROUNDS=build/release/bin/crash_rounds tests/e2e/crash_rounds.sh [ROUNDS] [OBJECTS] [SEED]
# What is checked is said in crash_rounds.cc. The full form is `crash_rounds.sh 20 2000`; ctest runs fewer rounds.
source "$(dirname "$0")/lib.sh"
ROUNDS=${1:-20} OBJECTS=${2:-2000} SEED=${3:-1}
start --components=apiserver
curl_credentials
stop
trap 'code=$?; [ ! -f "$DATA.pid" ] || kill -9 "$(cat "$DATA.pid")" 2>/dev/null || true; set +e; (exit $code); finish' EXIT
"${CRASH_ROUNDS:?the program of crash_rounds.cc}" "$PH" "$DATA" "$URL" "$CA" "$CERT" "$KEY" "$ROUNDS" "$OBJECTS" "$SEED" ||
  { tail -n 40 "$DATA.log"; fail "see above"; }
rm "$DATA.pid"

step "what a fresh client sees"
start --components=apiserver
curl_credentials
call "$URL/api/v1/namespaces/default/configmaps" | jq -r '.items[].metadata.name' | grep -c '^round-'
stop
