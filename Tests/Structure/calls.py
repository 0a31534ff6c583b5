"""Resolves calls in Swift source to declarations, by names, labels and explicit types.

This is not a type checker. A call is followed if its name, its argument labels and the explicit type
of its receiver identify one declaration, or several overloads of one type. A call through a
protocol leads to each type that conforms to it."""

import re

import swift

# Names that also exist in the standard library; followed only if the type is known.
STANDARD = {
    "append", "map", "flatMap", "compactMap", "filter", "first", "last", "contains", "insert",
    "remove", "removeAll", "sorted", "joined", "split", "reduce", "forEach", "write", "read",
    "print", "hash", "encode", "decode", "withLock", "index", "firstIndex", "min", "max", "prefix",
    "suffix", "dropFirst", "dropLast", "allSatisfy", "enumerated", "reversed", "merging", "merge",
    "update", "fetchOne", "fetchAll", "execute", "next", "close", "run", "wait", "get", "init",
    "union", "subtracting", "intersection", "replacing", "hasPrefix", "hasSuffix", "starts",
}
CALL = re.compile(r"(`?[A-Za-z_]\w*`?)(?:<[\w.,\s<>\[\]?]*>)?\s*(?=[({])")


class Call:
    def __init__(self, name, receiver, receiver_start, start, labels, arguments, trailing):
        self.name, self.receiver, self.start = name, receiver, start
        self.receiver_start = receiver_start
        # The labels of the arguments in parentheses, and the offsets of the arguments.
        self.labels, self.arguments = labels, arguments
        # The trailing closures: (label, brace).
        self.trailing = trailing


def base(type_text):
    """The plain name of a type: "inout Session<ReadWrite>?" is Session. The name of an array is a
    bracket and the name of its elements."""
    text = type_text.strip()
    while True:
        stripped = re.sub(
            r"^(@\w+|inout|borrowing|consuming|sending|any|some|isolated|__owned)\s+", "", text)
        if stripped == text:
            break
        text = stripped
    if text.startswith("["):
        return "[" + (base(text[1:]) if ":" not in text else "")
    if text.startswith("("):
        single = re.match(r"\(([^(),:]*)\)", text)
        return base(single.group(1)) if single and "->" not in text else ""
    text = re.split(r"\s*&\s*", text)[0]
    match = re.match(r"([\w.]+)", text)
    return match.group(1).split(".")[-1] if match else ""


class Index:
    def __init__(self, files, modules):
        """files: the files of the project; modules: the folder of each module, by name."""
        self.files, self.modules = files, modules
        self.by_name, self.types, self.properties, self.conformers = {}, {}, {}, {}
        self.globals = {}
        for file in files:
            for function in file.functions:
                self.by_name.setdefault(function.name, []).append(function)
            for kind in file.types:
                if kind.kind == "extension":
                    continue
                self.types.setdefault(kind.name, []).append(kind)
            for prop in file.properties:
                if prop.owner:
                    self.properties.setdefault((prop.owner.split(".")[-1], prop.name), []).append(
                        prop)
                else:
                    self.globals.setdefault(prop.name, []).append(prop)
        self.parents = {}
        for file in files:
            for kind in file.types:
                for name in kind.inherits:
                    name = name.split(".")[-1]
                    if any(t.kind == "protocol" for t in self.types.get(name, [])):
                        self.conformers.setdefault(name, set()).add(kind.name.split(".")[-1])
                        self.parents.setdefault(kind.name.split(".")[-1], set()).add(name)
        self.cache, self.resolving = {}, set()
        self.call_cache = {}

    # Calls

    def calls(self, function):
        """The calls in the body of a function, without those of functions declared in it."""
        if function in self.call_cache:
            return self.call_cache[function]
        found = []
        brace, file = function.brace, function.file
        if brace is not None:
            inner = [
                b for b in file.braces
                if b.kind in ("function", "type") and brace.start < b.start < brace.end]
            found = [
                c for c in self.calls_between(file, brace.start + 1, brace.end)
                if not any(b.start < c.start < b.end for b in inner)]
        self.call_cache[function] = found
        return found

    def calls_between(self, file, a, b):
        code, found = file.code, []
        for match in CALL.finditer(code, a, b):
            name = match.group(1).strip("`")
            if name in swift.NOT_CALLS and not (name == "init" and code[match.start() - 1] == "."):
                continue
            at = match.end()
            before = code[max(0, match.start() - 12):match.start()]
            if re.search(r"\b(func|case|struct|enum|class|extension|let|var)\s+$", before):
                # "case name(" in a pattern has a dot before the name.
                continue
            brace = self.brace_at(file, at)
            if code[at] == "{" and (brace is None or brace.kind != "closure"):
                continue
            labels, arguments = [], []
            if code[at] == "(":
                labels, arguments = self.arguments(file, at)
                at = file.closing(at)
            trailing = []
            while True:
                following = re.compile(r"[ ]*(?:(\w+)\s*:\s*)?(?=\{)").match(code, at)
                if not following or (trailing and not following.group(1)):
                    break
                brace = self.brace_at(file, following.end())
                if brace is None or brace.kind != "closure":
                    break
                trailing.append((following.group(1), brace))
                at = brace.end
                more = re.compile(r"\s*(?=\w+\s*:\s*\{)").match(code, at)
                at = more.end() if more else at
            receiver, receiver_start = self.receiver(code, match.start())
            found.append(Call(
                name, receiver, receiver_start, match.start(), labels, arguments, trailing))
            if code[at:at + 1] == "(":
                # The result is called immediately: Step(...)(...).
                labels, arguments = self.arguments(file, at)
                found.append(Call(
                    "callAsFunction", code[receiver_start:at], receiver_start, at, labels,
                    arguments, []))
        return found

    @staticmethod
    def arguments(file, at):
        """The labels of the arguments in parentheses, and the offsets of the arguments."""
        labels, arguments = [], []
        for start, stop in file.split(at + 1, file.closing(at) - 1):
            label = re.match(r"\s*`?([A-Za-z_]\w*)`?\s*:(?!:)", file.code[start:stop])
            labels.append(label.group(1) if label else None)
            arguments.append((start + (label.end() if label else 0), stop))
        return labels, arguments

    def brace_at(self, file, offset):
        if not hasattr(file, "brace_starts"):
            file.brace_starts = {b.start: b for b in file.braces}
        return file.brace_starts.get(offset)

    @staticmethod
    def receiver(code, start):
        """The text before the dot of a member, and its offset. The text is None if there is no
        dot, and empty if there is no text before the dot or if it ends with a closure."""
        def skipped(i, characters):
            while i and code[i - 1] in characters:
                i -= 1
            return i

        i = skipped(start, " \n\t")
        if not i or code[i - 1] != ".":
            return None, start
        end = j = i - 1
        while True:
            # One component: a name with trailing brackets and marks.
            k = skipped(j, " \n\t")
            k = skipped(k, "?!")
            component_end = k
            while k and code[k - 1] in ")]":
                depth = 0
                while k:
                    k -= 1
                    depth += {")": 1, "]": 1, "(": -1, "[": -1}.get(code[k], 0)
                    if depth == 0:
                        break
                k = skipped(k, "?!")
            n = k
            while n and (code[n - 1].isalnum() or code[n - 1] in "_`"):
                n -= 1
            if n == component_end or code[n:k] in swift.NOT_CALLS:
                return (code[j:end].strip() if j != end else ""), j
            j = n
            k = skipped(j, " \n\t")
            if not (k and code[k - 1] == "."):
                return code[j:end].strip(), j
            m = skipped(k - 1, " \n\t")
            if not m or not (code[m - 1].isalnum() or code[m - 1] in "_`)]?!"):
                # There is no text before this dot, or a closure.
                return "", j
            j = k - 1

    # Types

    def variable(self, name, function, offset):
        """The name of the type of a variable, parameter or property, or "" if unknown."""
        file, code = function.file, function.file.code

        def is_condition(match):
            before = code[max(0, match.start() - 8):match.start()]
            return bool(re.search(r"(if|guard|while|,)\s*$", before))

        at = function
        while at is not None:
            if at.brace is not None:
                local = None
                pattern = re.compile(
                    r"\b(?:let|var)\s+`?" + re.escape(name)
                    + r"`?\s*(?::\s*([^=\n{]+))?(=(?!=)\s*)?")
                for match in pattern.finditer(code, at.brace.start, min(offset, at.brace.end)):
                    scope = file.enclosing(match.start())[0]
                    if is_condition(match) or scope.start < offset < scope.end:
                        local = match
                if local:
                    if local.group(1):
                        return base(local.group(1))
                    if local.group(2):
                        return self.type_of(code, local.end(), at, local.start())
                    # "if let name": the meaning of the name before this condition.
                    return self.variable(name, at, local.start()) if is_condition(local) else ""
                loops = [
                    m for m in re.compile(
                        r"\bfor\s+(?:case\s+)?(?:let\s+)?`?" + re.escape(name) + r"`?\s+in\s+"
                    ).finditer(code, at.brace.start, min(offset, at.brace.end))
                    if any(b.kind == "loop" and b.start < offset < b.end and
                           m.end() < b.start and "{" not in code[m.end():b.start]
                           for b in file.enclosing(offset))]
                if loops:
                    kind = self.type_of(code, loops[-1].end(), at, loops[-1].start())
                    return kind[1:] if kind.startswith("[") else ""
                # A parameter of a closure has a type here only if it is explicit.
                for brace in file.enclosing(offset):
                    if brace.kind == "closure" and brace.start > at.brace.start:
                        head = re.compile(r"\{\s*(?:\[[^\]]*\]\s*)?(\([^)]*\)|[\w,\s]+?)"
                                          r"(?:\s*throws\s*(?:\([^)]*\))?)?(?:\s*->[^\n]*?)?\s+in\b"
                                          ).match(code, brace.start)
                        if head and re.search(r"\b" + re.escape(name) + r"\b", head.group(1)):
                            typed = re.search(
                                r"\b" + re.escape(name) + r"\s*:\s*([^,)]+)", head.group(1))
                            if typed:
                                return base(typed.group(1))
                            # The same name outside, as in { (session) in ... } on &session.
                            return self.variable(name, at, brace.start)
                for parameter in at.parameters:
                    if parameter.name == name:
                        return self.generic(base(parameter.type), at) if not (
                            parameter.is_closure) else "->"
            at = at.within
        owner = self.owner_of(function)
        if owner:
            found = self.property(owner, name)
            if found is not None:
                return found
        for prop in self.globals.get(name, []):
            if prop.file.target == file.target:
                return self.property_type(prop)
        return ""

    def owner_of(self, function):
        while function is not None:
            if function.owner:
                return function.owner.split(".")[-1]
            function = function.within
        return None

    def generic(self, name, function):
        """The protocol to which a generic parameter must conform, or the name itself."""
        holder = getattr(function, "generic_owner", None)
        texts = [function.generics]
        owner = self.owner_of(function)
        for kind in self.types.get(owner or "", []):
            texts.append(getattr(kind, "generics", ""))
        if holder is not None:
            texts.append(getattr(holder, "generics", ""))
        for text in texts:
            match = re.search(r"\b" + re.escape(name) + r"\s*:\s*(\w+)", text) if name else None
            if match:
                return match.group(1)
        return name

    def property(self, owner, name):
        for holder in [owner, *sorted(self.parents.get(owner, []))]:
            found = self.properties.get((holder, name))
            if found:
                return self.property_type(found[0])
        return None

    def property_type(self, prop):
        if prop.result:
            return self.generic(base(prop.result), prop) if "->" not in prop.result else "->"
        match = re.match(r"(?:try[?!]?\s+)?([A-Z]\w*)\s*[<({]", prop.value or "")
        return match.group(1) if match and match.group(1) in self.types else ""

    def type_of(self, code, at, function, offset, limit=None):
        """The name of the type of the expression at an offset, or "" if unknown. Members that begin
        at the limit or later are not part of the expression."""
        limit = len(code) if limit is None else limit
        key = (function.file.path, at, limit)
        if key in self.cache:
            return self.cache[key]
        if key in self.resolving:
            return ""
        self.resolving.add(key)
        try:
            result = self.evaluate(code, at, function, offset, limit)
        finally:
            self.resolving.discard(key)
        self.cache[key] = result
        return result

    def evaluate(self, code, at, function, offset, limit):
        file = function.file
        lead = re.compile(r"\s*(?:(?:try[?!]?|await|unsafe|consume|copy)\s+|&|\s)*").match(code, at)
        i = lead.end()
        word = re.compile(r"`?([A-Za-z_]\w*)`?(?:<[\w.,\s<>\[\]?]*>)?").match(code, i)
        if not word:
            return "[" if code[i:i + 1] == "[" else ""
        name, i = word.group(1), word.end()
        if name in ("if", "switch", "nil", "true", "false", "do"):
            return ""
        # A metatype is represented by a quote and the name of the type.
        if name in ("self", "Self"):
            current = ("'" if name == "Self" else "") + (self.owner_of(function) or "")
        elif code[i:i + 1] == "(" and name not in self.types:
            current = self.result_of(file, word.start(), function)
            i = file.closing(i)
        elif name in self.types and name[0].isupper():
            current = "'" + name
        elif code[i:i + 1] in ("(", "{") and name[0].islower():
            current = self.result_of(file, word.start(), function)
            i = file.closing(i)
        else:
            current = self.variable(name, function, offset)
        while i < limit:
            if code[i:i + 1] in "?!" and code[i:i + 1] and code[i + 1:i + 2] in ".([":
                i += 1
                continue
            if code[i:i + 1] == "(":
                if current.startswith("'"):
                    current = current[1:]
                elif current:
                    found = self.methods(current, "callAsFunction")
                    current = base(found[0].result) if found else ""
                i = file.closing(i)
                continue
            if code[i:i + 1] == "[":
                current, i = current[1:] if current.startswith("[") else "", file.closing(i)
                continue
            member = re.compile(r"\s*\.\s*`?(\w+)`?(?:<[\w.,\s<>]*>)?").match(code, i)
            if not member or member.start(1) > limit or (
                    code[i:i + 1] == " " and "\n" not in member.group()):
                break
            name, i = member.group(1), member.end()
            following = re.compile(r"\s?(?=[({])").match(code, i)
            is_call = code[i:i + 1] == "(" or (
                following and code[following.end():following.end() + 1] == "{"
                and getattr(self.brace_at(file, following.end()), "kind", "") == "closure")
            if is_call:
                if name == "init" and current.startswith("'"):
                    current = current[1:]
                elif current.startswith("["):
                    if name in ("first", "last", "min", "max", "popLast", "removeFirst"):
                        current = current[1:]
                    elif name not in ("filter", "sorted", "reversed", "dropFirst", "dropLast"):
                        current = ""
                else:
                    current = self.result_of(file, member.start(1), function)
                i = file.closing(i if code[i:i + 1] == "(" else following.end())
            elif name in self.types and name[0].isupper():
                current = "'" + name
            elif current.startswith("["):
                current = current[1:] if name in ("first", "last") else ""
            elif current:
                owner = current.lstrip("'")
                found = self.property(owner, name)
                if found is None and current.startswith("'"):
                    # A case of an enumeration.
                    found = owner
                current = found or ""
            if not current and not re.match(r"\s*\.", code[i:i + 8]):
                return ""
        return current

    def result_of(self, file, start, function):
        """The return type of the call that begins at an offset."""
        call = self.call_at(file, start)
        found = self.resolve(call, function) if call else []
        if not found or found == "ambiguous":
            return ""
        if found[0].name == "init":
            return found[0].owner.split(".")[-1]
        return self.generic(base(found[0].result), found[0])

    def call_at(self, file, start):
        match = CALL.match(file.code, start)
        found = self.calls_between(file, start, match.end() + 1) if match else []
        return next((c for c in found if c.start == start), None)

    # Resolving

    def methods(self, owner, name):
        """The functions of a type with the given name; for a protocol, its requirement and the
        functions of all conforming types."""
        owner = owner.split(".")[-1]
        found = [
            f for f in self.by_name.get(name, [])
            if f.owner and f.owner.split(".")[-1] == owner]
        real = [f for f in found if not f.is_requirement]
        if len(real) < len(found) or owner in self.conformers:
            real = list(found)
            for conformer in sorted(self.conformers.get(owner, [])):
                real += [
                    f for f in self.by_name.get(name, [])
                    if f.owner and f.owner.split(".")[-1] == conformer]
        if not real:
            for parent in sorted(self.parents.get(owner, [])):
                real += [
                    f for f in self.by_name.get(name, [])
                    if f.owner and f.owner.split(".")[-1] == parent and not f.is_requirement]
        return real

    def is_visible(self, function, file):
        if function.file is file:
            return True
        if function.access in ("private", "fileprivate"):
            return False
        if function.file.target == file.target:
            return True
        return function.file.target in {self.modules.get(m, m) for m in file.imports}

    @staticmethod
    def fits(function, call):
        """Whether the labels of a call match a function."""
        labels = list(call.labels)
        trailing = len(call.trailing)
        i = 0
        for parameter in function.parameters:
            if i < len(labels) and labels[i] == parameter.label:
                i += 1
                while parameter.is_variadic and i < len(labels) and labels[i] is None:
                    i += 1
            elif parameter.has_default or parameter.is_variadic:
                continue
            elif parameter.is_closure and trailing:
                trailing -= 1
            else:
                return False
        if trailing and i == len(labels):
            # The rest are closures for parameters that have defaults.
            spare = sum(p.is_closure and p.has_default for p in function.parameters)
            trailing -= min(trailing, spare)
        return i == len(labels) and not trailing

    def narrowed(self, found, call, function):
        """The overloads whose parameters have the types of the arguments."""
        if len(found) < 2:
            return found
        left = []
        for candidate in found:
            fits, i = True, 0
            for parameter in candidate.parameters:
                if i >= len(call.labels) or call.labels[i] != parameter.label:
                    continue
                start, stop = call.arguments[i]
                i += 1
                text = function.file.code[start:stop]
                if re.search(r"[?{]|[^=!<>]=[^=]| [+\-*/&|<>=]", text):
                    continue
                kind = self.type_of(function.file.code, start, function, call.start).lstrip("'")
                wanted = self.generic(base(parameter.type), candidate)
                if kind in self.types and wanted in self.types and kind != wanted and (
                        kind not in self.conformers.get(wanted, ())):
                    fits = False
            if fits:
                left.append(candidate)
        return left or found

    def resolve(self, call, function):
        """The functions to which a call resolves: a list, empty if the call leaves the project, or
        the text "ambiguous"."""
        file = function.file

        def fitting(candidates):
            # Calls through a protocol reach types that the caller does not import.
            seen = [c for c in candidates if self.is_visible(c, file)]
            if any(c.is_requirement for c in seen):
                seen = [c for c in candidates if not c.is_requirement]
            return self.narrowed([c for c in seen if self.fits(c, call)], call, function)

        named = self.by_name.get(call.name, [])
        if call.receiver is None:
            # A function declared in this one.
            at = function
            while at is not None:
                local = [f for f in named if f.within is at]
                if fitting(local):
                    return fitting(local)
                at = at.within
            if call.name in self.types and call.name[0].isupper():
                return self.made(call, call.name, fitting)
            kind = self.variable(call.name, function, call.start)
            if kind and kind[0] not in "[-":
                return fitting(self.methods(kind, "callAsFunction"))
            if kind == "->":
                return []
            owner = self.owner_of(function)
            if owner:
                own = fitting(self.methods(owner, call.name))
                if own:
                    return own
                if call.name == "init":
                    return []
            free = [f for f in named if not f.owner and f.within is None]
            return fitting([f for f in free if f.file.target == file.target]) or fitting(free)
        receiver = call.receiver
        if receiver in self.modules:
            folder = self.modules[receiver]
            if call.name in self.types and call.name[0].isupper():
                return self.made(call, call.name, fitting)
            return fitting([
                f for f in named if not f.owner and f.file.target == folder and f.within is None])
        if receiver in ("self", "Self"):
            return fitting(self.methods(self.owner_of(function) or "", call.name))
        if receiver:
            if call.name in self.types and call.name[0].isupper():
                return self.made(call, call.name, fitting)
            kind = self.type_of(
                file.code, call.receiver_start, function, call.start,
                call.start if call.name == "callAsFunction" else
                file.code.rfind(".", 0, call.start))
            if kind.startswith("["):
                return []
            if kind.startswith("'"):
                if call.name == "init":
                    return self.made(call, kind[1:], fitting)
                return fitting(self.methods(kind[1:], call.name))
            if kind and kind != "->":
                found = fitting(self.methods(kind, call.name))
                if found or kind in self.types:
                    # A property that can be called.
                    of_property = self.property(kind, call.name)
                    if not found and of_property:
                        return fitting(self.methods(of_property, "callAsFunction"))
                    return found
        if call.name in STANDARD:
            return []
        found = fitting([f for f in named if f.owner and not f.is_requirement])
        owners = {f.owner.split(".")[-1] for f in found}
        if len(owners) == 1:
            return found
        if len(owners) > 1:
            shared = [p for p, all in self.conformers.items() if owners <= all | {p}]
            return found if shared else "ambiguous"
        return []

    def made(self, call, name, fitting):
        """The initialisers of a type."""
        return fitting([
            f for f in self.by_name.get("init", [])
            if f.owner and f.owner.split(".")[-1] == name])
