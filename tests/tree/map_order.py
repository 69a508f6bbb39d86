#!/usr/bin/env python3
"""The order of protobuf maps reaches nobody: it differs between runs of one binary. Their entries are visited by sorted(), in the
order of their keys, or by in_any_order(), where nothing depends on it (api/sorted.h). Prints every line that does otherwise.

Nor are bytes compared that hold maps: protobuf writes them in their own order (api::encode_protobuf does not).

Which members are maps is read from the protos; variables, parameters and functions of a map's type from where they stand. A name
that is a map in one message and a list in another is a map where its entries are taken apart."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = "base api net apiserver informers election controllers scheduler node daemon pilothouse tests/sim".split()
ALLOWED = {"api/sorted.h"}
MAP = r"(?:google::protobuf|pb)::Map<[^;(){}]*>"
# What tells nothing of the order.
NEUTRAL = "all_of|any_of|none_of|count|count_if|distance"
# Who compares or keeps the bytes of messages: of such that hold no maps, however deep, or only to read them again.
BYTES = {
    "apiserver/admission/certificate_signing.cc",  # CertificateSigningRequestStatus
    "apiserver/authz/escalation.cc",  # PolicyRule, RoleRef, Subject
    "apiserver/bootstrap/policy.cc",  # PolicyRule
    "apiserver/bootstrap/reconcile.cc",  # PolicyRule
    "apiserver/extensions/custom_resources.cc",  # the status and names of definitions
    "apiserver/upkeep/local_groups.cc",  # APIServiceSpec
    "controllers/endpoint_slice/hints.cc",  # EndpointHints
    "informers/series_recorder.cc",  # ObjectReference
    "scheduler/cluster/cache.cc",  # NodeSpec, ContainerImage
    "scheduler/cluster/pod_info.cc",  # Toleration, PodResourceClaimStatus
    "scheduler/cluster/scheduler_pod.cc",  # read again
    "scheduler/framework/class_key.h",  # Toleration, NodeAffinity
    "scheduler/plugins/dynamic_resources/allocator.cc",  # NodeSelectorRequirement
    "scheduler/plugins/volume_binding/volume_binding.cc",  # TopologySelectorTerm
}


def members():
    """The names of members that are maps, and those that are lists somewhere."""
    maps, lists = set(), set()
    for proto in (ROOT / "api/proto").rglob("*.proto"):
        text = proto.read_text()
        maps |= set(re.findall(r"\bmap<[^>]*>\s+(\w+)\s*=", text))
        lists |= set(re.findall(r"\brepeated\s+[\w.]+\s+(\w+)\s*=", text))
    # Generated accessors of keywords end with an underscore.
    spelled = lambda names: names | {name + "_" for name in names}
    return spelled(maps), spelled(lists)


def sources():
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            name = str(path.relative_to(ROOT))
            if path.suffix in (".h", ".cc") and name not in ALLOWED:
                # Comments become spaces, so that lines stay where they are.
                yield name, re.sub(r"//[^\n]*", lambda c: " " * len(c.group()), path.read_text())


def loops(text):
    """Range-based loops: where they begin, the declaration, the range, and what follows."""
    for match in re.finditer(r"\bfor \(", text):
        depth, at = 1, match.end()
        while depth and at < len(text):
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        head = text[match.end() : at - 1]
        parts = re.match(r"(?:[^;]*;)?\s*(.*?[^:]):(?!:)\s*(.*)$", head, re.S)
        if parts and ";" not in parts.group(2):
            yield match.start(), parts.group(1), parts.group(2).strip(), text[at : at + 400]


def takes_apart(declaration, body):
    if "[" in declaration:
        return True
    name = re.search(r"(\w+)\s*$", declaration)
    return "auto" in declaration and name and re.search(rf"\b{name.group(1)}(\.|->)(first|second)\b", body)


def is_map_variable(text, name, before, alias, only):
    """Whether the nearest declaration above makes it a protobuf map."""
    declared = None
    for declared in re.finditer(rf"([\w:]+(?:<[^;(){{}}]*>)?)\s*[&*]{{0,2}}\s*\b{name}\s*([,)=;{{][^;]*;?)", text[:before]):
        pass
    if declared is None:
        return False
    if declared.group(1) == "auto":
        return bool(re.match(rf"=\s*[^;]*(?:\.|->)(?:mutable_)?(?:{only})\(\);", declared.group(2)))
    # A template that is called so takes them.
    return declared.group(1) == "Map" or bool(re.fullmatch(alias, declared.group(1)))


def main():
    maps, lists = members()
    files = list(sources())
    aliases = {alias for _, text in files for alias in re.findall(rf"using (\w+) = {MAP};", text)}
    alias = "|".join([MAP, *(rf"\b{name}\b" for name in sorted(aliases))])
    member = re.compile(rf"(?:\.|->)(?:mutable_)?({'|'.join(sorted(maps))})\(\)$")
    gives_map = re.compile(rf"(?:{alias})\s*[&*]?\s*(\w+)\(")
    declared = {f for name, text in files if name.endswith(".h") for f in gives_map.findall(text)}
    only = "|".join(sorted(maps - lists))
    broken = []
    for name, text in files:
        functions = declared.union(gives_map.findall(text))
        for start, declaration, over, body in loops(text):
            found = member.search(over)
            bare = over.lstrip("*")
            called = re.match(r"(\w+)\(", bare)
            if found:
                hit = found.group(1) not in lists or takes_apart(declaration, body)
            elif re.fullmatch(r"\w+", bare):
                hit = takes_apart(declaration, body) and is_map_variable(text, bare, start, alias, only)
            else:
                hit = bool(called) and called.group(1) in functions and takes_apart(declaration, body)
            if hit:
                broken.append((name, text.count("\n", 0, start) + 1, over))
        for match in re.finditer(rf"std::ranges::(?!(?:{NEUTRAL})\()\w+\([^;,]*?(?:\.|->)(?:{only})\(\),", text):
            broken.append((name, text.count("\n", 0, match.start()) + 1, match.group()))
        if not re.match("api/|tests/", name) and name not in BYTES:
            for match in re.finditer(r"\b(Serialize(Partial)?As|Append(Partial)?To)String\(", text):
                broken.append((name, text.count("\n", 0, match.start()) + 1, match.group() + ")"))
    for name, line, over in broken:
        print(f"{name}:{line}: {over}  <- a protobuf map in no order: sorted(), or in_any_order() (api/sorted.h)")
    if not broken:
        print(f"{len(maps) // 2} members are maps, and none is visited in its own order")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
