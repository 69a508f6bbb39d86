"""An issuer of OpenID Connect for tests, with RSA keys by openssl.

    token_issuer.py serve CERT KEY KEYS   over TLS, on a free port, which is the first line it says; publishes KEYS/*.pem
    token_issuer.py sign PEM CLAIMS       a token of these claims (JSON); its key is named by the file
"""
import base64
import glob
import http.server
import json
import os
import ssl
import subprocess
import sys


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def key_id(pem):
    return os.path.basename(pem).removesuffix(".pem")


def sign(pem, claims):
    header = {"alg": "RS256", "typ": "JWT", "kid": key_id(pem)}
    said = text(json.dumps(header).encode()) + "." + text(json.dumps(claims).encode())
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", pem], input=said.encode(), capture_output=True, check=True)
    return said + "." + text(signature.stdout)


def public_key(pem):
    shown = subprocess.run(["openssl", "rsa", "-in", pem, "-noout", "-modulus"], capture_output=True, check=True, text=True)
    modulus = bytes.fromhex(shown.stdout.strip().removeprefix("Modulus="))
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id(pem), "n": text(modulus), "e": "AQAB"}


class Issuer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = f"https://127.0.0.1:{self.server.server_port}"
        answers = {
            "/.well-known/openid-configuration": lambda: {"issuer": url, "jwks_uri": url + "/keys"},
            "/keys": lambda: {"keys": [public_key(pem) for pem in sorted(glob.glob(self.server.keys + "/*.pem"))]},
        }
        answer = answers.get(self.path)
        body = json.dumps(answer()).encode() if answer else b"{}"
        self.send_response(200 if answer else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if sys.argv[1] == "sign":
    print(sign(sys.argv[2], json.loads(sys.argv[3])))
else:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
    server.keys = sys.argv[4]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_port, flush=True)
    server.serve_forever()
