"""The shares beyond other limits, as mpidrift-compare reads them from the histograms: the tail of the
delays, and how much each count depends on where the limit was put."""

from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from report.pictures import style

DELAY = "message_delay_exceeded"
NO_CURVE = "not told by this comparison"


def curve_of(column, context):
    """(curve, None) or (None, why there is none) of one context."""
    if not column.context(context):
        return None, f"{context} is not watched"
    curve = column.context(context).get("curve")
    if not isinstance(curve, dict):
        return None, NO_CURVE
    if "unknown" in curve:
        return None, curve["unknown"]
    if not curve["limits"]:
        return None, "no observation"
    return curve, None


def in_key_unit(curve):
    """Limits and the declared limit in the unit of the corridor file, and that unit's name."""
    factor = curve["per_key_unit"] or 1
    declared = curve["declared"]
    limits = [limit / factor for limit in curve["limits"]]
    return limits, None if declared is None else declared / factor, unit_name(curve)


def unit_name(curve):
    """The unit of the corridor's key."""
    for end, name in (("_us", "µs"), ("_ms", "ms"), ("_s", "s")):
        if (curve["limit_key"] or "").endswith(end):
            return name
    return curve["unit"]


def visible(limits, shares):
    """The part of a curve that falls, with a little of the level before it and the point after."""
    inside = [index for index, share in enumerate(shares) if 0 < share < .999 * shares[0]]
    if not inside or limits[inside[0]] <= 0:
        return limits, shares
    first, last = inside[0], min(len(limits), inside[-1] + 2)
    return ([limits[first] / 1.5, *limits[first:last]],
            [shares[max(0, first - 1)], *shares[first:last]])


def draw_line(axes, curve, looks):
    """One curve, as far as it falls. Whole numbers are steps with a mark at each limit that one
    could choose."""
    limits, _, unit = in_key_unit(curve)
    shares = curve["beyond_share"]
    if unit == "versions":
        whole = [(limit, share) for limit, share in zip(limits, shares)
                 if limit >= 1 and limit == int(limit)]
        limits, shares = zip(*whole) if whole else ((), ())
        looks = {**looks, "marker": "o", "markersize": 3}
    else:
        limits, shares = visible(limits, shares)
    axes.plot(limits, [share or float("nan") for share in shares], drawstyle="steps-post", **looks)


def draw_limit(axes, declared, unit):
    """The declared limit as a line with its value."""
    if declared is None:
        return
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, declared / 1.5), max(high, declared * 2.5))
    axes.axvline(declared, color=style.INK, linewidth=.9)
    # The curves fall from the upper left to the lower right: above, right of the limit, is room.
    axes.annotate(f"limit {declared:g}" + ("" if unit == "versions" else f" {unit}"), (declared, 1),
                  xycoords=("data", "axes fraction"), xytext=(3, -2), textcoords="offset points",
                  fontsize=7.5, rotation=90, ha="left", va="top", color=style.INK,
                  bbox={"facecolor": "white", "edgecolor": "none", "alpha": .8, "pad": .5})


def finish_axes(axes, curve, name):
    """Scales, labels and the declared limit. Versions are few and whole."""
    _, declared, unit = in_key_unit(curve)
    axes.set_yscale("log")
    axes.set_ylim(top=1.5)
    axes.set_xlabel(f"{name} ({unit})")
    if unit == "versions":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        axes.set_xscale("log")
        style.decades_written_out(axes.xaxis)
    style.decades_written_out(axes.yaxis)
    draw_limit(axes, declared, unit)


# ---- the tail of the delays ----

def draw_delay_tail(campaign):
    """The Picture: share of messages that took longer, one panel per scene, one line per N."""
    scenes, title = campaign.comparison.scenes, "Tail of the message delays"
    columns = [column for scene in scenes for column in scene.series]
    if not any(curve_of(column, DELAY)[0] for column in columns):
        why = next((curve_of(column, DELAY)[1] for column in columns), "no run")
        return style.Picture("delay-tail", title, style.only_words(f"no delays to show: {why}"),
                             f"No delays to show: {why}.", "")
    figure = style.new_figure(3.6)
    panels = figure.subplots(1, len(scenes), squeeze=False, sharey=True)[0]
    words = [tail_panel(axes, scene) for axes, scene in zip(panels, scenes)]
    panels[0].set_ylabel("share of messages that took longer")
    return style.Picture("delay-tail", title, style.to_svg(figure),
                         "Share of messages that took longer than a delay. " + " ".join(words),
                         "Read it at the limit: the height there is the share of messages that left "
                         "the corridor. Controls are dotted. The curves keep what lies below and "
                         "above the bins of the histograms.")


def tail_panel(axes, scene):
    """One scene. Returns its words."""
    axes.set_title(scene.name)
    columns = scene.series + scene.controls
    looks, why = style.line_looks(columns), "no run"
    drawn = []
    for column in columns:
        curve, reason = curve_of(column, DELAY)
        why = reason or why
        if curve is not None:
            draw_line(axes, curve, {**looks[column.label], "label": style.short_label(column)})
            drawn.append((column, curve))
    if not drawn:
        axes.set_xticks([])
        style.say(axes, f"no delays: {why}")
        return f"{scene.name}: no delays ({why})."
    finish_axes(axes, drawn[0][1], "delay")
    axes.legend(loc="lower left")
    tell_outside_bins(axes, drawn)
    return f"{scene.name}: " + "; ".join(map(beyond_words, drawn)) + "."


def tell_outside_bins(axes, drawn):
    """Shares that lie below or above what the histograms resolve: no curve can show where."""
    outside = [f"{style.short_label(column)}: {share:.2g} {place} the bins"
               for column, told in drawn
               for place, share in (("below", 1 - told["beyond_share"][0]),
                                    ("above", told["beyond_share"][-1])) if share > 1e-12]
    if outside:
        axes.annotate("\n".join(outside), (1, 1), xycoords="axes fraction", ha="right", va="bottom",
                      fontsize=7, color=style.FAINT)


def beyond_words(drawn):
    """What one line says at its limit, by the comparison's own figure."""
    column, _ = drawn
    share = column.figure("outside_messages", DELAY)
    value = share.get("value")
    return f"{column.label}: " + ("unknown" if value is None else f"{value:.3g} beyond the limit")


# ---- corridor sensitivity ----

def draw_sensitivity(campaign, scene):
    """The Picture of a scene: one panel per context, shares beyond against the limit."""
    del campaign
    key, title = f"sensitivity-{scene.name}", f"Where to put the limit, {scene.name}"
    found = contexts_with_curve(scene)
    if not found:
        return style.Picture(key, title, style.only_words(f"no curve: {why_none(scene)}"),
                             "No curve to draw.", "")
    figure = style.new_figure(3.2)
    panels = figure.subplots(1, len(found), squeeze=False, sharey=True)[0]
    for axes, context in zip(panels, found):
        sensitivity_panel(axes, scene, context)
    panels[0].set_ylabel("share of observations beyond")
    style.legend_above(figure, legend(scene), 6)
    return style.Picture(key, title, style.to_svg(figure),
                         f"Share of observations beyond the limit, against the limit, in "
                         f"{scene.name}, for {', '.join(found)}.",
                         "What the same runs would have shown under another limit. Where the lines "
                         "of two nodes and of N lie far apart, the finding does not hang on the "
                         "limit; where they lie together, only another limit would tell them apart. "
                         "Vertical: the declared limit. A scale without a line was never beyond any.")


def contexts_with_curve(scene):
    """Names of the contexts that have a curve in some column."""
    names = dict.fromkeys(name for column in scene.series for name in column.told["contexts"])
    return [name for name in names
            if any(curve_of(column, name)[0] is not None for column in scene.series)]


def why_none(scene):
    """Why there is no curve at all."""
    reasons = [curve_of(column, name)[1] for column in scene.series
               for name in column.told["contexts"] if name != "all"]
    return next((reason for reason in reasons if reason), "no run")


def sensitivity_panel(axes, scene, context):
    """One context."""
    looks, shown = style.line_looks(scene.series), None
    for column in scene.series:
        curve, _ = curve_of(column, context)
        if curve is not None:
            shown = curve
            draw_line(axes, curve, looks[column.label])
    axes.set_title(context, fontsize=8)
    finish_axes(axes, shown, "limit")


def legend(scene):
    """One line per scale."""
    looks = style.line_looks(scene.series)
    return [Line2D([], [], label=style.short_label(column), **looks[column.label])
            for column in scene.series]
