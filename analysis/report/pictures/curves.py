"""The shares beyond other limits, as mpidrift-compare reads them from the histograms: the tail of the
delays, and how much each count depends on where the limit was put."""

from matplotlib.lines import Line2D

from report.pictures import style

DELAY = "message_delay_exceeded"
NO_CURVE = "not told by this comparison"


def curve_of(column, context):
    """(curve, None) or (None, why there is none) of one context."""
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
    """The part of a curve that is not flat at one or at zero, with one point more on either side."""
    inside = [index for index, share in enumerate(shares) if 0 < share < shares[0]]
    if not inside:
        return limits, shares
    first, last = max(0, inside[0] - 1), min(len(limits), inside[-1] + 2)
    return limits[first:last], shares[first:last]


def draw_line(axes, curve, **looks):
    """One curve; the step to zero ends it. Returns the drawn limits."""
    limits, _, _ = in_key_unit(curve)
    limits, shares = visible(limits, curve["beyond_share"])
    axes.plot(limits, [share or float("nan") for share in shares], **looks)
    return limits


def draw_limit(axes, declared, unit):
    """The declared limit as a line with its value."""
    if declared is None:
        return
    if declared > 0:
        axes.axvline(declared, color=style.VERMILION, linewidth=1)
    axes.annotate(f"limit {declared:g} {unit}" if declared > 0 else "limit 0, left of the scale",
                  (max(declared, axes.get_xlim()[0]), 1), xycoords=("data", "axes fraction"),
                  xytext=(-3, -1), textcoords="offset points", fontsize=7.5, rotation=90,
                  ha="right", va="top", color=style.VERMILION)


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
    colours, drawn, why = style.scale_colours(columns), [], ""
    for column in columns:
        curve, reason = curve_of(column, DELAY)
        why = why or reason
        if curve is not None:
            index = len(drawn)
            draw_line(axes, curve, color=colours[column.label], label=style.short_label(column),
                      linestyle=":" if column.is_control else style.line_of(index),
                      linewidth=1.1 if column.is_control else 1.6)
            drawn.append((column, curve))
    if not drawn:
        axes.set_xticks([])
        style.say(axes, f"no delays: {why or 'no run'}")
        return f"{scene.name}: no delays ({why or 'no run'})."
    finish_tail(axes, drawn)
    return f"{scene.name}: " + "; ".join(map(beyond_words, drawn)) + "."


def finish_tail(axes, drawn):
    """Scales, limit, what lies outside the bins."""
    curve = drawn[0][1]
    _, declared, unit = in_key_unit(curve)
    axes.set_xscale("log")
    axes.set_yscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low, max(high, (declared or 0) * 1.5))
    axes.set_ylim(top=1.5)
    axes.set_xlabel(f"delay ({unit})")
    style.decades_written_out(axes.xaxis)
    style.decades_written_out(axes.yaxis)
    draw_limit(axes, declared, unit)
    axes.legend(loc="lower left")
    outside = [f"{style.short_label(column)}: {label} {share:.2g}" for column, told in drawn
               for label, share in (("below the bins", 1 - told["beyond_share"][0]),
                                    ("above the bins", told["beyond_share"][-1])) if share > 0]
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
                         "Vertical: the declared limit.")


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
    colours, declared, unit = style.scale_colours(scene.series), None, ""
    for index, column in enumerate(scene.series):
        curve, _ = curve_of(column, context)
        if curve is not None:
            _, declared, unit = in_key_unit(curve)
            draw_line(axes, curve, color=colours[column.label], linestyle=style.line_of(index))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(top=1.5)
    if declared is not None and declared > 0:
        low, high = axes.get_xlim()
        axes.set_xlim(min(low, declared / 1.5), max(high, declared * 1.5))
    axes.set_title(context, fontsize=8)
    axes.set_xlabel(f"limit ({unit})")
    style.decades_written_out(axes.xaxis)
    style.decades_written_out(axes.yaxis)
    draw_limit(axes, declared, unit)


def legend(scene):
    """One line per scale."""
    colours = style.scale_colours(scene.series)
    return [Line2D([], [], color=colours[column.label], linestyle=style.line_of(index),
                   label=style.short_label(column)) for index, column in enumerate(scene.series)]
