"""Every badge of one run per scale: which node emitted it, and when."""

import numpy as np
from matplotlib.lines import Line2D

from report import run_file
from report.pictures import style

ROWS_MOST = 24  # beyond so many nodes the rows get thinner instead of the picture higher
ROW_IN, TITLE_IN, FOOT_IN, LEGEND_IN, LEFT_IN = .125, .3, .45, .2, .45
LEGEND_COLUMNS = 3
DENSITY_COLUMNS = 240


def draw(campaign, scene):
    """The Picture of a scene: one panel per scale, all on one time axis."""
    title = f"Badges over time, {scene.name}"
    if not scene.series:
        return style.Picture(f"raster-{scene.name}", title, style.only_words("no run to show"),
                             "No run to show.", "")
    seen = sum(any(column.context(name).get("episodes") for column in scene.series)
               for name in campaign.comparison.contexts)
    figure, panels = place_panels(scene.series, .1 + LEGEND_IN * -(-seen // LEGEND_COLUMNS))
    shown = [draw_panel(campaign, axes, column) for axes, column in zip(panels, scene.series)]
    panels[-1].set_xlabel("time since the window opened (s)")
    contexts = [name for name in run_file.CONTEXTS
                if any(name in panel["contexts"] for panel in shown)]
    style.legend_above(figure, [context_mark(name) for name in contexts], LEGEND_COLUMNS)
    return style.Picture(
        f"raster-{scene.name}", title, style.to_svg(figure),
        f"Badges per node over time in {scene.name}. "
        + " ".join(f"{panel['words']}." for panel in shown),
        "One run per scale, the one with the median number of episodes; all on the same time axis. "
        "Each mark is a badge, filled; open where the node's own loop had stood still "
        "(self-stalled). More than 2,000 badges are shown as density.")


def place_panels(columns, head_in):
    """A figure with a panel for each scale, as high as it has nodes, below a strip for the legend;
    all share the time axis."""
    heights = [ROW_IN * min(max(column.nodes, 3), ROWS_MOST) for column in columns]
    total = head_in + sum(heights) + TITLE_IN * len(heights) + FOOT_IN
    figure = style.new_figure(total, layout=None)
    panels, top = [], head_in
    for height in heights:
        top += TITLE_IN + height
        panels.append(figure.add_axes(
            (LEFT_IN / style.WIDTH_IN, 1 - top / total, 1 - (LEFT_IN + .1) / style.WIDTH_IN,
             height / total), sharex=panels[0] if panels else None))
    for axes in panels[:-1]:
        axes.tick_params(labelbottom=False)
    return figure, panels


def context_mark(name):
    """Legend entry of a context."""
    colour, mark = style.CONTEXT_MARKS[name]
    return Line2D([], [], color=colour, marker=mark, linestyle="", markersize=4.5, label=name)


def draw_panel(campaign, axes, column):
    """One scale. Returns its words and the contexts that it shows."""
    run, path = campaign.middle_run(column)
    name_rows(axes, column.nodes)
    if path is None:
        style.say(axes, "its run files are not there")
        axes.set_title(f"{column.nodes} nodes")
        return {"words": f"{column.nodes} nodes: no run file", "contexts": []}
    watch = run_file.read_watch(path)
    axes.set_xlim(0, max(watch.window_s, 1e-9))
    count = run_file.badge_count(path)
    words = (f"{column.nodes} nodes: {count:,} badge{'s' if count != 1 else ''} in "
             f"{watch.window_s:g} s (repetition {run['repetition']:g})")
    contexts = []
    if count == 0:
        style.say(axes, f"no badge in {watch.node_s:g} node-seconds")
    elif count <= style.POINTS_MOST:
        contexts = draw_marks(axes, run_file.read_badges(
            path, ["node", "global_s", "context", "flags"]))
    else:
        words += f"; density, darkest: {draw_density(axes, path, watch)} badges in a cell"
    axes.set_title(words)
    return {"words": words, "contexts": contexts}


def name_rows(axes, nodes):
    """Nodes from A at the top downwards, as many names as fit."""
    step = -(-nodes // 12)
    places = range(0, nodes, step)
    axes.set_yticks(places, [run_file.node_letters(node) for node in places])
    axes.set_ylim(nodes - .4, -.6)
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel("node")


def draw_marks(axes, badges):
    """One mark per badge, those of different contexts a little apart. Returns the contexts' names.
    """
    codes = np.unique(badges["context"])
    for place, code in enumerate(codes):
        colour, mark = style.CONTEXT_MARKS.get(run_file.context_name(int(code)), (style.INK, "."))
        own = (badges["flags"] & run_file.SELF_STALLED) != 0
        shift = .5 * ((place + .5) / len(codes) - .5)
        for chosen, face in ((~own, colour), (own, "none")):
            rows = badges[(badges["context"] == code) & chosen]
            axes.plot(rows["global_s"], rows["node"] + shift, mark, color=colour, markersize=2.8,
                      markerfacecolor=face, markeredgewidth=.6, alpha=.85, clip_on=False,
                      rasterized=len(badges) > style.POINTS_MOST // 2)
    return [run_file.context_name(int(code)) for code in codes]


def draw_density(axes, path, watch):
    """Badges per node and slice of time as shades. Returns the count of the darkest cell."""
    counts = np.zeros((watch.nodes, DENSITY_COLUMNS))
    for rows in run_file.badge_chunks(path, ["node", "global_s"]):
        slices = np.clip(rows["global_s"] / watch.window_s * DENSITY_COLUMNS, 0,
                         DENSITY_COLUMNS - 1).astype(int)
        np.add.at(counts, (np.minimum(rows["node"], watch.nodes - 1), slices), 1)
    axes.imshow(counts, cmap="Greys", aspect="auto", interpolation="nearest", vmin=0,
                extent=(0, watch.window_s, watch.nodes - .5, -.5))
    return int(counts.max())
