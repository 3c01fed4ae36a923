"""`cargo xtask train --smoke`: every step after the targets, in two minutes, on what is committed in `tests/fixtures/train`.

It needs neither TensorFlow nor music nor labelled excerpts. It shows that training improves, that the exported graph
equals the network and does not depend on level, that transposed music gives a turned key, and that the installed graph is
the pipeline's. Whether a model is any good it can't show. `make_fixtures` made the fixtures, from rendered songs alone, after a full run.
"""

import shutil

import numpy as np
import torch

from settings import ASSETS, ROOT, RMS, WINDOW, WORK, log, session

FIXTURES = ROOT / "tests" / "fixtures" / "train"
WINDOWS, HELD_OUT, SONGS, SONG_FRAMES = 20, 8, 12, 120
MEGABYTES = 8.0


def prepare():
    """A working folder with the fixtures where the stages look for them."""
    shutil.rmtree(WORK, ignore_errors=True)
    for folder in ("teacher", "targets", "render"):
        (WORK / folder).mkdir(parents=True)
    for file in ("MSD.npz", "MTT.npz", "mel.npz"):
        values = np.load(FIXTURES / file)
        np.savez(WORK / "teacher" / file, **{k: v.astype(np.float32) if v.dtype == np.float16 else v for k, v in values.items()})
    targets = np.load(FIXTURES / "targets.npz")
    np.savez(WORK / "targets" / "000.npz", **{name: rows[HELD_OUT:] for name, rows in targets.items()})
    # Worn as by a low-pass: without the upper bands.
    worn = np.repeat(targets["mel"][HELD_OUT:, None], 2, 1)
    worn[:, 0, 72:], worn[:, 1, 48:] = 0, 0
    np.savez(WORK / "targets" / "worn-000.npz", mel=worn)
    np.savez(WORK / "targets" / "held_out.npz", **{name: rows[:HELD_OUT] for name, rows in targets.items()})
    np.savez(WORK / "targets" / "clean.npz", mel=targets["mel"][HELD_OUT:])
    songs = np.load(FIXTURES / "songs.npz")
    np.savez(WORK / "render" / "0000.npz", audio=np.zeros((SONGS, 0)), keys=songs["keys"])
    for kind in ("cqt", "worn"):
        np.save(WORK / "render" / f"{kind}-0000.npy", songs["spectra"])


def expect(holds, what):
    if not holds:
        raise SystemExit(f"smoke: this does not hold: {what}")
    log(f"holds: {what}")


def smoke():
    prepare()
    from distil import distil
    from encoder import assemble, export
    from folder import sha256
    from frames import FRAMES, export_frames, run
    from keydata import shifted
    from keyhead import matrix
    from keynet import CHANNELS, PITCH_CLASSES, KeyNet
    from keystage import train_key
    from keytrain import predict
    from restore import restore
    from style import fit_style

    student, curve = distil(30, every=15, size=16)
    expect(curve[-1][1]["r2"] > curve[0][1]["r2"], f"distillation brings the student closer: {curve[0][1]['r2']:.3f} to {curve[-1][1]['r2']:.3f}")
    whole = torch.tensor(np.load(WORK / "targets" / "held_out.npz")["mel"].astype(np.float32))
    narrow = whole.clone()
    narrow[:, 82:] = 0
    with torch.no_grad():
        told, same_as_before = student.front.upper(narrow), student.front.upper(whole)
    missing = lambda mel: float((mel - whole)[:, 82:].square().mean())
    expect(missing(told) < 0.5 * missing(narrow), f"lost upper bands are told from the others: error {missing(narrow):.3f} to {missing(told):.3f}")
    expect(missing(same_as_before) < 0.05 * missing(narrow), "what is there is left alone")
    again, same = distil(30, every=15, size=16)
    expect(same == curve, "a run that has ended resumes at its end")
    fit_style(student, steps=40)
    train_key([], 120, 0)
    saved = torch.load(WORK / "key.pt", weights_only=False)
    net = KeyNet()
    net.load_state_dict(saved["model"])
    spectra, keys = np.load(WORK / "render" / "cqt-0000.npy"), np.load(WORK / "render" / "0000.npz")["keys"]
    learnt, fresh = ((predict(n, spectra).argmax(1) == keys).mean() for n in (net, KeyNet()))
    expect(learnt > fresh and learnt > 0.3, f"the key network learns its songs' keys: {fresh:.2f} to {learnt:.2f}")
    middle = np.zeros_like(spectra[0])
    middle[36:180] = spectra[0][36:180]
    low, high = predict(net, [middle, shifted(middle, 6)])
    expect(np.abs(np.roll(low[:12], 2) - high[:12]).max() < 0.5, "music two semitones up turns the key by two semitones")

    path = export()
    expect(path.stat().st_size < MEGABYTES * 1e6, f"the graph has less than {MEGABYTES} MB")
    network = session(path)
    waveform = (np.random.default_rng(0).normal(0, RMS, (1, WINDOW))).astype(np.float32)
    hear = lambda x: network.run(["hidden"], {"waveform": x.astype(np.float32)})[0]
    loud, quiet = hear(waveform), hear(waveform * 0.01)
    loud[1, 192] = quiet[1, 192] = 0
    expect(np.abs(loud - quiet).max() < 0.02, "40 dB less give the same hidden states")
    broken = waveform.copy()
    broken[0, 7] = np.nan
    expect(np.isfinite(hear(broken)).all() and np.isfinite(hear(waveform * 0)).all(), "broken samples and silence give numbers")
    added = export_frames(assemble(), path)
    expect(added.stat().st_size < 0.15e6, "what frames need more is small")
    # Two sounds, one after the other: noise, then a tone.
    two = np.where(np.arange(WINDOW) < WINDOW // 2, waveform, 0.2 * np.sin(np.arange(WINDOW) * 0.2)).astype(np.float32)
    hidden, frames = run(path.read_bytes() + added.read_bytes(), ["hidden", "frames"], torch.tensor(two))
    expect(frames.shape == (7, FRAMES, 256) and np.abs(hidden - hear(two)).max() < 1e-3, "the graph with frames says the same of the window")
    expect(np.abs(frames[:2, :, :96].mean(1) - hidden[:2, :96]).max() < 0.3, "frames that are means have the window's mean")
    # Those that hear one of them alone are nearer to their own kind; in mtt, which forty steps teach nothing, some are not.
    first, second = np.delete(frames[:, :7], 5, 0), np.delete(frames[:, 13:], 5, 0)
    centres = [part.mean(1, keepdims=True) for part in (first, second)]
    nearer = lambda part: [np.linalg.norm(part - centre, axis=2) for centre in centres]
    (own, other), (another, mine) = nearer(first), nearer(second)
    expect((own < other).all() and (mine < another).all(), "frames follow what sounds when")
    with torch.no_grad():
        output = net.output()
        state = torch.tensor(loud[2, : CHANNELS * PITCH_CLASSES]).view(1, CHANNELS, PITCH_CLASSES)
        direct = torch.nn.functional.conv1d(torch.cat([state, state[:, :, :-1]], 2), *output).flatten().numpy()
        weight, bias = matrix(*(values.numpy() for values in output))
    expect(np.abs(weight @ loud[2] + bias - direct).max() < 1e-3, "the key head is the key network's output")

    restore()
    expect(sha256(export()) == sha256(ASSETS / "encoder.onnx"), "the installed graph is what the pipeline writes of its networks, byte for byte")


def make_fixtures():
    """Cuts the fixtures out of a full run's files; rendered songs only, so that nobody else's music is committed."""
    import augment
    from keydata import spectrum
    from targets import NAMES

    FIXTURES.mkdir(parents=True, exist_ok=True)
    for name in ("MSD", "MTT"):
        values = np.load(WORK / "teacher" / f"{name}.npz")
        kept = {k: v.astype(np.float16) for k, v in values.items() if "|" in k}
        np.savez_compressed(FIXTURES / f"{name}.npz", **kept)
    np.savez_compressed(FIXTURES / "mel.npz", filters=np.load(WORK / "teacher" / "mel.npz")["filters"])
    shutil.copy(WORK / "teacher" / "musicnn-ISC.md", FIXTURES)
    audio, keys = [], []
    for path in sorted((WORK / "render").glob("[0-9]*.npz"))[:2]:
        data = np.load(path)
        audio += [song / np.float32(32767) for song in data["audio"]]
        keys += list(data["keys"])
    songs = [spectrum(song)[:, :SONG_FRAMES] for song in audio[:SONGS]]
    np.savez_compressed(FIXTURES / "songs.npz", spectra=np.stack(songs), keys=np.array(keys[:SONGS]))
    random, rows = np.random.default_rng(0), []
    network = session(WORK / "teacher" / "teacher.onnx")
    for song in audio[: WINDOWS + HELD_OUT]:
        clean = augment.training_window(song, None, random)
        row = dict(zip(NAMES, (output[0] for output in network.run(None, {"waveform": clean[None]}))))
        rows.append(row)
    names = ["mel", "msd_pooled", "msd", "mtt"]
    np.savez_compressed(FIXTURES / "targets.npz", **{name: np.stack([row[name] for row in rows]).astype(np.float16) for name in names})


if __name__ == "__main__":
    make_fixtures()
