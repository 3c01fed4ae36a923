"""`cargo xtask train --smoke`: every step after the targets, in two minutes, on the fixtures in `tests/fixtures/train`.

It needs neither TensorFlow nor music nor labeled excerpts. It checks that training improves, that the exported graph
equals the network and is independent of level, that transposed music transposes the key, and that the installed graph
is the pipeline's. It can't check whether a model is good. `fixtures.py` has made the fixtures after a full run, from
rendered songs alone.
"""

import shutil

import numpy as np
import torch

from confidence import context, shown
from confidence.fit import fit
from confidence.judge import figures_of, judged
from export.encoder import assemble, export
from export.frames import FRAMES, export_frames, run
from export.model_folder import sha256
from export.restore import restore
from fixtures import FIXTURES, HELD_OUT, SONGS
from key.head import matrix
from key.network import CHANNELS, PITCH_CLASSES, KeyNetwork
from key.sources import shifted
from key.stage import train_key
from key.training import predict
from settings import ASSETS, RATE, RMS, WINDOW, WORK, log, session
from student.distill import distill
from student.style import fit_style

MEGABYTES = 8.0


def prepare():
    """A working folder with the fixtures where the stages look for them."""
    shutil.rmtree(WORK, ignore_errors=True)
    for folder in ("teacher", "targets", "render"):
        (WORK / folder).mkdir(parents=True)
    for file in ("MSD.npz", "MTT.npz", "mel.npz"):
        values = np.load(FIXTURES / file)
        np.savez(
            WORK / "teacher" / file,
            **{k: v.astype(np.float32) if v.dtype == np.float16 else v for k, v in values.items()},
        )
    targets = np.load(FIXTURES / "targets.npz")
    np.savez(WORK / "targets" / "000.npz", **{name: rows[HELD_OUT:] for name, rows in targets.items()})
    # Augmented as by a low-pass filter: without the upper bands.
    augmented = np.repeat(targets["mel"][HELD_OUT:, None], 2, 1)
    augmented[:, 0, 72:], augmented[:, 1, 48:] = 0, 0
    np.savez(WORK / "targets" / "worn-000.npz", mel=augmented)
    np.savez(WORK / "targets" / "held_out.npz", **{name: rows[:HELD_OUT] for name, rows in targets.items()})
    np.savez(WORK / "targets" / "clean.npz", mel=targets["mel"][HELD_OUT:])
    songs = np.load(FIXTURES / "songs.npz")
    np.savez(WORK / "render" / "0000.npz", audio=np.zeros((SONGS, 0)), keys=songs["keys"])
    for kind in ("cqt", "worn"):
        np.save(WORK / "render" / f"{kind}-0000.npy", songs["spectra"])


def expect(holds, what):
    """Logs `what`, or ends the run when it does not hold."""
    if not holds:
        raise SystemExit(f"smoke: this does not hold: {what}")
    log(f"holds: {what}")


def check_distillation():
    """The student, its upper bands and its style layer."""
    student, curve = distill(30, every=15, size=16)
    first, last = curve[0][1]["r2"], curve[-1][1]["r2"]
    expect(last > first, f"distillation brings the student closer: {first:.3f} to {last:.3f}")
    whole = torch.tensor(np.load(WORK / "targets" / "held_out.npz")["mel"].astype(np.float32))
    narrow = whole.clone()
    narrow[:, 82:] = 0
    with torch.no_grad():
        predicted, unchanged = student.front.upper(narrow), student.front.upper(whole)
    error = lambda mel: float((mel - whole)[:, 82:].square().mean())
    expect(
        error(predicted) < 0.5 * error(narrow),
        f"lost upper bands are predicted from the others: error {error(narrow):.3f} to {error(predicted):.3f}",
    )
    expect(error(unchanged) < 0.05 * error(narrow), "bands that are there stay as they are")
    _, same = distill(30, every=15, size=16)
    expect(same == curve, "a finished run resumes at its end")
    fit_style(student, steps=40)


def check_key_network():
    """The key network's training; returns the network."""
    train_key([], 120, 0)
    saved = torch.load(WORK / "key.pt", weights_only=False)
    net = KeyNetwork()
    net.load_state_dict(saved["model"])
    spectra, keys = np.load(WORK / "render" / "cqt-0000.npy"), np.load(WORK / "render" / "0000.npz")["keys"]
    learned, fresh = ((predict(n, spectra).argmax(1) == keys).mean() for n in (net, KeyNetwork()))
    expect(learned > fresh and learned > 0.3, f"the key network learns its songs' keys: {fresh:.2f} to {learned:.2f}")
    middle = np.zeros_like(spectra[0])
    middle[36:180] = spectra[0][36:180]
    low, high = predict(net, [middle, shifted(middle, 6)])
    expect(
        np.abs(np.roll(low[:12], 2) - high[:12]).max() < 0.5, "music two semitones up moves the key up by two semitones"
    )
    return net


def check_graph(path):
    """The exported graph's size, and its independence of level; returns a function from waveform to hidden state."""
    expect(path.stat().st_size < MEGABYTES * 1e6, f"the graph has less than {MEGABYTES} MB")
    network = session(path)
    hidden_of = lambda x: network.run(["hidden"], {"waveform": x.astype(np.float32)})[0]
    waveform = noise()
    loud, quiet = hidden_of(waveform), hidden_of(waveform * 0.01)
    loud[1, 192] = quiet[1, 192] = 0
    expect(np.abs(loud - quiet).max() < 0.02, "40 dB less give the same hidden states")
    broken = waveform.copy()
    broken[0, 7] = np.nan
    finite = np.isfinite(hidden_of(broken)).all() and np.isfinite(hidden_of(waveform * 0)).all()
    expect(finite, "broken samples and silence give numbers")
    return hidden_of


def noise():
    return (np.random.default_rng(0).normal(0, RMS, (1, WINDOW))).astype(np.float32)


def chord(cents):
    """Three notes with four partials each, [1, 80000]."""
    hertz = [262 * 2 ** ((note + cents / 100) / 12) for note in (0, 4, 7)]
    time = np.arange(WINDOW) / RATE
    partials = [np.sin(2 * np.pi * f * n * time) / n for f in hertz for n in range(1, 5)]
    return (0.1 * np.sum(partials, 0)).astype(np.float32)[None]


def check_tuning(hidden_of):
    """The deviation from A = 440 Hz and its correction."""
    channels = CHANNELS * PITCH_CLASSES
    (plain, x), (sharp, y) = (np.split(hidden_of(chord(cents))[2, : channels + 3], [channels + 1]) for cents in (0, 35))
    turned = np.degrees(np.angle(complex(*y) / complex(*x))) / 3.6
    expect(abs(turned - 35) < 3, f"35 cents more are {turned:.1f} more")
    change = np.abs(plain - sharp)[:channels].mean() / np.abs(plain)[:channels].mean()
    expect(change < 0.1, f"the key network hears them in tune: its state differs by {change:.0%}")


def check_frames(path, hidden_of):
    """The fragment that adds frames to the graph."""
    added = export_frames(assemble(), path)
    expect(added.stat().st_size < 0.15e6, "the fragment for frames is small")
    # Two sounds, one after the other: noise, then a tone.
    tone = 0.2 * np.sin(np.arange(WINDOW) * 0.2)
    two = np.where(np.arange(WINDOW) < WINDOW // 2, noise(), tone).astype(np.float32)
    hidden, frames = run(path.read_bytes() + added.read_bytes(), ["hidden", "frames"], torch.tensor(two))
    same = frames.shape == (7, FRAMES, 256) and np.abs(hidden - hidden_of(two)).max() < 1e-3
    expect(same, "the graph with frames gives the same hidden state")
    mean = np.abs(frames[:2, :, :96].mean(1) - hidden[:2, :96]).max()
    expect(mean < 0.3, "frames that are means have the window's mean")
    # Frames of one sound alone are nearer to their own kind; in mtt, which forty steps don't train, some are not.
    first, second = np.delete(frames[:, :7], 5, 0), np.delete(frames[:, 13:], 5, 0)
    centers = [part.mean(1, keepdims=True) for part in (first, second)]
    distances = lambda part: [np.linalg.norm(part - center, axis=2) for center in centers]
    (first_to_first, first_to_second), (second_to_first, second_to_second) = distances(first), distances(second)
    nearer = (first_to_first < first_to_second).all() and (second_to_second < second_to_first).all()
    expect(nearer, "frames follow the sound at their time")


def check_key_head(net, hidden):
    """The key head's matrix against the key network's own output layer."""
    with torch.no_grad():
        output = net.output()
        state = torch.tensor(hidden[2, : CHANNELS * PITCH_CLASSES]).view(1, CHANNELS, PITCH_CLASSES)
        direct = torch.nn.functional.conv1d(torch.cat([state, state[:, :, :-1]], 2), *output).flatten().numpy()
        weight, bias = matrix(*(values.numpy() for values in output))
    expect(np.abs(weight @ hidden[2] + bias - direct).max() < 1e-3, "the key head is the key network's output")


def check_confidence():
    """The constants of confidence, fitted on made-up tracks whose windows err alike."""
    random = np.random.default_rng(0)
    tracks = []
    for number in range(120):
        key = int(random.integers(24))
        shared = random.normal(0, 1, 24) + 2.5 * np.eye(24)[key]
        logits = shared + random.normal(0, 1, (18, 24))
        tracks.append({"logs": shown.log_probabilities(logits), "keys": [key], "group": str(number)})
    constants = fit(tracks, 15)
    found = figures_of([judged(track, constants) for track in tracks])
    expect(found["live: calibration error"] < 0.1, f"shown figures are true: {found['live: calibration error']:.3f}")
    expect(found["live: right where named"] >= 0.8, f"named keys are right: {found['live: right where named']:.2f}")
    # Windows that take each key for its fifth, half of the time: the context knows better.
    fifth = lambda key: (key + 7) % 12 + key // 12 * 12
    examples = [(t["logs"] + 1.2 * np.eye(24)[fifth(t["keys"][0])], t["logs"], t["keys"] * 18) for t in tracks]
    weights = context.fit(examples, [np.ones(18)] * len(examples))
    share_right = lambda logs_of: np.mean([np.mean(logs_of(m, n).argmax(1) == k[0]) for m, n, k in examples])
    before, after = share_right(lambda means, _: means), share_right(lambda *logs: context.applied(weights, *logs))
    expect(after > before + 0.1, f"a context learns which keys are mistaken for others: {before:.2f}, {after:.2f}")
    means, newest = examples[0][:2]
    turned = lambda logs: np.roll(logs.reshape(-1, 2, 12), 3, 2).reshape(-1, 24)
    apart = turned(context.applied(weights, means, newest)) - context.applied(weights, turned(means), turned(newest))
    expect(np.abs(apart).max() < 1e-6, "transposed music transposes what the context says")
    same = shown.figures(shown.live_evidence(np.repeat(tracks[0]["logs"][:1], 30, 0), 15), 3.0)
    expect(np.abs(same - same[0]).max() < 1e-6, "a sound that stays the same is the evidence of one window")


def smoke():
    """Runs all checks."""
    check_confidence()
    prepare()
    check_distillation()
    net = check_key_network()
    path = export()
    hidden_of = check_graph(path)
    check_tuning(hidden_of)
    check_frames(path, hidden_of)
    check_key_head(net, hidden_of(noise()))
    restore()
    same = sha256(export()) == sha256(ASSETS / "encoder.onnx")
    expect(same, "the installed graph is what the pipeline writes of its networks, byte for byte")
