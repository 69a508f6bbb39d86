# Programs that wait for a server that is not there end when they are told to, at once and with 0.
source "$(dirname "$0")/lib.sh"

# Ends within two seconds of the signal: the waits they could be in are of five seconds and more, or without end.
ends_at() {
  local name=$1 signal=$2 pid=${DAEMONS[$1]}
  unset "DAEMONS[$name]"
  kill "-$signal" "$pid"
  (sleep 2; kill -9 "$pid" 2>/dev/null) &
  local watch=$! code=0
  wait "$pid" || code=$?
  kill "$watch" 2>/dev/null && wait "$watch" 2>/dev/null || true
  equals 0 "$code" "the exit code of $name after SIG$signal (137: it did not end)"
}

# A server that takes connections and says nothing; its port.
python3 -c '
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(100)
print(s.getsockname()[1], flush=True)
kept = []
while True: kept.append(s.accept())' >"$WORK/silent.port" &
DAEMONS[silent]=$!
touch "$WORK/silent.log"
eventually 5 test -s "$WORK/silent.port"
SILENT=$(cat "$WORK/silent.port")

step "a directory whose server is gone"
start --components=apiserver
stop
PORT=$("$K" config view -o jsonpath='{.clusters[0].cluster.server}' | sed 's/.*://')

programs() {
  daemon manager ph-controller-manager --kubeconfig "$DATA/controller-manager.kubeconfig" --secure-port 0
  daemon accounts ph-controller-manager --kubeconfig "$DATA/controller-manager.kubeconfig" --secure-port 0 --use-service-account-credentials \
    --leader-elect=false
  daemon scheduler ph-scheduler --kubeconfig "$DATA/scheduler.kubeconfig" --secure-port 0
  daemon alone ph-scheduler --kubeconfig "$DATA/scheduler.kubeconfig" --secure-port 0 --leader-elect=false
  daemon node ph-node --kubeconfig "$DATA/node.kubeconfig" --secure-port 0
  for name in manager accounts scheduler alone node; do said $name '"?started'; done
}

for port in "$PORT" "$SILENT"; do
  sed -i "s/127.0.0.1:[0-9]*/127.0.0.1:$port/" "$DATA"/*.kubeconfig
  for signal in INT TERM; do
    [ "$port" = "$SILENT" ] && step "a server that says nothing, SIG$signal" || step "nobody listens, SIG$signal"
    for subset in controller-manager scheduler node scheduler,node controller-manager,scheduler,node; do
      : >"$WORK/up.log"
      daemon up pilothouse up --data-dir "$DATA" --components="$subset"
      said up 'data in'
      sleep 0.3   # it has begun to wait
      kill -0 "${DAEMONS[up]}" || fail "up --components=$subset did not wait: $(cat "$WORK/up.log")"
      ends_at up $signal
      grep -q '^stopping' "$WORK/up.log" || fail "up --components=$subset did not say that it stops: $(cat "$WORK/up.log")"
    done
    programs
    sleep 0.3
    for name in manager accounts scheduler alone node; do ends_at $name $signal; done
  done
done
