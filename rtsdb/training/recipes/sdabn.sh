#!/usr/bin/env bash
# The published network as its authors train it on Cityscapes: S1, D1, S2, D2, S3, D3, for one
# noise level.
#
#     bash rtsdb/training/recipes/sdabn.sh CITYSCAPES_ROOT RUNS_FOLDER [SIGMA]
#
# Steps, crops and batches are the command's defaults: the authors'. Ctrl-C saves; the same line
# with --resume goes on. After every part RUNS_FOLDER/sdabn-SIGMA/weights-PART.safetensors is what
# has been learnt by then: weights-D1 is a whole net of one block.
#
# It wants a GPU (the authors had four) and has only been run on a CPU and on little data, as
# benchmarks/sdabn_training.py does: neither a GPU nor Cityscapes was there when it was written.
# Frames are read from disk for every crop, by one thread, some 70 ms each: reduce --batch or
# --steps where that takes too long. The authors start S1 from a segmenter trained on clean frames;
# add --start FILE.safetensors for one.
set -euo pipefail
root=$1 runs=$2 sigma=${3:-50}

rtsdb train --preset sdabn --stages 3 --sigma "$sigma" --device cuda \
    --dataset cityscapes --root "$root" --output "$runs/sdabn-$sigma"
