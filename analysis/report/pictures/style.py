"""What all pictures share: size, colours that the colour-blind can tell apart (Okabe and Ito's set,
cividis), never colour alone, and SVG that needs nothing from outside."""

import io
import logging
from dataclasses import dataclass

import matplotlib

matplotlib.use("svg")
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

# pylint: disable=wrong-import-position
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

WIDTH_IN = 7.4
POINTS_MOST = 2000  # more single points than that are drawn as density or as one bitmap
INK, FAINT = "#222222", "#767676"
ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
CONTEXT_MARKS = {  # colour and mark of each context, the same in every picture
    "message_delay_exceeded": (BLUE, "o"), "heartbeat_missed": (ORANGE, "s"),
    "message_missing": (PURPLE, "X"), "version_lag_exceeded": (VERMILION, "^"),
    "causal_order_violated": (GREEN, "D"), "dual_leader_observed": (VERMILION, "P"),
    "leader_view_split": (GREEN, "v"), "decision_split": (VERMILION, "*")}
LINES = ("-", (0, (5, 1.5)), "-.", (0, (6, 1, 1, 1, 1, 1)), (0, (2, 1)), (0, (8, 2, 2, 2)))
CONTROL_LINES = (":", (0, (1, 3)), (0, (1, 1, 4, 2)))
BETWEEN = (GREEN, ORANGE, PURPLE, SKY)  # scales between the smallest and the largest
SETTINGS = {
    "font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9, "xtick.labelsize": 8,
    "ytick.labelsize": 8, "legend.fontsize": 8, "axes.spines.top": False,
    "axes.spines.right": False, "axes.edgecolor": FAINT, "axes.labelcolor": INK,
    "text.color": INK, "xtick.color": INK, "ytick.color": INK, "axes.titlelocation": "left",
    "lines.linewidth": 1.6, "legend.frameon": False, "svg.fonttype": "path",
    "svg.hashsalt": "mpidrift", "axes.unicode_minus": True, "figure.dpi": 96, "savefig.dpi": 160}
matplotlib.rcParams.update(SETTINGS)


@dataclass(frozen=True)
class Picture:
    """A drawn figure with its words. `key` names it on the page; `alt` says what it shows to those
    who cannot see it, `caption` how to read it."""
    key: str
    title: str
    svg: bytes
    alt: str
    caption: str


def new_figure(height_in, layout="constrained"):
    """An empty figure of the page's width; layout None: the caller places its panels."""
    return Figure(figsize=(WIDTH_IN, height_in), layout=layout)


def to_svg(figure):
    """The figure as SVG. The same figure gives the same bytes."""
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def line_looks(columns):
    """{label: colour and pattern} of columns in one picture: the smallest N blue, the largest
    vermilion, controls grey and thin."""
    series = [column for column in columns if not column.is_control]
    controls = [column for column in columns if column.is_control]
    looks = {column.label: {"color": FAINT, "linestyle": CONTROL_LINES[index % 3], "linewidth": 1.2}
             for index, column in enumerate(controls)}
    for index, column in enumerate(series):
        is_last = 0 < index == len(series) - 1
        colour = VERMILION if is_last else BETWEEN[(index - 1) % 4] if index else BLUE
        looks[column.label] = {"color": colour, "linestyle": LINES[index % len(LINES)]}
    return looks


def short_label(column):
    """A column's name without the scene, which stands over the picture."""
    return column.label.replace(f", {column.scene}", "").replace(" (control)", "")


def say(axes, text):
    """Write what there is to say where there is nothing to draw."""
    axes.text(.5, .5, text, transform=axes.transAxes, ha="center", va="center", color=INK,
              fontsize=9, wrap=True, bbox={"facecolor": "white", "edgecolor": "none", "pad": 3})


def only_words(text, height_in=1.1):
    """SVG of a picture that has nothing to draw."""
    figure = new_figure(height_in)
    axes = figure.subplots()
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    say(axes, text)
    return to_svg(figure)


def plain_number(value, _=None):
    """A tick as people write it."""
    return f"{value:g}" if value >= 1e-4 or value <= 0 else f"{value:.12f}".rstrip("0")


def ticks_at(axis, values):
    """Ticks at these values only, written out."""
    axis.set_major_locator(FixedLocator(values))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(plain_number))


def decades_written_out(axis):
    """A logarithmic axis with 0.001, 0.01, … instead of powers of ten, and marks at 2 and 5 between
    them, written out, too, where there are few decades."""
    low, high = axis.get_view_interval()
    is_short = low > 0 and high / low < 200
    axis.set_major_formatter(FuncFormatter(plain_number))
    axis.set_minor_locator(LogLocator(subs=(2, 5)))
    axis.set_minor_formatter(FuncFormatter(plain_number) if is_short else NullFormatter())


def legend_above(figure, handles, columns=4):
    """One legend over all panels, in a strip that the panels leave to it."""
    if not handles:
        return
    columns = min(columns, len(handles))
    strip = (.1 + .19 * -(-len(handles) // columns)) / figure.get_figheight()
    if figure.get_constrained_layout():
        figure.get_layout_engine().set(rect=(0, 0, 1, 1 - strip))
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, 1), ncol=columns,
                  columnspacing=1.4, handletextpad=.5, borderaxespad=.2)
