# Generic code names no kind: what one kind needs stands with it (api/defaults, api/validation, apiserver/registry, parts, upkeep,
# tables/printers). Prints every line that does. What every object has (meta/v1) is no kind.
set -euo pipefail
cd "$(dirname "$0")/../.."
groups=$(cd api/proto && printf '%s\n' */ | grep -v '^meta/' | tr -d / | paste -sd'|')
generic="apiserver/rest apiserver/cache apiserver/storage api/patch apiserver/tables/*.cc apiserver/tables/*.h apiserver/access.h
  apiserver/admission/admission.h api/encoded.cc api/encoded.h api/object.cc api/object_rules.cc api/value.cc"
# shellcheck disable=SC2086
if grep -rnE "\b($groups)::v[0-9]|\"($groups)/v[0-9][a-z0-9]*\.pb\.h\"|\"(pods|nodes|services|bindings|events|leases|secrets|configmaps)\"" \
  $generic | grep -vE '^[^:]+:[0-9]+: *//'; then
  echo "a kind in generic code"
  exit 1
fi
echo "no kind in generic code"
