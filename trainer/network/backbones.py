"""The parts that see: pictures `[N, H, W, C]` to features `[N, H', T, F]`, T frames along the width."""

from collections.abc import Callable
from typing import assert_never

from keras import KerasTensor, layers

from trainer.config import NeuralNetSection
from trainer.config.backbones import ActivationName, DenseNetSection, VGGSection

# captcha_trainer's plan (framework.py, GraphOCR): kernel sizes and filters of its five convolutions.
CNN5_KERNELS = (7, 5, 3, 3, 3)
CNN5_FILTERS = (32, 64, 128, 128, 64)

# (height, width) strides of the five pools.
CNN5_SEED_POOLS = ((1, 1), (2, 2), (2, 2), (2, 2), (2, 2))
CNN5_WIDE_POOLS = ((2, 2), (2, 2), (2, 1), (2, 1), (2, 1))

LEAK = 0.01  # slope of LeakyReLU below zero, as in captcha_trainer
BATCH_NORM_MOMENTUM = 0.95  # follows the weights closely: a set of 1,000 pictures has few steps per epoch
BATCH_NORM_EPSILON = 1e-3

ACTIVATIONS: dict[ActivationName, Callable[[], layers.Layer]] = {
    "relu": layers.ReLU,
    "leaky_relu": lambda: layers.LeakyReLU(LEAK),
    "elu": layers.ELU,
    "tanh": lambda: layers.Activation("tanh"),
}


def backbone(images: KerasTensor, net: NeuralNetSection) -> KerasTensor:
    """Return features [N, H', T, F] of images float [N, H, W, C] by the network that the config names."""
    match net.CNNNetwork:
        case "CNN5":
            return cnn5_wide(images) if net.Geometry == "wide" else cnn5_seed(images)
        case "DenseNet":
            return dense_net(images, net.DenseNet)
        case "VGG":
            return vgg(images, net.VGG)
        case other:
            assert_never(other)


def cnn5_wide(images: KerasTensor) -> KerasTensor:
    """CNN5 that keeps a frame for each 4 pixels of width.

    Each unit is convolution, max pool, batch norm, LeakyReLU. Pooling before the other two costs a quarter of the
    memory traffic; because the batch norm's scale is kept from going below zero, it gives what pooling last would give.

    Args:
        images: [N, H, W, C].

    Returns:
        [N, ⌈H/32⌉, ⌈W/4⌉, 64]: width stride 4. 349,344 parameters with one channel, batch norm included.
    """
    x = images
    for kernel, filters, pool in zip(CNN5_KERNELS, CNN5_FILTERS, CNN5_WIDE_POOLS, strict=True):
        x = layers.Conv2D(filters, kernel, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D(pool, padding="same")(x)
        x = _batch_norm(x, gamma_constraint="non_neg")
        x = layers.LeakyReLU(LEAK)(x)
    return x


def cnn5_seed(images: KerasTensor) -> KerasTensor:
    """CNN5 exactly as captcha_trainer lays it out: convolution with bias, batch norm, LeakyReLU, pool 2x2.

    Args:
        images: [N, H, W, C].

    Returns:
        [N, ⌈H/16⌉, ⌈W/16⌉, 64]: the first pool has stride 1, width stride 16. 349,760 parameters with one channel,
        batch norm included.
    """
    x = images
    for kernel, filters, stride in zip(CNN5_KERNELS, CNN5_FILTERS, CNN5_SEED_POOLS, strict=True):
        x = layers.Conv2D(filters, kernel, padding="same")(x)
        x = _batch_norm(x)
        x = layers.LeakyReLU(LEAK)(x)
        x = layers.MaxPooling2D((2, 2), strides=stride, padding="same")(x)
    return x


def dense_net(images: KerasTensor, plan: DenseNetSection) -> KerasTensor:
    """DenseNet: each layer of a block adds its filters to all that it sees (Huang et al. 2017), after captcha_trainer.

    captcha_trainer's has 3 blocks of 8 layers with growth 8; the default here is of the size that it was told to have,
    6.5 MB with BLSTM 64 at 150x50. Unlike the original it drops nothing inside and reads by moving statistics.

    Args:
        images: [N, H, W, C].
        plan: B blocks, and B - 1 transitions between them.

    Returns:
        [N, H', ⌊⌈W/2⌉/2⌋, F]: width stride 4; the height is quartered and then halved B - 2 times. F is the filters of
        the last transition and those that the last block adds: 272 by default, with 742,688 parameters for one
        channel, batch norm included.
    """
    x = layers.Conv2D(plan.Stem, 5, strides=2, padding="same", use_bias=False)(images)
    for block, depth in enumerate(plan.Blocks):
        if block:
            x = layers.Conv2D(plan.Transitions[block - 1], 1, padding="same")(_normalised(x))
            first = block == 1
            x = layers.AveragePooling2D((2, 2), strides=(2, 2 if first else 1), padding="valid" if first else "same")(x)
        for _ in range(depth):
            grown = layers.Conv2D(plan.Growth, 3, padding="same")(_normalised(x))
            x = layers.Concatenate()([x, grown])
    return _normalised(x)


def vgg(images: KerasTensor, plan: VGGSection) -> KerasTensor:
    """Blocks of convolutions with a max pool behind each (Simonyan and Zisserman 2015), as the config lays them out.

    The networks of cnn_captcha, captcha_identification, tensorflow-101 (chapter 6) and captcha_break are such ones;
    `configs/seeds` has the plan of each.

    Args:
        images: [N, H, W, C].
        plan: each block has convolutions with bias, each with batch norm, if any, and activation behind it, then a pool
            and dropout.

    Returns:
        [N, H', T, F], F the filters of the last convolution. The width stride is the product of the pools' widths: 4 by
        default, with H' = ⌊H/16⌋ and 584,416 parameters for one channel, batch norm included.
    """
    x = images
    for block in plan.Blocks:
        for filters, padding in zip(block.Filters, block.paddings, strict=True):
            x = layers.Conv2D(filters, block.Kernel, padding=padding, kernel_initializer="he_uniform")(x)
            x = _batch_norm(x) if plan.BatchNorm else x
            x = ACTIVATIONS[plan.Activation]()(x)
        width, height = block.Pool
        if width * height > 1:
            x = layers.MaxPooling2D((height, width), padding=plan.PoolPadding)(x)
        if block.KeepProb < 1:
            x = layers.Dropout(1 - block.KeepProb)(x)
    return x


def _normalised(x: KerasTensor) -> KerasTensor:
    return layers.ReLU()(_batch_norm(x))


def _batch_norm(x: KerasTensor, gamma_constraint: str | None = None) -> KerasTensor:
    return layers.BatchNormalization(
        momentum=BATCH_NORM_MOMENTUM, epsilon=BATCH_NORM_EPSILON, gamma_constraint=gamma_constraint
    )(x)
