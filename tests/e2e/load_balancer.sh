# Services of type LoadBalancer with the provider `local`: addresses of a pool, which are given back, asked for, shared and waited for.
source "$(dirname "$0")/lib.sh"
start --nodes 2 --cloud-provider local --load-balancer-pool 192.0.2.10-192.0.2.12
ADDRESS='{.status.loadBalancer.ingress[0].ip}'
address() { soon 15 "^$2\$" "$K" get service "$1" -o jsonpath="$ADDRESS"; }

step "expose"
"$K" create deployment web --image=x --replicas=2 >/dev/null
expect 'service/web exposed' "$K" expose deployment web --port=80 --type=LoadBalancer
address web 192.0.2.10
holds VIP '{.status.loadBalancer.ingress[0].ipMode}' service web
holds service.kubernetes.io/load-balancer-cleanup '{.metadata.finalizers[0]}' service web
expect 'web +LoadBalancer +[0-9.]+ +192\.0\.2\.10 +80:' "$K" get service web
soon 10 'EnsuringLoadBalancer.*Ensuring load balancer' "$K" describe service web
soon 10 'EnsuredLoadBalancer +[^ ]+ +service-controller +Ensured load balancer' "$K" describe service web

step "an address that is asked for"
printf -- '---\n{apiVersion: v1, kind: Service, metadata: {name: asks}, spec: {type: LoadBalancer, loadBalancerIP: 192.0.2.12, ports: [{port: 80}]}}' | "$K" create -f - >/dev/null
address asks 192.0.2.12

step "an address that is shared"
for port in 80 443; do
  printf -- '---\n{apiVersion: v1, kind: Service, metadata: {name: shares-%s, annotations: {pilothouse.io/load-balancer-sharing-key: k}}, spec: {type: LoadBalancer, ports: [{port: %s}]}}' "$port" "$port" | "$K" create -f - >/dev/null
  address "shares-$port" 192.0.2.11
done

step "one that waits, and one of another class"
printf -- '---\n{apiVersion: v1, kind: Service, metadata: {name: waits}, spec: {type: LoadBalancer, ports: [{port: 80}]}}' | "$K" create -f - >/dev/null
soon 15 'SyncLoadBalancerFailed.*Error syncing load balancer: failed to ensure load balancer: no IPv4 address is left' "$K" describe service waits
printf -- '---\n{apiVersion: v1, kind: Service, metadata: {name: other}, spec: {type: LoadBalancer, loadBalancerClass: example.com/other, ports: [{port: 80}]}}' | "$K" create -f - >/dev/null
"$K" delete service web >/dev/null
address waits 192.0.2.10
holds '' "$ADDRESS" service other

step "a type that is changed"
"$K" patch service asks -p '{"spec":{"type":"ClusterIP"}}' >/dev/null
address asks ''
soon 10 '^$' "$K" get service asks -o jsonpath='{.metadata.finalizers}'
soon 10 'DeletedLoadBalancer' "$K" describe service asks

step "after a restart"
stop
start --nodes 2 --cloud-provider local --load-balancer-pool 192.0.2.10-192.0.2.12
printf -- '---\n{apiVersion: v1, kind: Service, metadata: {name: late}, spec: {type: LoadBalancer, ports: [{port: 80}]}}' | "$K" create -f - >/dev/null
address late 192.0.2.12
address waits 192.0.2.10
address shares-443 192.0.2.11
