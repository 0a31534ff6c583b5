"""Runs commands in turn and prints medians, ratios and peak memory.

usage: measure.py ROUNDS TITLE NAME=COMMAND...     the others are compared with the first command

COMMAND consists of words in shell quoting, with $VARIABLES; a leading ". FILE;" sets the environment from a shell file.
No shell runs during the measurement. Each round runs every command once, in rotating order, so that other load affects all
commands alike. Times are wall-clock times. Memory is the maximum resident set size that $WORK/launch gets from wait4(2) in
the first round, which is not timed: a direct child of this program would start with the size of Python.

If $BENCH_LIMITS names a file, its lines "TITLE / NAME: RATIO" are limits; what exceeds one is added to $WORK/exceeded.
"""
import os
import shlex
import statistics
import subprocess
import sys
import time


class Contestant:
    def __init__(self, argument):
        self.name, command = argument.split("=", 1)
        self.environment = dict(os.environ)
        if command.startswith(". "):
            file, command = command[2:].split(";", 1)
            told = subprocess.run(
                ["bash", "-c", '. "$1"; env -0', "bash", os.path.expandvars(file)],
                check=True, capture_output=True, text=True)
            self.environment = dict(entry.split("=", 1) for entry in told.stdout.split("\0") if entry)
        self.words = [os.path.expandvars(word) for word in shlex.split(command)]
        self.times, self.memory = [], 0.0

    def measure_memory(self):
        words = [os.path.expandvars("$WORK/launch"), *self.words]
        told = subprocess.run(
            words, env=self.environment, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.memory = int(told.stderr.splitlines()[-1]) / 1024

    def run(self):
        sink = os.environ.get("BENCH_OUTPUT", "/dev/null")
        start = time.perf_counter()
        child = os.posix_spawnp(
            self.words[0], self.words, self.environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, sink, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ])
        _, status = os.waitpid(child, 0)
        seconds = time.perf_counter() - start
        # pkcs11-tool of OpenSC 0.23 exits with 1 after printing its help.
        if status != 0 and self.words != ["pkcs11-tool", "--help"]:
            sys.exit(f"{self.name} ended with {os.waitstatus_to_exitcode(status)}: {self.words}")
        self.times.append(seconds)


def limits():
    found = {}
    if "BENCH_LIMITS" in os.environ:
        with open(os.environ["BENCH_LIMITS"], encoding="utf-8") as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    name, value = line.rsplit(":", 1)
                    found[name.strip()] = float(value)
    return found


def main():
    rounds, title = int(sys.argv[1]), sys.argv[2]
    contestants = [Contestant(argument) for argument in sys.argv[3:]]
    for contestant in contestants:
        contestant.measure_memory()
    for turn in range(rounds):
        for shift in range(len(contestants)):
            contestants[(turn + shift) % len(contestants)].run()
    base = statistics.median(contestants[0].times)
    print(title)
    for contestant in contestants:
        median = statistics.median(contestant.times)
        ratio = f"{base / median:6.2f} x" if contestant is not contestants[0] else "        "
        print(f"  {contestant.name:<24}{median * 1000:10.1f} ms  {ratio}  {contestant.memory:7.1f} MiB")
        name = f"{title} / {contestant.name}"
        limit = limits().get(name)
        if limit and base / median > limit:
            with open(os.path.expandvars("$WORK/exceeded"), "a", encoding="utf-8") as file:
                print(f"{name}: {base / median:.2f}, and the limit is {limit:.2f}", file=file)


main()
