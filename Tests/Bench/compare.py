"""Compares counts of instructions with recorded ones.

usage: compare.py RECORDED COUNTED     exits with 1 if a count has grown by more than 3 percent

Each line of both files is a name and a number. A count of a system whose libraries differ is not comparable: the first line of
RECORDED names the system, and another system only prints the counts.
"""
import sys


def read(path):
    with open(path, encoding="utf-8") as file:
        return [line.split() for line in file if line.strip()]


def system():
    with open("/etc/os-release", encoding="utf-8") as file:
        values = dict(line.rstrip().split("=", 1) for line in file if "=" in line)
    return values.get("ID", "").strip('"') + "-" + values.get("VERSION_ID", "").strip('"')


def main():
    recorded, counted = read(sys.argv[1]), dict(read(sys.argv[2]))
    if recorded[0] != ["system", system()]:
        print("the instructions were recorded on another system, and are not compared")
        return
    status = 0
    for name, value in recorded[1:]:
        if name not in counted:
            continue
        growth = int(counted[name]) / int(value) - 1
        print(f"  {name}: {growth:+.1%}")
        if growth > 0.03:
            print(f"error: {name} takes {growth:.1%} more instructions than recorded", file=sys.stderr)
            print(f"hint: if that is intended, write {counted[name]} to {sys.argv[1]}", file=sys.stderr)
            status = 1
    sys.exit(status)


main()
