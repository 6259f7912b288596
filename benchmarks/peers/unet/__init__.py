"""A pixel U-Net: the strongest peer on field boundaries. Its trained weights lie here too."""

from benchmarks.peers.unet.network import CHECKPOINT, PixelAnswer, UNet
from benchmarks.peers.unet.training import Recipe, train

__all__ = ["CHECKPOINT", "PixelAnswer", "Recipe", "UNet", "train"]
