#!/usr/bin/env python3
"""A scheduler extender in a page: places pods by labels of nodes that the pods name in annotations.

    placement.example.com/require: pool=fast   only nodes with this label
    placement.example.com/prefer: disk=ssd     nodes with this label first
"""
import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REQUIRE, PREFER = "placement.example.com/require", "placement.example.com/prefer"


def label_named_by(pod, annotation):
    """("pool", "fast") for an annotation pool=fast; None without one."""
    text = (pod["metadata"].get("annotations") or {}).get(annotation, "")
    return tuple(text.split("=", 1)) if "=" in text else None


def has(node, label):
    return (node["metadata"].get("labels") or {}).get(label[0]) == label[1]


def filter_nodes(args):
    nodes = args["Nodes"]["items"] or []
    label = label_named_by(args["Pod"], REQUIRE)
    if label is None:
        return {"Nodes": {"items": nodes}}
    why = "node(s) didn't have the label %s=%s" % label
    return {
        "Nodes": {"items": [node for node in nodes if has(node, label)]},
        "FailedNodes": {node["metadata"]["name"]: why for node in nodes if not has(node, label)},
    }


def prioritize(args):
    """Scores are 0..10; the configuration's weight says what they count."""
    label = label_named_by(args["Pod"], PREFER)
    return [
        {"Host": node["metadata"]["name"], "Score": 10 if label and has(node, label) else 0}
        for node in args["Nodes"]["items"] or []
    ]


class Extender(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept
    verbs = {"/filter": filter_nodes, "/prioritize": prioritize}

    def do_POST(self):
        args = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        verb = self.verbs.get(self.path)
        body = json.dumps(verb(args) if verb else {"Error": "no verb " + self.path}).encode()
        self.send_response(200 if verb else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8888)
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Extender)
    print("listening on 127.0.0.1:%d" % server.server_port, flush=True)
    server.serve_forever()
