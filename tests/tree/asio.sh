# Two Asios in one process: ours and the one inside libcpprest. No program may export a symbol of Asio, or the loader binds
# libcpprest's own calls to it; and none may take one from libcpprest. Arguments: the programs.
set -euo pipefail
broken=0
for program in "$@"; do
  while read -r symbol; do
    echo "$program shares $symbol"
    broken=1
  done < <(nm -D "$program" | grep -o '[^ ]*5boost4asio.*' | head -5 || true)
done
[ $broken -eq 0 ] && echo "no symbol of Asio is shared"
exit $broken
