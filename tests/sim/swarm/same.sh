# same.sh SWARM SWARM [N]: runs the first N seeds (4; of the nodes' long days 1) of every swarm with both programs, and fails where
# their histories differ.
set -euo pipefail
first=$1 second=$2 count=${3:-4}
# A seed that never ends is not left running when this is killed.
histories() { timeout 120 "$@" | sed -n 's/^  histories //p'; }
differ=0
for loop in $("$first" 2>&1 | sed -n 's/^loops: //p'); do
  seeds=$count
  [ "$loop" != hollow-nodes ] || seeds=1
  one=$(histories "$first" "$loop" "$seeds")
  other=$(histories "$second" "$loop" "$seeds")
  [ -n "$one" ] || { echo "$loop: no history"; exit 1; }
  echo "$loop: $one $other"
  [ "$one" = "$other" ] || differ=1
done
[ "$differ" = 0 ] || echo "histories differ: docs/simulation.md"
exit "$differ"
