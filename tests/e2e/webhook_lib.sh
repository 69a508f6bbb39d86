# For scripts that need a webhook of their own: sourced after lib.sh.
# `end_hook` ends it; what it has been asked is a line each of $WORK/hook.log; CA_BUNDLE is its authority.
HOOK=
trap 'end_hook; finish' EXIT

end_hook() {
  local code=$?
  [ -z "$HOOK" ] || { kill "$HOOK" && wait "$HOOK"; } 2>/dev/null || true
  HOOK=
  return $code
}
# begin_hook: sets HOOK and PORT.
begin_hook() {
  : >"$WORK/hook.log"
  python3 "$(dirname "$0")/webhook_server.py" "$WORK/cert.pem" "$WORK/key.pem" >"$WORK/hook.log" 2>&1 &
  HOOK=$!
  eventually 10 grep -q '^[0-9]' "$WORK/hook.log"
  PORT=$(head -n 1 "$WORK/hook.log")
}
# Its own authority, for the names that it is called by.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=webhook -keyout "$WORK/key.pem" -out "$WORK/cert.pem" \
  -addext 'subjectAltName=DNS:localhost,DNS:hook.hooked.svc' 2>/dev/null
CA_BUNDLE=$(base64 -w0 "$WORK/cert.pem")
