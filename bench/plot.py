"""Lines in an SVG that reads in light and dark."""

from collections.abc import Mapping, Sequence
from math import log10

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 640, 320, 60, 45, 40, 120
_LINE = 15
_COLOURS = ("#0b7285", "#e8590c", "#7048e8", "#2b8a3e")
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#343a40}.grid{stroke:#adb5bd;stroke-width:.5}"
    "@media(prefers-color-scheme:dark){text{fill:#dee2e6}.grid{stroke:#495057}}"
)


Point = tuple[float, float]


def lines(title: str, unit: str, values: Mapping[str, Sequence[Point]]) -> str:
    """Draw (x, y) of each name; x grows by powers of ten, y from zero."""
    points = [point for found in values.values() for point in found]
    low, high = log10(min(x for x, _ in points)), log10(max(x for x, _ in points))
    top = max(y for _, y in points) * 1.1

    def at(x: float, y: float) -> tuple[float, float]:
        width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        return (
            _LEFT + width * (log10(x) - low) / ((high - low) or 1),
            _HEIGHT - _BOTTOM - height * y / top,
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{title}"><style>{_STYLE}</style>',
        f'<text x="{_LEFT}" y="22" font-weight="bold">{title}</text>',
    ]
    for step in range(5):
        y = top * step / 4
        _, height = at(10**low, y)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{height:.1f}" '
            f'y2="{height:.1f}"/><text x="{_LEFT - 8}" y="{height + 4:.1f}" '
            f'text-anchor="end">{_rounded(y)}{unit}</text>'
        )
    parts += [
        f'<text x="{at(x, 0)[0]:.1f}" y="{_HEIGHT - _BOTTOM + 20}" '
        f'text-anchor="middle">{_short(x)}</text>'
        for x in sorted({x for x, _ in points})
    ]
    ends = _apart([at(*found[-1])[1] for found in values.values()])
    for colour, (name, found), end in zip(_COLOURS, values.items(), ends, strict=False):
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in (at(x, y) for x, y in found))
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2.5" points="{path}"/>'
            f'<text x="{at(*found[-1])[0] + 8:.1f}" y="{end + 4:.1f}" style="fill:{colour}">'
            f"{name}</text>"
        )
    return "".join([*parts, "</svg>\n"])


def _rounded(y: float) -> str:
    return f"{y:,.0f}" if y >= 100 else f"{y:.2g}"


def _apart(heights: Sequence[float]) -> list[float]:
    """Move labels down until none covers another."""
    moved = list(heights)
    lowest = float("-inf")
    for place in sorted(range(len(moved)), key=heights.__getitem__):
        lowest = moved[place] = max(moved[place], lowest + _LINE)
    return moved


def _short(x: float) -> str:
    return f"{x / 1e6:g} M" if x >= 10**6 else f"{x:,g}"
