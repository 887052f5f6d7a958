"""mpidrift-compare's figures. Each is addressed by its place, a JSON pointer such as
/columns/3/contexts/all/outside_node; what is not there is unknown, never a number."""

import math
from dataclasses import dataclass

FORMAT = "mpidrift-comparison"
NOT_TOLD = "this mpidrift-compare does not tell"


def number_text(value):
    """A number as the C programs print it."""
    if value is None or not math.isfinite(value):
        return "unknown"
    return f"{value:.0f}" if 100 <= abs(value) < 1e6 else f"{value:.3g}"


def figure_text(figure, unit=""):
    """FIGURE as text: the value with its interval, or with all runs; else why it is not known."""
    if not isinstance(figure, dict):
        return number_text(figure) + unit if figure is not None else "unknown"
    if "unknown" in figure:
        return f"unknown ({figure['unknown']})"
    value, low, high = (figure.get(key) for key in ("value", "low", "high"))
    if value is None:
        return bound_text(low, high, unit)
    text = number_text(value) + unit
    if "values" in figure:
        return f"{text} ({', '.join(map(number_text, figure['values']))})"
    if low is None and high is None:
        return text
    return f"{text} [{end_text(low, '−∞')}, {end_text(high, '∞')}]"


def bound_text(low, high, unit):
    """Where only an end of the interval is known."""
    if low is not None:
        return f"at least {number_text(low)}{unit}"
    return f"at most {number_text(high)}{unit}" if high is not None else "unknown"


def end_text(value, unbounded):
    """One end of an interval."""
    return unbounded if value is None else number_text(value)


def known(figure):
    """The number of a FIGURE; None where there is none."""
    if not isinstance(figure, dict) or "unknown" in figure:
        return None
    value = figure.get("value")
    return value if value is not None and math.isfinite(value) else None


def escape(key):
    """A key as a part of a JSON pointer (RFC 6901)."""
    return str(key).replace("~", "~0").replace("/", "~1")


@dataclass(frozen=True)
class Column:
    """One column of the table: its place, and what it says of itself."""
    place: str
    told: dict

    @property
    def label(self):
        """As it stands over the column."""
        return self.told["label"]

    @property
    def nodes(self):
        """Node count N."""
        return self.told["nodes"]

    @property
    def scene(self):
        """Name of the declared network."""
        return self.told["scene"]

    @property
    def is_control(self):
        """Differs from the main series in its groups or its load."""
        return self.told["control"]

    @property
    def runs(self):
        """What the comparison says about each run."""
        return self.told["runs"]

    def context(self, name="all"):
        """What it says of one context; empty where it says nothing."""
        return self.told["contexts"].get(name, {})

    def figure(self, key, context="all"):
        """A FIGURE of one context."""
        return self.context(context).get(key, {"unknown": NOT_TOLD})

    def figure_place(self, key, context="all"):
        """Where that FIGURE stands."""
        return f"{self.place}/contexts/{escape(context)}/{escape(key)}"

    def condition(self, key):
        """A number from its conditions; None where it is not known."""
        return (self.told["conditions"] or {}).get(key)


@dataclass(frozen=True)
class Scene:
    """The columns of one declared network, and what is said about them together."""
    name: str
    place: str
    told: dict
    columns: list

    @property
    def series(self):
        """The main series with runs, by node count."""
        return [column for column in self.columns if column.runs and not column.is_control]

    @property
    def controls(self):
        """The controls with runs."""
        return [column for column in self.columns if column.runs and column.is_control]

    @property
    def two(self):
        """Two nodes of the main series; None without runs."""
        return next((column for column in self.series if column.nodes == 2), None)

    @property
    def largest(self):
        """The largest N above two of the main series; None without."""
        above = [column for column in self.series if column.nodes > 2]
        return max(above, key=lambda column: column.nodes) if above else None

    @property
    def ends(self):
        """Two nodes and the largest N, those that there are."""
        return [column for column in (self.two, self.largest) if column is not None]

    def list(self, key):
        """A list that the comparison has about this scene; empty where it has none."""
        return self.told.get(key, [])


class Comparison:
    """What mpidrift-compare --json said."""

    def __init__(self, told):
        """`told`: the whole object, whose format the caller has checked."""
        self.told = told
        self.columns = [Column(f"/columns/{index}", column)
                        for index, column in enumerate(told["columns"])]
        self.scenes = self._scenes()
        self.runs = [run for column in self.columns for run in column.runs]

    def _scenes(self):
        told = {scene["scene"]: (f"/scenes/{index}", scene)
                for index, scene in enumerate(self.told.get("scenes", []))}
        names = dict.fromkeys(column.scene for column in self.columns)
        return [Scene(name, *told.get(name, ("", {})),
                      [column for column in self.columns if column.scene == name])
                for name in names]

    def at(self, place):
        """What stands at a JSON pointer; None where nothing does."""
        value = self.told
        for part in place.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            try:
                value = value[int(key)] if isinstance(value, list) else value[key]
            except (KeyError, IndexError, TypeError, ValueError):
                return None
        return value

    @property
    def contexts(self):
        """The contexts that are watched, without the sum over them."""
        return [name for name in (self.columns[0].told["contexts"] if self.columns else {})
                if name != "all"]

    @property
    def cores(self):
        """Cores of the machine; None where not recorded, or where columns differ."""
        counts = {column.condition("cores") for column in self.columns if column.runs}
        return counts.pop() if len(counts) == 1 else None
