"""Growth curves as an SVG, readable in light and in dark. Pure."""

from collections.abc import Sequence
from html import escape
from math import log10

from tests.bench.plan import CONNECTIONS, PARLEY, ROOMS
from tests.bench.results import Results

Point = tuple[float, float]

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 420, 260, 56, 44, 40
_STYLE = """\
  <style>
    text { font: 12px system-ui, sans-serif; fill: #333 } .title { font-weight: 600 }
    .axis, .grid { stroke: #999; stroke-width: 1 } .grid { stroke-opacity: .3 }
    .line { fill: none; stroke: #2563eb; stroke-width: 2 } .dot { fill: #2563eb } .band { fill: #2563eb; opacity: .08 }
    @media (prefers-color-scheme: dark) { text { fill: #ddd } .line { stroke: #7aa7ff } .dot, .band { fill: #7aa7ff } }
  </style>"""


def growth(results: Results) -> str:
    """CPU of one delivery over rooms and over connections; the band is ± 20 % around the middle of the values."""
    charts = [
        ("rooms of two", _points(results, "growth rooms", [count for count, _ in ROOMS])),
        ("connections", _points(results, "growth connections", CONNECTIONS)),
    ]
    drawn = [_chart(title, points, place * _WIDTH) for place, (title, points) in enumerate(charts) if len(points) > 1]
    size = f'width="{_WIDTH * 2}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH * 2} {_HEIGHT}"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', _STYLE, *drawn, "</svg>", ""])


def _points(results: Results, key: str, sizes: Sequence[int]) -> list[Point]:
    found = [(float(size), results.median(f"{key} {size}", PARLEY, "cpu_us")) for size in sizes]
    return [(size, cost) for size, cost in found if cost is not None]


def _chart(title: str, points: Sequence[Point], offset: int) -> str:
    top = max(cost for _, cost in points) * 1.3
    first, last = log10(points[0][0]), log10(points[-1][0])

    def x(size: float) -> float:
        return _LEFT + (log10(size) - first) / (last - first) * (_WIDTH - _LEFT - 30)

    def y(cost: float) -> float:
        return _TOP + (1 - cost / top) * (_HEIGHT - _TOP - _BOTTOM)

    middle = (max(cost for _, cost in points) + min(cost for _, cost in points)) / 2
    lines = [
        f'<text class="title" x="{_LEFT}" y="22">µs of gateway CPU per delivery, over {escape(title)}</text>',
        f'<rect class="band" x="{_LEFT}" width="{_WIDTH - _LEFT - 30}" y="{y(middle * 1.2):.0f}" '
        f'height="{y(middle * 0.8) - y(middle * 1.2):.0f}"/>',
        f'<path class="axis" d="M{_LEFT} {y(0):.0f}H{_WIDTH - 30}"/>',
        *(_mark(x(size), y(cost), y(0), size, cost) for size, cost in points),
        f'<polyline class="line" points="{" ".join(f"{x(size):.0f},{y(cost):.0f}" for size, cost in points)}"/>',
    ]
    return f'  <g transform="translate({offset} 0)">\n    ' + "\n    ".join(lines) + "\n  </g>"


def _mark(x: float, y: float, ground: float, size: float, cost: float) -> str:
    return (
        f'<circle class="dot" cx="{x:.0f}" cy="{y:.0f}" r="3.5"/>'
        f'<text x="{x:.0f}" y="{y - 10:.0f}" text-anchor="middle">{cost:.1f}</text>'
        f'<text x="{x:.0f}" y="{ground + 18:.0f}" text-anchor="middle">{size:,.0f}</text>'
    )
