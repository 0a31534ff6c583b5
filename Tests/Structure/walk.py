"""The path of `tokencert issue`: every function that lies on a chain of calls from `main` to one of
the stations below.

A chain leads from a function to the functions that its body calls. Code that runs only after a
failure (in "catch", in a thrown expression, in a block that ends by throwing) is skipped. If a call
is in a closure, the function that receives the closure is also on the path, and so are the functions
to which it passes the closure. The path ends at the surface of the libraries."""

import re

import swift

# The stations of `issue` in order: Type.function, Type. or function.
STATIONS = [
    ("selectToken", "the token is chosen"),
    ("SecretSource.read", "the PIN and the password are read"),
    ("HTTPClient.post", "the account is asked, and the order is placed"),
    ("Ledger.begin", "the order is begun in the ledger"),
    ("OpenOrder.record", "each step is recorded"),
    ("Session.logIn", "the role logs in"),
    ("Session.generateKeyPair", "the key pair is generated"),
    ("Session.sign", "the request and the challenge are signed"),
    ("TrustAnchors.verify", "the certificate is verified"),
    ("Session.createObject", "the certificate is written"),
    ("TokenSigner.prove", "the token proves possession of the key"),
]

# The path starts in this file, which has top-level code.
MAIN = "Sources/tokencert/main.swift"

# Calls that are not visible in the source: caller and callee.
HIDDEN = [
    # ArgumentParser reads the command line and runs the command.
    ("runCommand", "IssueCommand.run"),
]

# Steps that are not on the path: one is taken only if the CA sends no certificate in time, and one only
# for a renewal.
OTHER_STEPS = ["OrderWork.fetchLate", "OrderWork.retireOld"]

# The path ends at the surface of these folders of Sources; their functions are not on it.
LIBRARIES = {
    "Cryptoki", "CurlHTTP", "Files", "Tokens", "Ledger", "OpenSSLX509", "Platform", "Secrets",
    "Terminal", "Tokens",
}


def is_failure(file, offset):
    """Whether code runs only after a failure: in "catch", in a thrown expression, or in a block
    that ends by throwing."""
    if not hasattr(file, "failures"):
        file.failures = [(b.start, b.end) for b in file.braces if b.kind == "catch"]
        for match in re.finditer(r"\bthrow\s", file.code):
            block = file.enclosing(match.start())[:1]
            if block and block[0].kind in ("leave", "block", "else") and not re.search(
                    r"\breturn\b", file.code[block[0].start:block[0].end]):
                file.failures.append((block[0].start, block[0].end))
            thrown = re.compile(r"[\w.]+\s*(?=\()").match(file.code, match.end())
            if thrown:
                file.failures.append((match.start(), file.closing(thrown.end())))
    return any(a <= offset < b for a, b in file.failures)


class Walk:
    def __init__(self, index):
        self.index = index
        self.files = {f.path: f for f in index.files}
        self.everything = [x for f in index.files for x in f.functions]
        self.problems = []
        self.out, self.costs, self.deepest_from = {}, {}, {}
        self.start = self.main()
        self.stations = {}
        for name, _ in STATIONS:
            found = self.named(name)
            self.stations[name] = found
            if not found:
                self.problems.append(
                    f"no function in Sources is {name}: change STATIONS in walk.py")
        self.skipped = {x for name in OTHER_STEPS for x in self.named(name)}
        if len(self.skipped) != len(OTHER_STEPS):
            self.problems.append("a function of OTHER_STEPS is missing: change it in walk.py")
        for name in {n for pair in HIDDEN for n in pair}:
            if not self.named(name):
                self.problems.append(f"no function in Sources is {name}: change HIDDEN in walk.py")
        self.ends = {x for found in self.stations.values() for x in found}
        self.expand()

    def main(self):
        file = self.files[MAIN]
        brace = swift.Brace("function", -1)
        brace.end = len(file.code)
        main = swift.Function("func", "main", file, 0, None, None, [], "", brace, "")
        main.is_requirement = False
        return main

    def named(self, name):
        owner, _, function = name.rpartition(".")
        return [
            x for x in self.everything
            if (x.owner or "").split(".")[-1] == owner
            and (x.name == function if function else x.access != "private")
            and not x.is_requirement and x.within is None
            and x.file.target not in ("StandInCA", "TestAuthority")]

    # The chains

    def edges(self, function):
        """(call, callee) in the order of the source."""
        if function in self.out:
            return self.out[function]
        found = []
        if function.file.target not in LIBRARIES:
            for call in self.index.calls(function):
                if is_failure(function.file, call.start):
                    continue
                resolved = self.index.resolve(call, function)
                if resolved != "ambiguous":
                    found += [(call, x) for x in resolved if x not in self.skipped]
            for caller, called in HIDDEN:
                if function in self.named(caller):
                    found += [(None, x) for x in self.named(called)]
        self.out[function] = found
        return found

    def expand(self):
        seen, stack, callers = {self.start}, [self.start], {}
        while stack:
            function = stack.pop()
            for _, called in self.edges(function):
                callers.setdefault(called, set()).add(function)
                if called not in seen:
                    seen.add(called)
                    stack.append(called)
        self.on_path = set()
        for name, found in self.stations.items():
            reached = [x for x in found if x in seen]
            if found and not reached:
                self.problems.append(
                    f"no chain of calls from main to {name}: name the call that the text does not "
                    "show in HIDDEN in walk.py")
            stack = reached
            while stack:
                function = stack.pop()
                if function in self.on_path:
                    continue
                self.on_path.add(function)
                stack += callers.get(function, ())
        # The functions that receive a closure with a part of the path.
        self.receivers = {}
        for function in list(self.on_path):
            for call, called in self.edges(function):
                if call is None or called not in self.on_path:
                    continue
                for brace in self.closures(function, call.start):
                    for receiver in self.receivers_of(function, brace):
                        self.add_receiver(receiver)
        self.functions = {
            x for x in self.on_path | set(self.receivers) if x.file.target not in LIBRARIES}

    def closures(self, function, offset):
        """The closures in a function that are around an offset."""
        return [
            b for b in function.file.enclosing(offset)
            if b.kind == "closure" and b.start > function.brace.start]

    def receivers_of(self, function, brace):
        """The functions that receive a closure."""
        calls = self.index.calls(function)
        for call in calls:
            inside = any(b is brace for _, b in call.trailing) or any(
                a <= brace.start < b and not function.file.code[a:brace.start].strip(
                    "& \n") for a, b in call.arguments)
            if inside:
                found = self.index.resolve(call, function)
                return [] if found == "ambiguous" else found
        return []

    def add_receiver(self, receiver):
        if receiver in self.receivers or receiver.brace is None:
            return
        self.receivers[receiver] = True
        if receiver.file.target in LIBRARIES:
            return
        for next_receiver, _ in self.uses(receiver)[1]:
            self.add_receiver(next_receiver)
        # The functions that receive a closure in which the receiver calls its own closure.
        for offset in self.uses(receiver)[0]:
            for brace in self.closures(receiver, offset):
                for next_receiver in self.receivers_of(receiver, brace):
                    self.add_receiver(next_receiver)

    def uses(self, receiver):
        """The offsets where a function calls the closures that it receives, and the functions to
        which it passes them."""
        called, handed = [], []
        names = [p.name for p in receiver.parameters if p.is_closure]
        code = receiver.file.code
        for name in names:
            for match in re.compile(r"\b" + re.escape(name) + r"\b").finditer(
                    code, receiver.brace.start, receiver.brace.end):
                if is_failure(receiver.file, match.start()) or code[match.start() - 1] == ".":
                    continue
                if code[match.end():match.end() + 1] == "(":
                    called.append(match.start())
                    continue
                for call in self.index.calls(receiver):
                    if any(a <= match.start() < b and code[a:b].strip() == name
                           for a, b in call.arguments):
                        found = self.index.resolve(call, receiver)
                        if found != "ambiguous":
                            handed += [(x, match.start()) for x in found]
        return called, handed

    def unclear(self):
        """The calls in functions of the path that cannot be resolved."""
        return [
            f"{x.file.place(call.start)} {call.name}"
            for x in sorted(self.functions, key=lambda x: (x.file.path, x.start))
            for call in self.index.calls(x)
            if not is_failure(x.file, call.start) and self.index.resolve(call, x) == "ambiguous"]

    # Closures

    def cost(self, receiver, under=()):
        """The number of additional closures alive when a function calls the closure that it received."""
        if receiver in self.costs:
            return self.costs[receiver]
        if receiver in under or receiver.brace is None:
            return 0
        called, handed = self.uses(receiver)
        most = 0
        for offset in called:
            most = max(most, self.alive(receiver, offset, under + (receiver,)))
        for next_receiver, offset in handed:
            most = max(most, self.alive(receiver, offset, under + (receiver,))
                       + self.cost(next_receiver, under + (receiver,)))
        self.costs[receiver] = most
        return most

    def alive(self, function, offset, under=()):
        """The closures alive at an offset in a function, without those of its callers."""
        total = 0
        for brace in self.closures(function, offset):
            costs = [self.cost(x, under) for x in self.receivers_of(function, brace)]
            total += 1 + max(costs, default=0)
        return total

    def deepest(self, function, under=()):
        """The largest number of closures on a chain from a function to a station, and the chain."""
        if function in self.deepest_from:
            return self.deepest_from[function]
        best = (0, []) if function in self.ends else (-1, [])
        for call, called in self.edges(function):
            if called not in self.on_path or called in under or called is function:
                continue
            most, chain = self.deepest(called, under + (function,))
            if most < 0:
                continue
            here = self.alive(function, call.start) if call else 0
            if most + here > best[0] or not best[1] and best[0] < 0:
                best = (most + here, [(function, call, here, called)] + chain)
        self.deepest_from[function] = best
        return best

    # Types

    def types(self):
        """The types that the functions of the path refer to, by name."""
        names, found = self.index.types, {}
        for function in self.functions:
            file, code = function.file, function.file.code
            spans = [(function.start, function.brace.end)] if function.start else [
                (0, len(code))]
            if function.owner:
                for part in function.owner.split("."):
                    if part in names:
                        found.setdefault(part, names[part][0])
            for start, end in spans:
                for match in re.compile(r"\b[A-Z]\w*").finditer(code, start, end):
                    name = match.group()
                    if name not in names or is_failure(file, match.start()):
                        continue
                    if code[match.start() - 1] == "." and not re.search(
                            r"[A-Z]\w*\.$", code[max(0, match.start() - 60):match.start()]):
                        continue
                    visible = [
                        t for t in names[name]
                        if t.file.target == file.target or t.file.target in {
                            self.index.modules.get(m, m) for m in file.imports}]
                    if visible:
                        found.setdefault(name, visible[0])
        return found

    # The printed walk

    def lines(self):
        """The path as a tree: each function under the first one that leads to it."""
        found, seen = [], set()

        def show(function, depth):
            if function.file.target in LIBRARIES:
                if function in self.ends:
                    station = next(
                        text for name, text in STATIONS if function in self.stations[name])
                    found.append("  " * depth + f"* {function.title}: {station}")
                return
            again = function in seen
            seen.add(function)
            note = ""
            if function in self.ends:
                note = "  * " + next(
                    text for name, text in STATIONS if function in self.stations[name])
            found.append(
                "  " * depth + function.title + f"  {function.file.place(function.start)}"
                + note + ("  (above)" if again else ""))
            if again:
                return
            inner = []
            for call, called in self.edges(function):
                if called not in self.functions and called not in self.ends or called is function:
                    continue
                if called not in inner:
                    inner.append(called)
            for called in inner:
                show(called, depth + 1)

        show(self.start, 0)
        for receiver in sorted(self.receivers, key=lambda x: (x.file.path, x.start)):
            if receiver in self.functions and receiver not in seen:
                show(receiver, 0)
        return found
