"""The tag heads: musicnn's own 50 tags of the Million Song Dataset and of MagnaTagATune, as the matrices that the
engine's heads are.

The encoder's layers `msd` and `mtt` end with the tags' logits, so a head only selects them. They are the distilled
networks' predictions: nothing was fitted to tags here, and nothing is calibrated.
"""

import json

import numpy as np
from safetensors.numpy import save_file

from layers import LAYERS, WIDTH
from settings import WORK

PENULTIMATE, TAGS = 200, 50
# Network, and the data set of its tags.
HEADS = [
    ("MSD", "the 50 most frequent Last.fm tags of the Million Song Dataset: genres, moods, eras, voices"),
    ("MTT", "the 50 most frequent tags of MagnaTagATune: instruments, voices, tempo, character"),
]


def write_tag_head(path, network, meaning, encoder_sha256, metrics):
    """Writes one head; `metrics` is the agreement of the network's predictions with musicnn's."""
    labels = [str(label).lower() for label in np.load(WORK / "teacher" / f"{network}.npz")["labels"]]
    weight = np.zeros((TAGS, WIDTH), np.float32)
    weight[np.arange(TAGS), PENULTIMATE + np.arange(TAGS)] = 1
    layer = [name for name, _ in LAYERS].index(network.lower())
    # The texts are those of the installed heads.
    metadata = {
        "task": f"tags ({network})",
        "labels": json.dumps(labels),
        "layers": json.dumps([layer]),
        "outputs": "multilabel",
        "temperature": "1",
        "encoder_sha256": encoder_sha256,
        "metrics": json.dumps(metrics),
        "training_data": f"musicnn's own answers ({meaning}), distilled; not calibrated, and never compared with labels here",
        "licence": "ISC, see licences/musicnn-ISC.md",
    }
    save_file({"weight": weight, "bias": np.zeros(TAGS, np.float32)}, path, metadata=metadata)
    path.chmod(0o644)


def write_tag_heads(folder, encoder_sha256, figures):
    """Writes both; `figures` has the fidelity of each distilled network, by its name in lower case."""
    for network, meaning in HEADS:
        fidelity = figures[network.lower()]
        metrics = {f"{name} with musicnn": fidelity[name] for name in ("tag correlation", "same top tag")}
        write_tag_head(folder / f"tags-{network.lower()}.safetensors", network, meaning, encoder_sha256, metrics)
