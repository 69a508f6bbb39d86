# The table of loops in docs/controllers.md holds what there is: a row for each loop of the registry with its default, and every test, swarm
# and guide that a row names. Prints every row that does not.
set -euo pipefail
cd "$(dirname "$0")/../.."
broken=0
say() { echo "$1"; broken=1; }
table=$(sed -n '/^## Where each loop is seen at work/,$p' docs/controllers.md | grep '^| [a-z]' | grep -v '^| loop ')

# A line of the registry may be broken in two.
while read -r loop alias default; do
  row=$(grep -E "^\| $loop " <<<"$table" || true)
  if [ -z "$row" ]; then say "$loop: has no row"; continue; fi
  [ "$alias" = - ] || grep -qF "(\`$alias\`)" <<<"$row" || say "$loop: its row does not tell its old name, $alias"
  told=$(cut -d'|' -f3 <<<"$row")
  case "$default:$told" in
    On:' on ' | On:' with a cloud ' | Off:' off ') ;;
    *) say "$loop: is $default by default, and its row says$told" ;;
  esac
done < <(tr '\n' ' ' <controllers/registry.def | grep -oP 'LOOP\("\K[^)]*' |
  sed -E 's/^([^"]+)", *"([^"]*)", *[a-z_]+, *(On|Off),.*/\1 \2 \3/; s/^([^ ]+)  /\1 - /')

tests_of() { grep -cE '^TEST(_F|_P)?\(' "tests/controllers/$1_test.cc"; }
while IFS='|' read -r _ loop _ seen tests _ swarm _; do
  loop=${loop# } loop=${loop%% *}
  case "$seen" in *"nothing:"*) continue ;; esac
  grep -q '`' <<<"$seen" || say "$loop: is nowhere seen at work"
  for name in $(grep -oP '`\K[^`, ]+(?=`)' <<<"$seen"); do
    case "$name" in
      e2e.*) file=tests/e2e/${name#e2e.}.sh ;;
      docs.*) file=docs/guides/${name#docs.}.md ;;
      *) file=tests/controllers/${name}_test.cc ;;
    esac
    [ -f "$file" ] || say "$loop: is seen at work in $name, and there is no $file"
  done
  while read -r name least; do
    if [ ! -f "tests/controllers/${name}_test.cc" ]; then say "$loop: there are no tests $name"; continue; fi
    [ "$(tests_of "$name")" -ge "${least:-1}" ] || say "$loop: there are $(tests_of "$name") tests $name, not $least"
  done < <(grep -oP '`[a-z_]+` [0-9]+' <<<"$tests" | tr -d '`')
  grep -qE '` [0-9]+' <<<"$tests" || say "$loop: no tests are counted"
  for name in $(grep -oP '`\K[^`, ]+(?=`)' <<<"$swarm" || true); do
    grep -qF "SWARM(\"$name\"" tests/sim/swarm/registry.def || say "$loop: there is no swarm $name"
  done
done <<<"$table"

shown=$(sed -n '/^## What a loop has to show/,/^## Where each/p' docs/controllers.md | grep '^|')
for name in $(grep -oP '`\K[A-Za-z_]+\.[A-Za-z0-9_]+(?=`)' <<<"$shown"); do
  grep -rqE "^TEST(_F|_P)?\(${name%.*}, ${name#*.}\)" tests --include='*_test.cc' || say "$name: there is no such test"
done
for path in $(grep -oP '`\Ktests/[^`]+(?=`)' <<<"$shown"); do
  [ -e "$path" ] || say "$path: is not there"
done

[ $broken -eq 0 ] || exit 1
echo "$(wc -l <<<"$table") rows fit"
