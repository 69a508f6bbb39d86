# Clients who mean harm, against the real programs: after each the server is well; its descriptors come back, and its memory does
# not grow each time that the same is done. The slow ones last as long as the server bears with them, which is one
# --request-timeout, or two; they run side by side, and the quick ones meanwhile.
PH_SEPARATE=1
source "$(dirname "$0")/lib.sh"
HOSTILE=${PH_HOSTILE_CLIENT:?the program tests/e2e/hostile_client.cc}
start --nodes 1 --request-timeout=4s
SERVER_PROCESS=${DAEMONS[apiserver]}
curl_credentials
PORT=${URL##*:}
maps=$URL/api/v1/namespaces/default/configmaps
PIDS=()
json=(-H 'Content-Type: application/json')

memory() { awk -v field="$1:" '$1 == field {print int($2 / 1024)}' "/proc/$SERVER_PROCESS/status"; }  # MiB
descriptors() { find "/proc/$SERVER_PROCESS/fd" -type l | wc -l; }

# A good client is served, and at once.
well() {
  equals ok "$(call --max-time 5 "$URL/readyz")" "readyz after $1"
  equals 201 "$(call --max-time 5 -o /dev/null -w '%{http_code}' "${json[@]}" -d '{"metadata":{"name":"good"}}' "$maps")" "a create after $1"
  equals 200 "$(call --max-time 5 -o /dev/null -w '%{http_code}' -X DELETE "$maps/good")" "a delete after $1"
}

descriptors_are_back() {
  local now
  for _ in $(seq 1 100); do
    now=$(descriptors)
    [ "$now" -le $((descriptors_before + 4)) ] && return 0
    sleep 0.1
  done
  fail "the server holds $now descriptors after $1, and held $descriptors_before before"
}

# attack NAME PATTERN: runs it; its words hold the pattern.
attack() {
  local out
  out=$("$HOSTILE" "$PORT" "$CA" "$CERT" "$KEY" "$1" 2>&1) || fail "$1: $out"
  grep -Eq -- "$2" <<<"$out" || fail "$1: wanted /$2/, got: $out"
  echo "   $1: $(head -1 <<<"$out"), the server holds $(memory VmRSS) MiB"
  well "$1"
}

step "18 MB of config maps"
mkdir "$WORK/bodies"
head -c 60000 /dev/zero | tr '\0' x >"$WORK/value"
for i in $(seq 1 300); do
  printf '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m%d"},"data":{"v":"%s"}}' "$i" "$(cat "$WORK/value")" >"$WORK/bodies/$i"
  printf 'next\nurl = "%s"\ndata = "@%s"\nheader = "Content-Type: application/json"\noutput = "/dev/null"\nwrite-out = "%%{http_code}\\n"\ncacert = "%s"\ncert = "%s"\nkey = "%s"\n' \
    "$maps" "$WORK/bodies/$i" "$CA" "$CERT" "$KEY"
done | sed 1d >"$WORK/requests"
equals 300 "$(curl -sS --parallel --parallel-max 8 --max-time 60 -K "$WORK/requests" 2>/dev/null | grep -c '^201')" "creates"
for _ in 1 2 3; do call -o /dev/null "$maps"; done
before=$(memory VmRSS)
descriptors_before=$(descriptors)
echo "   the server holds $before MiB, $descriptors_before descriptors"

step "the slow ones begin"
slow=(reads_nothing reads_by_the_byte reads_no_socket half_head half_body silent pings settings)
for name in "${slow[@]}"; do
  "$HOSTILE" "$PORT" "$CA" "$CERT" "$KEY" "$name" >"$WORK/slow.$name" 2>&1 &
  PIDS+=($!)
done

quick_ones() {
  step "the quick ones"
  attack cut 'cut at'
  attack garbage 'plain HTTP: refused'
  attack large_head '^431'
  attack continuations '^GOAWAY'
  attack resets '^GOAWAY'
  attack broken_streams '^GOAWAY'
}

# part COUNT TEXT SEPARATOR
part() { awk -v n="$1" -v t="$2" -v s="$3" 'BEGIN {for (i = 1; i <= n; ++i) printf "%s%s", (i > 1 ? s : ""), t}'; }
numbered() { awk -v n="$1" 'BEGIN {for (i = 1; i <= n; ++i) printf "%s\"a/%d\"", (i > 1 ? "," : ""), i}'; }
# send WHAT CODES FILE [curl arguments]: answered within seconds, with one of these codes. A refusal is short; what is taken is
# shown, indented and with who owns which part, and so is some times as long as it was.
send() {
  local what=$1 codes=$2 file=$3 code most=1000000
  shift 3
  code=$(call --max-time 20 -o "$WORK/answer" -w '%{http_code}' --data-binary @"$file" "$@") || fail "$what: no answer"
  grep -Eqx "$codes" <<<"$code" || fail "$what: wanted $codes, got $code: $(head -c 300 "$WORK/answer")"
  [[ $code != 2* ]] || most=$((8 * $(stat -c %s "$file")))
  [ "$(stat -c %s "$WORK/answer")" -le $most ] || fail "$what: an answer of $(stat -c %s "$WORK/answer") bytes"
}
bodies() {
  step "bodies that are mostly brackets and commas"
  { printf '{"metadata":{"name":"a"},"x":['; part 1000000 1 ,; printf ']}'; } >"$WORK/numbers"
  send "a million numbers" 201 "$WORK/numbers" "${json[@]}" "$maps?dryRun=All"
  { printf '{"metadata":{"name":"a","finalizers":['; part 700000 '"a"' ,; printf ']}}'; } >"$WORK/finalizers"
  send "700,000 bad finalizers" '422|400' "$WORK/finalizers" "${json[@]}" "$maps?dryRun=All"
  { printf '{"metadata":{"finalizers":['; numbered 200000; printf ']}}'; } >"$WORK/patch"
  for type in merge strategic-merge; do
    send "200,000 finalizers by a $type patch" '200|422|400|413' "$WORK/patch" -X PATCH -H "Content-Type: application/$type-patch+json" "$maps/m1?dryRun=All"
  done
  { printf '['; part 30000 '{"op":"add","path":"/data/a","value":"b"}' ,; printf ']'; } >"$WORK/operations"
  send "30,000 operations" 413 "$WORK/operations" -X PATCH -H 'Content-Type: application/json-patch+json' "$maps/m1?dryRun=All"
  { printf '{"data":'; part 200000 '{"a":' ''; printf 1; part 200001 '}' ''; } >"$WORK/deep"
  for type in merge strategic-merge; do
    send "a deep $type patch" 400 "$WORK/deep" -X PATCH -H "Content-Type: application/$type-patch+json" "$maps/m1?dryRun=All"
  done
  { printf '[{"op":"add","path":"/data","value":'; part 200000 '[' ''; part 200000 ']' ''; printf '}]'; } >"$WORK/deep"
  send "a deep JSON patch" 400 "$WORK/deep" -X PATCH -H 'Content-Type: application/json-patch+json' "$maps/m1?dryRun=All"
  well "those bodies"
}

quick_ones
bodies

step "the slow ones have been ended"
for name in "${slow[@]}"; do wait "${PIDS[0]}" || fail "$name: $(cat "$WORK/slow.$name")"; PIDS=("${PIDS[@]:1}"); done
for name in "${slow[@]}"; do
  case $name in reads_nothing) want='^101 of 101' ;; reads_by_the_byte) want='^reset' ;; silent) want='^300 hung up' ;; *) want='^hung up' ;; esac
  grep -Eq "$want" "$WORK/slow.$name" || fail "$name: $(cat "$WORK/slow.$name")"
  echo "   $name: $(paste -sd' ' "$WORK/slow.$name")"
done
well "the slow ones"
echo "   the server held at most $(memory VmHWM) MiB, now $(memory VmRSS)"
[ "$(memory VmHWM)" -le $((before + 400)) ] || fail "the server held $(memory VmHWM) MiB; it began with $before"
descriptors_are_back "all of it"

step "the same again, until memory does not grow any more"
# The allocator keeps some of what was used; what is lost with every attack comes on top each time.
held=() settled=
for _ in 1 2 3 4; do
  held+=("$(memory VmRSS)")
  quick_ones
  bodies
  if [ "$(memory VmRSS)" -le $((held[-1] + 16)) ]; then settled=1 && break; fi
done
[ -n "$settled" ] || fail "the server holds $(memory VmRSS) MiB, and held ${held[*]} before"
descriptors_are_back "all of it again"
echo "   the server held at most $(memory VmHWM) MiB, now $(memory VmRSS)"
[ "$(memory VmHWM)" -le $((before + 400)) ] || fail "the server held $(memory VmHWM) MiB; it began with $before"

expect node-0 "$K" get nodes
stop
