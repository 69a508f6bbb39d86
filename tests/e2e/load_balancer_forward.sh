# A service of type LoadBalancer that answers: its address is one of the loopback interface, and what comes there is sent on to a real
# server, as long as the service has it.
source "$(dirname "$0")/lib.sh"
POOL=127.0.77.0/29
WWW=$WORK/www
mkdir -p "$WWW"
echo hello-from-behind >"$WWW/index.html"
python3 -u -m http.server --bind 127.0.0.1 --directory "$WWW" 0 >"$WWW/log" 2>&1 &
SERVER=$!
trap 'kill $SERVER 2>/dev/null; finish' EXIT
for _ in $(seq 100); do grep -q 'port [0-9]' "$WWW/log" && break; sleep 0.1; done
BACKEND=127.0.0.1:$(grep -oP 'port \K[0-9]+' "$WWW/log")

start --nodes 2 --cloud-provider local --load-balancer-pool $POOL --forward-load-balancers own

step "it gets its address, and answers there"
printf -- '---\n{apiVersion: v1, kind: Service, metadata: {name: web, annotations: {pilothouse.io/load-balancer-backends: "%s"}}, spec: {type: LoadBalancer, ports: [{port: 18080}]}}' "$BACKEND" | "$K" create -f - >/dev/null
soon 15 '^127\.0\.77\.' "$K" get service web -o jsonpath='{.status.loadBalancer.ingress[0].ip}'
IP=$("$K" get service web -o jsonpath='{.status.loadBalancer.ingress[0].ip}')
soon 10 'hello-from-behind' curl -sS --max-time 5 "http://$IP:18080/"
soon 10 "Forwarding .*Listening on TCP $IP:18080" "$K" describe service web

step "a backend that is none is told of"
"$K" annotate service web --overwrite pilothouse.io/load-balancer-backends=here >/dev/null
soon 10 'ForwardingFailed.*"here" is no address and port' "$K" describe service web
"$K" annotate service web --overwrite "pilothouse.io/load-balancer-backends=$BACKEND" >/dev/null
soon 10 'hello-from-behind' curl -sS --max-time 5 "http://$IP:18080/"

step "it gives it back"
"$K" delete service web >/dev/null
soon 10 'Failed to connect|refused' bash -c "curl -sS --max-time 5 http://$IP:18080/ 2>&1 || true"
