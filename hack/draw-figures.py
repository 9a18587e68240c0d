#!/usr/bin/env python3
"""Draws the figures of the end-to-end suite as SVG, each beside the JSON file that a scenario wrote.

    hack/draw-figures.py FOLDER

FOLDER is what HELIOTROPE_E2E_OUT named; hack/test.sh takes target/e2e. A scenario that was not run is named and left out. One
that failed is drawn as far as it came, and its figure says so. Exits with 1 when a scenario that passed lacks the figures that
are drawn here, since then the two have grown apart. Needs Python 3 and nothing else.
"""

import json
import math
import re
import sys
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, RIGHT, MARGIN = 860, 760, 24
BAR, GAP = 22, 8
# Of one glyph at 12 pixels, about; fonts differ.
GLYPH = 6.6
INK, GRID, WARNING = "#27272a", "#d4d4d8", "#b91c1c"
# The colours of `heliotrope demo --svg`: ours, the others', and two that most kinds of colour blindness tell apart.
OURS, OTHERS, BEFORE, AFTER = "#15803d", "#9a3412", "#0072b2", "#e69f00"
RUNGS = ["live", "last-known", "forecast", "climatology", "static"]


class Missing(Exception):
    """A scenario that should have a figure and has not."""


def round_up(value):
    """The next number that reads well on an axis."""
    decade = 10.0 ** math.floor(math.log10(value))
    return next(step * decade for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * decade >= value * 0.999999)


def number(value):
    """Three digits that mean something, and no zeros behind them."""
    if value and abs(value) < 100:
        digits = 2 - math.floor(math.log10(abs(value)))
        value = round(value, digits)
    else:
        value = round(value)
    return f"{value:g}"


def text(x, y, words, anchor="start", colour=INK, size=12, weight="normal"):
    style = f'text-anchor="{anchor}" fill="{colour}" font-size="{size}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>\n'


def line(x1, y1, x2, y2, colour=GRID, dashes=""):
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashed}/>\n'


def page(title, facts, body, height):
    """The whole document: title, what it was measured on, drawing."""
    failed = "the scenario FAILED" in facts
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="white"/>\n'
        + text(MARGIN, 30, title, size=17, weight="bold")
        + text(MARGIN, 50, "; ".join(facts), colour=WARNING if failed else INK)
        + body
        + "</svg>\n"
    )


def axis(left, top, bottom, most, unit, x):
    """Vertical grid lines with their values, and what they count."""
    out = ""
    for quarter in range(5):
        value = most * quarter / 4
        out += line(x(value), top, x(value), bottom) + text(x(value), bottom + 16, number(value), "middle")
    return out + text((left + RIGHT) / 2, bottom + 34, unit, "middle")


def bars(rows, unit, top, most=None, limit=None, sign=""):
    """Horizontal bars from `top` down, and where they end. A row is (label, value, colour, note behind value and sign)."""
    left = MARGIN + GLYPH * max(len(row[0]) for row in rows) + 10
    most = most or 4 * round_up(max([row[1] for row in rows] + [limit[0] if limit else 0, 1e-9]) / 4)
    bottom = top + GAP + len(rows) * (BAR + GAP)

    def x(value):
        return left + (RIGHT - left) * value / most

    out = axis(left, top, bottom, most, unit, x)
    for place, (label, value, colour, note) in enumerate(rows):
        y = top + GAP + place * (BAR + GAP)
        told = number(value) + sign + (f"  ({note})" if note else "")
        # Inside the bar's end where there is no room behind it.
        inside = x(value) + GLYPH * len(told) + 6 > WIDTH - 4
        out += f'<rect x="{left:.1f}" y="{y}" width="{x(value) - left:.1f}" height="{BAR}" fill="{colour}"/>\n'
        out += text(left - 8, y + 15, label, "end")
        out += text(x(value) - 6, y + 15, told, "end", "white") if inside else text(x(value) + 6, y + 15, told)
    if limit:
        out += line(x(limit[0]), top - 6, x(limit[0]), bottom, WARNING, "4 3")
        out += text(x(limit[0]), top - 10, limit[1], "end" if limit[0] > most / 2 else "start", WARNING)
    return out, bottom + 44


def facts_of(figures, *more):
    """What stands below the title."""
    version = figures.get("kube-scheduler")
    facts = [f"kube-scheduler {version}"] if version else []
    facts += more
    if figures.get("on a cluster that others started"):
        facts.append("on a cluster that others started")
    if figures.get("failed"):
        facts.append("the scenario FAILED")
    return facts


def matching(figures, pattern):
    """(groups, value) of the figures whose whole name fits, in the order of their numbers."""
    found = ((re.fullmatch(pattern, name), value) for name, value in figures.items())
    return [(match.groups(), value) for match, value in found if match]


def greenest_zone(current, oldest):
    pattern = r"weight (\d+), (before|after) the crossing, share in the greenest zone"
    rows = []
    for figures in (current, oldest):
        version = figures.get("kube-scheduler", "")
        found = sorted(matching(figures, pattern), key=lambda item: (int(item[0][0]), item[0][1] == "after"))
        for (weight, when), share in found:
            label = f"{version}, weight {weight}, {when}"
            rows.append((label, 100 * share, BEFORE if when == "before" else AFTER, ""))
    if not rows:
        raise Missing
    facts = facts_of({**current, "kube-scheduler": ""}, "before and after the intensities of two zones cross")
    unit = "% of the GPU pods, by version of kube-scheduler and weight of the extender"
    body, height = bars(rows, unit, 92, 100, (95, "95 % is asked at the shipped weight"), " %")
    return page("GPU pods in the greenest zone", facts, body, height)


def refusals(current, oldest):
    idle, churn = [], []
    for figures in (current, oldest):
        version = f"kube-scheduler {figures.get('kube-scheduler', '')}"
        idle += [(version, calls, OURS, "") for _, calls in matching(figures, r"filter calls in 45 s, idle")]
        pace = figures.get("churn, default sampling: pods made and deleted per minute")
        note = f"beside {number(pace)} pods made and deleted a minute" if pace else ""
        pattern = r"churn, default sampling: attempts per refused pod and minute"
        churn += [(version, attempts, OURS, note) for _, attempts in matching(figures, pattern)]
    if not idle:
        raise Missing
    body, height = bars(idle, "filter calls for one refused pod in 45 s on an idle cluster", 92, limit=(2, "2 are allowed"))
    if churn:
        more, height = bars(churn, "attempts for each refused pod in a minute, while pods come and go", height + 10)
        body += more
    return page("What a pod costs that is refused everywhere", facts_of({**current, "kube-scheduler": ""}), body, height)


def outage(figures):
    names = {"answering": OURS, "hung": OTHERS, "resumed": OURS, "killed": OTHERS}
    rates = {name: value for (name,), value in matching(figures, r"(\w+): pods per second")}
    rows = [(f"the extender is {name}", rates[name], names[name], "") for name in names if name in rates]
    if not rows:
        raise Missing
    body, height = bars(rows, "pods bound per second", 82)
    return page("Pods go on while the extender does not answer", facts_of(figures, "120 nodes"), body, height)


def throughput(figures):
    order = ["no extender", "echo extender", "heliotrope, all nodes", "heliotrope, 50 nodes", "echo extender, sampled"]
    rates = {name: value for (name,), value in matching(figures, r"(.+): pods per second, median of \d+")}
    rows = []
    for name in [name for name in order if name in rates] + sorted(set(rates) - set(order)):
        share = figures.get(f"{name}: share of the rate without extender")
        note = f"{number(100 * share)} % of the rate without extender" if share is not None and name != order[0] else ""
        rows.append((name, rates[name], OURS if name.startswith("heliotrope") else OTHERS, note))
    if not rows:
        raise Missing
    body, height = bars(rows, "pods bound per second, median of the rounds of one run", 82)
    return page("Pods bound per second at 1,000 nodes", facts_of(figures, "pods queued first, then the scheduler started"), body, height)


def ladder(figures):
    """The rung of the zone whose provider is gone, over time."""
    steps = sorted((seconds, *names) for names, seconds in matching(figures, r"(.+) on ([\w-]+), s after the outage"))
    if not steps:
        raise Missing
    zone = steps[0][1]
    left, top, step = 130, 82, 44
    bottom = top + step * len(RUNGS)
    most = 4 * round_up(max(steps[-1][0] * 1.15, 4) / 4)

    def x(seconds):
        return left + (RIGHT - left) * seconds / most

    def y(rung):
        return top + step * (RUNGS.index(rung) + 0.5)

    body = axis(left, top, bottom, most, f"seconds since the provider of {zone} answers with errors", x)
    for rung in RUNGS:
        body += line(left, y(rung), RIGHT, y(rung)) + text(left - 8, y(rung) + 4, rung, "end")
    points = []
    for place, (seconds, _, rung) in enumerate(steps):
        ends = steps[place + 1][0] if place + 1 < len(steps) else most
        points += [f"{x(seconds):.1f},{y(rung):.1f}", f"{x(ends):.1f},{y(rung):.1f}"]
        compared = figures.get(f"{zone} on {rung}: compared on")
        told = f"{seconds} s" + (f", nodes compared on {compared}" if compared else "")
        right = x(seconds) + 6 + GLYPH * len(told) > WIDTH - 4
        body += text(x(seconds) + (-6 if right else 6), y(rung) - 8, told, "end" if right else "start")
    body += f'<polyline points="{" ".join(points)}" fill="none" stroke="{OURS}" stroke-width="3"/>\n'
    return page(f"The rung of {zone} after its provider went", facts_of(figures, "limits of the rungs shortened for the test"), body, bottom + 44)


# What is drawn: the figure's name, how, and the scenarios it is drawn from. The first one must be there.
DRAWN = [
    ("a_greenest_zone", greenest_zone, ["a_greenest_zone", "h_oldest_greenest_zone"]),
    ("c_refusals", refusals, ["c_refusals", "h_oldest_refusals"]),
    ("e_outage", outage, ["e_outage"]),
    ("f_ladder", ladder, ["f_ladder"]),
    ("i_throughput", throughput, ["i_throughput"]),
]


def main(folder):
    apart = 0
    for name, draw, scenarios in DRAWN:
        files = [folder / f"{scenario}.json" for scenario in scenarios]
        if not files[0].is_file():
            print(f"not drawn: {name}: {files[0].name} is not there, so the scenario was not run")
            continue
        figures = [json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {} for file in files]
        try:
            drawn = draw(*figures)
        except Missing:
            if figures[0].get("failed"):
                print(f"not drawn: {name}: the scenario failed before it had measured what is drawn")
            else:
                print(f"{files[0]}: the figures that are drawn are not in it", file=sys.stderr)
                apart += 1
            continue
        target = folder / f"{name}.svg"
        target.write_text(drawn, encoding="utf-8")
        print(f"drawn: {target}")
    return 1 if apart else 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(Path(sys.argv[1])))
