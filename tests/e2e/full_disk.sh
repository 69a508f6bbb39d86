# A disk that is full, a real one: the server ends and says why, nothing acknowledged is lost, with room it goes on.
# Needs the right to mount (a tmpfs in a mount namespace of its own); without it nothing is tested.
if [ -z "${FULL_DISK_INSIDE:-}" ]; then
  if ! unshare -m sh -c 'mount -t tmpfs -o size=1m tmpfs /mnt' 2>/dev/null; then
    echo "skipped: nothing can be mounted here"
    exit 0
  fi
  FULL_DISK_INSIDE=1 exec unshare -m bash "$0" "$@"
fi
source "$(dirname "$0")/lib.sh"
mkdir "$WORK/disk"
mount -t tmpfs -o size=24m tmpfs "$WORK/disk"
trap 'code=$?; [ -z "$SERVER" ] || kill -9 "$SERVER" 2>/dev/null; umount -l "$WORK/disk"; set +e; (exit $code); finish' EXIT
DATA=$WORK/disk/data
start --components=apiserver
curl_credentials
maps=$URL/api/v1/namespaces/default/configmaps

step "writes until the disk is full"
acknowledged=0
for i in $(seq 1 200); do
  { printf '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m%d"},"data":{"a":"' "$i"; head -c 300000 /dev/urandom | base64 -w0; printf '"}}'; } >"$WORK/body"
  code=$(call -o "$WORK/answer" -w '%{http_code}' -H 'Content-Type: application/json' --data-binary @"$WORK/body" "$maps" 2>/dev/null || true)
  [ "$code" = 201 ] || break
  acknowledged=$i
  sha256sum <"$WORK/body" >"$WORK/sum.$i"
  # The server may end while it still sends this answer: acknowledged all the same.
  revision=$(jq -r .metadata.resourceVersion "$WORK/answer" 2>/dev/null) || break
  echo "$revision" >"$WORK/revision"
done
[ "$acknowledged" -ge 10 ] || fail "only $acknowledged creates fitted"
code=0
wait "$SERVER" || code=$?
SERVER=
equals 74 "$code" "how it ended"
expect 'the store cannot go on: .*No space left on device.*make room and start again: nothing that was acknowledged is lost' cat "$WORK/server.log"

step "without room it does not start, and says so"
dd if=/dev/zero of="$WORK/disk/filler" bs=4k 2>/dev/null || true
refuse 'No space left on device' "$PH" up --data-dir "$DATA" --secure-port 0
expect '^  configmaps ' "$PH" status --data-dir "$DATA"
expect object "$PH" snapshot "$WORK/snapshot" --data-dir "$DATA"

step "with room it goes on"
rm "$WORK/disk/filler"
mount -o remount,size=100m "$WORK/disk"
start --components=apiserver
curl_credentials
maps=$URL/api/v1/namespaces/default/configmaps
call "$maps" >"$WORK/list"
for i in $(seq 1 "$acknowledged"); do
  text=$(jq -r --arg name "m$i" '.items[] | select(.metadata.name == $name) | .data.a' "$WORK/list")
  equals "$(cat "$WORK/sum.$i")" "$(printf '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m%d"},"data":{"a":"%s"}}' "$i" "$text" | sha256sum)" "m$i"
done
[ "$(jq -r .metadata.resourceVersion "$WORK/list")" -ge "$(cat "$WORK/revision")" ] || fail "the revision went back"
"$K" create configmap after --from-literal=a=b >/dev/null
echo "$acknowledged creates of 400 kB were acknowledged before the disk was full, all are there"
stop
