"""The pipeline's command line; `cargo xtask train` prepares the environments and calls it."""

import argparse
import os
import sys
from pathlib import Path

import torch

# A folder of its own, whatever is asked for: it is emptied first.
if "--smoke" in sys.argv:
    os.environ["MERTSCOPE_TRAIN"] = str(Path(__file__).resolve().parents[2] / "target" / "train-smoke")

import settings
from settings import WORK, log

STAGES = ["music", "render", "targets", "distil", "key", "leaning", "export", "heads", "card"]


def excerpts_of(options):
    from labelled import read_labelled

    return read_labelled(options.labelled) if options.labelled else []


def music(options):
    from music import get_music

    get_music()


def render(options):
    from render import render_all

    render_all(options.songs)


def targets(options):
    from targets import make_targets

    make_targets(options.windows)


def distil(options):
    from distil import distil as run_distillation
    from style import fit_style

    student, _ = run_distillation(options.steps, seed=options.seed)
    fit_style(student, excerpts_of(options), seed=options.seed)


def key(options):
    from keystage import train_key

    train_key(excerpts_of(options), options.key_steps, options.key_tuning_steps, options.seed)


def leaning(options):
    from keyleaning import fit_leaning

    if options.labelled:
        fit_leaning(excerpts_of(options))


def restore(options):
    from restore import restore as take_back

    take_back()


def export(options):
    from encoder import assemble
    from encoder import export as write_encoder
    from frames import export_frames

    export_frames(assemble(), write_encoder())


def heads(options):
    from folder import start_model, write_licences, write_manifest
    from genrehead import fit_map, train_genre_head
    from keyhead import write_key_head
    from taghead import write_tag_heads

    if not options.labelled:
        raise SystemExit("The genre head needs labelled music; name its folder with --labelled FOLDER.")
    model, identity = start_model(WORK / "encoder.onnx")
    write_key_head(model / "key.safetensors", identity)
    write_tag_heads(model, identity, {name: settings.recorded(name) for name in ("msd", "mtt")})
    write_manifest(model)
    excerpts = excerpts_of(options)
    train_genre_head(model, model / "genre.safetensors", excerpts)
    write_manifest(model)
    fit_map(model, model / "map.safetensors")
    write_manifest(model)
    write_licences(model)


def card(options):
    from card import write_card
    from folder import MODEL
    from measure import measure_all

    measure_all(MODEL)
    write_card(MODEL / "CARD.md")


def install(options):
    from folder import install as put_in_place

    put_in_place()


def parse():
    parser = argparse.ArgumentParser(prog="cargo xtask train", description="Builds the embedded model from public packages.")
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"stages to run [default: all of {', '.join(STAGES)}; also: restore, install]")
    parser.add_argument("--labelled", type=Path, metavar="FOLDER", help="labelled excerpts: labels.csv (file, genre, key) and audio")
    parser.add_argument("--windows", type=int, default=6000, help="windows to distil from [default: %(default)s]")
    parser.add_argument("--songs", type=int, default=2000, help="songs to render [default: %(default)s]")
    parser.add_argument("--steps", type=int, default=1500, help="steps of the distillation [default: %(default)s]")
    parser.add_argument("--key-steps", type=int, default=800, help="steps of the key network [default: %(default)s]")
    parser.add_argument("--key-tuning-steps", type=int, default=200, help="its steps with labelled excerpts [default: %(default)s]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="threads of PyTorch [default: its own choice]")
    parser.add_argument("--smoke", action="store_true", help="two minutes on committed targets: shows that every step works")
    options = parser.parse_args()
    unknown = set(options.stages) - {*STAGES, "restore", "install"}
    if unknown:
        parser.error(f"there is no stage {', '.join(sorted(unknown))}")
    return options


def main():
    options = parse()
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.smoke:
        from smoke import smoke

        return smoke()
    for stage in options.stages or STAGES:
        log(f"stage {stage}")
        globals()[stage](options)


if __name__ == "__main__":
    settings.WORK.mkdir(parents=True, exist_ok=True)
    sys.exit(main())
