#!/usr/bin/env python3
"""Sends requests at given rates, whether or not the earlier ones have been answered, and says how long they took.

    python3 load.py --url http://llm:8000 --phases 2:60,12:300,2:300 --seed 7

A phase is RATE:SECONDS. Arrivals are a Poisson process; a seed gives the same ones again. Prints a line a phase, or with --json
one JSON object a phase. Exits with 1 when a request failed. Needs Python 3.8 or later and nothing else.
"""

import argparse
import json
import random
import sys
import threading
import time
import urllib.error
import urllib.request

PATIENCE = 300.0


class Phase:
    """What became of the requests that were sent in a phase."""

    def __init__(self, rate, seconds):
        self.rate, self.seconds = rate, seconds
        self.lock = threading.Lock()
        self.sent = 0
        self.codes = {}
        self.latencies = []

    def note(self, code, seconds):
        with self.lock:
            self.codes[code] = self.codes.get(code, 0) + 1
            if code == "200":
                self.latencies.append(seconds)

    def told(self):
        ordered = sorted(self.latencies)
        # The nearest rank: the smallest latency that at least this share of the answers did not exceed.
        of = lambda share: ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else None
        return {
            "rate": self.rate,
            "seconds": self.seconds,
            "sent": self.sent,
            "codes": self.codes,
            "p50": of(0.50),
            "p95": of(0.95),
            "p99": of(0.99),
            "max": ordered[-1] if ordered else None,
        }


def send(url, tokens, phase):
    body = json.dumps({"prompt": "how many replicas", "max_tokens": tokens}).encode()
    asked = urllib.request.Request(f"{url}/v1/completions", body, {"content-type": "application/json"})
    began = time.monotonic()
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            answer.read()
            code = str(answer.status)
    except urllib.error.HTTPError as error:
        code = str(error.code)
    except OSError as error:
        code = type(error).__name__
    phase.note(code, time.monotonic() - began)


def run(phase, url, tokens, draw):
    """Sends the requests of a phase; the threads that wait for their answers."""
    threads = []
    began, at = time.monotonic(), 0.0
    while phase.rate > 0:
        at += draw.expovariate(phase.rate)
        if at >= phase.seconds:
            break
        time.sleep(max(0.0, began + at - time.monotonic()))
        thread = threading.Thread(target=send, args=(url, tokens, phase), daemon=True)
        thread.start()
        threads.append(thread)
        phase.sent += 1
    time.sleep(max(0.0, began + phase.seconds - time.monotonic()))
    return threads


def phases(text):
    found = []
    for part in text.split(","):
        rate, _, seconds = part.partition(":")
        found.append(Phase(float(rate), float(seconds)))
        if found[-1].rate < 0 or found[-1].seconds <= 0:
            raise argparse.ArgumentTypeError("a phase is RATE:SECONDS, the rate 0 or more, the seconds above 0")
    return found


def main():
    read = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    read.add_argument("--url", required=True, help="the server's base, such as http://llm:8000")
    read.add_argument("--phases", type=phases, required=True, metavar="RATE:SECONDS,…", help="requests a second, and for how long")
    read.add_argument("--tokens", type=int, default=100, help="max_tokens of each request (default: 100)")
    read.add_argument("--seed", type=int, default=1, help="of the arrivals")
    read.add_argument("--json", action="store_true", help="one JSON object a phase")
    told = read.parse_args()
    draw = random.Random(told.seed)
    threads = []
    for phase in told.phases:
        threads += run(phase, told.url.rstrip("/"), told.tokens, draw)
    for thread in threads:
        thread.join()
    failed = 0
    for phase in told.phases:
        of = phase.told()
        failed += sum(count for code, count in of["codes"].items() if code != "200")
        if told.json:
            print(json.dumps(of), flush=True)
            continue
        seconds = lambda value: "-" if value is None else f"{value:.2f} s"
        codes = " ".join(f"{code}×{count}" for code, count in sorted(of["codes"].items()))
        percentiles = "  ".join(f"{key} {seconds(of[key])}" for key in ("p50", "p95", "p99"))
        print(f"{of['rate']:g}/s for {of['seconds']:g} s: {of['sent']} sent, {codes or 'nothing answered'}; {percentiles}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
