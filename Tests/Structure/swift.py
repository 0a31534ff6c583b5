"""Parses declarations, bodies, closures and calls in Swift source, without types."""

import bisect
import os
import re

# Words after which a brace opens a block and not a closure.
CONTROL = {"if", "guard", "for", "while", "switch", "catch"}
BLOCK = {"else", "do", "defer", "repeat"}
ACCESSOR = {"get", "set", "willSet", "didSet", "_read", "_modify"}
TYPES = {"struct", "class", "enum", "actor", "protocol", "extension"}
MODIFIERS = {
    "public", "package", "internal", "private", "fileprivate", "open", "static", "final",
    "mutating", "nonmutating", "consuming", "borrowing", "override", "lazy", "indirect",
    "convenience", "required", "weak", "unowned", "nonisolated", "class",
}
NOT_CALLS = CONTROL | BLOCK | {
    "return", "throw", "throws", "try", "await", "in", "where", "is", "as", "let", "var", "case",
    "func", "init", "deinit", "subscript", "some", "any", "inout", "consuming", "borrowing", "set",
    "private", "fileprivate", "package", "internal", "unsafe", "rethrows", "import", "typealias",
}
TOKEN = re.compile(r"`?[A-Za-z_]\w*`?|->|[{}()\[\];,:=.@#?!<>&|]|\n|\d[\w.]*|[^\s\w]")
CLOSING = {"(": ")", "[": "]", "{": "}"}


def blanked(text):
    """The text with comments and the contents of strings blanked, at unchanged offsets; code in
    interpolations is kept."""
    out = list(text)
    end = len(text)

    def blank(a, b):
        for i in range(a, b):
            if out[i] != "\n":
                out[i] = " "

    opening = re.compile(r'//|/\*|#*"""|#*"')

    def string(i):
        match = re.compile(r'(#*)("""|")').match(text, i)
        hashes, quote = match.group(1), match.group(2)
        special = re.compile(
            r"\\" + hashes + r"\(|" + re.escape(quote + hashes) + (r"|\\." if not hashes else ""),
            re.S)
        at = match.end()
        while True:
            found = special.search(text, at)
            if not found:
                blank(at, end)
                return end
            blank(at, found.start())
            word = found.group()
            if word == quote + hashes:
                return found.end()
            blank(found.start(), found.end())
            at = found.end()
            if word.endswith("(") and word.startswith("\\" + hashes) and len(word) == 2 + len(
                    hashes):
                out[found.end() - 1] = "("
                at = code(found.end(), in_interpolation=True)

    def code(i, in_interpolation=False):
        depth = 0
        scanning = re.compile(opening.pattern + r"|[()]") if in_interpolation else opening
        while True:
            found = scanning.search(text, i)
            if not found:
                return end
            word = found.group()
            if word == "(":
                depth += 1
                i = found.end()
            elif word == ")":
                i = found.end()
                if depth == 0:
                    return i
                depth -= 1
            elif word == "//":
                stop = text.find("\n", found.start())
                stop = end if stop < 0 else stop
                blank(found.start(), stop)
                i = stop
            elif word == "/*":
                level, at = 1, found.end()
                for mark in re.compile(r"/\*|\*/").finditer(text, at):
                    level += 1 if mark.group() == "/*" else -1
                    at = mark.end()
                    if level == 0:
                        break
                blank(found.start(), at)
                i = at
            else:
                i = string(found.start())

    code(0)
    return "".join(out)


class Brace:
    """A pair of braces."""

    def __init__(self, kind, start, owner=None):
        # type, function, closure, accessor, catch, switch, loop, do, block (of an if), else, and
        # leave (the block of a guard).
        self.kind = kind
        self.start = start
        self.end = start
        self.owner = owner
        self.parent = None


class Parameter:
    def __init__(self, label, name, type_text, has_default):
        self.label = label
        self.name = name
        self.type = type_text
        self.has_default = has_default
        self.is_closure = "->" in type_text
        self.is_variadic = type_text.rstrip().endswith("...")


class Type:
    def __init__(self, kind, name, file, start, parent, access, inherits):
        self.kind, self.name, self.file, self.start = kind, name, file, start
        self.parent, self.access, self.inherits = parent, access, inherits
        self.brace = None


class Function:
    def __init__(self, kind, name, file, start, owner, access, parameters, result, brace, generics):
        self.kind, self.name, self.file, self.start = kind, name, file, start
        # The name of the enclosing type, or None.
        self.owner, self.access, self.parameters = owner, access, parameters
        self.result, self.brace, self.generics = result, brace, generics
        # The function that contains the declaration, or None.
        self.within = None

    @property
    def signature(self):
        if self.kind == "var":
            return self.name
        return self.name + "(" + "".join((p.label or "_") + ":" for p in self.parameters) + ")"

    @property
    def title(self):
        return (self.owner + "." if self.owner else "") + self.signature

    def __repr__(self):
        return f"{self.title} in {self.file.path}"


class File:
    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), encoding="utf-8") as stream:
            self.text = stream.read()
        self.lines = self.text.count("\n")
        self.code = blanked(self.text)
        self.starts = [0] + [m.end() for m in re.finditer("\n", self.code)]
        self.imports = re.findall(
            r"^[ \t]*(?:@\w+(?:\([^)]*\))?\s+)*"
            r"(?:public |package |internal |private |fileprivate )?"
            r"import (?:struct |class |enum |func |var |protocol )?(\w+)", self.code, re.M)
        parts = path.split("/")
        self.target = parts[1] if len(parts) > 2 else ""
        self.folder = parts[2] if len(parts) > 3 else "."
        self.types, self.functions, self.properties, self.braces = [], [], [], []
        self.parse()

    def line(self, offset):
        return bisect.bisect_right(self.starts, offset)

    def place(self, offset):
        return f"{self.path}:{self.line(offset)}"

    # Declarations and braces

    def closing(self, i):
        """The offset after the bracket that closes the bracket at an offset."""
        code, stack = self.code, []
        for match in re.compile(r"[()\[\]{}]").finditer(code, i):
            c = match.group()
            if c in CLOSING:
                stack.append(CLOSING[c])
            else:
                while stack and stack.pop() != c:
                    pass
                if not stack:
                    return match.end()
        return len(code)

    def split(self, a, b):
        """The elements of a comma-separated list, as pairs of offsets."""
        parts, depth, start = [], 0, a
        code = self.code
        for match in re.compile(r"->|[()\[\]{},<>]").finditer(code, a, b):
            c = match.group()
            if c in "([{":
                depth += 1
            elif c in ")]}":
                depth -= 1
            elif c == "<" and re.match(r"\w", code[match.start() - 1]):
                depth += 1
            elif c == ">" and depth and code[match.start() - 1] not in " ":
                depth -= 1
            elif c == "," and depth == 0:
                parts.append((start, match.start()))
                start = match.end()
        if code[start:b].strip():
            parts.append((start, b))
        return parts

    def parameters(self, a, b):
        found = []
        for start, end in self.split(a, b):
            text = self.code[start:end].strip()
            text = re.sub(r"^(@\w+(\([^)]*\))?\s+)+", "", text)
            match = re.match(r"(`?\w+`?)(?:\s+(`?\w+`?))?\s*:\s*(.*)$", text, re.S)
            if not match:
                continue
            label, name, rest = match.group(1), match.group(2) or match.group(1), match.group(3)
            rest = re.sub(r"^(@\w+(\([^)]*\))?\s+)+", "", rest)
            default = re.search(r"(?<![=<>!])=(?!=)", rest)
            found.append(Parameter(
                None if label == "_" else label.strip("`"), name.strip("`"),
                rest[:default.start()].strip() if default else rest.strip(), bool(default)))
        return found

    def parse(self):
        code = self.code
        tokens = [(m.group(), m.start()) for m in TOKEN.finditer(code)]
        count = len(tokens)
        stack = []  # of Brace
        parens = 0
        control = []  # depth of parentheses of each pending if, guard, ...
        bodies = {}  # offset of a brace that a declaration owns -> (kind, owner)
        access, last = None, ""
        skip_until = -1

        def owner_type():
            for brace in reversed(stack):
                if brace.kind == "type":
                    return brace.owner
                if brace.kind in ("function", "closure"):
                    return None
            return None

        def find_body(i):
            """The offset of the brace of a declaration that continues at an offset, or None."""
            depth = 0
            for match in re.compile(r"`?[A-Za-z_]\w*`?|[(){}\[\]@#;]").finditer(code, i):
                word = match.group()
                if word in "([":
                    depth += 1
                elif word in ")]":
                    depth -= 1
                    if depth < 0:
                        return None
                elif depth:
                    continue
                elif word == "{":
                    return match.start()
                elif word == "@" and code[:match.start()].rstrip()[-1:] in (":", ","):
                    # An attribute in a list of conformances, for example @unchecked.
                    continue
                elif word in ("}", "@", "#", ";") or word in (
                        "func", "var", "let", "init", "case", "static", "associatedtype",
                        "subscript", "import", "typealias") or word in TYPES or (
                        word in MODIFIERS and word not in ("consuming", "borrowing")):
                    return None
            return None

        for i, (word, at) in enumerate(tokens):
            if word == "\n":
                continue
            before = last
            last = word
            if at < skip_until:
                # Inside a parameter list; only closures in defaults would matter.
                continue
            if word == "(" or word == "[":
                parens += 1
            elif word == ")" or word == "]":
                parens -= 1
            elif word == "{":
                if at in bodies:
                    kind, owner = bodies[at]
                elif before in ACCESSOR or (
                        before == ")" and re.search(
                            r"\b(get|set|willSet|didSet)\s*(throws\s*)?\([^)]*\)\s*$",
                            code[max(0, at - 80):at])):
                    kind, owner = "accessor", None
                elif control and control[-1][0] == parens:
                    kind, owner = control.pop()[1], None
                elif before in BLOCK:
                    kind, owner = ("else" if before == "else" else "do"), None
                elif re.search(r"\bdo\s+throws\s*(\([^)]*\))?\s*$", code[max(0, at - 80):at]):
                    kind, owner = "do", None
                else:
                    kind, owner = "closure", None
                brace = Brace(kind, at, owner)
                brace.parent = stack[-1] if stack else None
                brace.parens = parens
                if isinstance(owner, (Type, Function)):
                    owner.brace = brace
                self.braces.append(brace)
                stack.append(brace)
                parens = 0
                access = None
            elif word == "}":
                if stack:
                    brace = stack.pop()
                    brace.end = at + 1
                    parens = brace.parens
                access = None
            elif before == ".":
                continue
            elif word in CONTROL:
                # "for" may be a label; "case" patterns of "catch" come before its brace.
                following = tokens[i + 1][0] if i + 1 < count else ""
                if following == ":" or (word == "for" and before in ("(", ",")):
                    continue
                kind = {"if": "block", "for": "loop", "while": "loop"}.get(word, word)
                control.append((parens, kind))
            elif word == "else":
                # The condition of a guard ends here; its block leaves the scope.
                if control and control[-1] == (parens, "guard"):
                    control.pop()
                    control.append((parens, "leave"))
            elif word in ("public", "package", "internal", "private", "fileprivate", "open"):
                if not re.match(r"\s*\(\s*set\s*\)", code[at + len(word):at + len(word) + 12]):
                    access = word
            elif word in TYPES and not (word == "class" and i + 1 < count and tokens[i + 1][0] in (
                    "func", "var", "let", "subscript")):
                match = re.compile(r"\s+(`?[\w.]+`?)").match(code, at + len(word))
                if not match or (word != "extension" and before == ":"):
                    continue
                body = find_body(match.end())
                if body is None:
                    continue
                head = code[match.end():body]
                inherits = []
                colon = re.match(
                    r"\s*(?:<[^{]*?>)?\s*\??\s*:\s*([^{]*?)(?:\bwhere\b.*)?$", head, re.S)
                if colon:
                    inherits = re.findall(r"[A-Za-z_][\w.]*", colon.group(1).replace("~", "!~"))
                name = match.group(1).strip("`")
                parent = owner_type()
                kind = Type(word, name, self, at, parent, access, inherits)
                kind.generics = re.match(r"\s*<([^{]*?)>", head)
                kind.generics = kind.generics.group(1) if kind.generics else ""
                self.types.append(kind)
                bodies[body] = ("type", kind)
                access = None
            elif word in ("func", "init", "subscript") and not (
                    word == "init" and before in ("=",)):
                match = re.compile(
                    r"\s+(`?\w+`?|[^\s\w(]+)\s*" if word == "func" else r"[?!]?\s*").match(
                    code, at + len(word))
                if not match:
                    continue
                open_at, generics = match.end(), ""
                if code[open_at:open_at + 1] == "<":
                    depth = 0
                    for mark in re.compile(r"->|[<>]").finditer(code, open_at):
                        depth += {"<": 1, ">": -1}.get(mark.group(), 0)
                        if depth == 0:
                            generics = code[open_at + 1:mark.start()]
                            open_at = re.compile(r"\s*").match(code, mark.end()).end()
                            break
                if code[open_at:open_at + 1] != "(":
                    continue
                end = self.closing(open_at)
                body = find_body(end)
                tail = code[end:body if body is not None else end + 200]
                result = re.search(
                    r"^\s*(?:async\s*)?(?:re)?(?:throws\s*(?:\([^)]*\))?)?\s*->\s*(.*)", tail, re.S)
                result = re.split(r"\bwhere\b", result.group(1))[0] if result else ""
                if body is None:
                    result = result.split("\n")[0]
                name = "init" if word == "init" else (
                    "subscript" if word == "subscript" else match.group(1).strip("`"))
                holder = owner_type()
                function = Function(
                    word, name, self, at, holder.name if holder else None, access,
                    self.parameters(open_at + 1, end - 1), result.strip(), None, generics)
                function.generic_owner = holder
                within = [b.owner for b in stack if b.kind == "function"]
                function.within = within[-1] if within and not holder else None
                function.is_requirement = body is None and bool(holder) and (
                    holder.kind == "protocol")
                self.functions.append(function)
                if body is not None:
                    bodies[body] = ("function", function)
                skip_until = end
                access = None
            elif word in ("let", "var"):
                if before in CONTROL or before in ("case", ",", "(") and control:
                    continue
                match = re.compile(r"\s+(`?\w+`?)\s*(:?)\s*").match(code, at + len(word))
                if not match:
                    continue
                holder = stack[-1].owner if stack and stack[-1].kind == "type" else None
                if stack and not holder:
                    # A local variable with a body is rare and is treated as a block.
                    line = re.compile(r"[^\n{=]*").match(code, match.end())
                    if match.group(2) and code[line.end():line.end() + 1] == "{":
                        bodies[line.end()] = ("block", None)
                    access = None
                    continue
                name = match.group(1).strip("`")
                type_text, body = "", None
                if match.group(2):
                    depth = 0
                    stop = len(code)
                    for mark in re.compile(r"->|[()\[\]<>{}=\n]").finditer(code, match.end()):
                        c = mark.group()
                        if c == "->":
                            continue
                        if c in "([<":
                            depth += 1
                        elif c in ")]>":
                            depth -= 1
                        elif depth == 0 and c in "{}=\n":
                            stop = mark.start()
                            # A long type may continue on the next line.
                            if c == "\n":
                                stop = mark.start()
                            break
                    type_text = code[match.end():stop].strip()
                    after = re.compile(r"\s*\{").match(code, stop)
                    if after and code[stop:stop + 1] != "=":
                        body = after.end() - 1
                    value = re.compile(r"\s*=(?!=)\s*").match(code, stop)
                else:
                    value = re.compile(r"=(?!=)\s*").match(code, match.end())
                value_text = ""
                if value:
                    value_text = code[value.end():value.end() + 200].split("\n")[0]
                prop = Function(
                    "var", name, self, at, holder.name if holder else None, access, [], type_text,
                    None, "")
                prop.value = value_text
                prop.is_requirement = False
                self.properties.append(prop)
                if body is not None:
                    bodies[body] = ("function", prop)
                access = None
        for brace in self.braces:
            if brace.end == brace.start:
                brace.end = len(code)

    def enclosing(self, offset):
        """The enclosing braces of an offset, innermost first."""
        around = [b for b in self.braces if b.start < offset < b.end]
        return sorted(around, key=lambda b: -b.start)


def swift_files(root, folder):
    found = []
    for place, folders, names in os.walk(os.path.join(root, folder)):
        folders[:] = sorted(f for f in folders if not f.startswith(".build"))
        for name in sorted(names):
            if name.endswith(".swift"):
                found.append(os.path.relpath(os.path.join(place, name), root))
    return found
