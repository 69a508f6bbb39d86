# docs.sh PAGE: runs the `sh` blocks of docs/guides/PAGE.md, top to bottom in one shell, as a reader would. Programs that a page
# leaves in the background are ended with it.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PAGE=${1:?which page}
WORK=$(mktemp -d)
mkdir "$WORK/bin"
ln -s "$("$ROOT/scripts/kubectl" "${KUBECTL_VERSION:-33}")" "$WORK/bin/kubectl"
export PATH=$WORK/bin:$(dirname "${PH_PROGRAM:?}"):$PATH DATA=$WORK/data
awk '/^```sh$/ {on = 1; next} /^```$/ {on = 0} on' "$ROOT/docs/guides/$PAGE.md" >"$WORK/commands"
[ -s "$WORK/commands" ] || { echo "$PAGE.md has no commands"; exit 1; }
# A command that must fail ("! …") is one too: bash's -e does not look at those.
sed -i -E 's/^! (.*)$/if \1; then echo "it should have been refused: \1" >\&2; exit 1; fi/' "$WORK/commands"
cd "$ROOT"
code=0
timeout 240 bash -euo pipefail -c 'trap "kill \$(jobs -p) 2>/dev/null; wait" EXIT; set -x; . "$1"' page "$WORK/commands" >"$WORK/log" 2>&1 || code=$?
[ $code -eq 0 ] || { echo "docs/guides/$PAGE.md: a command failed ($code):"; tail -n 60 "$WORK/log"; }
rm -rf "$WORK"
exit $code
