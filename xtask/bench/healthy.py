"""Gives a checkpoint with random weights the activations of a trained network.

    healthy.py FOLDER WINDOWS

FOLDER holds a checkpoint of the HuBERT line in the published format; its weights are replaced. WINDOWS is a file of
windows of 5 s of music at the model's rate, float32 one after another.

Random weights make a network that hardly hears its input: hidden states of all music are nearly the same, and errors of
rounding mean little. Here each normalization's weight and bias are set while the music runs through the network, so
that over all frames each channel has a mean and a spread drawn from heavy-tailed distributions, as the channels of
trained transformers have. Prints how near to each other the pieces' pooled hidden states then are: the mean cosine of two pieces, the smallest and
the largest of all normalizations.
"""

import json
import pathlib
import sys

import torch
from model_latency import published_names, read_network

SECONDS = 5
# Means per channel: a t distribution of 3 degrees of freedom. Spreads: log-normal. A hidden state then has an rms of
# about 1 with single channels far beyond it. Errors of 8 bits hang on the tail of the means, see docs/benchmarks.md.
MEAN_SCALE, SPREAD_MEDIAN, SPREAD_SIGMA = 0.6, 0.35, 0.5
# Scale of queries and keys beyond the usual initialization, so that attention chooses.
ATTENTION_SCALE = 1.4


def drawn(width: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """A mean and a spread for each channel."""
    normal = torch.randn(4, width, generator=generator)
    mean = MEAN_SCALE * normal[0] / (normal[1:] ** 2).mean(0).sqrt()
    spread = SPREAD_MEDIAN * torch.exp(SPREAD_SIGMA * torch.randn(width, generator=generator))
    return mean, spread


def set_channels(norm: torch.nn.LayerNorm, output: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Sets the weight and bias of a normalization that gave `output`, `[windows, frames, channels]`; returns what it
    gives now."""
    mean, spread = drawn(output.shape[-1], generator)
    plain = (output - norm.bias) / norm.weight
    weight = spread / plain.std((0, 1)).clamp_min(1e-3)
    bias = mean - weight * plain.mean((0, 1))
    norm.weight.copy_(weight)
    norm.bias.copy_(bias)
    return plain * weight + bias


def nearness(output: torch.Tensor) -> float:
    """The mean cosine of two windows' means over time."""
    pooled = torch.nn.functional.normalize(output.mean(1), dim=-1)
    count = len(pooled)
    return ((pooled @ pooled.T).sum().item() - count) / (count * (count - 1))


def main() -> None:
    folder, windows = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    preprocessor = json.loads((folder / "preprocessor_config.json").read_text())
    samples = preprocessor["sampling_rate"] * SECONDS
    music = torch.frombuffer(bytearray(windows.read_bytes()), dtype=torch.float32).reshape(-1, samples)
    if preprocessor["do_normalize"]:
        variance = music.var(1, keepdim=True, unbiased=False)
        music = (music - music.mean(1, keepdim=True)) / torch.sqrt(variance + 1e-7)
    model = read_network(folder)
    generator = torch.Generator().manual_seed(18)
    cosines = []

    def hook(norm: torch.nn.LayerNorm, _: tuple, output: torch.Tensor) -> torch.Tensor:
        output = set_channels(norm, output, generator)
        cosines.append(nearness(output))
        return output

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("q_proj.weight", "k_proj.weight")):
                parameter.mul_(ATTENTION_SCALE)
        for module in model.modules():
            if isinstance(module, torch.nn.LayerNorm) and module.elementwise_affine:
                module.register_forward_hook(hook)
        # One pass: each normalization is met once, after all that lie before it were set.
        model(music)
    print(f"cosines of pieces from {min(cosines):.4f} to {max(cosines):.4f}")
    torch.save(published_names(model.state_dict()), folder / "pytorch_model.bin")


if __name__ == "__main__":
    main()
