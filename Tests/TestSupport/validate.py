#!/usr/bin/python3
"""Checks tokencert's JSON output against one of the outputs in its schema.

usage: validate.py SCHEMA NAME < output.json

Prints each violation with its path on standard error and exits with 1 if there is one. Needs
jsonschema 4 or newer, Debian's python3-jsonschema.
"""

import json
import sys

from jsonschema import Draft202012Validator


def without_duplicates(pairs):
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f'"{name}" occurs twice')
    return dict(pairs)


def refuse_constant(name):
    raise ValueError(f"{name} is no number in JSON")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    path, name = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        schema = json.load(file, object_pairs_hook=without_duplicates)
    Draft202012Validator.check_schema(schema)
    if name not in schema["$defs"]:
        sys.exit(f"{path} has no output “{name}”")
    try:
        output = json.loads(
            sys.stdin.buffer.read().decode("utf-8"),
            object_pairs_hook=without_duplicates,
            parse_constant=refuse_constant,
        )
    except ValueError as error:
        sys.exit(f"$: not well-formed JSON: {error}")
    validator = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]})
    violations = list(validator.iter_errors(output))
    for violation in violations:
        print(f"{violation.json_path}: {violation.message[:500]}", file=sys.stderr)
    sys.exit(1 if violations else 0)


main()
