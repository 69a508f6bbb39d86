# A scripted day with @kubernetes/client-node.
source "$(dirname "$0")/lib.sh"
NODE_MODULES=$("$ROOT/scripts/client-node") || skip "there is no @kubernetes/client-node to be had"
export NODE_MODULES
start --nodes 2
timeout 120 node "$ROOT/tests/e2e/clients/day.mjs"
stop
