"""The model card, from measured figures alone: a figure that was not measured is not in it."""

from card.confidence import confidence_section
from card.style_section import style_section
from export.model_folder import ID
from key.head import CLEAR
from settings import recorded

# embedded-v0's figures from `measure.py` and `mertscope heads train`, on the same windows and excerpts: genre / key.
V0_ROBUSTNESS = {
    "MP3 at 64 kbit/s": ".85 / .98",
    "MP3 at 32 kbit/s": ".79 / .93",
    "6 kHz low-pass": ".74 / 1.00",
    "4 kHz low-pass": ".72 / .96",
    "1 dB of clipping": "1.00 / .99",
    "12 dB of clipping": ".71 / .86",
    "-40 dB": "1.00 / 1.00",
}

ERROR = "median error in cents"
# The stages' figures that the card needs.
RECORDED = (
    "msd",
    "mtt",
    "key",
    "genre",
    "styles",
    "style-scores",
    "map-scores",
    "measures",
    "tuning",
    "drums",
    "confidence-key",
    "confidence-genre",
    "confidence-styles",
)

TEXT = """# {id}: the model that is compiled in

A small audio encoder with heads for styles, genre and key. **It is not MERT** and was not trained like MERT: its timbre
layers descend from musicnn (Pons and Serra), re-fitted by distillation; its key layers are a small network of our own. Everything
here was written by `cargo xtask train` (see `xtask/train/README.md`).

## What it is

| | |
|---|---|
| input | `waveform`, float32 `[1, 80000]`: 5 s of mono at 16 kHz; the graph removes the mean and sets the RMS |
| output | `hidden`, float32 `[7, 256]`: seven unlike layers, each pooled over the window |
| frames, on request | `frames`, float32 `[7, 20, 256]`: the same, four times per second, each pooled over about the second around it (the key layer over two); `frames.onnx` appended to `encoder.onnx` is the graph with both outputs |
| graph | ONNX opset 17, plain operators only, {megabytes:.1f} MB, weights in half precision, SHA-256 in `manifest.toml` |
| heads | styles: {styles} styles and "none of these"; genre: ten labels of GTZAN; key: 24 keys; tuning: the deviation from A = 440 Hz as a vector; tags-msd and tags-mtt: musicnn's own 50 tags of the Million Song Dataset and of MagnaTagATune, each true or not; all linear |
| map | the two directions of the style layer that tell the styles apart best, with each style's mean as a landmark and the density of the music; no classifier |

The layers are listed in `manifest.toml` and by `mertscope models list`. They live in different spaces, so sums of layers
make no sense and are refused.

## How it was made

It was made from embedded-v2's own weights (the stages `restore`, `export` and `carry`): all networks are the same, and so are
genre, tags, map and all layers but `tonal` and `key`. New is that the key network hears music in tune: the graph estimates the
deviation from A = 440 Hz and corrects it. Nothing was trained for that, and a window takes 1.02 of embedded-v2's processor time.
Figures of genre, distillation and the key's cross-validation are embedded-v2's; all others, with robustness and noise, were
measured on this graph. In the order of the pipeline:

1. Timbre. musicnn's MSD network was ported with equal outputs and made cheaper: maximum over frequency before the
   non-linearity, every second frequency of one kind of filters and every fourth of another. Then it was distilled, filters
   included: the teacher hears clean windows, the student the same windows augmented with MP3, band limits, clipping and noise.
   - musicnn's MTT network is not run; a small network predicts its output from MSD features.
   - Mel bands from 3.5 kHz up that a recording has lost (judged by their mean over the window) are predicted from the bands
     below them before the MSD network hears them.
   - The style layer is the principal components of pooled features and tags, of that music and of the excerpts below (without
     their labels), scaled down in the directions in which augmentation moves windows.
2. Key. The deviation from A = 440 Hz is the direction of the mean over the spectrum's peaks, measured to a fraction of a bin; the
   spectrum is moved by it. A pitch-equivariant network on an in-graph constant-Q transform was trained on songs rendered with known keys by MMA
   and MIT-licensed soundfonts, clean and augmented to sound like records; on free music labeled by an earlier such network and
   by essentia's key profiles; and last together with labeled excerpts. One more number, the mode bias, is linear in the MSD
   features and says how strongly the timbre suggests minor. It was fitted to the same excerpts, so it has learned their
   styles (blues in minor above all).
3. Heads. Genre: `mertscope heads train` on {excerpts} excerpts of 2 to 3 s of GTZAN (tracks 10 and up), unchanged and in four
   augmented versions. Styles: see below. Key: the network's own output and the mode bias, with a temperature fitted on held-out
   answers.

## Results

Measured by the pipeline, which has not measured it on other excerpts of GTZAN.

| | this model | embedded-v0 |
|---|---|---|
| genre, excerpts of 2 to 3 s, grouped cross-validation, layer and penalty chosen inside | {genre:.3f} | .748 (.773 when its makers chose the layer on the same folds) |
| key exact / MIREX, 342 such excerpts, five folds | {key_exact:.3f} / {key_mirex:.3f} | .433 / .527 |
| the same, without the mode bias | {key_network} | – |
| the same, without any excerpt | {key_music} | – |
| the same, on rendered songs alone | {key_rendered} | – |
| calibration error, held-out folds: genre, key | {genre_ece:.3f}, {key_ece:.3f} | .052, – |
| distillation, held-out music: MSD R2, cosine, tags, same top tag | {msd} | .956, .983, .990, .84 |
| the same, MTT | {mtt} | .902, .964, .971, .80 |
| highest key probability on noise (white, pink, speech-like) | {noise} | .18, .21, .17 |
| size, MB | {megabytes:.1f} | 8.7 |
| processor time per window on one thread, as a share of embedded-v0's in the same run | {window} | 1 |
| processor time to open a session, likewise | {session} | 1 |

Of 304 windows of held-out music, the share that keeps its top label (genre / key):

{robustness}

For single windows the key head's `threshold` is {clear}, above the noise that was tried: of the held-out excerpts {named:.0%}
reach it and {right:.0%} of these are right; of the others {right_of_others:.0%}. What is shown of music has limits of its own:

{confidence}
## Tuning

Keys are named relative to the tuning that is heard: the nearest semitone of A = 440 Hz is in tune. A record that plays 4 % faster
sounds a semitone higher (and 32 cents flat of that), one that plays 8 % faster a semitone higher too (and 33 cents sharp). The
342 excerpts at five speeds, exact keys:

{detuned}

Half a semitone is a coin toss between two keys. The network took part in the training of these excerpts as they are: the
differences count, not the shares. The tuning is {tuning_error:.1f} cents off in the median on {tuning_songs} rendered songs at these
speeds. One tone, noise and silence have no clear tuning.

Drums fall to a pitch that need be no semitone's, so the certainty sinks where the key's probabilities say next to nothing. A
clear tuning is shown of so many sounds, in brackets without that:
{drums}.

{style_section}## Known failures

- The genre head has ten closed classes: other music still gets one of them. The style head says "none of these" only to what
  resembles the sounds that it was fitted to.
- Level is normalized away, so loudness tells it nothing. On digital silence its output is meaningless: the engine's silence
  gate keeps it from being asked.
- GTZAN repeats artists between tracks and has mistakes: read its figures as optimistic.
- Values derived from musicnn are not the original's outputs; the mtt layer least of all. The tags heads are these values: they
  were not compared with labels, are not calibrated, and several of their tags mean the same ("female", "woman").
- The genre head is limited by its few excerpts: exact musicnn features give .790 in such a cross-validation.

## Licenses

- The weights derive from musicnn, ISC license: `licences/musicnn-ISC.md` travels with the file.
- Renderings used the FluidR3 and MuseScore_General soundfonts (MIT); the accompaniments were made with MMA (GPL-2+), and
  labels of free music with essentia (AGPL-3), both used as tools. Speech for "none of these" came from espeak-ng (GPL-3+).
- Training audio: mostly GPL and CC-BY-SA, listed with its copyright holders in `licences/debian_music_used.csv`. Whether
  weights derive from training audio is unsettled. The GTZAN excerpts carry no license; they were used to fit the style
  layer, the heads for styles and genre, the map and the key network, which is common in research and legally unsettled.
- The code's license (MIT or Apache-2.0) does not extend to this folder.
"""


def fidelity_line(figures):
    return ", ".join(f"{figures[name]:.3f}".lstrip("0") for name in ("r2", "cosine", "tag correlation", "same top tag"))


def both(figures):
    return f"{figures['exact']:.3f} / {figures['mirex']:.3f}"


def detuned_table(figures):
    """The rows of the table of speeds."""
    shares = ("with", "without", "with, plain", "without, plain")
    rows = [
        f"| {name} | " + " | ".join(f"{found[share]:.3f}" for share in shares) + f" | {found[ERROR]:.1f} |"
        for name, found in figures.items()
        if "with" in found
    ]
    titles = [
        "| played | corrected | not corrected | corrected, every excerpt taken as in tune | not corrected, likewise | cents off, median |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*titles, *rows])


def share_of_v0(speed, what):
    """The time as a share of embedded-v0's; a dash when that graph was not there to be measured."""
    return f"{speed['this'][what] / speed['embedded-v0'][what]:.2f}" if speed else "–"


def drums_line(figures):
    """How many of the sounds have a clear tuning, of each kind."""
    kinds = [f"{of['with']} of {of['sounds']} {name} ({of['without']})" for name, of in figures.items()]
    return ", ".join(kinds[:-1]) + f" and {kinds[-1]}"


def write_card(path):
    """Writes the card; fails with the names of the stages whose figures are missing."""
    found = {name: recorded(name) for name in RECORDED}
    missing = [name for name, figures in found.items() if figures is None]
    if missing:
        raise SystemExit(f"The card lacks figures of {', '.join(missing)}; run these stages first.")
    key, measures, genre = found["key"], found["measures"], found["genre"]["files"]
    rows = [
        f"| {name} | {shares['genre']:.2f} / {shares['key']:.2f} | {V0_ROBUSTNESS[name]} |"
        for name, shares in measures["robustness"].items()
    ]
    path.write_text(
        TEXT.format(
            id=ID,
            confidence=confidence_section(),
            styles=len(found["styles"]["labels"]) - 1,
            style_section=style_section(found["styles"], found["style-scores"], found["map-scores"]),
            megabytes=measures["megabytes"],
            excerpts=genre["count"],
            genre=genre["accuracy"],
            genre_ece=genre["calibration_error"],
            key_exact=key["with leaning, held out"]["exact"],
            key_mirex=key["with leaning, held out"]["mirex"],
            key_network=both(key["tuned, held out"]),
            key_music=both(key["with music, round 2"]["excerpts"]),
            key_rendered=both(key["rendered only"]["excerpts"]),
            key_ece=key["head"]["calibration error"],
            named=key["head"]["named"],
            right=key["head"]["right of named"],
            right_of_others=key["head"]["right of others"],
            clear=CLEAR,
            msd=fidelity_line(found["msd"]),
            mtt=fidelity_line(found["mtt"]),
            window=share_of_v0(measures["speed"], "window"),
            session=share_of_v0(measures["speed"], "session"),
            noise=", ".join(f"{value:.2f}" for value in measures["noise"].values()),
            robustness="\n".join(["| | this model | embedded-v0 |", "|---|---|---|", *rows]),
            detuned=detuned_table(found["tuning"]),
            drums=drums_line(found["drums"]),
            tuning_error=found["tuning"]["rendered"]["median error in cents"],
            tuning_songs=found["tuning"]["rendered"]["songs"],
        ),
        encoding="utf-8",
    )
