# The doors, with the real programs: who is let in with which certificate, what a right in one namespace reaches, what a role may
# hold, and what other users of the machine can read.
source "$(dirname "$0")/lib.sh"

code() { curl -sS --max-time 20 --cacert "$CA" -o "$WORK/answer" -w '%{http_code}' "$@"; }
says() { grep -q -- "$1" "$WORK/answer" || fail "the answer does not say '$1': $(head -c 400 "$WORK/answer")"; }
lines() { grep -c -- "$1" "$WORK/$2.log" || true; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# issue NAME FROM UNTIL USAGE: a client certificate of the cluster's authority for a member of system:masters, $WORK/NAME.{crt,key}.
# FROM and UNTIL as `date -d` reads them.
issue() {
  local stamp=+%y%m%d%H%M%SZ
  mkdir -p "$WORK/ca" && : >"$WORK/ca/index"
  cat >"$WORK/ca/conf" <<EOF
[ca]
default_ca = c
[c]
database = $WORK/ca/index
new_certs_dir = $WORK/ca
rand_serial = yes
default_md = sha256
policy = p
x509_extensions = x
[p]
organizationName = optional
commonName = supplied
[x]
extendedKeyUsage = $4
EOF
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/$1.key" -out "$WORK/$1.csr" -subj "/O=system:masters/CN=$1" 2>/dev/null
  openssl ca -batch -notext -config "$WORK/ca/conf" -cert "$DATA/pki/ca.crt" -keyfile "$DATA/pki/ca.key" -in "$WORK/$1.csr" -out "$WORK/$1.crt" \
    -startdate "$(date -u -d "$2" $stamp)" -enddate "$(date -u -d "$3" $stamp)" 2>"$WORK/issue.log" || fail "openssl: $(cat "$WORK/issue.log")"
}

step "a directory that others can read is closed"
umask 022
mkdir -m 755 "$DATA"
start_apiserver 0 --anonymous-auth
curl_credentials
equals 1 "$(lines 'was open to other users, and is closed now' apiserver)" "lines about it"
equals 700 "$(stat -c %a "$DATA")" "the directory's mode"
equals "" "$(find "$DATA" -perm /077)" "what others can read"
end_daemon apiserver
chmod -R go+rX "$DATA"
start_apiserver
equals 1 "$(lines 'was open to other users, and is closed now' apiserver)" "lines about it, of one that is not empty"
equals "" "$(find "$DATA" -perm /077)" "what others can read"
"$PH" snapshot "$WORK/snapshot" --data-dir "$DATA" >/dev/null
equals 600 "$(stat -c %a "$WORK/snapshot")" "the snapshot's mode"
if [ "$(id -u)" = 0 ]; then
  mkdir "$WORK/theirs"
  chown 12345 "$WORK/theirs"
  refuse 'belongs to another user \(uid 12345\)' "$BIN/ph-apiserver" --data-dir "$WORK/theirs" --bind-address 127.0.0.1 --secure-port 0
fi

step "a bad certificate is 401 and one line, and not nobody"
curl_credentials
equals 200 "$(code "$URL/version")" "nobody asks for the version"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/foreign.key" -out "$WORK/foreign.crt" -days 1 \
  -subj "/O=system:masters/CN=mallory" 2>/dev/null
issue good '-1 hour' '+1 day' clientAuth
issue expired '-2 days' '-1 day' clientAuth
issue later '+1 day' '+2 days' clientAuth
issue server '-1 hour' '+1 day' serverAuth
bad_certificates() {  # bad_certificates PROGRAM URL
  local name before
  for name in foreign expired later server; do
    before=$(lines 'Unable to authenticate the request' "$1")
    equals 401 "$(code --cert "$WORK/$name.crt" --key "$WORK/$name.key" "$2")" "$1, a certificate: $name"
    says '"reason": *"Unauthorized"'
    equals $((before + 1)) "$(lines 'Unable to authenticate the request' "$1")" "$1, lines about it: $name"
  done
}
bad_certificates apiserver "$URL/version"
equals 200 "$(code --cert "$WORK/good.crt" --key "$WORK/good.key" "$URL/api/v1/nodes")" "a good one"

step "the daemons' ports"
code() { curl -ksS --max-time 20 -o "$WORK/answer" -w '%{http_code}' "$@"; }
declare -A ports
for name in controller-manager scheduler node; do
  ports[$name]=$(free_port)
  daemon $name ph-$name --kubeconfig "$DATA/$name.kubeconfig" --secure-port "${ports[$name]}" --bind-address 127.0.0.1 --client-ca-file "$DATA/pki/ca.crt"
done
for name in controller-manager scheduler node; do
  url=https://127.0.0.1:${ports[$name]}
  eventually 10 curl -kfsS "$url/healthz"
  [ $name = node ] || equals 403 "$(code "$url/metrics")" "$name: nobody asks for its metrics"
  bad_certificates $name "$url/healthz"
  [ $name = node ] || equals 200 "$(code --cert "$WORK/good.crt" --key "$WORK/good.key" "$url/metrics")" "$name: a good certificate"
  end_daemon $name
done
code() { curl -sS --max-time 20 --cacert "$CA" -o "$WORK/answer" -w '%{http_code}' "$@"; }

step "a right in one namespace reaches no other, and no node"
"$K" create namespace mine >/dev/null
"$K" create namespace victim >/dev/null
equals 201 "$(code --cert "$CERT" --key "$KEY" -H 'Content-Type: application/json' -d '{"metadata":{"name":"all"},"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]}' \
  "$URL/apis/rbac.authorization.k8s.io/v1/namespaces/mine/roles")" "a role for everything"
"$K" -n mine create rolebinding all --role=all --user=joe >/dev/null
as_joe() { code --cert "$CERT" --key "$KEY" -H 'Impersonate-User: joe' "$@"; }
equals 200 "$(as_joe "$URL/api/v1/namespaces/mine")" "his namespace"
equals 403 "$(as_joe "$URL/api/v1/namespaces/victim")" "another"
equals 404 "$(as_joe "$URL/api/v1/namespaces/mine/namespaces/victim")" "another, by way of his"
equals 404 "$(as_joe -X DELETE "$URL/api/v1/namespaces/mine/namespaces/victim")" "deleting it"
equals 404 "$(as_joe -X DELETE "$URL/api/v1/namespaces/mine/namespaces")" "deleting all"
equals 404 "$(as_joe -X POST -H 'Content-Type: application/json' -d '{"metadata":{"name":"new"}}' "$URL/api/v1/namespaces/mine/namespaces")" "making one"
equals 404 "$(as_joe -X PATCH -H 'Content-Type: application/merge-patch+json' -d '{"metadata":{"labels":{"a":"b"}}}' "$URL/api/v1/namespaces/mine/namespaces/victim")" "changing it"
equals 404 "$(as_joe "$URL/api/v1/namespaces/mine/nodes")" "nodes"
equals 403 "$(as_joe "$URL/api/v1/pods/x")" "a pod of no namespace"
equals 404 "$(call -o /dev/null -w '%{http_code}' "$URL/api/v1/pods/x")" "a pod of no namespace, by an administrator"
equals 400 "$(as_joe --path-as-is "$URL/api/v1/namespaces/mine/pods/%2e%2e")" "a name that leads elsewhere"
equals Active "$("$K" get namespace victim -o jsonpath='{.status.phase}{.metadata.labels.a}')" "the other namespace"

step "a role of eight million rights"
memory() { awk '$1 == "VmHWM:" {print int($2 / 1024)}' "/proc/${DAEMONS[apiserver]}/status"; }
many() { seq -s, -f "\"$1%g\"" 1 200; }
printf '{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"wide"},"rules":[{"apiGroups":[%s],"resources":[%s],"verbs":[%s]}]}' \
  "$(many g)" "$(many r)" "$(many v)" >"$WORK/wide"
before=$(memory)
equals 403 "$(as_joe -X POST -H 'Content-Type: application/json' -H 'Impersonate-Group: some' --data-binary @"$WORK/wide" "$URL/apis/rbac.authorization.k8s.io/v1/namespaces/victim/roles")" "nobody's role"
"$K" -n victim create rolebinding admins --clusterrole=admin --user=joe >/dev/null
equals 403 "$(as_joe -X POST -H 'Content-Type: application/json' --data-binary @"$WORK/wide" "$URL/apis/rbac.authorization.k8s.io/v1/namespaces/victim/roles")" "what he does not hold"
says 'is attempting to grant RBAC permissions not currently held'
equals 201 "$(as_joe -X POST -H 'Content-Type: application/json' --data-binary @"$WORK/wide" "$URL/apis/rbac.authorization.k8s.io/v1/namespaces/mine/roles")" "what he holds"
[ "$(memory)" -le $((before + 100)) ] || fail "the server holds $(memory) MiB, and held $before"
end_daemon apiserver

step "where everything is allowed, nobody is let in"
start_apiserver 0 --authorization-mode=RBAC,AlwaysAllow --anonymous-auth=true
curl_credentials
equals 1 "$(lines 'AnonymousAuth is not allowed with the AlwaysAllow authorizer' apiserver)" "lines about it"
for path in /api/v1/secrets /version /healthz; do equals 401 "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$URL$path")" "nobody asks for $path"; done
equals 200 "$(as_joe "$URL/api/v1/secrets")" "somebody"
end_daemon apiserver
start_apiserver 0 --anonymous-auth=false
curl_credentials
equals 401 "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$URL/version")" "nobody, where nobody is let in"
end_daemon apiserver
