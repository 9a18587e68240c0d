#!/usr/bin/env python3
"""Recomputes the grams of `heliotrope demo` from its log, by arithmetic of its own.

    heliotrope demo -o json --log day.jsonl > day.json
    python3 hack/recompute-grams.py day.jsonl day.json

Reads each line's inputs (watts, GPUs, utilisation, PUE, intensity over time), computes energy and grams again, and
compares them with the line's own results; then sums them up by side and by zone and compares the sums with the summary.
Exits with 1 when a figure is off by more than 0.1 %, or a count is off at all, as it is when a line is missing. Needs Python 3 and nothing else.
"""

import json
import sys
from collections import defaultdict

TOLERANCE = 1e-3
JOULES_PER_KWH = 3.6e6

problems = []
checked = 0


def check(what, told, computed):
    """Notes a figure that is off."""
    global checked
    checked += 1
    if told is None or abs(told - computed) > TOLERANCE * max(abs(computed), 1e-9):
        problems.append(f"{what}: told {told}, computed {computed}")


def count(what, told, counted):
    """Notes a count that is off: counts have no tolerance."""
    global checked
    checked += 1
    if told != counted:
        problems.append(f"{what}: told {told}, counted {counted}")


def active(board, utilisation):
    """Watts of a working board above idle."""
    span = board["maxWatts"] - board["bareWatts"] - board["contextWatts"]
    return board["contextWatts"] + span * utilisation


def host_share(host, vcpus, memory_gib):
    return (host["maxPerVcpu"] - host["idlePerVcpu"]) * vcpus + host["perGib"] * memory_gib


def grams_over(steps, watts):
    """Grams and joules of constant watts over [seconds, g/kWh] pairs."""
    grams = joules = 0.0
    for seconds, grams_per_kwh in steps:
        energy = watts * seconds
        joules += energy
        grams += energy / JOULES_PER_KWH * grams_per_kwh
    return grams, joules


def decision(line, where):
    """What a pod truly drew."""
    share = host_share(line["host"], line["vcpus"], line["memoryGib"])
    utilisation = line["utilisation"]
    watts = line["gpus"] * active(line["board"], utilisation) + share
    seconds = line["referenceSeconds"]
    if line["job"]:
        # A Job needs the same energy on every model: its run time follows from the watts.
        on_reference = line["gpus"] * active(line["reference"], utilisation) + share
        on_profile = line["gpus"] * active(line["profile"], utilisation) + share
        seconds *= on_reference / on_profile
    grams, joules = grams_over(line["steps"], watts * line["pue"])
    check(f"{where} watts", line["watts"], watts)
    check(f"{where} seconds", line["seconds"], seconds)
    check(f"{where} length of steps", sum(step[0] for step in line["steps"]), seconds)
    check(f"{where} joules", line["joules"], joules)
    check(f"{where} grams", line["grams"], grams)
    if line["expected"]:
        expectation(line["expected"], line, f"{where} expected")
    return grams, joules


def expectation(told, line, where):
    """What the extender expected of the node when it decided."""
    gpus, utilisation = told["gpus"], told["utilisation"]
    share = host_share(line["host"], told["vcpus"], told["memoryGib"])
    on_reference = gpus * active(line["reference"], utilisation) + share
    on_profile = gpus * active(line["profile"], utilisation) + share
    # Who wakes a node shares its idle watts with the pods that wait, up to what the node has. One that another pod was
    # promised is awake by then.
    sharing = max(gpus, min(told["boards"], max(gpus, told["pendingGpus"])))
    wake = told["nodeWakeWatts"] * gpus / sharing * (1 - told["promised"])
    watts = wake + on_profile
    seconds = told["referenceSeconds"] * on_reference / on_profile
    grams, joules = grams_over(told["steps"], watts * told["pue"])
    check(f"{where} wake watts", told["wakeWatts"], wake)
    check(f"{where} watts", told["watts"], watts)
    check(f"{where} seconds", told["seconds"], seconds)
    check(f"{where} length of steps", sum(step[0] for step in told["steps"]), seconds)
    check(f"{where} joules", told["joules"], joules)
    check(f"{where} grams", told["grams"], grams)


def awake(line, where):
    """What a node drew for being on."""
    watts = line["boards"] * line["bareWatts"] + line["vcpus"] * line["idlePerVcpu"]
    grams, joules = grams_over(line["steps"], watts * line["pue"])
    check(f"{where} watts", line["watts"], watts)
    check(f"{where} length of steps", sum(step[0] for step in line["steps"]), line["seconds"])
    check(f"{where} joules", line["joules"], joules)
    check(f"{where} grams", line["grams"], grams)
    return grams, joules


def main(log, summary):
    totals = defaultdict(lambda: {"grams": 0.0, "joules": 0.0, "pods": 0, "awake": 0, "expected": 0, "zones": defaultdict(float)})
    with open(log, encoding="utf-8") as lines:
        for number, text in enumerate(lines, 1):
            line = json.loads(text)
            side = totals[line["side"]]
            where = f"line {number} ({line['side']}, {line.get('pod') or line['node']})"
            if line["line"] == "decision":
                grams, joules = decision(line, where)
                side["pods"] += 1
                side["expected"] += 1 if line["expected"] else 0
            else:
                grams, joules = awake(line, where)
                side["awake"] += 1
            side["grams"] += grams
            side["joules"] += joules
            side["zones"][line["zone"]] += grams

    with open(summary, encoding="utf-8") as text:
        report = json.load(text)
    told = {key: report[key] for key in ("defaultModel", "packingModel", "heliotrope")}
    for part in told.values():
        name = part["scheduler"]
        side = totals[name]
        count(f"{name} pods", part["pods"], side["pods"])
        count(f"{name} nodes woken", part["nodesWoken"], side["awake"])
        check(f"{name} grams", part["grams"], side["grams"])
        check(f"{name} kWh", part["kwh"], side["joules"] / JOULES_PER_KWH)
        for zone in part["zones"]:
            check(f"{name} grams in {zone['name']}", zone["grams"], side["zones"][zone["name"]])
    ours, default, packing = (totals[told[key]["scheduler"]] for key in ("heliotrope", "defaultModel", "packingModel"))
    check("saved grams", report["saved"]["grams"], default["grams"] - ours["grams"])
    check("saved by packing", report["savedByPacking"]["grams"], default["grams"] - packing["grams"])
    check("saved by the extender", report["savedByExtender"]["grams"], packing["grams"] - ours["grams"])
    count("decisions priced", report["decisionsPriced"], ours["expected"])

    for problem in problems[:20]:
        print(f"off: {problem}", file=sys.stderr)
    if problems:
        print(f"{len(problems)} of {checked} figures are off by more than {TOLERANCE:.1%}", file=sys.stderr)
        return 1
    pods = sum(side["pods"] for side in totals.values())
    print(f"{checked} figures of {pods} decisions agree within {TOLERANCE:.1%}")
    for name, side in totals.items():
        print(f"  {name}: {side['grams'] / 1000:.1f} kg, {side['joules'] / JOULES_PER_KWH:.0f} kWh")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1], sys.argv[2]))
