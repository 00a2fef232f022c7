"""The two plots of a run: throughput against message size, latency against load."""

import os

from growth import SIZES
from latency import LOADS
from plot import Axis, Series, decades, draw

SHORT = {"full": "assayd", "digest": "assayd, digest mode", "floor": "bare OpenSSL calls", "stack": "opendkim + spf2 + opendmarc",
         "mailauth": "mailauth (node)", "rspamd": "rspamd", "python": "dkimpy + pyspf", "perl": "Mail::DKIM, SPF, DMARC"}


def count_text(value):
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def time_text(us):
    return f"{us / 1e6:g} s" if us >= 1e6 else f"{us / 1000:g} ms" if us >= 1000 else f"{us:g} µs"


def size_text(octets):
    return f"{octets // 1024} KiB" if octets < 1 << 20 else f"{octets >> 20} MiB"


def throughput(values, folder, note):
    series = []
    for colour, (name, label) in enumerate(SHORT.items()):
        points = [(values.median(f"size.{size}.octets"), 1e6 / values.median(f"size.{size}.{name}")) for size in SIZES
                  if values.has(f"size.{size}.{name}")]
        if points:
            series.append(Series(label, colour, points))
    x_values = [x for one in series for x, _ in one.points]
    y_values = [y for one in series for _, y in one.points]
    ticks = [(size, size_text(size)) for size in SIZES[::2] if size <= max(x_values) * 1.1]
    draw(os.path.join(folder, "throughput.svg"), "Messages a second and core, by size", note,
         Axis("octets of a message (one RSA-2048 signature, warm caches)", x_values, ticks),
         Axis("messages a second of CPU time", y_values, decades(y_values, count_text)), series)


def latency(values, folder, note):
    series = []
    for colour, (percentile, label) in enumerate((("p50", "median"), ("p99", "99 %"), ("p99.9", "99.9 %"))):
        points = [(load, values.median(f"load.{load}.{percentile}")) for load in LOADS if values.has(f"load.{load}.{percentile}")]
        series.append(Series(f"assayd, {label}", colour if colour < 2 else 4, points))
    for percentile, label in (("p99", "99 %"), ("p99.9", "99.9 %")):
        level = values.median(f"idle.{percentile}")
        series.append(Series(f"an idle timer, {label}", 2, [(LOADS[0], level), (LOADS[-1], level)], 1 if percentile == "p99" else 2))
    y_values = [y for one in series for _, y in one.points]
    draw(os.path.join(folder, "latency.svg"), "Latency against load", note,
         Axis("load, percent of what the core does in a closed loop", LOADS, [(load, f"{load} %") for load in LOADS], log=False),
         Axis("from when a request was due", y_values, decades(y_values, time_text)), series)


def all_of(values, folder, note):
    os.makedirs(folder, exist_ok=True)
    throughput(values, folder, note)
    latency(values, folder, note)
