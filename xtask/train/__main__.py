"""The pipeline's command line; `cargo xtask train` prepares the environments and runs it."""

import argparse
import os
import sys
from pathlib import Path

import torch

# Always a folder of its own, because the smoke test empties it.
if "--smoke" in sys.argv:
    os.environ["MERTSCOPE_TRAIN"] = str(Path(__file__).resolve().parents[2] / "target" / "train-smoke")

import settings
from settings import WORK, log


def excerpts_of(options):
    from data.excerpts import read_excerpts

    return read_excerpts(options.labeled) if options.labeled else []


def music(options):
    from data.music import get_music

    get_music()


def render(options):
    from data.render import render_all

    render_all(options.songs)


def targets(options):
    from teacher.targets import make_targets

    make_targets(options.windows)


def distill_musicnn(options):
    from student.distill import distill
    from student.style import fit_style

    student, _ = distill(options.steps, seed=options.seed)
    fit_style(student, excerpts_of(options), seed=options.seed)


def key(options):
    from key.stage import train_key

    train_key(excerpts_of(options), options.key_steps, options.key_tuning_steps, options.seed)


def mode_bias(options):
    from export.encoder import assemble
    from key.mode_bias import fit_mode_bias

    if options.labeled:
        fit_mode_bias(assemble(), excerpts_of(options))


def restore(options):
    from export.restore import restore as restore_networks

    restore_networks()


def export(options):
    from export.encoder import assemble
    from export.encoder import export as write_encoder
    from export.frames import export_frames

    export_frames(assemble(), write_encoder())


def carry(options):
    from export.carry import carry as carry_over

    carry_over()


def heads(options):
    from export.model_folder import start_model, write_licenses, write_manifest
    from export.tag_heads import write_tag_heads
    from genre.head import train_genre_head
    from key.head import write_key_head
    from key.tuning_head import write_tuning_head

    if not options.labeled:
        raise SystemExit("The genre head needs labeled music; name its folder with --labelled FOLDER.")
    model, identity = start_model(WORK / "encoder.onnx")
    write_key_head(model / "key.safetensors", identity)
    write_tuning_head(model / "tuning.safetensors", identity)
    write_tag_heads(model, identity, {name: settings.recorded(name) for name in ("msd", "mtt")})
    write_manifest(model)
    excerpts = excerpts_of(options)
    train_genre_head(model, model / "genre.safetensors", excerpts)
    write_manifest(model)
    write_licenses(model)
    fit_styles(model, excerpts)


def styles(options):
    from export.model_folder import reopen_installed

    if not options.labeled:
        raise SystemExit("The style head needs labeled music; name its folder with --labelled FOLDER.")
    fit_styles(reopen_installed(), excerpts_of(options))


def fit_styles(model, excerpts):
    """The style head, its figures and the map, which shows the same music."""
    from card.map_scores import score_map
    from card.style_scores import hidden_of, score_styles
    from export.model_folder import write_manifest
    from genre.styles import fit_map, in_first_half, map_sounds, train_style_head

    training, music = train_style_head(model, model / "styles.safetensors", excerpts)
    write_manifest(model)
    score_styles(model, training, music)
    shown, half = map_sounds(training), WORK / "map-half.safetensors"
    fit_map(model, half, [sound for sound in shown if in_first_half(sound)])
    fit_map(model, model / "map.safetensors", shown)
    score_map(model / "map.safetensors", half, hidden_of(model / "encoder.onnx", shown), shown)
    write_manifest(model)


def confidence(options):
    from confidence.genre import fit_genre, fit_styles
    from confidence.head_file import layer, read_head
    from confidence.key import fit_key
    from confidence.tracks import make_tracks
    from export.model_folder import MODEL, from_installed, write_manifest

    from_installed()
    layers = [layer(read_head(MODEL / f"{head}.safetensors")) for head in ("key", "genre")]
    make_tracks(MODEL, layers)
    constants = fit_key(MODEL)
    if options.labeled:
        fit_genre(MODEL, excerpts_of(options), constants["time_s"])
        fit_styles(MODEL, excerpts_of(options), constants["time_s"])
    write_manifest(MODEL)


def card(options):
    from card.confidence import PICTURE, draw_picture
    from card.detuned import measure_detuned
    from card.drums import measure_drums
    from card.measure import measure_all
    from card.write import write_card
    from confidence.tracks import load_tracks
    from export.model_folder import MODEL

    measure_all(MODEL, options.embedded_v0)
    measure_drums(load_tracks())
    if options.labeled:
        measure_detuned(excerpts_of(options))
    write_card(MODEL / "CARD.md")
    draw_picture(WORK / PICTURE)


def install(options):
    import shutil

    from card.confidence import PICTURE
    from export.model_folder import install as install_folder

    install_folder()
    shutil.copy(WORK / PICTURE, settings.ASSETS.parent / "pictures")


STAGES = {
    "music": music,
    "render": render,
    "targets": targets,
    "distil": distill_musicnn,
    "key": key,
    "leaning": mode_bias,
    "export": export,
    "heads": heads,
    "confidence": confidence,
    "card": card,
}
# These run only when they are named.
NAMED_STAGES = {"restore": restore, "styles": styles, "carry": carry, "install": install}


def parse():
    parser = argparse.ArgumentParser(
        prog="cargo xtask train", description="Builds the embedded model from public packages."
    )
    parser.add_argument(
        "stages",
        nargs="*",
        metavar="STAGE",
        help=f"stages to run [default: all of {', '.join(STAGES)}; also: {', '.join(NAMED_STAGES)}]",
    )
    parser.add_argument(
        "--labelled",
        dest="labeled",
        type=Path,
        metavar="FOLDER",
        help="labeled excerpts: labels.csv (file, genre, key) and audio",
    )
    parser.add_argument(
        "--embedded-v0",
        type=Path,
        metavar="FILE",
        help="the graph of embedded-v0 (in the repository's first commit): the card tells the speed as a share of its",
    )
    parser.add_argument("--windows", type=int, default=6000, help="windows to distill from [default: %(default)s]")
    parser.add_argument("--songs", type=int, default=2000, help="songs to render [default: %(default)s]")
    parser.add_argument("--steps", type=int, default=1500, help="steps of the distillation [default: %(default)s]")
    parser.add_argument("--key-steps", type=int, default=800, help="steps of the key network [default: %(default)s]")
    parser.add_argument(
        "--key-tuning-steps", type=int, default=200, help="its steps with labeled excerpts [default: %(default)s]"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="threads of PyTorch [default: its own choice]")
    parser.add_argument("--smoke", action="store_true", help="two minutes on committed targets: checks every step")
    options = parser.parse_args()
    unknown = set(options.stages) - {*STAGES, *NAMED_STAGES}
    if unknown:
        parser.error(f"there is no stage {', '.join(sorted(unknown))}")
    return options


def main():
    options = parse()
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.smoke:
        from smoke import smoke

        smoke()
        return
    for stage in options.stages or STAGES:
        log(f"stage {stage}")
        (STAGES | NAMED_STAGES)[stage](options)


if __name__ == "__main__":
    settings.WORK.mkdir(parents=True, exist_ok=True)
    sys.exit(main())
