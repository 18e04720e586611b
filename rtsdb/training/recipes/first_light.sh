#!/usr/bin/env bash
# The recipe of the first `rt` weights: one part at a time, then all of them together.
#
#     bash rtsdb/training/recipes/first_light.sh CAMVID_ROOT RUNS_FOLDER
#
# The first two commands may run side by side on a core each (then let the second one start from
# `--start imagenet` too). Every command can be stopped with Ctrl-C and continued with --resume.
# On two slow cores the shipped weights had the steps that the model card lists; with a GPU or a
# processor that has bfloat16, multiply --steps.
set -euo pipefail
root=$1 runs=$2
common=(--root "$root" --street 40)

rtsdb train "${common[@]}" --output "$runs/segmenter" --stages 1 --parts segmenters \
    --start imagenet --steps 5500 --seed 2
rtsdb train "${common[@]}" --output "$runs/denoiser" --stages 1 --parts denoisers --crop 128 \
    --start "$runs/segmenter/weights.safetensors" --steps 8000 --lr 1.5e-3 --seed 4
rtsdb train "${common[@]}" --output "$runs/joint" --stages 3 \
    --start "$runs/denoiser/weights.safetensors" \
    --segmenters "$runs/segmenter/weights.safetensors" --steps 800 --seed 5
for stages in 1 2 3; do
    rtsdb export --weights "$runs/joint/weights.safetensors" --stages "$stages" \
        -o "$runs/joint/rt-k$stages.onnx"
done
