// SPDX-License-Identifier: GPL-3.0-or-later
// Where tensors can live: the CPU, and the CUDA devices when build, driver and hardware agree.
#pragma once

#include "engine/api.h"

#include <c10/core/Device.h>

#include <string>

namespace engine {

/// What CUDA 13.0 needs of the driver.
inline constexpr const char* kRequiredDriver = "580.65.06";

/// The NVIDIA driver's version ("580.159.03"), from the kernel module or NVML; empty when there is
/// none.
std::string driver_version();
/// Compares dotted numbers part by part: "580.65.06" < "580.159".
bool is_older_version(const std::string& version, const std::string& than);

DeviceReport device_report();

/// GPUs from this compute capability on run our kernels.
inline constexpr int kLeastMajorOfKernels = 8;

/// Says in `info` what can be done on a GPU of a compute capability: everything from 8.0 on, ATen's
/// operators alone where LibTorch for CUDA 13 still has them (7.5), nothing below.
void judge_capability(DeviceInfo& info, int major, int minor);

struct ChosenDevice {
  c10::Device device{c10::DeviceType::CPU};
  std::string id;    ///< "cpu", "cuda:0"
  std::string name;  ///< processor or GPU model
  std::string
      note;  ///< why `auto` chose what it chose, what the GPU lacks; empty = no words needed
};

/// --device: auto, cpu, cuda, cuda:i, of the devices of a report. `is_transformed`: simulated
/// layers need kernels, so that on a GPU without them auto takes the CPU and cuda is refused.
/// Throws Error naming the driver found and the one required when CUDA cannot be used, or what the
/// GPU lacks.
ChosenDevice choose_device(const DeviceReport& report, const std::string& wanted,
                           bool is_transformed);
/// Of the devices of this machine. On a GPU, from then on LibTorch's memory grows in one piece.
ChosenDevice choose_device(const std::string& wanted, bool is_transformed);

/// --full_determinism: whether from then on LibTorch sums in a fixed order wherever it has one, at
/// a cost: attention's gradients on a GPU, on which else two equal runs differ by rounding. Our own
/// kernels always do.
void set_full_determinism(bool is_wanted);

/// Gives memory that LibTorch keeps for later back to the GPUs, for other processes to use.
void release_kept_memory();

/// Bytes in use now: the process's resident memory, or the CUDA allocator's.
std::int64_t memory_in_use(c10::Device device);

}  // namespace engine
