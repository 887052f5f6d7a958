"""Drift over the windows of the runs, with the nodes' own stalls shaded: does it settle or rise?"""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from report import run_file
from report.pictures import style

STALL_COLUMNS = 400


def draw(campaign, scene):
    """The Picture of a scene: two nodes beside the largest N, rate above share outside."""
    key, title = f"windows-{scene.name}", f"Over the windows, {scene.name}"
    columns = [column for column in scene.ends if campaign.paths_of(column)]
    if not columns:
        return style.Picture(key, title, style.only_words("no run file to show"),
                             "No run file to show.", "")
    figure = style.new_figure(3.8)
    panels = figure.subplots(2, len(columns), squeeze=False, sharex="col", sharey="row")
    highest = max([draw_column(campaign, panels[:, index], column)
                   for index, column in enumerate(columns)])
    panels[0, 0].set_ylim(0, 1.08 * highest or 1)
    panels[1, 0].set_ylim(0, 1.02)
    panels[0, 0].set_ylabel("episodes per\nnode-second")
    panels[1, 0].set_ylabel("share of node-time\noutside")
    style.legend_above(figure, [
        Line2D([], [], color=style.BLUE, linewidth=1.8, label="run with the median number"),
        Line2D([], [], color=style.BLUE, linewidth=.7, alpha=.35, label="other repetitions"),
        Patch(facecolor=style.INK, alpha=.35, label="own stall of a node (that run)")])
    return style.Picture(key, title, style.to_svg(figure),
                         f"Episodes per node-second and share of node-time outside over time in "
                         f"{scene.name}, for {' and '.join(c.label for c in columns)}.",
                         "A level that stays is drift that settles; one that rises accumulates. "
                         "Shaded: times at which a node stood still itself, as far as self-stalled "
                         "badges tell; the darker, the more nodes. What lies there is the machine's "
                         "lateness, not the peers'.")


def draw_column(campaign, panels, column):
    """One scale: all repetitions thin, the middle one strong. Returns the highest rate."""
    _, middle = campaign.middle_run(column)
    highest = 0.0
    for path in campaign.paths_of(column):
        windows = run_file.read_windows(path)
        looks = {"color": style.BLUE, "linewidth": 1.4 if path == middle else .6,
                 "alpha": 1 if path == middle else .35, "zorder": 3 if path == middle else 2}
        edges = np.arange(len(windows.episodes) + 1) * windows.width_s
        node_s = windows.width_s * windows.nodes
        highest = max(highest, float(windows.episodes.max(initial=0)) / node_s)
        for axes, values in zip(panels, (windows.episodes, windows.outside_s)):
            axes.stairs(values / node_s, edges, baseline=None, **looks)
    watch = run_file.read_watch(middle)
    shade_stalls(panels, middle, watch)
    panels[0].set_title(style.short_label(column))
    panels[1].set_xlabel("time since the window opened (s)")
    panels[0].set_xlim(0, watch.window_s)
    if run_file.badge_count(middle) == 0:
        style.say(panels[0], f"no badge in {watch.node_s:g} node-seconds")
    return highest


def shade_stalls(panels, path, watch):
    """Grey where nodes stood still, darker the more of them."""
    still = stalled_share(path, watch)
    if not still.any():
        return
    for axes in panels:
        axes.imshow(still[np.newaxis, :], cmap="Greys", vmin=0, vmax=1, aspect="auto", zorder=0,
                    extent=(0, watch.window_s, 0, 1), transform=axes.get_xaxis_transform(),
                    interpolation="nearest", alpha=.7)


def stalled_share(path, watch):
    """Share of the nodes that stood still in each slice of the window, at least half shaded where
    any did, so that a single one is seen."""
    still = np.zeros((watch.nodes, STALL_COLUMNS), dtype=bool)
    width_s = watch.window_s / STALL_COLUMNS
    for rows in run_file.badge_chunks(path, ["node", "global_s", "own_stall_s", "flags"]):
        for row in rows[(rows["flags"] & run_file.SELF_STALLED) != 0]:
            first = max(0, int((row["global_s"] - row["own_stall_s"]) / width_s))
            still[row["node"] % watch.nodes, first:int(row["global_s"] / width_s) + 1] = True
    share = still.mean(axis=0)
    return np.where(share > 0, .25 + .5 * share, 0)
