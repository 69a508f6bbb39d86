# Input nobody should send: each gets the right Status, nothing is stored, and the server stays well.
source "$(dirname "$0")/lib.sh"
start --nodes 0
curl_credentials
before=$(call "$URL/api/v1/namespaces/default/configmaps" | jq -r '.items | length')

# status CODE REASON [curl arguments]: the answer is a Status with that code and reason.
status() {
  local code=$1 reason=$2 got
  shift 2
  got=$(call "$@")
  equals "Status $code $reason" "$(jq -r '"\(.kind) \(.code) \(.reason)"' <<<"$got" 2>/dev/null || echo "$got")" "$*"
}
maps=$URL/api/v1/namespaces/default/configmaps
json=(-H 'Content-Type: application/json')

step "malformed bodies"
status 400 BadRequest "${json[@]}" -d '{"metadata":' "$maps"
status 400 BadRequest "${json[@]}" -d '[]' "$maps"
status 400 BadRequest -H 'Content-Type: application/yaml' -d $'a: [b\nc' "$maps"
printf 'k8s\0\xff\xff\xff\xff' >"$WORK/bad.pb"
status 400 BadRequest -H 'Content-Type: application/vnd.kubernetes.protobuf' --data-binary @"$WORK/bad.pb" "$maps"
status 415 UnsupportedMediaType -H 'Content-Type: text/plain' -d 'x' "$maps"

step "an alias bomb"
{
  echo 'apiVersion: v1'; echo 'kind: ConfigMap'; echo 'metadata: {name: bomb}'
  echo 'a: &a [x,x,x,x,x,x,x,x,x,x]'
  previous=a
  for name in b c d e f g h i; do
    echo "$name: &$name [*$previous,*$previous,*$previous,*$previous,*$previous,*$previous,*$previous,*$previous,*$previous]"
    previous=$name
  done
} >"$WORK/bomb.yaml"
status 400 BadRequest -H 'Content-Type: application/yaml' --data-binary @"$WORK/bomb.yaml" "$maps"

step "deep nesting"
{ printf '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"x":'; printf '[%.0s' $(seq 1 20000); printf ']%.0s' $(seq 1 20000); printf '}'; } >"$WORK/deep.json"
status 400 BadRequest "${json[@]}" --data-binary @"$WORK/deep.json" "$maps"

step "unknown and repeated fields"
object='{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"u"},"dat":{"a":"b"},"data":{"a":"b"},"data":{"a":"c"}}'
status 400 BadRequest "${json[@]}" -d "$object" "$maps?fieldValidation=Strict&dryRun=All"
call -o /dev/null -D "$WORK/headers" "${json[@]}" -d "$object" "$maps?fieldValidation=Warn&dryRun=All"
grep -qi '^warning: 299 - "unknown field \\"dat\\""' "$WORK/headers" || fail "no warning of the unknown field: $(cat "$WORK/headers")"
grep -qi '^warning: 299 - "duplicate field \\"data\\""' "$WORK/headers" || fail "no warning of the repeated field"
call -o "$WORK/ignored" -D "$WORK/headers" "${json[@]}" -d "$object" "$maps?fieldValidation=Ignore&dryRun=All"
if grep -qi '^warning:' "$WORK/headers"; then fail "a warning was asked not to be given"; fi
equals u "$(jq -r .metadata.name "$WORK/ignored")" "an ignored field"
status 422 Invalid "${json[@]}" -d "$object" "$maps?fieldValidation=Nonsense"

step "too large"
{ printf '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"large"},"data":{"a":"'; head -c 4000000 /dev/zero | tr '\0' x; printf '"}}'; } >"$WORK/large.json"
# Over HTTP/2 the stream is reset behind the answer, which curl 7.88 takes for an error.
status 413 RequestEntityTooLarge --http1.1 "${json[@]}" --data-binary @"$WORK/large.json" "$maps"

step "wrong group, kind, name, namespace, version"
status 400 BadRequest "${json[@]}" -d '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"x"}}' "$maps"
equals 404 "$(call -o /dev/null -w '%{http_code}' "$URL/apis/nonsense/v1/things")" "an unknown group"
status 422 Invalid "${json[@]}" -d '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"Bad_Name"}}' "$maps"
status 400 BadRequest "${json[@]}" -d '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"other"}}' "$maps"
status 404 NotFound "${json[@]}" -d '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}' "$URL/api/v1/namespaces/nowhere/configmaps"

step "a conflicting resourceVersion"
call "${json[@]}" -d '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one"}}' "$maps" >/dev/null
status 409 Conflict -X PUT "${json[@]}" -d '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one","resourceVersion":"1"},"data":{"a":"b"}}' "$maps/one"
status 409 AlreadyExists "${json[@]}" -d '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one"}}' "$maps"
call -X DELETE "$maps/one" >/dev/null

step "strangers"
equals 403 "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$maps")" "anonymous"
equals 401 "$(curl -sS --cacert "$CA" -H 'Authorization: Bearer nonsense' -o /dev/null -w '%{http_code}' "$maps")" "a bad token"
equals 200 "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$URL/healthz")" "anonymous health"
equals 200 "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$URL/version")" "anonymous version"

step "nothing is stored, the server is well"
equals "$before" "$(call "$maps" | jq -r '.items | length')" "config maps"
equals ok "$(call "$URL/readyz")" "readyz"
equals ok "$(call --http1.1 "$URL/readyz")" "readyz over HTTP/1.1"
stop
