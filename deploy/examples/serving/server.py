#!/usr/bin/env python3
"""A simulated model server, instrumented the way an autoscaler needs it.

    python3 server.py --port 8000 --workers 4 --service-time 1.5 --seed 1

A queue, N workers, and a service time drawn for each request; no model and no GPU. Needs Python 3.8 or later and nothing else, so that
it runs from a ConfigMap on a plain Python image.

    POST /v1/completions   {"prompt": "...", "max_tokens": 100}; answered when a worker has had it for its service time
    GET  /metrics          Prometheus text format
    GET  /healthz          200 while requests are taken, 503 once it drains

SIGTERM: no new request is taken, those that wait and those that are worked on are answered, then it exits with 0.
"""

import argparse
import json
import math
import random
import signal
import sys
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Upper bounds in seconds. A percentile is known no better than the bucket that it falls into: these are close together where a
# limit of one to ten seconds would be.
BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0)

# A request that asks for so many tokens has the mean service time.
TOKENS = 100
LARGEST_BODY = 1 << 20


class Histogram:
    """Counts by upper bound. Whoever calls holds the lock of what it belongs to."""

    def __init__(self):
        self.counts = [0] * (len(BUCKETS) + 1)
        self.sum = 0.0

    def observe(self, seconds):
        place = next((i for i, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))
        self.counts[place] += 1
        self.sum += seconds

    def lines(self, name, labels):
        below = 0
        for bound, count in zip([*BUCKETS, math.inf], self.counts):
            below += count
            yield sample(f"{name}_bucket", {**labels, "le": number(bound)}, below)
        yield sample(f"{name}_sum", labels, self.sum)
        yield sample(f"{name}_count", labels, below)


class Request:
    """One request on its way through the queue."""

    def __init__(self, service_time):
        self.arrived = time.monotonic()
        self.service_time = service_time
        self.answered = threading.Event()


class ModelServer:
    """The queue, its workers, and what is counted of them. One lock holds them together, so that a scrape sees one instant."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.changed = threading.Condition()
        self.random = random.Random(arguments.seed)
        self.waiting = deque()
        self.running = 0
        self.draining = False
        self.codes = {}
        self.latency = Histogram()
        self.queued = Histogram()
        self.workers = [threading.Thread(target=self.work, daemon=True) for _ in range(arguments.workers)]
        for worker in self.workers:
            worker.start()

    def submit(self, tokens):
        """Takes a request into the queue; None where the queue is full or the server drains."""
        with self.changed:
            if self.draining or len(self.waiting) >= self.arguments.queue:
                return None
            # Drawn in the order of arrival, so that a seed gives the same times whichever worker is free.
            draw = 1.0 if self.arguments.distribution == "constant" else self.random.expovariate(1.0)
            request = Request(self.arguments.service_time * draw * tokens / TOKENS)
            self.waiting.append(request)
            self.changed.notify()
        return request

    def work(self):
        while True:
            with self.changed:
                while not self.waiting:
                    if self.draining:
                        return
                    self.changed.wait()
                request = self.waiting.popleft()
                self.running += 1
                self.queued.observe(time.monotonic() - request.arrived)
            time.sleep(request.service_time)
            with self.changed:
                self.running -= 1
                self.latency.observe(time.monotonic() - request.arrived)
                self.codes["200"] = self.codes.get("200", 0) + 1
            request.answered.set()

    def refused(self, code):
        with self.changed:
            self.codes[code] = self.codes.get(code, 0) + 1

    def drain(self):
        """No request is taken any more; returns when the last one has been answered."""
        with self.changed:
            self.draining = True
            self.changed.notify_all()
        for worker in self.workers:
            worker.join()

    def exposition(self):
        """Everything that is measured, in the Prometheus text format."""
        arguments = self.arguments
        names = Names(arguments)
        gibibytes = 1 << 30
        with self.changed:
            oldest = time.monotonic() - self.waiting[0].arrived if self.waiting else 0.0
            families = [
                family(names.depth, "gauge", "Requests that wait.", [({}, len(self.waiting))], names.labels),
                family(names.running, "gauge", "Requests that are worked on.", [({}, self.running)], names.labels),
                family(
                    "serving_oldest_request_age_seconds",
                    "gauge",
                    "How long the oldest request that waits has been waiting; 0 when none waits.",
                    [({}, oldest)],
                    names.labels,
                ),
                family(
                    names.requests,
                    "counter",
                    "Requests by status code.",
                    [({"code": code}, self.codes.get(code, 0)) for code in sorted({"200", *self.codes})],
                    names.labels,
                ),
                histogram(names.latency, "From a request's arrival to its answer.", self.latency, names.labels),
                histogram(names.queue, "From a request's arrival to the start of work on it.", self.queued, names.labels),
                family(
                    "serving_workers",
                    "gauge",
                    "Requests that can be worked on at a time.",
                    [({}, arguments.workers)],
                    names.labels,
                ),
                family(
                    "serving_gpu_memory_used_bytes",
                    "gauge",
                    "Memory of the GPU in use. Simulated: taken at the start whatever the load, as model servers do.",
                    [({"gpu": "0"}, int(arguments.gpu_memory_share * arguments.gpu_memory_gib * gibibytes))],
                    names.labels,
                ),
                family(
                    "serving_gpu_memory_total_bytes",
                    "gauge",
                    "Memory of the GPU. Simulated.",
                    [({"gpu": "0"}, int(arguments.gpu_memory_gib * gibibytes))],
                    names.labels,
                ),
            ]
        return "".join(f"{line}\n" for lines in families for line in lines)


class Names:
    """What the metrics are called: plainly, or as vLLM calls those that it has too, to try its presets."""

    def __init__(self, arguments):
        vllm = arguments.names == "vllm"
        self.labels = {"model_name": arguments.model}
        self.depth = "vllm:num_requests_waiting" if vllm else "serving_queue_depth"
        self.running = "vllm:num_requests_running" if vllm else "serving_requests_running"
        self.requests = "vllm:request_success_total" if vllm else "serving_requests_total"
        self.latency = "vllm:e2e_request_latency_seconds" if vllm else "serving_request_duration_seconds"
        self.queue = "vllm:request_queue_time_seconds" if vllm else "serving_queue_duration_seconds"


def number(value):
    return "+Inf" if value == math.inf else repr(value)


def sample(name, labels, value):
    escaped = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
    text = ",".join(f'{key}="{"".join(escaped.get(c, c) for c in told)}"' for key, told in labels.items())
    return f"{name}{{{text}}} {number(value)}"


def family(name, kind, text, samples, labels):
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for own, value in samples:
        yield sample(name, {**labels, **own}, value)


def histogram(name, text, counted, labels):
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} histogram"
    yield from counted.lines(name, labels)


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.0: one request a connection, so that a Service spreads requests and not clients."""

    def do_GET(self):
        server = self.server.model
        if self.path == "/metrics":
            self.answer(200, server.exposition(), "text/plain; version=0.0.4; charset=utf-8")
        elif self.path == "/healthz":
            self.answer(503 if server.draining else 200, "draining\n" if server.draining else "ok\n", "text/plain")
        else:
            self.complain(404, "paths are /v1/completions, /metrics and /healthz")

    def do_POST(self):
        server = self.server.model
        if self.path != "/v1/completions":
            return self.complain(404, "paths are /v1/completions, /metrics and /healthz")
        try:
            asked = self.asked()
            prompt, tokens = str(asked.get("prompt", "")), int(asked.get("max_tokens", TOKENS))
            if not 1 <= tokens <= 100_000:
                raise ValueError("max_tokens must be from 1 to 100000")
        except (ValueError, TypeError) as error:
            server.refused("400")
            return self.complain(400, str(error))
        request = server.submit(tokens)
        if request is None:
            code = 503 if server.draining else 429
            server.refused(str(code))
            return self.complain(code, "the server drains" if code == 503 else "the queue is full")
        request.answered.wait()
        words = len(prompt.split())
        answer = {
            "id": f"cmpl-{id(request):x}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": server.arguments.model,
            "choices": [{"index": 0, "text": "word " * min(tokens, 16), "finish_reason": "length", "logprobs": None}],
            "usage": {"prompt_tokens": words, "completion_tokens": tokens, "total_tokens": words + tokens},
        }
        self.answer(200, json.dumps(answer), "application/json")

    def asked(self):
        length = int(self.headers.get("content-length") or 0)
        if not 0 <= length <= LARGEST_BODY:
            raise ValueError("the body is too large")
        asked = json.loads(self.rfile.read(length) or b"{}")
        if not isinstance(asked, dict):
            raise ValueError("the body must be a JSON object")
        return asked

    def complain(self, code, message):
        self.answer(code, json.dumps({"error": {"message": message, "code": code}}), "application/json")

    def answer(self, code, body, kind):
        body = body.encode()
        self.send_response(code)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # The client has gone; the work was done all the same.

    def log_message(self, *_):
        """A line a request would say less than the metrics."""


class Listener(ThreadingHTTPServer):
    """Waits for its threads when it closes, so that every request that was taken is answered."""

    daemon_threads = False
    request_queue_size = 1024
    model = None


def positive(kind, zero=False):
    def read(text):
        value = kind(text)
        if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
            raise argparse.ArgumentTypeError("must not be negative" if zero else "must be above 0")
        return value

    return read


def arguments():
    read = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    read.add_argument("--host", default="0.0.0.0", help="address to listen on (default: all)")
    read.add_argument("--port", type=positive(int, zero=True), default=8000, help="0 takes a free one and prints it")
    read.add_argument("--workers", type=positive(int), default=4, help="requests worked on at a time (default: 4)")
    read.add_argument(
        "--service-time", type=positive(float), default=1.0, help=f"mean seconds for a request of {TOKENS} tokens (default: 1)"
    )
    read.add_argument("--distribution", choices=["exponential", "constant"], default="exponential", help="of the service times")
    read.add_argument("--seed", type=int, default=1, help="of the service times")
    read.add_argument("--queue", type=positive(int), default=1000, help="requests that may wait; more get 429")
    read.add_argument("--model", default="simulated", help="its name in answers and labels")
    read.add_argument("--names", choices=["serving", "vllm"], default="serving", help="what the metrics are called")
    read.add_argument("--gpu-memory-gib", type=positive(float), default=80.0, help="simulated (default: 80)")
    read.add_argument("--gpu-memory-share", type=positive(float), default=0.9, help="in use from the start (default: 0.9)")
    return read.parse_args()


def main():
    told = arguments()
    # Blocked before any thread starts, and so in all of them: whenever one comes, `sigwait` gets it.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    listener = Listener((told.host, told.port), Handler)
    listener.model = ModelServer(told)
    threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    print(f"listening on {listener.server_address[0]}:{listener.server_address[1]}", flush=True)
    signal.sigwait(ends)
    # While the last requests are worked on, /metrics and /healthz go on answering; then nobody is listened to any more, and
    # the threads that write answers are waited for.
    listener.model.drain()
    listener.shutdown()
    listener.server_close()
    print("drained", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
