# The two commands of README, and what CI adds to them.
PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint bench clean

demo: $(VENV)/.runtime
	$(BIN)/rtsdb run --source demo --frames 24 --simulate-noise 25 --sink demo.mp4

test: $(VENV)/.dev $(VENV)/.pycuda
	$(BIN)/python -m pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Minutes each; those that take a data set or half an hour (soak.py) are called by hand.
BENCHMARKS := engine_vs_benchmark_app pipeline_overhead settings_speed int8_speed peers_speed \
	latency_under_load tile_halo model_cost readme_table

bench: $(VENV)/.dev
	set -e; for name in $(BENCHMARKS); do $(BIN)/python benchmarks/$$name.py; done

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Byte code and the parts of OpenVINO that the CPU engine never loads (GPU and NPU plugins, readers
# of other formats) would be a fifth of the disk space: 594 MB instead of 495.
UNUSED := intel_gpu_plugin intel_npu_plugin tensorflow_frontend tensorflow_lite_frontend \
	pytorch_frontend paddle_frontend gguf_frontend

$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --no-compile --editable .
	cd $(VENV)/lib/python3*/site-packages/openvino/libs && \
		rm -f cache.json $(UNUSED:%=libopenvino_%.so*)
	touch $@

# torch by itself and first, so that the version is this one; see README for its CPU build.
# Type stubs by themselves, for they ask for all of TensorRT; tests compare a double with them.
$(VENV)/.dev: pyproject.toml $(VENV)/.runtime
	$(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet --editable '.[dev]'
	$(BIN)/pip install --quiet --no-deps tensorrt-stubs==10.13.0.35.1
	touch $@

# Compiled here, which takes minutes, for tests on the CUDA driver double: they need no GPU.
$(VENV)/.pycuda: tests/cuda_double/install_pycuda.py $(VENV)/.dev
	$(BIN)/python -m tests.cuda_double.install_pycuda
	touch $@

clean:
	rm -rf $(VENV) demo.mp4
