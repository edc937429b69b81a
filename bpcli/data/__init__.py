"""files in -> images and labels out, in mini-batches, as they are or made harder to learn from."""

from bpcli.data.adversary import fast_gradient_sign
from bpcli.data.contents import Contents, look_into
from bpcli.data.dataset import Dataset, load_dataset
from bpcli.data.distortion import Distortion
from bpcli.data.minibatch import MiniBatches
from bpcli.data.preparation import Prepared, prepare
from bpcli.data.split import Split, load_split

__all__ = [
    "Contents",
    "Dataset",
    "Distortion",
    "MiniBatches",
    "Prepared",
    "Split",
    "fast_gradient_sign",
    "load_dataset",
    "load_split",
    "look_into",
    "prepare",
]
