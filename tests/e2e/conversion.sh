# Conversion webhooks: a real server over TLS makes one version of a custom kind of another for kubectl; without it only those versions fail.
source "$(dirname "$0")/lib.sh"
source "$(dirname "$0")/webhook_lib.sh"

# define STRATEGY [PATH [STORED]]: a kind of two versions, of which one is stored.
define() {
  local conversion="{strategy: None}" stored=${3:-v1}
  if [ "$1" = Webhook ]; then
    conversion="{strategy: Webhook, webhook: {conversionReviewVersions: [v1], clientConfig: {url: \"https://localhost:$PORT$2\", caBundle: $CA_BUNDLE}}}"
  fi
  "$K" apply -f - <<END >/dev/null
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.conv.example.com}
spec:
  group: conv.example.com
  scope: Namespaced
  names: {plural: things, singular: thing, kind: Thing}
  conversion: $conversion
  versions:
  - name: v1
    served: true
    storage: $([ "$stored" = v1 ] && echo true || echo false)
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {hostPort: {type: string}, note: {type: string}}}}}}
  - name: v2
    served: true
    storage: $([ "$stored" = v2 ] && echo true || echo false)
    additionalPrinterColumns: [{name: Host, type: string, jsonPath: .spec.host}]
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {host: {type: string}, port: {type: integer}, note: {type: string}}}}}}
END
  "$K" wait --for condition=established --timeout=10s crd/things.conv.example.com >/dev/null
}
# thing VERSION NAME SPEC: applied.
thing() { "$K" apply --server-side --field-manager "${4:-e2e}" -f - <<<"{apiVersion: conv.example.com/$1, kind: Thing, metadata: {name: $2}, spec: $3}"; }
V1=things.v1.conv.example.com V2=things.v2.conv.example.com

begin_hook
start --nodes 1
define Webhook /convert

step "each version shows what the other wrote"
expect serverside-applied thing v1 a '{hostPort: "a.example.com:80"}'
holds a.example.com '{.spec.host}' "$V2" a
expect serverside-applied thing v2 b '{host: b.example.com, port: 81}'
holds b.example.com:81 '{.spec.hostPort}' "$V1" b
expect 'b.example.com' "$K" get "$V2"
expect patched "$K" patch "$V2" a --type merge -p '{"spec":{"port":8080}}'
holds a.example.com:8080 '{.spec.hostPort}' "$V1" a

step "managers of several versions"
expect serverside-applied thing v2 a '{note: mine}' other
holds a.example.com:8080 '{.spec.hostPort}' "$V1" a
refuse 'conflict with "kubectl-patch" using conv.example.com/v2: .spec.port' thing v1 a '{hostPort: "c:1"}' third

step "the stored version changes"
define Webhook /convert v2
equals '["v1","v2"]' "$("$K" get crd things.conv.example.com -o jsonpath='{.status.storedVersions}')" "stored versions"
holds a.example.com '{.spec.host}' "$V2" a
holds a.example.com:8080 '{.spec.hostPort}' "$V1" a
expect serverside-applied thing v2 c '{host: c.example.com, port: 82}'
equals 'a b c' "$("$K" get "$V1" -o jsonpath='{.items[*].metadata.name}')" "things"

step "a webhook that lies"
define Webhook /convert-lie v2
refuse 'conversion webhook for conv.example.com/v1, Kind=Thing returned invalid object: must have the same name: a != another' "$K" get "$V2" a

step "without it only other versions fail"
define Webhook /convert v2
kill -9 "$HOOK" && wait "$HOOK" 2>/dev/null || true
HOOK=
holds c.example.com '{.spec.host}' "$V2" c
refuse 'conversion webhook for conv.example.com/v2, Kind=Thing failed: Post "https://localhost:[0-9]+/convert\?timeout=30s"' "$K" get "$V1" c
refuse 'conversion webhook for conv.example.com/v1, Kind=Thing failed: Post' "$K" get "$V2" a
expect deleted "$K" delete "$V2" c
define None "" v2
expect 'note: mine' "$K" get "$V2" a -o yaml
expect deleted "$K" delete crd things.conv.example.com
stop
