"""The parts that see: pictures `[N, H, W, C]` to features `[N, H', T, F]`, T frames along the width."""

from keras import KerasTensor, layers

from trainer.config import NeuralNetSection

# captcha_trainer's plan (framework.py, GraphOCR): kernel sizes and filters of its five convolutions.
CNN5_KERNELS = (7, 5, 3, 3, 3)
CNN5_FILTERS = (32, 64, 128, 128, 64)

# (height, width) strides of the five pools.
CNN5_SEED_POOLS = ((1, 1), (2, 2), (2, 2), (2, 2), (2, 2))
CNN5_WIDE_POOLS = ((2, 2), (2, 2), (2, 1), (2, 1), (2, 1))

LEAK = 0.01  # slope of LeakyReLU below zero, as in captcha_trainer
BATCH_NORM_MOMENTUM = 0.95  # follows the weights closely: a set of 1,000 pictures has few steps per epoch
BATCH_NORM_EPSILON = 1e-3

DENSE_GROWTH = 8  # filters that each layer of a dense block adds
DENSE_BLOCKS = (8, 8, 8)  # layers in each block
DENSE_TRANSITION = 128  # filters between blocks


def backbone(images: KerasTensor, net: NeuralNetSection) -> KerasTensor:
    """Return features [N, H', T, F] of images float [N, H, W, C] by the network that the config names."""
    if net.CNNNetwork == "DenseNet":
        return dense_net(images)
    return cnn5_wide(images) if net.Geometry == "wide" else cnn5_seed(images)


def cnn5_wide(images: KerasTensor) -> KerasTensor:
    """CNN5 that keeps a frame for each 4 pixels of width.

    Each unit is convolution, max pool, batch norm, LeakyReLU. Pooling before the other two costs a quarter of the
    memory traffic; because the batch norm's scale is kept from going below zero, it gives what pooling last would give.

    Args:
        images: [N, H, W, C].

    Returns:
        [N, ⌈H/32⌉, ⌈W/4⌉, 64]: width stride 4. 383,296 parameters with one channel, batch norm included.
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
        [N, ⌈H/16⌉, ⌈W/16⌉, 64]: the first pool has stride 1, width stride 16.
    """
    x = images
    for kernel, filters, stride in zip(CNN5_KERNELS, CNN5_FILTERS, CNN5_SEED_POOLS, strict=True):
        x = layers.Conv2D(filters, kernel, padding="same")(x)
        x = _batch_norm(x)
        x = layers.LeakyReLU(LEAK)(x)
        x = layers.MaxPooling2D((2, 2), strides=stride, padding="same")(x)
    return x


def dense_net(images: KerasTensor) -> KerasTensor:
    """DenseNet of captcha_trainer's size: 3 blocks of 8 layers with growth 8 (Huang et al. 2017, cut down).

    Unlike the original it has no dropout inside and normalises by moving statistics when it reads.

    Args:
        images: [N, H, W, C].

    Returns:
        [N, H', ⌊⌈W/2⌉/2⌋, 192]: width stride 4; the height is quartered and then halved.
    """
    x = layers.Conv2D(64, 5, strides=2, padding="same", use_bias=False)(images)
    for block, depth in enumerate(DENSE_BLOCKS):
        if block:
            x = layers.Conv2D(DENSE_TRANSITION, 1, padding="same")(_normalised(x))
            first = block == 1
            x = layers.AveragePooling2D((2, 2), strides=(2, 2 if first else 1), padding="valid" if first else "same")(x)
        for _ in range(depth):
            grown = layers.Conv2D(DENSE_GROWTH, 3, padding="same")(_normalised(x))
            x = layers.Concatenate()([x, grown])
    return _normalised(x)


def _normalised(x: KerasTensor) -> KerasTensor:
    return layers.ReLU()(_batch_norm(x))


def _batch_norm(x: KerasTensor, gamma_constraint: str | None = None) -> KerasTensor:
    return layers.BatchNormalization(
        momentum=BATCH_NORM_MOMENTUM, epsilon=BATCH_NORM_EPSILON, gamma_constraint=gamma_constraint
    )(x)
