# Snapshots of a running and of a stopped directory, restored elsewhere and compared; status; reset; refusals in words.
source "$(dirname "$0")/lib.sh"
start --components=apiserver
curl_credentials
maps=/api/v1/namespaces/default/configmaps
listed() { call "$URL$maps" | jq -c '.items[] | [.metadata.name, .metadata.uid, .data]' | sort; }

step "a snapshot amid writes"
mkdir "$WORK/bodies"
for i in $(seq 1 4000); do
  printf '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m%d"},"data":{"n":"%d"}}' "$i" "$i" >"$WORK/bodies/$i"
  printf 'next\nurl = "%s"\ndata = "@%s"\nheader = "Content-Type: application/json"\noutput = "/dev/null"\nwrite-out = "%%{http_code}\\n"\ncacert = "%s"\ncert = "%s"\nkey = "%s"\n' \
    "$URL$maps" "$WORK/bodies/$i" "$CA" "$CERT" "$KEY"
done | sed 1d >"$WORK/requests"
curl -sS --parallel --parallel-max 16 -K "$WORK/requests" >"$WORK/answers" 2>/dev/null &
CURL=$!
for _ in $(seq 1 2000); do
  [ "$(grep -c '^201' "$WORK/answers" || true)" -ge 100 ] && break
  kill -0 $CURL 2>/dev/null || break
done
expect 'from the running server' "$PH" snapshot "$WORK/amid" --data-dir "$DATA"
kill $CURL 2>/dev/null || true
wait $CURL 2>/dev/null || true
revision=$("$PH" status --snapshot "$WORK/amid" -o json | jq .revision)
# What was under way may still come.
until call "$URL$maps" >"$WORK/live"; sleep 0.3; call "$URL$maps" | cmp -s - "$WORK/live"; do :; done
total=$(jq '.items | length' "$WORK/live")
jq -c --argjson at "$revision" '.items[] | select((.metadata.resourceVersion | tonumber) <= $at) | [.metadata.name, .metadata.uid, .data]' \
  "$WORK/live" | sort >"$WORK/want"
in_it=$(wc -l <"$WORK/want")
[ "$in_it" -ge 100 ] || fail "only $in_it objects are in the snapshot"
[ "$in_it" -lt "$total" ] || fail "all $total creates were done before the snapshot"
elsewhere=$(call "$URL/api/v1/configmaps" | jq '[.items[] | select(.metadata.namespace != "default")] | length')
equals $((in_it + elsewhere)) "$("$PH" status --snapshot "$WORK/amid" -o json | jq .objects.configmaps.count)" "config maps in the snapshot"
echo "$in_it of $total config maps are in it"
equals 600 "$(stat -c %a "$WORK/amid")" "the mode of the snapshot"

step "status of a running directory"
expect "process $SERVER" "$PH" status --data-dir "$DATA"
expect "^  configmaps +$((total + elsewhere)) " "$PH" status --data-dir "$DATA"
equals "$(jq -r .metadata.resourceVersion "$WORK/live")" "$("$PH" status --data-dir "$DATA" -o json | jq .revision)" "the revision"

step "what is refused while it runs"
refuse "a server runs on the data directory $DATA \(process $SERVER\)" "$PH" restore "$WORK/amid" --data-dir "$DATA" --force
refuse "a server runs on the data directory $DATA \(process $SERVER\)" "$PH" reset --yes --data-dir "$DATA"
refuse 'exists: --force replaces it' "$PH" snapshot "$WORK/amid" --data-dir "$DATA"
equals 403 "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$URL/pilothouse/snapshot")" "a stranger's snapshot"
stop

step "status of a stopped directory"
expect 'none runs' "$PH" status --data-dir "$DATA"
expect "^  configmaps +$((total + elsewhere)) " "$PH" status --data-dir "$DATA"

step "restored elsewhere: the same objects, the same keys"
first=$DATA
old_ca=$CA old_cert=$CERT old_key=$KEY
cp "$CA" "$WORK/old.ca"; cp "$CERT" "$WORK/old.cert"; cp "$KEY" "$WORK/old.key"
DATA=$WORK/second
expect "config|object" "$PH" restore "$WORK/amid" --data-dir "$DATA"
start --components=apiserver
curl_credentials
listed >"$WORK/got"
diff "$WORK/want" "$WORK/got" || fail "what was restored is something else"
equals 200 "$(curl -sS --cacert "$WORK/old.ca" --cert "$WORK/old.cert" --key "$WORK/old.key" -o /dev/null -w '%{http_code}' "$URL$maps?limit=1")" "an old certificate"

step "clients of before begin anew, and no revision comes twice"
now=$(call "$URL$maps?limit=1" | jq -r .metadata.resourceVersion)
[ "$now" -gt $((revision + 1000000000)) ] || fail "the revision goes on at $now after $revision"
expect '"code":410' call "$URL$maps?watch=1&timeoutSeconds=2&resourceVersion=$revision"
expect '"code":410' call "$URL$maps?watch=1&timeoutSeconds=2&resourceVersion=$((revision + 5000))"
oldest=$(call "$URL$maps" | jq '[.items[].metadata.resourceVersion | tonumber] | min')
[ "$oldest" -gt $((revision + 5000)) ] || fail "an object is at revision $oldest, which a client may have seen with another"
stop

step "a snapshot of a stopped directory, over what another holds"
"$PH" snapshot "$WORK/later" --data-dir "$first" >/dev/null
refuse 'is not empty: --force' "$PH" restore "$WORK/later" --data-dir "$DATA"
expect object "$PH" restore "$WORK/later" --data-dir "$DATA" --force
start --components=apiserver
curl_credentials
equals "$total" "$(call "$URL$maps" | jq '.items | length')" "config maps after the second restore"
[ "$(call "$URL$maps" | jq -r .metadata.resourceVersion)" -gt "$now" ] || fail "the second restore begins before the first"
for _ in 1 2 3; do "$K" create configmap "more-$RANDOM$RANDOM" --from-literal=a=b >/dev/null; done
crash

step "a damaged log is refused, with what to do"
log=$(find "$DATA/store" -name '*.log' -size +0 | sort | tail -n 1)
size=$(stat -c %s "$log")
printf '\xff' | dd of="$log" bs=1 seek=$((size / 2)) conv=notrunc status=none
refuse "the log $log is damaged at byte [0-9]+, .*pilothouse restore FILE --force" "$PH" up --data-dir "$DATA" --secure-port 0
refuse "pilothouse restore FILE --force" "$PH" status --data-dir "$DATA"
refuse "pilothouse restore FILE --force" "$PH" snapshot "$WORK/broken" --data-dir "$DATA"
[ ! -e "$WORK/broken" ] || fail "a broken snapshot was left"
expect object "$PH" restore "$WORK/later" --data-dir "$DATA" --force
start --components=apiserver
stop

step "damaged and foreign snapshots, foreign directories"
cp "$WORK/later" "$WORK/bad"
printf '\xff' | dd of="$WORK/bad" bs=1 seek=5000 conv=notrunc status=none
refuse "the snapshot $WORK/bad cannot be used: it is damaged at byte" "$PH" restore "$WORK/bad" --data-dir "$WORK/third"
head -c 5000 "$WORK/later" >"$WORK/cut"
refuse "it is cut off after 5000 bytes" "$PH" restore "$WORK/cut" --data-dir "$WORK/third"
refuse "it is not a snapshot" "$PH" restore /bin/true --data-dir "$WORK/third"
[ ! -e "$WORK/third" ] || fail "something was made"
refuse 'is not a data directory of pilothouse' "$PH" restore "$WORK/later" --data-dir "$WORK/bodies" --force
refuse 'is not a data directory of pilothouse' "$PH" reset --yes --data-dir "$WORK/bodies"
refuse 'there is no data directory' "$PH" status --data-dir "$WORK/third"
mkdir "$WORK/theirs" "$WORK/empty"
echo letter >"$WORK/theirs/letter.txt"
for command in "$PH up" "$BIN/ph-apiserver"; do
  # shellcheck disable=SC2086
  refuse "$WORK/theirs is not a data directory of pilothouse: .* holds letter.txt; name an empty or a new one" $command --data-dir "$WORK/theirs" --secure-port 0
  equals letter.txt "$(ls -A "$WORK/theirs")" "what is in their directory"
done
damaged=$DATA
DATA=$WORK/empty
start --components=apiserver
stop
DATA=$damaged
echo 9 >"$DATA/format"
for command in "up --secure-port 0" "status" "reset --yes" "snapshot $WORK/nine" "restore $WORK/later --force"; do
  # shellcheck disable=SC2086
  refuse 'has format 9, this program (reads|knows) format 1' "$PH" $command --data-dir "$DATA"
done
echo 1 >"$DATA/format"

step "reset"
refuse 'say --yes' "$PH" reset --data-dir "$DATA" </dev/null
if script -qec true /dev/null >/dev/null 2>&1; then
  # answer TEXT [DIRECTORY]: to the question that is asked at a terminal; nothing: its end.
  answer() { printf '%s' "$1" | script -qec "'$PH' reset --data-dir '${2:-$DATA}'" /dev/null; }
  find "$DATA" -printf '%P %s %i\n' | sort >"$WORK/held"
  for no in $'n\n' $'\n' $'Y\n' $'yes please\n' ''; do
    refuse 'nothing was removed' answer "$no"
    find "$DATA" -printf '%P %s %i\n' | sort | diff "$WORK/held" - || fail "the answer '$no' removed something"
  done
  refuse "Remove all objects, keys and kubeconfigs in $DATA\? \[y/N\]" answer ''
  for yes in y yes; do
    cp -r "$first" "$WORK/asked"
    expect "$WORK/asked: removed" answer "$yes"$'\n' "$WORK/asked"
    [ ! -e "$WORK/asked" ] || fail "the directory is still there"
  done
else
  echo "skipped: the question at a terminal, for no pseudo-terminal can be made here"
fi
touch "$DATA/mine"
expect 'left, for it is not ours: mine' "$PH" reset --yes --data-dir "$DATA"
equals mine "$(ls -A "$DATA")" "what is left"
expect removed "$PH" reset --yes --data-dir "$first"
[ ! -e "$first" ] || fail "the directory is still there"
expect 'nothing to remove' "$PH" reset --yes --data-dir "$first"

step "a cluster in memory can be kept"
DATA=$WORK/memory
start --components=apiserver --store memory
"$K" create configmap keep --from-literal=a=b >/dev/null
refuse 'a server runs on the data directory' "$PH" reset --yes --data-dir "$DATA"
expect 'objects in memory' "$PH" status --data-dir "$DATA"
expect 'from the running server' "$PH" snapshot "$WORK/memory.snapshot" --data-dir "$DATA"
stop
DATA=$WORK/kept
"$PH" restore "$WORK/memory.snapshot" --data-dir "$DATA" >/dev/null
start --components=apiserver
equals b "$("$K" get configmap keep -o jsonpath='{.data.a}')" "what was kept"
stop
