"""Line plots as SVG, with the standard library alone: logarithmic or linear axes, a label at the end of each line, colours for light
and dark screens."""

import math
from xml.sax.saxutils import escape, quoteattr

WIDTH, HEIGHT = 860, 500
LEFT, RIGHT, TOP, BOTTOM = 90, 250, 64, 62
LABEL_LINE = 17  # least distance of two labels
# (light, dark) of each line, told apart by people who see few colours too.
COLOURS = (("#0b62c4", "#6cb2ff"), ("#c2410c", "#ff9d5c"), ("#5b6470", "#a9b2bd"), ("#0f7b4f", "#4fd19b"), ("#8a2bb0", "#d79bf2"),
           ("#a0760a", "#e6c34a"), ("#b4235a", "#ff86b0"), ("#0e7490", "#58d0e8"))
DASHES = ("", "7 4", "2 4")

STYLE = """text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1f2328}
.back{fill:#ffffff}.title{font-size:16px;font-weight:600}.note{fill:#59636e;font-size:12px}
.grid{stroke:#d9dee3;stroke-width:1}.axis{stroke:#59636e;stroke-width:1}.line{fill:none;stroke-width:2.2}
"""
STYLE_DARK = """text{fill:#e6edf3}.back{fill:#0d1117}.note{fill:#9198a1}.grid{stroke:#2b323b}.axis{stroke:#9198a1}
"""


class Axis:
    """From values to places; `ticks` are (value, text)."""

    def __init__(self, title, values, ticks, log=True):
        self.title, self.log, self.ticks = title, log, ticks
        self._low = self._at(min(min(values), ticks[0][0]))
        self._high = self._at(max(max(values), ticks[-1][0]))

    def _at(self, value):
        return math.log(value) if self.log else value

    def part(self, value):
        return (self._at(value) - self._low) / (self._high - self._low)


class Series:
    """`points`: [(x, y), ...]; `kind`: of its dashes."""

    def __init__(self, label, colour, points, kind=0):
        self.label, self.colour, self.points, self.kind = label, colour, sorted(points), kind


def decades(values, text):
    """Ticks at 1, 2 and 5 times powers of ten around the values."""
    low, high = min(values), max(values)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    all_ticks = [step * 10.0 ** exponent for exponent in exponents for step in (1, 2, 5)]
    first = max((tick for tick in all_ticks if tick <= low), default=low)
    last = min((tick for tick in all_ticks if tick >= high), default=high)
    ticks = [tick for tick in all_ticks if first <= tick <= last]
    if len(ticks) > 9:
        ticks = [tick for tick in ticks if f"{tick:e}"[0] == "1"] or ticks
    return [(tick, text(tick)) for tick in ticks]


def apart(places):
    """[(wanted y, index), ...] moved so that no two are nearer than a line of text."""
    found, last = {}, -math.inf
    for wanted, index in sorted(places):
        last = found[index] = max(wanted, last + LABEL_LINE)
    over = max(found.values(), default=0) - (HEIGHT - BOTTOM)
    if over > 0:
        limit = math.inf
        for _, index in sorted(places, reverse=True):
            limit = found[index] = min(found[index], limit - LABEL_LINE, HEIGHT - BOTTOM)
    return found


def _x(axis, value):
    return LEFT + axis.part(value) * (WIDTH - LEFT - RIGHT)


def _y(axis, value):
    return HEIGHT - BOTTOM - axis.part(value) * (HEIGHT - TOP - BOTTOM)


def _grid(x_axis, y_axis):
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    for value, text in y_axis.ticks:
        y = _y(y_axis, value)
        yield f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>'
    for value, text in x_axis.ticks:
        x = _x(x_axis, value)
        yield f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{escape(text)}</text>'
    yield f'<path class="axis" fill="none" d="M{LEFT} {TOP}V{bottom}H{right}"/>'
    yield f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 16}" text-anchor="middle">{escape(x_axis.title)}</text>'
    yield (f'<text transform="translate(20 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">'
           f'{escape(y_axis.title)}</text>')


def _lines(x_axis, y_axis, series):
    for one in series:
        places = [(_x(x_axis, x), _y(y_axis, y)) for x, y in one.points]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        dash = f' stroke-dasharray="{DASHES[one.kind]}"' if DASHES[one.kind] else ""
        yield f'<path class="line s{one.colour}" d="{path}"{dash}/>'
        if not one.kind:
            yield "".join(f'<circle class="f{one.colour}" cx="{x:.1f}" cy="{y:.1f}" r="3.4"/>' for x, y in places)


def _labels(x_axis, y_axis, series):
    ends = [(_y(y_axis, one.points[-1][1]), index) for index, one in enumerate(series)]
    moved = apart(ends)
    for end, index in ends:
        one, x, at = series[index], _x(x_axis, series[index].points[-1][0]) + 6, WIDTH - RIGHT + 22
        yield f'<path class="s{one.colour}" fill="none" stroke-width="1" d="M{x:.1f} {end:.1f}L{at - 5} {moved[index]:.1f}"/>'
        yield f'<text class="f{one.colour}" x="{at}" y="{moved[index] + 4:.1f}">{escape(one.label)}</text>'


def _style():
    light = "".join(f".s{i}{{stroke:{pair[0]}}}.f{i}{{fill:{pair[0]}}}\n" for i, pair in enumerate(COLOURS))
    dark = "".join(f".s{i}{{stroke:{pair[1]}}}.f{i}{{fill:{pair[1]}}}\n" for i, pair in enumerate(COLOURS))
    return f"<style>{STYLE}{light}@media (prefers-color-scheme:dark){{{STYLE_DARK}{dark}}}</style>"


def draw(path, title, note, x_axis, y_axis, series):
    """`note`: a line under the title."""
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label={quoteattr(title)}>',
             _style(), f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>',
             f'<text class="title" x="{LEFT}" y="26">{escape(title)}</text>',
             f'<text class="note" x="{LEFT}" y="46">{escape(note)}</text>',
             *_grid(x_axis, y_axis), *_lines(x_axis, y_axis, series), *_labels(x_axis, y_axis, series), "</svg>"]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(parts) + "\n")
