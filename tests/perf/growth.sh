#!/usr/bin/env bash
# tests/perf/growth.sh [NODES:DEPLOYMENTS:REPLICAS...]: how the cost of a pod grows with the cluster: a run of scale.sh for each size, and
# a line of its result. Without arguments 1k, 10k and 100k pods on a thousand nodes, and 10k pods on a hundred, a thousand and ten
# thousand. What each run prints stays in $GROWTH_DIR (a new directory below /tmp).
set -euo pipefail
[ $# -gt 0 ] || set -- 1000:20:50 1000:100:100 1000:500:200 100:100:100 10000:100:100
GROWTH_DIR=${GROWTH_DIR:-$(mktemp -d)}
printf '%8s %8s %10s %12s %10s %10s %12s\n' nodes pods pods/s "CPU µs/pod" "RSS MB" "peak MB" "at rest ‰"
for size in "$@"; do
  IFS=: read -r nodes deployments replicas <<<"$size"
  out=$GROWTH_DIR/$nodes-$deployments-$replicas
  if ! "$(dirname "$0")/scale.sh" "$nodes" "$deployments" "$replicas" >"$out" 2>&1; then
    echo "$size failed: $out"
    continue
  fi
  awk '$1 == "=" {printf "%8s %8s %10s %12.0f %10s %10s %12.0f\n", $2, $3, $4, $5, $6, $7, $8}' "$out"
done
