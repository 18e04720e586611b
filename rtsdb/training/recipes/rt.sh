#!/usr/bin/env bash
# The course of the shipped `rt` weights: one part at a time, as the paper trains.
#
#     bash rtsdb/training/recipes/rt.sh CAMVID_ROOT RUNS_FOLDER
#
# The segmenter, one for all blocks, needs wide crops, denoisers many steps; those of blocks 2 and 3
# start with what block 1 decided. At the end, the segmenter learns on estimates, too. Every command
# can be stopped with Ctrl-C and continued with --resume added. The steps are what two slow cores
# could do in a few hours: with a GPU (--device cuda) or a processor that has bfloat16, multiply
# them. It was not run from start to end; the model card lists the runs that the shipped weights
# really had.
set -euo pipefail
root=$1 runs=$2

train() {
    local name=$1
    shift
    rtsdb train --root "$root" --street 40 --output "$runs/$name" "$@"
}
weights() { echo "$runs/$1/weights.safetensors"; }

train segmenter --stages 1 --parts segmenters --start imagenet --crop 320 --window 32 \
    --steps 20000 --lr 2e-3
train denoiser --stages 1 --parts denoisers --crop 96 --window 96 --batch 8 --steps 20000 \
    --start "$(weights segmenter)"
train denoisers --stages 3 --parts denoisers --crop 128 --window 128 --batch 5 --steps 12000 \
    --start "$(weights denoiser)"
train estimates --stages 3 --parts segmenters --crop 320 --window 32 --steps 4000 --lr 1.5e-3 \
    --start "$(weights denoisers)"
