"""Drawing with matplotlib for a page: colours are the page's variables, text stays text.

The page gives the colours, so one drawing serves light, dark and print. Every mark can carry a tip
and the place of its number in the report's data.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_VARIABLES: Final = {
    "#f00001": "--ink", "#f00002": "--muted", "#f00003": "--line", "#f00004": "--card",
    "#f00005": "--good", "#f00006": "--bad", "#f00007": "--empty", "#f00008": "--on-tile",
    **{f"#f1000{n}": f"--k{n}" for n in range(6)},
    **{f"#f2000{n}": f"--heat{n}" for n in range(8)},
    **{f"#f3000{n:x}": f"--tile{n}" for n in range(10)},
}  # fmt: skip
"""Colours that no drawing has otherwise, and the page's variables that they stand for."""
INK, MUTED, LINE, CARD, GOOD, BAD, EMPTY, ON_TILE = list(_VARIABLES)[:8]
KERNELS: Final = tuple(list(_VARIABLES)[8:14])
HEAT: Final = tuple(list(_VARIABLES)[14:22])
TILES: Final = tuple(list(_VARIABLES)[22:])

_SVG: Final = "http://www.w3.org/2000/svg"
_LINK: Final = "{http://www.w3.org/1999/xlink}href"
_SETTINGS: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pkgafdo",
    "font.family": "DejaVu Sans",
    "font.size": 12,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "grid.color": LINE,
    "path.simplify": False,
}
_FONT: Final = re.compile(r"font: (?:(?P<weight>\d+|bold) )?(?P<size>[\d.]+)px [^;\"]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tip:
    """What a mark says when it is pointed at, and where its number lies (a JSON pointer)."""

    text: str
    key: str


@dataclass(kw_only=True, slots=True)
class Canvas:
    """One drawing: its figure, as many user units wide as pixels are meant, and its marks' tips."""

    name: str
    figure: Figure
    width: float
    height: float
    tips: dict[str, Tip] = field(default_factory=dict)

    def axes(self, left: float, top: float, right: float, bottom: float) -> Axes:
        """Return axes inside margins given in pixels."""
        return self.figure.add_axes(
            (
                left / self.width,
                bottom / self.height,
                (self.width - left - right) / self.width,
                (self.height - top - bottom) / self.height,
            )
        )

    def mark(self, artist: Artist, text: str, key: str) -> None:
        """Give a drawn thing a tip."""
        gid = f"mark{len(self.tips)}"
        artist.set_gid(gid)
        self.tips[gid] = Tip(text=text, key=key)

    def svg(self, title: str) -> str:
        """Return the drawing as an SVG element for a page, named for those who cannot see it."""
        import matplotlib as mpl

        stream = io.StringIO()
        with mpl.rc_context(_SETTINGS):
            self.figure.savefig(stream, format="svg", metadata={"Date": None})
        return _for_page(stream.getvalue(), self, title)


def canvas(name: str, width: float, height: float) -> Canvas:
    """Return an empty drawing of a size in pixels; its name must be the page's only one."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    return Canvas(name=name, figure=figure, width=width, height=height)


def settings() -> Any:  # noqa: ANN401  a context manager of matplotlib's own
    """Return the context in which axes and texts get the page's style."""
    import matplotlib as mpl

    return mpl.rc_context(_SETTINGS)


def _for_page(text: str, drawing: Canvas, title: str) -> str:
    """Turn matplotlib's SVG file into an element of a page."""
    ET.register_namespace("", _SVG)
    root = ET.fromstring(text)  # noqa: S314  matplotlib has just written it
    for child in list(root):
        if child.tag.endswith("metadata"):
            root.remove(child)
    _add_tips(root, drawing.tips)
    _rename(root, drawing.name)
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-labelledby": f"{drawing.name}-title",
        "style": f"max-width:{drawing.width:.0f}px",
    }
    heading = ET.Element(f"{{{_SVG}}}title", {"id": f"{drawing.name}-title"})
    heading.text = title
    root.insert(0, heading)
    return _coloured(ET.tostring(root, encoding="unicode"))


def _add_tips(root: ET.Element, tips: dict[str, Tip]) -> None:
    for element in root.iter():
        if tip := tips.get(element.get("id", "")):
            del element.attrib["id"]
            element.set("class", "mark")
            element.set("data-key", tip.key)
            said = ET.Element(f"{{{_SVG}}}title")
            said.text = tip.text
            element.insert(0, said)


def _rename(root: ET.Element, name: str) -> None:
    """Make ids unique in the page, and drop those that nothing refers to."""
    used = set(re.findall(r"#([\w.-]+)", ET.tostring(root, encoding="unicode")))
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in used:
            element.set("id", f"{name}-{old}")
        if link := element.attrib.pop(_LINK, None):
            element.set("href", f"#{name}-{link[1:]}")
        clip = element.get("clip-path", "")
        if clip:
            element.set("clip-path", clip.replace("url(#", f"url(#{name}-"))


def _coloured(text: str) -> str:
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    return _FONT.sub(
        lambda found: (
            f"font-size: {found['size']}px"
            + (f"; font-weight: {found['weight']}" if found["weight"] else "")
        ),
        text,
    )
