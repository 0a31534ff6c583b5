"""Finds phrases that are not plain English in comments, texts, documents and scripts."""

import os
import re
import subprocess

import swift

# Patterns and their replacements.
PHRASES = [
    # In quotes, it is a value in token profiles; before ":nogroup", a Unix user.
    (r"\b(?:no-?body|no one)\b(?!:nogroup|(?<=[\"`]nobody)[\"`])", "name the subject: the CA, the program, you"),
    (r"\bwho(?:so)?ever\b", "name the subject"),
    (r"\ba person\b|\bpersons\b", "you, the user"),
    (r"\ball the same\b", "anyway, still"),
    (r"\bstand(?:s|ing)? in for\b|\bstands in\b", "represents, is written in"),
    (r"\bstand(?:s|ing)? (?:there|in|on|at|beside|before|after|under|behind)\b", "is in, is on"),
    (r"(?<!what )(?<!there )\b(?:is|are|was|were) there\b(?! (?:a|an|any|no|is|are|anything)\b)",
     "exists, is present"),
    (r"\bby (?:itself|themselves)\b", "automatically, on its own"),
    (r"\bwhat is about\b", "what belongs to"),
    (r"\b(?:has|have|had) not (?:a|an|the|any|that|its|enough|one)\b", "does not have"),
    (r"\bhas(?:n't| not)(?=[.,;:)\"]|$)", "does not have"),
    (r"\b(?:all|nothing|none|everything|anything|any|no \w+|every \w+) but\b(?! (?:it|they|is)\b)",
     "except"),
    (r"\b(?:come|comes|came|coming) to (?:an|no|its) end\b", "ends, completes"),
    (r"\bwants\b", "requires, needs, asks for"),
    (r"\b(?:tell|tells|telling|told|say|says|saying|said) of\b", "reports, mentions"),
    (r"\bbeliev\w+", "trust"),
    (r"\bwithout a word\b", "silently"),
    (r"\bbears?\b|\bbore\b", "has"),
    (r"\bfor certain\b|\bof its own accord\b", "certainly; automatically"),
    (r"\bis (?:good|no good)\b", "say what it does"),
    (r"\bit is not for (?:us|the program) to\b", "say what the program does"),
    (r"\bis begun\b|\bwas begun\b", "started"),
    (r"\bnot (?:yet )?known by\b", "say who does not know it"),
]

# Files that are not checked: this list, texts by other authors, and licences.
PASSED_OVER = ("Tests/Structure/", "Packaging/copyright", "LICENSE")
SUFFIXES = (".swift", ".md", ".py", ".h", ".c", ".json", ".in", ".yml", ".service", ".timer", ".sh")


def swift_text(text):
    """The comments and strings of a Swift file, at unchanged offsets."""
    code = swift.blanked(text)
    return "".join(
        a if a == "\n" or a != b else " " for a, b in zip(text, code))


def is_script(path):
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def phrases(root):
    """The places of the phrases, each with its replacement."""
    names = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        stdout=subprocess.PIPE, check=True).stdout.decode()
    places = []
    for name in sorted(filter(None, names.split("\0"))):
        path = os.path.join(root, name)
        if name.startswith(PASSED_OVER) or not os.path.isfile(path) or os.path.islink(path):
            continue
        if not name.endswith(SUFFIXES) and not is_script(path):
            continue
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        if name.endswith(".swift"):
            text = swift_text(text)
        # A phrase may continue on the next line of a comment.
        joined = re.sub(r"\n[ \t]*(?:///?|#)?[ \t]*(?=\S)", lambda x: " " * len(x.group()), text)
        for pattern, advice in PHRASES:
            for match in re.finditer(pattern, joined, re.I):
                line = text.count("\n", 0, match.start()) + 1
                places.append((name, line, f"{name}:{line} \"{match.group()}\": {advice}"))
    return [place for _, _, place in sorted(places)]
