"""Results as a picture: an SVG of ratios, one panel a table. By matplotlib; no network."""

import json
import sys


def plot(results, picture):
    try:
        import matplotlib
    except ImportError:
        sys.exit("bench: --plot needs matplotlib (python3-matplotlib)")
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "sandbox-run"  # the same picture of the same figures
    from matplotlib import pyplot

    with open(results, encoding="utf-8") as file:
        tables = [table for table in json.load(file)["tables"] if any(row["ratio"] for row in table["rows"])]
    if not tables:
        sys.exit(f"bench: {results} holds nothing to draw")
    heights = [len(table["rows"]) + 1.5 for table in tables]
    figure, panels = pyplot.subplots(len(tables), figsize=(9, 0.34 * sum(heights)), squeeze=False,
                                     gridspec_kw={"height_ratios": heights})
    for panel, table in zip(panels[:, 0], tables):
        rows = [row for row in table["rows"] if row["ratio"]][::-1]
        colours = ["#0b6e4f" if row["name"].startswith("sandbox-run") else "#9aa5b1" for row in rows]
        bars = panel.barh([row["name"] for row in rows], [row["ratio"] for row in rows], color=colours)
        panel.bar_label(bars, [f"{row['ratio']:.2f} x  ({row['median']:.2f})" for row in rows], padding=3, fontsize=8)
        panel.axvline(1, color="#52606d", linewidth=0.8)
        panel.set_title(f"{table['title']} ({table['unit']}), to {table['base']}", fontsize=9, loc="left")
        panel.tick_params(labelsize=8)
        panel.margins(x=0.25)
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(picture, metadata={"Date": None})
