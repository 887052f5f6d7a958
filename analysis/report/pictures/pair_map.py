"""Who drifted about whom: episodes per message for each node and each of its peers."""

import numpy as np

from report import run_file
from report.pictures import style

NUMBERS_MOST = 5  # so many nodes still leave room for a number in each cell


def draw(campaign, scene):
    """The Picture of a scene: two nodes beside the largest N, one scale of shades."""
    key, title = f"pairs-{scene.name}", f"Node and peer, {scene.name}"
    columns = scene.ends
    if not columns:
        return style.Picture(key, title, style.only_words("no run to show"), "No run to show.", "")
    rates = [rate_per_message(campaign, column) for column in columns]
    most = max([float(np.nanmax(rate)) for rate in rates
                if rate is not None and np.isfinite(rate).any()], default=0)
    figure = style.new_figure(3.7)
    widths = [1 if column.nodes <= NUMBERS_MOST else 2 for column in columns]
    panels = figure.subplots(1, len(columns), squeeze=False,
                             gridspec_kw={"width_ratios": widths})[0]
    images = [draw_panel(axes, column, rate, most)
              for axes, column, rate in zip(panels, columns, rates)]
    if most > 0:
        bar = figure.colorbar(next(image for image in images if image is not None),
                              ax=list(panels), shrink=.85, pad=.02)
        bar.set_label("episodes per message")
    return style.Picture(key, title, style.to_svg(figure),
                         alternative(scene, columns, rates),
                         "All contexts and all repetitions; hatched: not watched. A dark row is a node that sees drift "
                         "everywhere (a slow observer), a dark column one about which all the "
                         "others see it (a slow sender).")


def rate_per_message(campaign, column):
    """Episodes per observation [node, peer] over the runs, NaN where nothing was watched; None
    without a readable file."""
    total = None
    for path in campaign.paths_of(column):
        counts = run_file.read_pairs(path)
        if total is None or total.shape == counts.shape:
            total = counts if total is None else total + counts
    if total is None:
        return None
    observations, episodes = total
    return np.divide(episodes, observations, out=np.full_like(episodes, np.nan),
                     where=observations > 0)


def draw_panel(axes, column, rate, most):
    """One scale. Returns its image; None without one."""
    axes.set_title(style.short_label(column))
    if rate is None:
        style.say(axes, "its run files are not there")
        axes.set_xticks([])
        axes.set_yticks([])
        return None
    axes.set_facecolor("white")
    nodes = len(rate)
    axes.fill_between([-.5, nodes - .5], -.5, nodes - .5, facecolor="none", hatch="////",
                      edgecolor="#bbbbbb", linewidth=0, zorder=0)
    image = axes.imshow(np.ma.masked_invalid(rate), cmap="Blues", vmin=0, vmax=most or 1, zorder=1,
                        interpolation="nearest")
    name_axes(axes, nodes)
    if not np.nansum(rate) > 0:
        style.say(axes, "no episode")
    elif nodes <= NUMBERS_MOST:
        write_numbers(axes, rate, most)
    return image


def name_axes(axes, nodes):
    """Letters along both sides, as many as fit."""
    places = range(0, nodes, -(-nodes // 16))
    letters = [run_file.node_letters(place) for place in places]
    axes.set_xticks(places, letters, fontsize=7)
    axes.set_yticks(places, letters, fontsize=7)
    axes.tick_params(length=0)
    axes.set_xlabel("peer that is watched")
    axes.set_ylabel("node that watches")


def write_numbers(axes, rate, most):
    """The rate in each cell."""
    for (node, peer), value in np.ndenumerate(rate):
        if np.isfinite(value):
            axes.text(peer, node, f"{value:.2g}", ha="center", va="center", fontsize=7,
                      color="white" if value > most / 2 else style.INK)


def alternative(scene, columns, rates):
    """The maps in words: how many pairs drifted, and which most."""
    words = []
    for column, rate in zip(columns, rates):
        if rate is None:
            words.append(f"{column.label}: no run file")
        elif not np.nansum(rate) > 0:
            words.append(f"{column.label}: no episode")
        else:
            node, peer = np.unravel_index(np.nanargmax(rate), rate.shape)
            words.append(f"{column.label}: {int((rate > 0).sum())} pairs with episodes, most "
                         f"{rate[node, peer]:.3g} per message, node_{run_file.node_letters(node)} "
                         f"about node_{run_file.node_letters(peer)}")
    return f"Episodes per message for each node and peer in {scene.name}. " + "; ".join(words) + "."
