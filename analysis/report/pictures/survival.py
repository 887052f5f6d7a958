"""How long runs stayed without drift, beside what the number of observations alone predicts."""

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from report.comparison import figure_text, number_text
from report.pictures import style

POINTS = 120


def draw(campaign, scene):
    """The Picture of a scene: one panel per scale."""
    del campaign
    key, title = f"survival-{scene.name}", f"Time to the first drift, {scene.name}"
    told = [(column, first) for column in scene.series
            for first in [column.figure("first_drift").get("all", {"unknown": "not told"})]
            if "unknown" not in first]
    if not told:
        return style.Picture(key, title, style.only_words("the first drift is not known"),
                             "The first drift is not known.", "")
    figure = style.new_figure(2.9)
    panels = figure.subplots(1, len(told), squeeze=False, sharey=True, sharex=True)[0]
    low, high = time_span(told)
    for axes, (column, first) in zip(panels, told):
        draw_panel(axes, column, first, low, high)
    panels[0].set_ylabel("share of runs without drift")
    figure.supxlabel("time since the window opened (s)", fontsize=9)
    style.legend_above(figure, [
        Line2D([], [], color=style.BLUE, label="seen"),
        Line2D([], [], color=style.VERMILION, linestyle="--", label="exposure alone"),
        Patch(facecolor=style.VERMILION, alpha=.18, label="its interval")])
    return style.Picture(key, title, style.to_svg(figure), alternative(scene, told),
                         "Exposure alone: the drift of two nodes per observation, at the number of "
                         "observations of N nodes. Only a solid line left of the dashed one and its "
                         "shade says that drift came earlier than more observations explain. Where "
                         "two nodes never drifted, the dashed line is the earliest that this allows "
                         "for.")


def first_drifts(column):
    """(times of the runs with drift, ascending; number of runs; longest window)."""
    times = sorted(run["first_drift_s"] for run in column.runs
                   if run["first_drift_s"] is not None)
    return times, len(column.runs), max(window_s(column, run) for run in column.runs)


def window_s(column, run):
    """Length of a run's window."""
    return run["watched_s"] / column.nodes


def time_span(told):
    """Where all panels begin and end: half of the earliest first drift, and the window."""
    times = [time for column, _ in told for time in first_drifts(column)[0] if time > 0]
    high = max(first_drifts(column)[2] for column, _ in told)
    return min([time / 3 for time in times] + [high / 30]), high


def draw_panel(axes, column, first, low, high):
    """One scale."""
    times, runs, end = first_drifts(column)
    steps = [(low, 1.0)]
    for drifted, time in enumerate(times, 1):
        steps += [(max(time, low), steps[-1][1]), (max(time, low), 1 - drifted / runs)]
    steps.append((end, steps[-1][1]))
    axes.plot(*zip(*steps), color=style.BLUE, linewidth=2, zorder=3)
    draw_exposure(axes, first["exposure_alone_s"], low, high)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(-.03, 1.05)
    style.decades_written_out(axes.xaxis)
    axes.set_title(f"{style.short_label(column)}\n{first['runs_with_drift']}/{first['runs']} runs "
                   "drift", fontsize=8)


def draw_exposure(axes, exposure, low, high):
    """2^(-t / median), and the same for both ends of its interval."""
    times = [low * (high / low) ** (index / (POINTS - 1)) for index in range(POINTS)]
    median, ends = exposure.get("value"), (exposure.get("low"), exposure.get("high"))
    if median is None:
        median, ends = ends[0], (None, None)
    if median is None:
        axes.text(.04, .06, "exposure alone:\n" + why_no_exposure(exposure),
                  transform=axes.transAxes, fontsize=7, color=style.FAINT, va="bottom")
        return
    axes.plot(times, [remaining(time, median) for time in times], "--", color=style.VERMILION,
              linewidth=1.2)
    if ends[0] is not None:
        axes.fill_between(times, [remaining(time, ends[0]) for time in times],
                          [remaining(time, ends[1]) for time in times], color=style.VERMILION,
                          alpha=.18, linewidth=0)


def why_no_exposure(exposure):
    """Its reason, in lines that fit into a panel."""
    words, lines = exposure.get("unknown", "unknown").split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 16:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def remaining(time, median):
    """Share without drift at a constant risk; a median without end never drifts."""
    return 1.0 if median is None else 2 ** (-time / median) if median > 0 else 0.0


def alternative(scene, told):
    """The curves in words."""
    words = []
    for column, first in told:
        seen = (f"median {number_text(first['median_s'])} s" if first["median_s"] is not None
                else f"beyond {number_text(first['beyond_s'])} s")
        words.append(f"{column.label}: {seen}, exposure alone "
                     f"{figure_text(first['exposure_alone_s'], ' s')}")
    return f"Share of runs without drift over time in {scene.name}. " + "; ".join(words) + "."
