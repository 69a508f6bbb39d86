# The sample extender of manifests/, asked by the real scheduler: it places by label; stopped or killed, it holds up its own
# pods and no others.
source "$(dirname "$0")/lib.sh"
SAMPLE=$ROOT/manifests/extender
EXTENDER=
trap 'end_extender; finish' EXIT

# begin_extender PORT: sets EXTENDER and PORT.
begin_extender() {
  python3 "$SAMPLE/label_extender.py" --port "$1" >"$WORK/extender.log" 2>&1 &
  EXTENDER=$!
  eventually 10 grep -q '^listening on' "$WORK/extender.log"
  PORT=$(sed -n 's/^listening on .*://p' "$WORK/extender.log")
}
end_extender() {
  local code=$?
  [ -z "$EXTENDER" ] || { kill -CONT "$EXTENDER" && kill "$EXTENDER" && wait "$EXTENDER"; } 2>/dev/null || true
  EXTENDER=
  return $code
}
# place NAME REQUIRED-LABEL PREFERRED-LABEL: a pod for the extender.
place() {
  sed -e "s/name: placed/name: $1/" -e "s/pool=fast/$2/" -e "s/disk=ssd/$3/" "$SAMPLE/pod.yaml" | "$K" apply -f - >/dev/null
}
node_of() { "$K" get pod "$1" -o jsonpath='{.spec.nodeName}'; }
is_on() { [ "$(node_of "$1")" = "$2" ]; }
is_placed() { [ -n "$(node_of "$1")" ]; }
# others_go_on NAME: pods that the extender is not asked about are placed, of both profiles.
others_go_on() {
  "$K" run "$1-plain" --image=x >/dev/null
  "$K" run "$1-beside" --image=x --overrides='{"spec":{"schedulerName":"label-scheduler"}}' >/dev/null
  eventually 10 is_placed "$1-plain"
  eventually 10 is_placed "$1-beside"
}

begin_extender 0
sed "s/127.0.0.1:8888/127.0.0.1:$PORT/" "$SAMPLE/scheduler.yaml" >"$WORK/scheduler.yaml"
start --nodes 4 --config "$WORK/scheduler.yaml"
"$K" label node node-1 node-2 pool=fast >/dev/null
"$K" label node node-2 node-3 disk=ssd >/dev/null

step "pods go where their labels say"
for i in 1 2 3 4 5; do
  place "both-$i" pool=fast disk=ssd
  place "preferred-$i" none disk=ssd
done
for i in 1 2 3 4 5; do
  eventually 10 is_on "both-$i" node-2
  eventually 10 is_placed "preferred-$i"
  [[ "$(node_of "preferred-$i")" =~ ^node-[23]$ ]] || fail "preferred-$i is on $(node_of "preferred-$i")"
done

step "without such a node it says why, and waits for one"
place nowhere pool=slow disk=ssd
eventually 10 bash -c "$K describe pod nowhere | grep -q \"0/4 nodes are available: 4 node(s) didn't have the label pool=slow.\""
"$K" label node node-0 pool=slow >/dev/null
eventually 30 is_on nowhere node-0

step "a stopped extender costs its own pods only"
kill -STOP "$EXTENDER"
place stopped pool=fast disk=ssd
others_go_on stopped
eventually 10 bash -c "$K describe pod stopped | grep -q 'Post \"http://127.0.0.1:$PORT/filter\": context deadline exceeded'"
is_placed stopped && fail "it was placed by nobody"
kill -CONT "$EXTENDER"
eventually 30 is_on stopped node-2

step "so does a killed one"
kill -9 "$EXTENDER"
wait "$EXTENDER" 2>/dev/null || true
place killed pool=fast disk=ssd
others_go_on killed
eventually 10 bash -c "$K describe pod killed | grep -q 'Post \"http://127.0.0.1:$PORT/filter\": Failed to connect'"
is_placed killed && fail "it was placed by nobody"
begin_extender "$PORT"
eventually 30 is_on killed node-2

step "a configuration that cannot be used is refused"
sed "s|weight: 10|weight: -1|" "$WORK/scheduler.yaml" >"$WORK/bad.yaml"
refuse 'extenders\[0\].weight: Invalid value: -1: must have a positive weight' timeout 20 "$PH" up --data-dir "$WORK/other" --secure-port 0 --config "$WORK/bad.yaml"
sed "s|httpTimeout: 2s|tlsConfig: {caFile: /nowhere.pem}|" "$WORK/scheduler.yaml" >"$WORK/bad.yaml"
refuse '/nowhere.pem' timeout 20 "$PH" up --data-dir "$WORK/other" --secure-port 0 --config "$WORK/bad.yaml"
stop
