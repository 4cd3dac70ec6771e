# SPDX-License-Identifier: GPL-3.0-or-later
# What the build needs, as data for scripts/setup. Sizes are what a bare system downloads.
# shellcheck shell=bash disable=SC2034

debian_12_packages=(
  build-essential cmake ninja-build pkg-config git
  python3 python3-venv
  qt6-base-dev qt6-svg-dev libqcustomplot-dev
  libyaml-cpp-dev libtomlplusplus-dev nlohmann-json3-dev libpcre2-dev libcli11-dev libfmt-dev libspdlog-dev libxxhash-dev libssl-dev zlib1g-dev
  libgtest-dev fonts-dejavu-core
)

# Untested: the packages have the same names there.
ubuntu_24_04_packages=("${debian_12_packages[@]}")
packages_size="190 MB"
packages_disk_kb=1200000

# The wheel is the CUDA build in both cases. libtorch_cpu asks for the CUDA runtime and CUPTI even where no GPU is.
light_wheels=(torch==2.11.0 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85)
light_size="0.6 GB"
light_disk_kb=4000000

cuda_wheels=(torch==2.11.0)
cuda_size="3 GB"
cuda_disk_kb=9000000

# Used when the system has no nvcc 13.
cuda_compiler_wheels=(nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-cuda-cccl==13.0.85)

common_wheels=(pyarrow==26.0.1)
