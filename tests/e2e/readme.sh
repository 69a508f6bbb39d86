# The README's first screen: what it says to type in another shell, as written, with a home of its own.
source "$(dirname "$0")/lib.sh"
export HOME=$WORK
unset XDG_DATA_HOME
mkdir "$WORK/bin"
ln -s "$K" "$WORK/bin/kubectl"
export PATH=$WORK/bin:$PATH
cd "$ROOT"
sed -n '/^## Use/q; s/^    \(export \|kubectl \)/\1/p' README.md >"$WORK/commands"
[ "$(wc -l <"$WORK/commands")" -ge 5 ] || fail "the README's first screen has lost its commands"

DATA=$HOME/.local/share/pilothouse
"$PH" up --secure-port 0 >"$WORK/server.log" 2>&1 &
SERVER=$!
eventually 15 grep -q '^ready after' "$WORK/server.log"
step "with the line it prints"
export_line=$(head -1 "$WORK/commands")
equals "$(eval "$export_line" && echo "$KUBECONFIG")" "$(sed -n 's/^ *export KUBECONFIG=//p' "$WORK/server.log")" "the kubeconfig"
step "the commands"
out=$(bash -euo pipefail "$WORK/commands" 2>&1) || fail "the README's commands: $out"
for pattern in 'deployment "frontend" successfully rolled out' 'pod/frontend-[0-9a-z]+-[0-9a-z]{5} +1/1 +Running ' 'service/frontend ' 'frontend-[0-9a-z]+ +IPv4 '; do
  grep -Eq "$pattern" <<<"$out" || fail "the README's commands do not show /$pattern/ but: $out"
done
stop
