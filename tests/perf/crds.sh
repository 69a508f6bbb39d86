#!/usr/bin/env bash
# tests/perf/crds.sh [DEFINITIONS [GROUPS]]: what so many custom resource definitions (1,000, in 50 groups; 40 fields each) cost: from
# exec to /readyz, without and with them, five times each; resident memory then, and once discovery and OpenAPI have been asked for.
# Asserts nothing but that all are established.
DEFINITIONS=${1:-1000} GROUPS_=${2:-50}
source "$(dirname "$0")/../e2e/lib.sh"
now() { date +%s%N; }
rss() { awk '/VmRSS/ {printf "%.1f MB", $2 / 1024}' "/proc/$SERVER/status"; }

# restarts: five starts on the directory as it is.
restarts() {
  local began
  for _ in 1 2 3 4 5; do
    began=$(now)
    "$PH" up --data-dir "$DATA" --secure-port "$port" --nodes 0 >"$WORK/server.log" 2>&1 &
    SERVER=$!
    until [ "$(curl -s --max-time 1 --cacert "$CA" "$URL/readyz" 2>/dev/null)" = ok ]; do
      [ $((($(now) - began) / 1000000)) -lt 20000 ] || fail "it is not ready after 20 s"
    done
    echo "  readyz after $((($(now) - began) / 1000000)) ms; by its own count: $(sed -n 's/^  apiserver .* \([0-9.]* s\)$/\1/p' "$WORK/server.log"); RSS $(rss)"
    sleep 2
    echo "    two seconds later: RSS $(rss), CPU $(awk -v hz="$(getconf CLK_TCK)" '{printf "%.2f s", ($14 + $15) / hz}' "/proc/$SERVER/stat")"
    stop
  done
}

start --nodes 0
curl_credentials
stop
port=${URL##*:}
step "starts without definitions"
restarts

step "$DEFINITIONS definitions in $GROUPS_ groups are created"
start --nodes 0
curl_credentials
python3 - "$DEFINITIONS" "$GROUPS_" "$WORK" "$URL" "$CA" "$CERT" "$KEY" <<'PY'
import json, sys
definitions, groups, work, url, ca, cert, key = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
scalars = [{"type": "string"}, {"type": "integer", "format": "int32", "minimum": 0}, {"type": "boolean"},
           {"type": "string", "enum": ["A", "B"], "default": "A"}, {"type": "array", "items": {"type": "string"}}]
def fields(prefix, count):
    return {f"{prefix}{i}": dict(scalars[i % len(scalars)], description=f"What {prefix}{i} says of the thing.") for i in range(count)}
with open(f"{work}/config", "w") as config:
    for i in range(definitions):
        group, kind = f"g{i % groups}.example.com", f"Thing{i}"
        nested = {"type": "object", "properties": fields("inner", 10)}
        spec = {"type": "object", "required": ["field0"], "properties": dict(fields("field", 16), nested=nested)}
        status = {"type": "object", "properties": fields("state", 12)}
        schema = {"type": "object", "properties": {"spec": spec, "status": status}}
        names = {"plural": kind.lower() + "s", "singular": kind.lower(), "kind": kind, "listKind": kind + "List"}
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}}}
        body = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": f"{names['plural']}.{group}"},
                "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [version]}}
        with open(f"{work}/{i}.json", "w") as out:
            json.dump(body, out)
        config.write(f'{"next" if i else ""}\nurl = "{url}/apis/apiextensions.k8s.io/v1/customresourcedefinitions"\n'
                     f'cacert = "{ca}"\ncert = "{cert}"\nkey = "{key}"\nheader = "Content-Type: application/json"\n'
                     f'data-binary = "@{work}/{i}.json"\noutput = "/dev/null"\nsilent\nfail\n')
PY
began=$(now)
curl -K "$WORK/config" || fail "a definition was not taken"
echo "  in $((($(now) - began) / 1000000)) ms"
established() { [ "$(call "$URL/apis/apiextensions.k8s.io/v1/customresourcedefinitions" | grep -oE '"type": ?"Established"' | wc -l)" = "$DEFINITIONS" ]; }
eventually 60 established
echo "  all are established; RSS $(rss)"
stop

step "starts with them"
port=${URL##*:}
restarts

step "what readers cost"
start --nodes 0
curl_credentials
sleep 2
echo "  RSS $(rss)"
for path in /apis /openapi/v3 /openapi/v2; do
  began=$(now)
  bytes=$(call "$URL$path" | wc -c)
  echo "  $path: $bytes bytes in $((($(now) - began) / 1000000)) ms; RSS $(rss)"
done
stop
