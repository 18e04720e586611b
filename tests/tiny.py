"""A small network with every part of the real one."""

from rtsdb.models.presets import InvertedResidual, RtConfig

TINY = RtConfig(
    stem=16,
    stem_out=16,
    encoder=(
        InvertedResidual(32, 16, kernel=3, stride=1, source=4),
        InvertedResidual(32, 32, kernel=3, stride=2, source=5),
        InvertedResidual(32, 32, kernel=5, stride=2, source=11),
    ),
    decoder=16,
    decoder_fine=16,
    denoiser_fine=16,
    denoiser=16,
    denoiser_deep=16,
    depth=1,
)
