# kubectl explain: what every type and field means, of built-in kinds and of custom ones.
source "$(dirname "$0")/lib.sh"
start --nodes 0

# explains PATTERN PATH [flags]: what is explained, in one line, whatever its width.
explains() {
  local pattern=$1 out
  shift
  out=$("$K" explain "$@" | tr -s ' \t\n' ' ')
  grep -Eq -- "$pattern" <<<"$out" || fail "explain $*: no /$pattern/ in: $out"
}

step "types and their fields"
explains 'DESCRIPTION: One or more containers that run together on one node' pod
explains 'What the pod runs, and how\.' pod
explains 'containers .*-required- .*The containers; at least one\.' pod.spec
explains 'DESCRIPTION: The containers; at least one\.' pod.spec.containers
explains 'DESCRIPTION: .*A program in an image' pod.spec.containers
explains 'image <string> The image to run, such as' pod.spec.containers
explains 'emptyDir <.*An empty directory that is made when the pod comes to a node' pod.spec.volumes
explains 'How many pods there shall be; 1 by default\.' deployment.spec.replicas
explains 'When, in the form of cron' cronjob.spec.schedule

step "what every object has"
explains 'kind <string> The kind of the object, in CamelCase' configmap
explains 'The name, unique among objects of the resource and namespace' pod.metadata.name
explains 'Who must do something before the deleted object goes' deployment.metadata.finalizers

step "the groups"
for resource in customresourcedefinition apiservice horizontalpodautoscaler certificatesigningrequest lease endpointslice \
  flowschema ingress runtimeclass poddisruptionbudget clusterrole resourceclaim priorityclass csidriver \
  validatingadmissionpolicy event; do
  out=$("$K" explain "$resource")
  if grep -Eq '<(empty|no description)>' <<<"$out"; then fail "$resource has something without a description: $out"; fi
done

step "custom resources keep theirs"
"$K" apply -f - >/dev/null <<'EOF'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        description: Something that turns.
        properties:
          spec:
            type: object
            properties:
              speed: {type: integer, description: How fast it turns.}
EOF
"$K" wait --for=condition=Established crd/widgets.example.com --timeout=30s >/dev/null
for _ in $(seq 1 100); do "$K" explain widget >/dev/null 2>&1 && break || sleep 0.1; done
explains 'DESCRIPTION: Something that turns\.' widget
explains 'metadata <ObjectMeta> What every stored object has' widget
explains 'How fast it turns\.' widget.spec.speed
