# Admission webhooks: a real server over TLS, by URL and as a service, changes and refuses what kubectl sends; what it does badly is
# its failurePolicy's, and it sends nobody elsewhere.
source "$(dirname "$0")/lib.sh"
source "$(dirname "$0")/webhook_lib.sh"

# configure KIND PATH [POLICY [TIMEOUT [CLIENT]]]: one webhook for config maps of namespaces with the label hooked, by URL.
configure() {
  local kind=$1 path=$2
  local client=${5:-"{\"url\":\"https://localhost:$PORT$path\",\"caBundle\":\"$CA_BUNDLE\"}"}
  "$K" apply -f - <<END >/dev/null
apiVersion: admissionregistration.k8s.io/v1
kind: ${kind}WebhookConfiguration
metadata: {name: test}
webhooks:
- name: test.example.com
  clientConfig: $client
  rules: [{operations: ["*"], apiGroups: [""], apiVersions: [v1], resources: [configmaps]}]
  namespaceSelector: {matchLabels: {hooked: "yes"}}
  failurePolicy: ${3:-Fail}
  timeoutSeconds: ${4:-10}
  sideEffects: None
  admissionReviewVersions: [v1]
END
}
forget() { "$K" delete mutatingwebhookconfiguration,validatingwebhookconfiguration --all >/dev/null; }
create() { "$K" -n hooked create configmap "$@"; }
# judged PATH PATTERN [TIMEOUT]: with Fail a bad webhook refuses, with Ignore it lets pass.
judged() {
  configure Validating "/$1" Fail "${3:-10}"
  refuse "failed calling webhook \"test.example.com\": $2" create "$1"
  configure Validating "/$1" Ignore "${3:-10}"
  expect created create "$1"
  forget
}

begin_hook
start --nodes 1
"$K" create namespace hooked >/dev/null
"$K" label namespace hooked hooked=yes >/dev/null

step "it changes what is created"
configure Mutating /label
expect created create a
holds webhook '{.metadata.labels.by}' -n hooked configmap a
"$K" create configmap a >/dev/null
holds '' '{.metadata.labels}' configmap a
expect 'by: webhook' "$K" -n hooked create configmap dry --dry-run=server -o yaml
forget

step "it refuses, and warns"
configure Validating /judge
expect 'Warning: seen by the webhook' create b
refuse 'admission webhook "test.example.com" denied the request: that is bad' create c --from-literal=verdict=bad
refuse 'not found' "$K" -n hooked get configmap c
refuse 'denied the request: that is bad' "$K" -n hooked patch configmap b -p '{"data":{"verdict":"bad"}}'
forget

step "what it does badly"
judged lie 'received invalid webhook response: expected response.uid='
judged huge 'failed to call webhook: Post .*: the response is larger than' 20
judged slow 'failed to call webhook: Post "https://localhost:[0-9]+/slow\?timeout=1s": context deadline exceeded' 1
judged redirect 'failed to call webhook: the server responded with the status code 307'
grep -q '^/trap' "$WORK/hook.log" && fail "it was sent elsewhere"
configure Mutating /broken Ignore
refuse 'Internal error occurred: ' create broken
forget

step "whose certificate is not believed"
configure Validating /judge Fail 10 "{\"url\":\"https://localhost:$PORT/judge\"}"
refuse 'failed calling webhook "test.example.com": failed to call webhook: Post' create untrusted
configure Validating /judge Fail 10 "{\"url\":\"https://127.0.0.1:$PORT/judge\",\"caBundle\":\"$CA_BUNDLE\"}"
refuse 'failed calling webhook "test.example.com": failed to call webhook: Post' create other-name
forget

step "as a service"
ADDRESS=$(hostname -I | tr ' ' '\n' | grep -m1 '\.') || skip "this machine has no address but the loopback's"
"$K" apply -f - <<END >/dev/null
apiVersion: v1
kind: Service
metadata: {name: hook, namespace: hooked}
spec: {ports: [{port: 8443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: hook-1, namespace: hooked, labels: {kubernetes.io/service-name: hook}}
addressType: IPv4
endpoints: [{addresses: [$ADDRESS]}]
ports: [{name: "", port: $PORT, protocol: TCP}]
END
configure Mutating /label Fail 10 "{\"service\":{\"name\":\"hook\",\"namespace\":\"hooked\",\"port\":8443,\"path\":\"/label\"},\"caBundle\":\"$CA_BUNDLE\"}"
expect created create served
holds webhook '{.metadata.labels.by}' -n hooked configmap served
"$K" -n hooked delete endpointslice hook-1 >/dev/null
refuse 'no endpoints available for service "hook"' create unserved
forget

step "killed"
configure Validating /judge
kill -9 "$HOOK" && wait "$HOOK" 2>/dev/null || true
HOOK=
refuse 'failed calling webhook "test.example.com": failed to call webhook: Post' create dead
expect deleted "$K" delete validatingwebhookconfiguration test
expect created create dead
stop
