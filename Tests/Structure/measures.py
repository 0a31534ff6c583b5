"""The figures that do not depend on calls: arrows, sizes, access, names. Each is a value with places."""

import os
import re

import swift


class Target:
    def __init__(self, kind, name, folder, dependencies, line):
        self.kind, self.name, self.folder = kind, name, folder
        self.dependencies, self.line = dependencies, line

    @property
    def title(self):
        return self.folder.split("/")[-1]


def package(root):
    """The targets in Package.swift, and the names of the targets in library products."""
    with open(os.path.join(root, "Package.swift"), encoding="utf-8") as stream:
        text = re.sub(r"(?m)(^|\s)//.*$", lambda m: " " * len(m.group()), stream.read())

    def after(i):
        depth = 0
        for match in re.compile(r'[()\[\]]|"(?:[^"\\]|\\.)*"').finditer(text, i):
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(match.group(), 0)
            if depth == 0:
                return match.end()
        return len(text)

    def is_dependency(i):
        """Whether an offset is in a list of dependencies."""
        depth = 0
        for j in range(i - 1, -1, -1):
            depth += {"]": 1, "[": -1}.get(text[j], 0)
            if depth < 0:
                return text[:j].rstrip().endswith("dependencies:")
        return False

    targets, libraries = [], set()
    kinds = "target|executableTarget|testTarget|systemLibrary|macro|plugin"
    for match in re.finditer(rf'\.({kinds})\(\s*name:\s*"([\w-]+)"', text):
        if is_dependency(match.start()):
            continue
        kind, name = match.groups()
        start = match.start() + len(kind) + 1
        body = text[start:after(start)]
        path = re.search(r'\bpath:\s*"([^"]+)"', body)
        found = re.search(r"\bdependencies:\s*\[", body)
        dependencies = []
        if found:
            a = start + found.end() - 1
            inner = re.sub(r"\.product\((?:[^()]|\([^()]*\))*\)", "", text[a:after(a)])
            dependencies = re.findall(r'"([\w-]+)"', inner)
        folder = path.group(1) if path else (
            "Tests/" if kind == "testTarget" else "Sources/") + name
        targets.append(Target(
            kind, name, folder.rstrip("/"), dependencies, text.count("\n", 0, match.start()) + 1))
    for match in re.finditer(r"\.library\(", text):
        names = re.search(r"targets:\s*\[([^\]]*)\]", text[match.start():after(match.end() - 1)])
        libraries |= set(re.findall(r'"([\w-]+)"', names.group(1))) if names else set()
    return targets, libraries


def circles(arrows):
    """The arrows of a set of pairs that are part of a circle."""
    nodes = {a for pair in arrows for a in pair}
    reach = {n: set() for n in nodes}
    for node in nodes:
        stack = [node]
        while stack:
            for a, b in arrows:
                if a == stack[-1] and b not in reach[node]:
                    break
            else:
                stack.pop()
                continue
            reach[node].add(b)
            stack.append(b)
    return sorted((a, b) for a, b in arrows if a != b and a in reach[b])


def row_of(rows, name):
    for number, row in enumerate(rows):
        if name in row:
            return number
    return next((n for n, row in enumerate(rows) if "*" in row), None)


def is_against(rows, a, b):
    """Whether an arrow does not point down. This includes arrows from or to an element without a row."""
    first, second = row_of(rows, a), row_of(rows, b)
    return first is None or second is None or second <= first


def folder_of(targets, module):
    """The folder in Sources for the name of a module, or None."""
    return next((t.title for t in targets if t.name == module), None)


def target_arrows(root, files, targets):
    """The arrows between targets of Sources, with the places of the imports."""
    folders = {t.name: t.title for t in targets if t.folder.startswith("Sources/")}
    arrows = {}
    for target in targets:
        if target.name not in folders:
            continue
        for dependency in target.dependencies:
            if dependency in folders:
                arrows.setdefault((target.title, folders[dependency]), []).append(
                    f"Package.swift:{target.line}")
    for file in files:
        for module in dict.fromkeys(file.imports):
            if module in folders and folders[module] != file.target:
                at = re.search(r"\bimport\s+(?:\w+\s+)?" + module + r"\b", file.code)
                arrows.setdefault((file.target, folders[module]), []).append(
                    file.place(at.start()))
    return arrows


def folder_arrows(files):
    """For each target, the arrows between its folders, with the places of the references."""
    declared = {}
    for file in files:
        for kind in file.types:
            if kind.kind == "extension" or kind.parent or kind.access in ("private", "fileprivate"):
                continue
            declared.setdefault(file.target, {}).setdefault(kind.name, set()).add(file.folder)
    result = {}
    for file in files:
        names = {n: f for n, f in declared.get(file.target, {}).items() if len(f) == 1}
        own = {k.name for k in file.types if k.kind != "extension"}
        seen = set()
        for match in re.finditer(r"(?<![\w.])[A-Z]\w*", file.code):
            name = match.group()
            if name in own or name in seen or name not in names:
                continue
            (folder,) = names[name]
            if folder == file.folder:
                continue
            seen.add(name)
            result.setdefault(file.target, {}).setdefault((file.folder, folder), []).append(
                f"{file.place(match.start())} {name}")
    return result


def test_lines(root, targets):
    """The lines of unit tests and of other tests, and the files of the latter."""
    programs = {t.name for t in targets if t.kind == "executableTarget"}
    unit, program, places = 0, 0, []
    for target in targets:
        if target.kind != "testTarget":
            continue
        for path in swift.swift_files(root, target.folder):
            with open(os.path.join(root, path), encoding="utf-8") as stream:
                text = stream.read()
            lines = text.count("\n")
            if re.search(r"^extension RealParts\b", text, re.M):
                is_program = True
            elif "@Test" in text:
                is_program = False
            else:
                is_program = bool(programs & set(target.dependencies))
            if is_program:
                program += lines
                places.append(f"{path}:1 {lines} lines")
            else:
                unit += lines
    return unit, program, places


def occurrences(files, patterns, on_text=False):
    places = []
    for file in files:
        text = file.text if on_text else file.code
        for pattern in patterns:
            for match in re.finditer(pattern, text):
                places.append(f"{file.place(match.start())} {match.group().strip()}")
    return places
