# kill -9 amid 500 creates: what was acknowledged is there after a restart on the same directory, and revisions go on.
source "$(dirname "$0")/lib.sh"
start --components=apiserver
curl_credentials
maps=$URL/api/v1/namespaces/default/configmaps

mkdir "$WORK/bodies"
for i in $(seq 1 500); do
  printf '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m%d"},"data":{"n":"%d"}}' "$i" "$i" >"$WORK/bodies/$i"
  printf 'next\nurl = "%s"\ndata = "@%s"\nheader = "Content-Type: application/json"\noutput = "%s"\nwrite-out = "%%{http_code} m%d\\n"\ncacert = "%s"\ncert = "%s"\nkey = "%s"\n' \
    "$maps" "$WORK/bodies/$i" "$WORK/out.$i" "$i" "$CA" "$CERT" "$KEY"
done | sed 1d >"$WORK/requests"
curl -sS --parallel --parallel-max 16 --max-time 20 -K "$WORK/requests" >"$WORK/answers" 2>/dev/null &
CURL=$!
# In the midst of it, not before it and not after it.
for _ in $(seq 1 2000); do
  [ "$(grep -c '^201' "$WORK/answers" || true)" -ge 100 ] && break
  kill -0 $CURL 2>/dev/null || break
done
crash
wait $CURL 2>/dev/null || true
grep '^201' "$WORK/answers" | cut -d' ' -f2 | sort >"$WORK/acknowledged"
acknowledged=$(wc -l <"$WORK/acknowledged")
[ "$acknowledged" -ge 100 ] || fail "only $acknowledged creates were acknowledged before the crash"
newest=$(for f in "$WORK"/out.*; do jq -r '.metadata.resourceVersion // empty' "$f" 2>/dev/null || true; done | sort -n | tail -1)

start --components=apiserver
curl_credentials
call "$URL/api/v1/namespaces/default/configmaps" >"$WORK/list"
jq -r '.items[].metadata.name' "$WORK/list" | sort >"$WORK/present"
missing=$(comm -23 "$WORK/acknowledged" "$WORK/present")
[ -z "$missing" ] || fail "acknowledged and lost: $missing"
[ "$(jq -r .metadata.resourceVersion "$WORK/list")" -ge "$newest" ] || fail "the revision went back"
echo "$acknowledged of 500 creates were acknowledged before the crash, all are there"
stop
