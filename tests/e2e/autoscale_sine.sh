# A horizontal autoscaler follows a load that goes up and down as a sine; kubectl top shows it.
source "$(dirname "$0")/lib.sh"
if [ -n "${PH_SEPARATE:-}" ]; then
  start --nodes 3 --metrics-server="https://127.0.0.1:$((20000 + RANDOM % 10000))"
else
  start --nodes 3
fi

step "metrics.k8s.io is in discovery, and read"
expect '^metrics.k8s.io/v1beta1$' "$K" api-versions
expect 'pods +metrics.k8s.io/v1beta1 +true +PodMetrics' "$K" api-resources --api-group=metrics.k8s.io
soon 10 '"kind":"NodeMetricsList"' "$K" get --raw /apis/metrics.k8s.io/v1beta1/nodes
refuse 'NotFound|could not find' "$K" get --raw /apis/metrics.k8s.io/v1beta1/services
refuse 'cannot list resource "nodes" in API group "metrics.k8s.io"' "$K" get --raw /apis/metrics.k8s.io/v1beta1/nodes --as=nobody

step "a load of 0.2 to 1 CPU within a minute, which the pods share"
"$K" apply -f - >/dev/null <<'Y'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {hollow.pilothouse.dev/cpu: "total sine(200m, 1, 60s)", hollow.pilothouse.dev/memory: 64Mi}
    spec: {containers: [{name: c, image: "img:1", resources: {requests: {cpu: 100m}}}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 20
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 100}}}]
Y
"$K" rollout status deployment web --timeout=30s >/dev/null
soon 10 '^web-[a-z0-9]+-[a-z0-9]+ +[0-9]+m +64Mi' "$K" top pods -l app=web --no-headers
expect '^node-0 +[0-9]+m +[0-9]+% +[0-9]+Mi +[0-9]+%' "$K" top nodes --no-headers
replicas() { "$K" get deployment web -o jsonpath='{.spec.replicas}'; }
at_least() { [ "$(replicas)" -ge "$1" ]; }
at_most() { [ "$(replicas)" -le "$1" ]; }
eventually 90 at_least 7
eventually 90 at_most 4
eventually 90 at_least 7
stop
