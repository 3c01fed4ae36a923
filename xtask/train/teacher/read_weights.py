"""Reads musicnn's weights with TensorFlow; runs alone, in an environment of its own (`requirements-teacher.txt`).

Writes `teacher/MSD.npz` and `teacher/MTT.npz`: every variable by name, the tag labels, and for the port's parity check
a random patch with the tags and penultimate features that TensorFlow computes for it. `teacher/mel.npz` has the same
for the spectrogram. Usage: `python teacher/read_weights.py FOLDER`.
"""

import os
import sys
from pathlib import Path

import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def dump(name, labels, folder):
    """Restores one network, runs it on a random patch, and writes the file that the port reads."""
    import musicnn
    import tensorflow as tf
    from musicnn import models

    tf.compat.v1.disable_eager_execution()
    checkpoint = str(Path(musicnn.__file__).parent / name) + "/"
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session() as session:
        patch = tf.compat.v1.placeholder(tf.float32, [None, 187, 96])
        outputs = models.define_model(patch, tf.constant(False), name, len(labels))
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().restore(session, checkpoint)
        values = {v.name: session.run(v) for v in tf.compat.v1.global_variables()}
        test = np.random.RandomState(0).randn(2, 187, 96).astype(np.float32) * 0.5 + 2
        logits, penultimate = session.run([outputs[0], outputs[-1]], {patch: test})
    np.savez(
        folder / f"{name.split('_')[0]}.npz",
        labels=labels,
        patch=test,
        logits=logits,
        penultimate=penultimate,
        **{key.replace("/", "|"): value for key, value in values.items()},
    )


def dump_mel(folder):
    """Writes musicnn's spectrogram of noise, computed by librosa, and librosa's filter bank."""
    import librosa

    audio = np.random.RandomState(1).randn(80_000).astype(np.float32) * 0.1
    mel = librosa.feature.melspectrogram(y=audio, sr=16_000, hop_length=256, n_fft=512, n_mels=96)
    np.savez(
        folder / "mel.npz",
        audio=audio,
        mel=np.log10(10_000 * mel + 1),
        filters=librosa.filters.mel(sr=16_000, n_fft=512, n_mels=96),
    )


if __name__ == "__main__":
    from importlib import metadata

    from musicnn import configuration

    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    dump("MSD_musicnn", configuration.MSD_LABELS, target)
    dump("MTT_musicnn", configuration.MTT_LABELS, target)
    dump_mel(target)
    notice = next(file for file in metadata.files("musicnn") if file.name == "LICENSE.md")
    (target / "musicnn-ISC.md").write_text(notice.read_text(), encoding="utf-8")
