# Who asks, end to end with kubectl over TLS: by a token of an issuer, a bootstrap token and the certificate that it brings, a bound
# token, a front proxy; each allowed what he should, and refused the rest in upstream's words.
PH_SEPARATE=1
source "$(dirname "$0")/lib.sh"
ISSUER=$(dirname "$0")/token_issuer.py
AUTHN=$WORK/authentication.yaml

# authority NAME: NAME.pem and NAME.key; certificate NAME SUBJECT AUTHORITY [EXTENSIONS]
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj "/CN=$1" -keyout "$WORK/$1.key" \
    -out "$WORK/$1.pem" 2>/dev/null
}
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -keyout "$WORK/$1.key" -out "$WORK/$1.csr" 2>/dev/null
  printf '%s\n' "${4:-extendedKeyUsage=clientAuth}" >"$WORK/$1.ext"
  openssl x509 -req -in "$WORK/$1.csr" -CA "$WORK/$3.pem" -CAkey "$WORK/$3.key" -CAcreateserial -days 1 -extfile "$WORK/$1.ext" \
    -out "$WORK/$1.pem" 2>/dev/null
}

authority issuer-ca
certificate issuer /CN=issuer issuer-ca subjectAltName=IP:127.0.0.1
mkdir "$WORK/keys"
openssl genrsa -out "$WORK/keys/first.pem" 2048 2>/dev/null
python3 "$ISSUER" serve "$WORK/issuer.pem" "$WORK/issuer.key" "$WORK/keys" >"$WORK/issuer.log" 2>&1 &
DAEMONS[issuer]=$!
said issuer '^[0-9]+$'
ISSUER_URL=https://127.0.0.1:$(head -1 "$WORK/issuer.log")
authority proxy-ca
certificate proxy /CN=front-proxy proxy-ca
certificate other /CN=other proxy-ca

# configuration PREFIX
configuration() {
  cat <<EOF
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: $ISSUER_URL
    audiences: [cluster]
    certificateAuthority: |
$(sed 's/^/      /' "$WORK/issuer-ca.pem")
  claimMappings:
    username: {claim: sub, prefix: "$1"}
    groups: {expression: "claims.roles.map(r, 'ex:' + r)"}
  userValidationRules:
  - {expression: "!user.username.startsWith('system:')", message: "that is somebody else"}
anonymous:
  enabled: true
  conditions: [{path: /livez}, {path: /readyz}]
EOF
}
configuration ex: >"$AUTHN"
start_apiserver 0 --authentication-config="$AUTHN" --enable-bootstrap-token-auth --requestheader-client-ca-file="$WORK/proxy-ca.pem" \
  --requestheader-allowed-names=front-proxy --requestheader-username-headers=X-Remote-User \
  --requestheader-group-headers=X-Remote-Group --requestheader-extra-headers-prefix=X-Remote-Extra-
daemon manager ph-controller-manager --kubeconfig "$DATA/controller-manager.kubeconfig" --secure-port 0 \
  --cluster-signing-cert-file="$DATA/pki/ca.crt" --cluster-signing-key-file="$DATA/pki/ca.key" \
  --service-account-private-key-file="$DATA/pki/sa.key" --use-service-account-credentials
said manager 'loops started'
curl_credentials

# as TOKEN kubectl's arguments…: with nothing but a token.
cat >"$WORK/nobody" <<EOF
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "$URL", certificate-authority: "$CA"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {}}]
current-context: c
EOF
as() { "$K" --kubeconfig "$WORK/nobody" --token "$1" "${@:2}"; }
# token [MEMBERS [KEY]]: of jane, a developer; the members (JSON) replace or add claims.
token() {
  local claims
  claims=$(python3 -c 'import json, sys, time
claims = {"iss": sys.argv[1], "aud": "cluster", "sub": "jane", "roles": ["devs"], "exp": int(time.time()) + 600}
claims.update(json.loads(sys.argv[2]))
print(json.dumps(claims))' "$ISSUER_URL" "${1:-{\}}")
  python3 "$ISSUER" sign "$WORK/keys/${2:-first}.pem" "$claims"
}

step "a token of an issuer"
JANE=$(token)
expect 'ex:jane' as "$JANE" auth whoami
expect 'ex:devs' as "$JANE" auth whoami
refuse 'pods is forbidden: User "ex:jane" cannot list resource "pods" in API group "" in the namespace "default"' as "$JANE" get pods
"$K" create rolebinding developers --clusterrole=view --group=ex:devs >/dev/null
expect 'No resources found' as "$JANE" get pods
refuse 'forbidden' as "$JANE" get secrets
for bad in '{"aud":"other"}' '{"exp":1000000000}' '{"sub":""}' '{"iss":"https://kubernetes.default.svc.cluster.local"}'; do
  refuse 'Unauthorized|must be logged in' as "$(token "$bad")" get pods
done
openssl genrsa -out "$WORK/first.pem" 2048 2>/dev/null  # another key that says it is the first
FORGED=$(python3 "$ISSUER" sign "$WORK/first.pem" "$(python3 -c 'import json, sys, time; print(json.dumps({"iss": sys.argv[1], "aud": "cluster", "sub": "jane", "roles": [], "exp": time.time() + 600}))' "$ISSUER_URL")")
refuse 'Unauthorized|must be logged in' as "$FORGED" get pods

step "its key is turned"
rm "$WORK/keys/first.pem"
openssl genrsa -out "$WORK/keys/second.pem" 2048 2>/dev/null
soon 20 'ex:jane' as "$(token '{}' second)" auth whoami
soon 20 'Unauthorized|must be logged in' as "$JANE" auth whoami

step "the configuration changes"
configuration other: >"$AUTHN"
soon 30 'other:jane' as "$(token '{}' second)" auth whoami
echo 'jwt: 7' >>"$AUTHN"
said apiserver 'failed to reload authentication config' 30
expect 'other:jane' as "$(token '{}' second)" auth whoami
configuration '' >"$AUTHN"
soon 30 'Username +jane' as "$(token '{}' second)" auth whoami
refuse 'Unauthorized|must be logged in' as "$(token '{"sub":"system:admin"}' second)" auth whoami

step "nobody, at two paths"
equals 200 "$(curl -s --cacert "$CA" -o /dev/null -w '%{http_code}' "$URL/livez")" "/livez"
equals 401 "$(curl -s --cacert "$CA" -o /dev/null -w '%{http_code}' "$URL/version")" "/version"

step "a front proxy"
whoami=(-H 'Content-Type: application/json' -d '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'
  "$URL/apis/authentication.k8s.io/v1/selfsubjectreviews")
headers=(-H 'X-Remote-User: joe' -H 'X-Remote-Group: ops' -H 'X-Remote-Extra-Scopes: all')
by() { curl -sS --max-time 20 --cacert "$CA" --cert "$WORK/$1.pem" --key "$WORK/$1.key" "${@:2}"; }
expect '"username": "joe"' by proxy "${headers[@]}" "${whoami[@]}"
expect '"ops"' by proxy "${headers[@]}" "${whoami[@]}"
expect '"code": 401' by other "${headers[@]}" "${whoami[@]}"
expect '"code": 401' by proxy "${whoami[@]}"
expect '"username": "kubernetes-admin"' call "${headers[@]}" "${whoami[@]}"
expect '"code": 401' curl -sS --cacert "$CA" "${headers[@]}" "${whoami[@]}"
expect 'BEGIN CERTIFICATE' "$K" -n kube-system get configmap extension-apiserver-authentication \
  -o jsonpath='{.data.requestheader-client-ca-file}'

step "a bootstrap token, and the certificate that it brings"
"$K" -n kube-system create secret generic bootstrap-token-abcdef --type=bootstrap.kubernetes.io/token \
  --from-literal=token-id=abcdef --from-literal=token-secret=0123456789abcdef --from-literal=usage-bootstrap-authentication=true >/dev/null
JOIN=abcdef.0123456789abcdef
expect 'system:bootstrap:abcdef' as $JOIN auth whoami
refuse 'forbidden' as $JOIN get nodes
"$K" create clusterrolebinding join --clusterrole=system:node-bootstrapper --group=system:bootstrappers >/dev/null
"$K" create clusterrolebinding approve --clusterrole=system:certificates.k8s.io:certificatesigningrequests:nodeclient \
  --group=system:bootstrappers >/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/O=system:nodes/CN=system:node:n1' -keyout "$WORK/n1.key" \
  -out "$WORK/n1.csr" 2>/dev/null
cat >"$WORK/csr.yaml" <<EOF
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: n1}
spec:
  signerName: kubernetes.io/kube-apiserver-client-kubelet
  usages: [digital signature, client auth]
  request: $(base64 -w0 <"$WORK/n1.csr")
EOF
expect 'created' as $JOIN create -f "$WORK/csr.yaml"
soon 20 'Approved,Issued' "$K" get csr n1
"$K" get csr n1 -o jsonpath='{.status.certificate}' | base64 -d >"$WORK/n1.pem"
n1() { "$K" --kubeconfig "$WORK/nobody" --client-certificate "$WORK/n1.pem" --client-key "$WORK/n1.key" "$@"; }
expect 'system:node:n1' n1 auth whoami
refuse 'forbidden' n1 get secrets -A
refuse 'nodes "n2" is forbidden' n1 delete node n2
"$K" -n kube-system delete secret bootstrap-token-abcdef >/dev/null
refuse 'Unauthorized|must be logged in' as $JOIN auth whoami
expect 'system:node:n1' n1 auth whoami

step "a service account's token"
"$K" create serviceaccount bot >/dev/null
BOT=$("$K" create token bot)
expect 'system:serviceaccount:default:bot' as "$BOT" auth whoami
refuse 'cannot list resource "pods"' as "$BOT" get pods
"$K" apply -f - >/dev/null <<EOF
apiVersion: v1
kind: Secret
metadata: {name: bot, annotations: {kubernetes.io/service-account.name: bot}}
type: kubernetes.io/service-account-token
EOF
soon 20 '.' "$K" get secret bot -o jsonpath='{.data.token}'
KEPT=$("$K" get secret bot -o jsonpath='{.data.token}' | base64 -d)
expect 'system:serviceaccount:default:bot' as "$KEPT" auth whoami
holds "$(date -u +%F)" '{.metadata.labels.kubernetes\.io/legacy-token-last-used}' secret bot
"$K" delete serviceaccount bot >/dev/null
refuse 'Unauthorized|must be logged in' as "$BOT" auth whoami
refuse 'Unauthorized|must be logged in' as "$KEPT" auth whoami
