"""Episode rate and share of time outside against the node count, both scales logarithmic."""

from math import ceil, floor, log, log10

from matplotlib.lines import Line2D

from report.comparison import known
from report.pictures import style

SCENE_MARKS = ((style.BLUE, "o"), (style.VERMILION, "s"), (style.GREEN, "^"), (style.PURPLE, "D"))
CONTROL_MARKS = ("v", "P", "X", "*")
MEASURES = (("episodes_per_node_s", "episodes per node-second"),
            ("outside_node", "share of node-time outside"))
STEP = 1.035  # scenes stand side by side at the same N


class Panel:
    """One measure: what is plotted, and where zero stands, which a logarithm does not have."""

    def __init__(self, axes, key, name, columns):
        self.axes, self.key = axes, key
        self.values = {column.label: known(column.figure(key)) for column in columns}
        positive = [value for value in self.values.values() if value]
        self.has_zero = any(value == 0 for value in self.values.values())
        self.is_silent = not positive
        # Whole decades, so that there are ticks to read from.
        self.low = 10 ** floor(log10(min(positive, default=1e-2) * .9))
        self.high = 10 ** ceil(log10(max(positive, default=1) * 1.1))
        if key == "outside_node":
            self.high = min(self.high, 1.25)
        self.floor = self.low / 4
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("nodes N")
        axes.set_ylabel(name)

    def height(self, column):
        """Where the column's value is drawn; None where it is not known."""
        value = self.values[column.label]
        return value if value != 0 else self.floor

    def finish(self, node_counts):
        """Limits and ticks; zero gets a line of its own at the bottom."""
        self.axes.set_ylim(self.floor / 1.6 if self.has_zero else self.low, self.high)
        self.axes.set_xlim(min(node_counts) / 1.3, max(node_counts) * 1.45)
        style.ticks_at(self.axes.xaxis, node_counts)
        style.decades_written_out(self.axes.yaxis)
        if self.has_zero:
            self.mark_zero()
        if self.is_silent:
            style.say(self.axes, "0 at every scale")

    def mark_zero(self):
        """The line of zero, below a dotted one."""
        decades = [10.0 ** power for power in range(round(log10(self.low)),
                                                   floor(log10(self.high)) + 1)]
        style.ticks_at(self.axes.yaxis, [] if self.is_silent else decades)
        self.axes.axhline(self.floor * 2, color=style.FAINT, linewidth=.6, linestyle=":")
        self.axes.annotate("0", (0, self.floor), xycoords=("axes fraction", "data"),
                           xytext=(-5, 0), textcoords="offset points", ha="right", va="center",
                           fontsize=8, annotation_clip=False)


def draw(campaign):
    """The Picture: both measures, all scenes, controls as open marks."""
    comparison = campaign.comparison
    columns = [column for column in comparison.columns if column.runs]
    if not any(known(column.figure(key)) is not None for column in columns for key, _ in MEASURES):
        return style.Picture("growth", "Growth with the node count",
                             style.only_words("no column has a known rate or share"),
                             "Nothing to draw: no column has a known rate or share.", "")
    figure = style.new_figure(4.1)
    for axes, (key, name) in zip(figure.subplots(1, 2), MEASURES):
        panel = Panel(axes, key, name, columns)
        for index, scene in enumerate(comparison.scenes):
            draw_scene(panel, scene, index)
        draw_guides(panel, comparison)
        panel.finish(sorted({column.nodes for column in columns}))
        draw_cores(axes, comparison.cores)
    style.legend_above(figure, legend(comparison), 3)
    return style.Picture("growth", "Growth with the node count", style.to_svg(figure),
                         alternative(columns), CAPTION)


CAPTION = ("Points: median of the runs; bars: its exact interval from six runs on; small dots: all "
           "runs where they are fewer. Grey lines: what growth with N and with N² would be, from the "
           "first scale of the first scene that is not 0. Right of the dotted line there are more "
           "nodes than cores. Open marks are controls: the same crowding at scale two, or the same "
           "total load.")


def draw_scene(panel, scene, index):
    """The main series as a line with intervals, controls as open marks."""
    colour, mark = SCENE_MARKS[index % len(SCENE_MARKS)]
    shift = STEP ** (index - .5) if index else 1
    series = [column for column in scene.series if panel.height(column) is not None]
    panel.axes.plot([column.nodes * shift for column in series],
                    [panel.height(column) for column in series], color=colour, marker=mark,
                    markersize=5.5, linewidth=1.2)
    for column in series:
        draw_spread(panel, column, column.nodes * shift, colour)
    for number, column in enumerate(scene.controls):
        if panel.height(column) is not None:
            at = column.nodes * shift * STEP ** (2 + 2 * number)
            panel.axes.plot([at], [panel.height(column)], marker=CONTROL_MARKS[number % 4],
                            color=colour, markerfacecolor="white", markersize=7, linestyle="")
            draw_spread(panel, column, at, colour)


def draw_spread(panel, column, at, colour):
    """The interval of the median, or all runs."""
    figure = column.figure(panel.key)
    low, high = figure.get("low"), figure.get("high")
    if low is not None and high is not None and high > 0:
        panel.axes.plot([at, at], [max(low, panel.floor), high], color=colour, linewidth=1)
    values = [value for value in figure.get("values", []) if value is not None]
    panel.axes.plot([at] * len(values), [value or panel.floor for value in values], ".",
                    color=colour, markersize=3)


def draw_guides(panel, comparison):
    """Growth with N and with N², through the first point that is not 0."""
    for scene in comparison.scenes:
        points = [(column.nodes, panel.values[column.label]) for column in scene.series
                  if panel.values[column.label]]
        if len(scene.series) > 1 and points:
            break
    else:
        return
    (first, value), last = points[0], max(column.nodes for column in comparison.columns)
    for power, name in ((1, "∝ N"), (2, "∝ N²")):
        end = value * (last / first) ** power
        if last > first:
            panel.axes.plot([first, last], [value, end], color=style.FAINT, linewidth=.8,
                            linestyle="--", zorder=0)
            label_guide(panel, (first, value), (last, end), name)


def label_guide(panel, begin, end, name):
    """Its name on the line, inside the picture."""
    top = panel.high * .9
    share = .8 * (1 if end[1] <= top else max(0, log(top / begin[1]) / log(end[1] / begin[1])))
    at, height = (start * (stop / start) ** share for start, stop in zip(begin, end))
    panel.axes.annotate(name, (at, height), fontsize=8, color=style.FAINT, va="center", ha="center",
                        zorder=1, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})


def draw_cores(axes, cores):
    """The mark behind which nodes outnumber cores."""
    low, high = axes.get_xlim()
    if cores is None or not low <= cores <= high:
        return
    mark = cores * 1.12
    on_left = mark ** 2 > low * high  # the side with more room for words
    axes.axvline(mark, color=style.INK, linewidth=.8, linestyle=":")
    axes.annotate(f"← at most one node per core ({cores:g} cores)" if on_left else f"more nodes than {cores:g} cores →",
                  (mark, 1), xycoords=("data", "axes fraction"), textcoords="offset points",
                  xytext=(-3 if on_left else 3, 0), ha="right" if on_left else "left",
                  fontsize=7.5, va="top", color=style.INK)


def legend(comparison):
    """Scenes, then controls."""
    handles = []
    for index, scene in enumerate(comparison.scenes):
        colour, mark = SCENE_MARKS[index % len(SCENE_MARKS)]
        handles.append(Line2D([], [], color=colour, marker=mark, markersize=5.5, label=scene.name))
        handles += [Line2D([], [], color=colour, marker=CONTROL_MARKS[number % 4], linestyle="",
                           markerfacecolor="white", markersize=7, label=column.label)
                    for number, column in enumerate(scene.controls)]
    return handles


def alternative(columns):
    """The picture's points in words."""
    points = (f"{column.label}: {known(column.figure('episodes_per_node_s'))} per node-second, "
              f"share outside {known(column.figure('outside_node'))}" for column in columns)
    return "Episode rate and share of node-time outside against the node count. " + "; ".join(
        points).replace("None", "unknown") + "."
