"""Runs commands in turn and prints medians, ratios and peak memory.

usage: measure.py ROUNDS TITLE NAME=COMMAND...     the first command is what the others are compared with
Each round runs every command once, in an order that rotates, so that what else the machine does hits all alike.
Times are of the wall clock; memory is the largest resident set of the process that wait4(2) reports.
"""
import os
import statistics
import sys
import time


def once(command):
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        sink = os.open(os.environ.get("BENCH_OUTPUT", "/dev/null"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        os.execvp("/bin/bash", ["bash", "-c", "exec " + command])
    _, status, usage = os.wait4(child, 0)
    return time.perf_counter() - start, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def main():
    rounds, title = int(sys.argv[1]), sys.argv[2]
    commands = [argument.split("=", 1) for argument in sys.argv[3:]]
    times = {name: [] for name, _ in commands}
    memory = dict.fromkeys(times, 0.0)
    for turn in range(rounds + 1):
        for shift in range(len(commands)):
            name, command = commands[(turn + shift) % len(commands)]
            seconds, mebibytes, status = once(command)
            # pkcs11-tool of OpenSC 0.23 ends with 1 where it is asked for its version.
            if status != 0 and "--version" not in command:
                sys.exit(f"{name} ended with {status}: {command}")
            if turn > 0:  # the first round warms up
                times[name].append(seconds)
            memory[name] = max(memory[name], mebibytes)
    base = statistics.median(times[commands[0][0]])
    print(title)
    for name, _ in commands:
        median = statistics.median(times[name])
        ratio = f"{base / median:6.2f} x" if name != commands[0][0] else "        "
        print(f"  {name:<24}{median * 1000:10.1f} ms  {ratio}  {memory[name]:7.1f} MiB")


main()
