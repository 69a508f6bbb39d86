# A scripted day with Debian's python3-kubernetes.
source "$(dirname "$0")/lib.sh"
/usr/bin/python3 -c 'import kubernetes' 2>/dev/null || skip "there is no python3-kubernetes to be had"
start --nodes 2
timeout 120 /usr/bin/python3 "$ROOT/tests/e2e/clients/day.py"
stop
