"""The model card's section on styles and on the map, from measured figures alone."""

import csv
from collections import Counter

from genre.styles import GTZAN_FROM_STYLE, STYLES

SECTION = """## Styles, and none of these

The head `styles` answers the same question as the head `genre`, with labels for today's music and one for sounds of no style. It
is fitted by `mertscope heads train` to the layer `style`.

Of free music, {files} files have a style; one in twelve is held out. Where it comes from:

{sources}

A genre field such as "Soundtrack" names no style, and MMA's grooves teach none: a probe fitted to synthetic songs does not
know real ones. Folk is left out: of its files none was told when its package was left out. There is no labeled music here for
soul, R&B, punk, indie or house, so the head has no such labels; soul and funk are nearest to GTZAN's "disco", house and techno
are "electronic".

Each style is GTZAN's genre of the same name ({shared}).
GTZAN has none for {own}.

| | styles | genre |
|---|---|---|
| nested grouped cross-validation of all sounds (packages, neighboring excerpts, instruments and voices stay together) | {accuracy:.3f} of {count} | – |
| calibration error in it, by chance | {ece:.3f}, {ece_chance:.3f} | – |
{compared}
| calibration error on files of free music, by chance | {music_ece:.3f}, {music_chance:.3f} | – |

"Right" is the mean probability's top label per file, with the file's package left out of the fit. The genre head can't be right
where GTZAN lacks the style. Most labels come from rules that also look at a machine's tags, and those are what the model was
distilled from: read "machine, checked" as agreement, not as truth.

Sounds of no style and producer's loops, each by a head that was fitted to other instruments, voices and packages:

| | sounds | "none of these" | electronic | classical | classical, by the head genre |
|---|---|---|---|---|---|
{sounds}

## The map

Its two directions tell the styles apart (discriminant analysis with pairs of styles weighed by how easily they are mistaken,
shrunk); both are scaled to one spread, and far-off places are drawn in. The map before had the two directions of most variance.
Of the same windows:

| | this map | the two directions of most variance |
|---|---|---|
| landmarks' hull, share of the map's area | {hull} |
| the densest cells with 90 % of the music, share of the map's area | {dense} |
| ten nearest neighbors of the same style, of other packages and excerpts; by a map of half of the groups, on the other half | {purity} |

"""


def sources_table():
    """Files per style and source, as a table."""
    with STYLES.open(encoding="utf-8") as file:
        counts = Counter((row["style"], row["source"]) for row in csv.DictReader(file))
    sources = list(dict.fromkeys(source for _, source in sorted(counts, key=lambda key: -counts[key])))
    styles = sorted({style for style, _ in counts})
    lines = [f"| | {' | '.join(sources)} |", "|---" * (len(sources) + 1) + "|"]
    for style in styles:
        cells = (str(counts[style, source] or "–") for source in sources)
        lines.append(f"| {style} | {' | '.join(cells)} |")
    return "\n".join(lines), sum(counts.values())


def compared_rows(scores):
    """The rows on free music: all files, those of GTZAN's styles, and each source."""
    music, rows = scores["free music"], []
    everything = music["all"]
    both = [key for key in music if key != "all" and GTZAN_FROM_STYLE.get(key, key) == key and key in scores["labels"]]
    share = lambda right, files: f"{right / files:.3f}"
    rows.append(("free music, all files", everything["files"], everything["styles right"], everything["genre right"]))
    known = sum(music[key]["files"] for key in both)
    mine, its = (sum(music[key][name] for key in both) for name in ("styles right", "genre right"))
    rows.append(("the same, files whose style GTZAN has", known, mine, its))
    for source, row in music.items():
        if source != "all" and source not in scores["labels"]:
            rows.append((f"label from: {source}", row["files"], row["styles right"], row["genre right"]))
    return "\n".join(
        f"| {name} ({files}) | {share(mine, files)} | {share(its, files)} |" for name, files, mine, its in rows
    )


def style_section(head, scores, map_scores):
    """The section; the arguments are the recorded figures of the head's fit, of its comparison and of the map."""
    table, files = sources_table()
    shared = ", ".join(sorted(style for style, known in GTZAN_FROM_STYLE.items() if known))
    own = ", ".join(f'"{style}"' for style, known in GTZAN_FROM_STYLE.items() if not known)
    sounds = (
        f"| {kind} | {count} | {' | '.join(f'{share:.2f}' for share in shares)} |"
        for kind, (count, *shares) in scores["sounds"].items()
    )
    pair = lambda name: " | ".join(f"{map_scores[which][name]:.2f}" for which in ("this", "variance"))
    return SECTION.format(
        files=files,
        sources=table,
        shared=shared,
        own=own,
        accuracy=head["files"]["accuracy"],
        count=head["files"]["count"],
        ece=head["files"]["calibration_error"],
        ece_chance=head["files"]["calibration_error_by_chance"],
        compared=compared_rows(scores),
        music_ece=scores["calibration error, files of free music"],
        music_chance=scores["by chance"],
        sounds="\n".join(sounds),
        hull=pair("hull"),
        dense=pair("dense"),
        purity=pair("purity"),
    )
