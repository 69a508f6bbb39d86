#!/usr/bin/env python3
"""Every message and field in api/proto says in a comment before it what it is: kubectl explain shows it. One or two sentences, of
no more than 250 characters, that end with a full stop. What stands in the place of its members (inline) needs none, nor does the
metadata of a kind, which is described where its type is. Prints what is missing or wrong."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2] / "api/proto"
LONGEST, COLUMNS = 250, 130
MESSAGE = re.compile(r"message (\w+) \{")
FIELD = re.compile(r"(?:(?:optional|repeated) )?(map<.*?>|[\w.]+) (\w+) = \d+(.*);$")


def check(of, text):
    if not text:
        return [f"{of}: no description"]
    found = []
    if not text.endswith("."):
        found.append(f"{of}: ends without a full stop: {text}")
    if len(text) > LONGEST:
        found.append(f"{of}: {len(text)} characters, more than {LONGEST}")
    if not text.isascii() or "  " in text:
        found.append(f"{of}: more than plain words: {text}")
    return found


def needs_none(kind, name, options):
    return "inline" in options or name == "metadata" and kind.split(".")[-1] in ("ObjectMeta", "ListMeta")


def read(path):
    """What is wrong in one file; how many descriptions it has."""
    found, count, message, comment, in_option = [], 0, None, [], False
    for line in path.read_text().splitlines():
        text = line.strip()
        if text.startswith("//"):
            comment.append(text[2:].strip())
            if len(line) > COLUMNS:
                found.append(f"{path.name}: more than {COLUMNS} columns: {line}")
            continue
        said, comment = " ".join(comment), []
        if in_option:
            in_option = text != "};"
        elif start := MESSAGE.match(text):
            message = start[1]
            found += check(f"{path.parent.name}.{message}", said)
            count += 1
        elif text.startswith("option "):
            in_option = text.endswith("{")
        elif message and (field := FIELD.match(text)):
            if said or not needs_none(*field.groups()):
                found += check(f"{path.parent.name}.{message}.{field[2]}", said)
                count += 1
        elif message and text not in ("", "}"):
            found.append(f"{path}: cannot read: {line}")
    return found, count


def main():
    total, wrong = 0, []
    for path in sorted(ROOT.glob("*/*.proto")):
        found, count = read(path)
        wrong += found
        total += count
    print("\n".join(wrong) or f"{total} descriptions")
    return 1 if wrong or total < 2800 else 0


sys.exit(main())
