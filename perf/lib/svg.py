# SPDX-License-Identifier: MIT
"""Small plots as inline SVG: bars with a target, grouped bars, lines, dots, stacked bars."""
import html
import math
from statistics import median

INK, SOFT, GRID = "#1f2937", "#6b7280", "#e5e7eb"
NATIVE, TANDEM, FULL, GOOD, BAD = "#9ca3af", "#2563eb", "#d97706", "#15803d", "#b91c1c"
MISSED = "#fdecec"
SERIES = ("#2563eb", "#d97706", "#059669", "#9333ea", "#dc2626", "#0891b2", "#6b7280", "#111827", "#be185d", "#4d7c0f")
WIDTH = 560


class Drawing:
    def __init__(self, height, label, width=WIDTH):
        self.width, self.height = width, height
        self.parts = [f'<svg viewBox="0 0 {width} {height:.0f}" role="img" '
                      f'aria-label="{html.escape(label)}" xmlns="http://www.w3.org/2000/svg">']

    def rect(self, x, y, width, height, fill):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" '
                          f'height="{height:.1f}" fill="{fill}" rx="2"/>')

    def line(self, x1, y1, x2, y2, stroke=GRID, width=1.0, dash=""):
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{stroke}" stroke-width="{width}"{dashes}/>')

    def text(self, x, y, text, anchor="start", fill=INK, size=13, weight="normal"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" '
                          f'font-size="{size}" font-weight="{weight}">{html.escape(text)}</text>')

    def dot(self, x, y, fill, radius=4.0):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}" '
                          f'fill-opacity="0.7"/>')

    def diamond(self, x, y, fill, size=6.0):
        self.parts.append(f'<path d="M{x:.1f} {y - size:.1f}l{size} {size}l-{size} {size}'
                          f'l-{size} -{size}z" fill="{fill}"/>')

    def path(self, points, stroke):
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{joined}" fill="none" stroke="{stroke}" '
                          f'stroke-width="2"/>')

    def legend(self, entries, y):
        x = 8
        for name, colour, shape in entries:
            if x > 8 and x + 18 + 7.2 * len(name) > self.width:
                x, y = 8, y + 18
            if shape == "diamond":
                self.diamond(x + 6, y - 4, colour)
            elif shape == "line":
                self.line(x, y - 4, x + 13, y - 4, colour, 2, "4 3")
            else:
                self.rect(x, y - 10, 12, 12, colour)
            self.text(x + 18, y, name, fill=SOFT, size=12)
            x += 34 + 7.2 * len(name)

    def done(self):
        return "\n".join(self.parts + ["</svg>"])


def ticks(top, wanted=5):
    """Round numbers from 0 to at least `top`."""
    step = 10 ** math.floor(math.log10(top / wanted))
    step *= next(factor for factor in (1, 2, 5, 10) if top / (step * factor) <= wanted)
    return [step * i for i in range(math.ceil(top / step - 1e-9) + 1)]


def number(value):
    for least, unit in ((1e6, "M"), (1e3, "k")):
        if value >= least:
            return f"{value / least:.3g}{unit}"
    return f"{value:.3g}"


def ratio_bars(label, axis, entries, target, better, at_least=1.0):
    """entries: [(name, value, lowest, highest, reference or None, whether the target is for it)].

    Native is the line at 1. What misses the target is red.
    """
    left, right, row, top = 172, 52, 34, 44
    height = top + row * len(entries) + 46
    drawing = Drawing(height, label)
    # One disturbed round must not make the others small: its whisker is cut.
    most = 1.5 * max([entry[1] for entry in entries] + [1])
    marks = ticks(max([min(entry[3], most) for entry in entries] + [at_least]))
    scale = (WIDTH - left - right) / marks[-1]
    bottom = top + row * len(entries)

    def missed(value, aimed):
        return bool(target) and aimed and (value < target if better == "≥" else value > target)
    legend = [("Tandem / native, median", TANDEM, "box")]
    if any(missed(entry[1], entry[5]) for entry in entries):
        legend.append(("missed", BAD, "box"))
    if target:
        legend.append((f"target {better} {target:g}", GOOD, "line"))
    if any(entry[4] for entry in entries):
        legend.append(("A8, as published", FULL, "diamond"))
    drawing.legend(legend, 16)
    for mark in marks:
        x = left + mark * scale
        drawing.line(x, top, x, bottom)
        drawing.text(x, bottom + 17, f"{mark:g}", "middle", SOFT, 12)
    drawing.text(left + (WIDTH - left - right) / 2, bottom + 36, axis, "middle", SOFT, 12)
    for index, (name, value, low, high, reference, aimed) in enumerate(entries):
        y = top + row * index + 5
        bad = missed(value, aimed)
        drawing.text(left - 8, y + 16, name, "end")
        drawing.rect(left, y, value * scale, row - 11, BAD if bad else TANDEM)
        drawing.line(left + low * scale, y + 11, left + min(high, marks[-1]) * scale, y + 11, INK, 1.5)
        for end in (low, high):
            if end <= marks[-1]:
                drawing.line(left + end * scale, y + 7, left + end * scale, y + 15, INK, 1.5)
        if reference:
            drawing.diamond(left + reference * scale, y + 11, FULL)
        if target and aimed:
            x = left + target * scale
            drawing.line(x, y - 4, x, y + row - 7, GOOD, 2.5, "4 3")
        drawing.text(WIDTH - 4, y + 16, f"{value:.2f}", "end",
                     BAD if bad else GOOD if target and aimed else INK, 14, "bold")
    drawing.line(left + scale, top - 6, left + scale, bottom, SOFT, 1.5)
    drawing.text(left + scale, top - 9, "native", "middle", SOFT, 11)
    return drawing.done()


def added_bars(label, axis, entries, most_shown):
    """entries: [(name, value, most or None)]; may be negative; longer bars than shown are cut."""
    left, right, row, top = 150, 84, 30, 34
    bottom = top + row * len(entries)
    drawing = Drawing(bottom + 46, label)
    values = [value for _, value, _ in entries]
    low = max(min(values + [0]), -most_shown)
    high = min(max(values + [most * 1.2 for _, _, most in entries if most]), most_shown)
    step = ticks(high - low)[1]
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    scale = (WIDTH - left - right) / (high - low)

    def place(value):
        return left + (min(max(value, low), high) - low) * scale
    drawing.legend([("added", TANDEM, "box"), ("target: at most", GOOD, "line")], 16)
    for mark in range(round((high - low) / step) + 1):
        x = place(low + mark * step)
        drawing.line(x, top, x, bottom)
        drawing.text(x, bottom + 17, f"{low + mark * step:g}", "middle", SOFT, 12)
    drawing.line(place(0), top, place(0), bottom, SOFT, 1.5)
    drawing.text(left + (WIDTH - left - right) / 2, bottom + 36, axis, "middle", SOFT, 12)
    for index, (name, value, most) in enumerate(entries):
        y = top + row * index + 4
        drawing.text(left - 8, y + 15, name, "end")
        start, end = sorted((place(0), place(value)))
        drawing.rect(start, y, end - start, row - 10, TANDEM)
        if value > high:  # cut
            drawing.line(end - 14, y + row - 8, end - 6, y - 2, "#ffffff", 4)
        verdict = INK
        if most:
            drawing.line(place(most), y - 3, place(most), y + row - 7, GOOD, 2.5, "4 3")
            verdict = GOOD if value <= most else BAD
        drawing.text(WIDTH - 4, y + 15, f"{value:+,.0f}", "end", verdict, 14, "bold")
    return drawing.done()


def log_range(values):
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 1e-9)


def grouped_bars(label, axis, groups, names, colours):
    """groups: [(name, [value or None for each of names])]; logarithmic, with the values."""
    left, right, bar, top = 120, 56, 15, 34
    values = [value for _, group in groups for value in group if value]
    low, high = log_range(values)
    each = bar * len(names) + 12
    bottom = top + each * len(groups)
    drawing = Drawing(bottom + 46, label)
    scale = (WIDTH - left - right) / (high - low)
    drawing.legend([(name, colour, "box") for name, colour in zip(names, colours)], 16)
    for power in range(low, high + 1):
        x = left + (power - low) * scale
        drawing.line(x, top, x, bottom)
        drawing.text(x, bottom + 17, f"{10 ** power:,}" if power >= 0 else f"{10.0 ** power:g}",
                     "middle", SOFT, 12)
    drawing.text(left + (WIDTH - left - right) / 2, bottom + 36, axis, "middle", SOFT, 12)
    for index, (name, group) in enumerate(groups):
        y = top + each * index + 6
        drawing.text(left - 8, y + bar * len(names) / 2 + 4, name, "end")
        for value, colour in zip(group, colours):
            if value:
                width = (math.log10(value) - low) * scale
                drawing.rect(left, y, width, bar - 2, colour)
                drawing.text(left + width + 5, y + bar - 4, f"{value:,.0f}", fill=SOFT, size=11)
            y += bar
    return drawing.done()


def around(values):
    """What is a round number (1, 2 or 5 of its power of ten) and encloses values; and those within."""
    rounds = [factor * 10.0 ** power for power in range(-12, 13) for factor in (1, 2, 5)]
    low = max(mark for mark in rounds if mark <= min(values) * 1.0001)
    high = min(mark for mark in rounds if mark >= max(values) * 0.9999 and mark > low)
    return [mark for mark in rounds if low <= mark <= high]


def lines(label, x_axis, y_axis, series, colours, target=None):
    """series: {name: [(x, y)]}, colours: {name: colour}, target: (y, text with ≥ or ≤[, from which x]).

    Both axes are logarithmic, x in powers of two. The side that misses the target is shaded.
    """
    left, right, top, plot = 66, 20, 72, 240
    points = [point for line in series.values() for point in line]
    drawing = Drawing(top + plot + 48, label)
    x_low = math.floor(math.log2(min(x for x, _ in points)))
    x_high = max(math.ceil(math.log2(max(x for x, _ in points))), x_low + 1)
    marks = around([y for _, y in points] + ([target[0]] if target else []))
    x_scale = (WIDTH - left - right) / (x_high - x_low)
    y_scale = plot / math.log10(marks[-1] / marks[0])

    def place(x, y):
        return (left + (math.log2(x) - x_low) * x_scale,
                top + plot - math.log10(y / marks[0]) * y_scale)
    if target:
        x, y = place(target[2] if len(target) > 2 else 2 ** x_low, target[0])
        edge = top + plot if "≥" in target[1] else top
        drawing.rect(x, min(y, edge), WIDTH - right - x, abs(edge - y), MISSED)
    for mark in marks:
        height = place(2 ** x_low, mark)[1]
        # Of many, the powers of ten.
        if len(marks) < 11 or math.log10(mark) % 1 == 0:
            drawing.line(left, height, WIDTH - right, height)
            drawing.text(left - 6, height + 4, number(mark), "end", SOFT, 12)
    for power in range(x_low, x_high + 1, 2):
        place_x, size = place(2 ** power, marks[0])[0], 2 ** power
        drawing.line(place_x, top, place_x, top + plot)
        drawing.text(place_x, top + plot + 17, f"{size // 1024} Ki" if size >= 1024 else f"{size}",
                     "middle", SOFT, 12)
    drawing.text(left + (WIDTH - left - right) / 2, top + plot + 38, x_axis, "middle", SOFT, 12)
    drawing.text(4, top - 8, y_axis, fill=SOFT, size=12)
    legend = [(name, colours[name], "box") for name in series]
    if target:
        drawing.line(x, y, WIDTH - right, y, GOOD, 2, "4 3")
        legend.append((target[1], GOOD, "line"))
    drawing.legend(legend, 16)
    for name, line in series.items():
        placed = [place(x, y) for x, y in sorted(line)]
        drawing.path(placed, colours[name])
        for x, y in placed:
            drawing.dot(x, y, colours[name], 3.0)
    return drawing.done()


def histograms(label, axis, rows, colour):
    """rows: [(name, what stands below it, [count for each class], mean)]; class i: 2^(i-1) to 2^i - 1.

    A panel each above one axis; bars are parts of a row's whole, the small mark is at the mean.
    """
    left, right, each, top = 172, 30, 62, 16
    used = [number for _, _, counts, _ in rows for number, count in enumerate(counts) if count]
    low, high = min(used, default=0), max(used, default=0) + 1
    bottom = top + each * len(rows)
    drawing = Drawing(bottom + 46, label)
    scale = (WIDTH - left - right) / (high - low)

    def size(power):
        value = 2 ** (power - 1) if power else 0
        return f"{value // 1024} Ki" if value >= 1024 else f"{value}"
    step = math.ceil((high - low) / 9)
    for number in range(low, high + 1, step):
        x = left + (number - low) * scale
        drawing.line(x, top, x, bottom)
        drawing.text(x, bottom + 17, size(number), "middle", SOFT, 12)
    drawing.text(left + (WIDTH - left - right) / 2, bottom + 36, axis, "middle", SOFT, 12)
    for index, (name, below, counts, mean) in enumerate(rows):
        base, whole = top + each * (index + 1), sum(counts) or 1
        drawing.text(left - 8, base - 28, name, "end")
        drawing.text(left - 8, base - 14, below, "end", SOFT, 11)
        drawing.text(left - 8, base - 1, f"mean {mean:,.0f} B", "end", FULL, 11)
        highest = max(counts)
        for number, count in enumerate(counts):
            if count:
                x, tall = left + (number - low) * scale, (each - 22) * count / highest
                drawing.rect(x + 1, base - tall, scale - 2, tall, colour)
                if count >= whole / 20:
                    drawing.text(x + scale / 2, base - tall - 4, f"{count / whole:.0%}", "middle",
                                 SOFT, 11)
        drawing.line(left, base, WIDTH - right, base, SOFT)
        if mean >= 1:
            x = left + (math.log2(mean) + 1 - low) * scale
            drawing.line(x, base - 8, x, base + 3, FULL, 3)
    return drawing.done()


def strips(label, axis, rows, most):
    """rows: [(name, colour, values)]; a dot for each value and a mark at the median.

    The first row is native; the target is its median and at most so much more.
    """
    left, right, each, top = 80, 70, 46, 34
    bottom = top + each * len(rows)
    drawing = Drawing(bottom + 46, label)
    limit = median(rows[0][2]) + most
    marks = ticks(max([limit] + [value for _, _, values in rows for value in values]))
    scale = (WIDTH - left - right) / marks[-1]
    for mark in marks:
        drawing.line(left + mark * scale, top, left + mark * scale, bottom)
        drawing.text(left + mark * scale, bottom + 17, f"{mark:g}", "middle", SOFT, 12)
    drawing.text(left + (WIDTH - left - right) / 2, bottom + 36, axis, "middle", SOFT, 12)
    for index, (name, colour, values) in enumerate(rows):
        y = top + each * index + each / 2
        middle = median(values)
        drawing.text(left - 8, y + 4, name, "end")
        for place, value in enumerate(values):
            drawing.dot(left + value * scale, y + (place % 5 - 2) * 5, colour)
        drawing.line(left + middle * scale, y - 18, left + middle * scale, y + 18, INK, 2)
        verdict = INK if index == 0 else GOOD if middle <= limit else BAD
        drawing.text(WIDTH - 4, y + 5, f"{middle:.1f}", "end", verdict, 14, "bold")
    drawing.legend([("median", INK, "box"), (f"target ≤ native + {most:g}", GOOD, "line")], 16)
    x = left + limit * scale
    drawing.line(x, top, x, bottom, GOOD, 2, "4 3")
    return drawing.done()


def stacked(label, axis, rows, names, colours):
    """rows: [(name, [value for each of names], the first value's limit or None)].

    The name of a row beyond its limit is red.
    """
    left, right, each, top = 160, 60, 28, 50
    bottom = top + each * len(rows)
    drawing = Drawing(bottom + 46, label)
    marks = ticks(max(max(sum(values), limit or 0) for _, values, limit in rows))
    scale = (WIDTH - left - right) / marks[-1]
    drawing.legend([(name, colour, "box") for name, colour in zip(names, colours)]
                   + [(f"target for {names[0]}: at most", GOOD, "line")], 16)
    for mark in marks:
        drawing.line(left + mark * scale, top, left + mark * scale, bottom)
        drawing.text(left + mark * scale, bottom + 17, f"{mark:g}", "middle", SOFT, 12)
    drawing.text(left + (WIDTH - left - right) / 2, bottom + 36, axis, "middle", SOFT, 12)
    for index, (name, values, limit) in enumerate(rows):
        x, y = left, top + each * index + 4
        drawing.text(left - 8, y + 15, name, "end", BAD if limit and values[0] > limit else INK)
        for value, colour in zip(values, colours):
            drawing.rect(x, y, value * scale, each - 8, colour)
            x += value * scale
        if limit:
            drawing.line(left + limit * scale, y - 3, left + limit * scale, y + each - 5, GOOD, 2.5,
                         "4 3")
        drawing.text(WIDTH - 4, y + 15, f"{sum(values):.1f}", "end", INK, 13, "bold")
    return drawing.done()
