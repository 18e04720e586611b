#!/usr/bin/env bash
# The recipe of the first `rt` weights: one part at a time, as the paper trains.
#
#     bash rtsdb/training/recipes/first_light.sh CAMVID_ROOT RUNS_FOLDER
#
# Segmenters need wide crops, denoisers many steps; the blocks 2 and 3 start as copies of block 1.
# Every command can be stopped with Ctrl-C and continued with --resume added. The steps are what two
# slow cores could do in an afternoon: with a GPU or a processor that has bfloat16, multiply them.
# The model card lists what the shipped weights really had.
set -euo pipefail
root=$1 runs=$2

train() {
    local name=$1
    shift
    rtsdb train --root "$root" --street 40 --output "$runs/$name" "$@"
}
weights() { echo "$runs/$1/weights.safetensors"; }

train segmenter --stages 1 --parts segmenters --start imagenet --steps 6500 --lr 8e-4
train denoiser --stages 1 --parts denoisers --crop 128 --steps 5500 --lr 1.5e-3 \
    --start "$(weights segmenter)"
train denoisers --stages 3 --parts denoisers --crop 128 --steps 2600 \
    --start "$(weights denoiser)"
train segmenters --stages 3 --parts segmenters --window 64 --steps 800 --lr 4e-4 \
    --start "$(weights denoisers)"
train polish --stages 3 --parts denoisers --crop 128 --batch 6 --steps 1450 --lr 6e-4 \
    --start "$(weights segmenters)"
