"""webhook_server.py CERT KEY: an admission and conversion webhook over TLS, on all addresses and a free port, which is the first line it says.

The path says what it does; every path that is asked for is a line of its output.
"""
import base64
import http.server
import json
import ssl
import sys
import time


def patch(*operations):
    return {"allowed": True, "patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(operations).encode()).decode()}


def answer(path, request):
    if path == "/label":
        labels = dict(request["object"]["metadata"].get("labels", {}), by="webhook")
        return patch({"op": "add", "path": "/metadata/labels", "value": labels})
    if path == "/judge":
        if (request["object"] or {}).get("data", {}).get("verdict") == "bad":
            return {"allowed": False, "status": {"code": 403, "message": "that is bad"}}
        return {"allowed": True, "warnings": ["seen by the webhook"]}
    if path == "/slow":
        time.sleep(8)
    if path == "/lie":
        return {"uid": "another", "allowed": True}
    if path == "/broken":
        return patch({"op": "remove", "path": "/nothing/there"})
    return {"allowed": True}


def convert(path, request):
    """Of v1's hostPort, "host:port", and v2's host and port one is made of the other."""
    objects = []
    for thing in request["objects"]:
        spec = thing.get("spec", {})
        if request["desiredAPIVersion"].endswith("/v2") and "hostPort" in spec:
            spec["host"], _, port = spec.pop("hostPort").partition(":")
            spec["port"] = int(port)
        elif request["desiredAPIVersion"].endswith("/v1") and "host" in spec:
            spec["hostPort"] = "%s:%d" % (spec.pop("host"), spec.pop("port", 0))
        thing["apiVersion"] = request["desiredAPIVersion"]
        if path == "/convert-lie":
            thing["metadata"]["name"] = "another"
        objects.append(thing)
    return {"result": {"status": "Success"}, "convertedObjects": objects}


class Webhook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        path = self.path.split("?")[0]
        print(path, flush=True)
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if path == "/redirect":
            self.send_response(307)
            self.send_header("Location", "/trap")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if path == "/huge":
            body = b" " * (32 << 20)
        else:
            say = convert if path.startswith("/convert") else answer
            response = {"uid": review["request"]["uid"], **say(path, review["request"])}
            body = json.dumps({"kind": review["kind"], "apiVersion": review["apiVersion"], "response": response}).encode()
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass  # it was given up

    def log_message(self, *args):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Webhook)
server.daemon_threads = True
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
server.serve_forever()
