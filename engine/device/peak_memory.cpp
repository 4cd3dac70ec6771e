// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/peak_memory.h"

#ifdef PARADIGM_TORCH_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#endif

#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace engine {
namespace {

std::int64_t status_bytes(const std::string& field) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field + ":")) return std::atoll(line.c_str() + field.size() + 1) * 1024;
  }
  return 0;
}

}  // namespace

PeakMemory::PeakMemory(c10::Device device) : device_(device) {
#ifdef PARADIGM_TORCH_CUDA
  if (device.is_cuda()) {
    c10::cuda::CUDACachingAllocator::resetPeakStats(device.index());
    start_ =
        c10::cuda::CUDACachingAllocator::getDeviceStats(device.index()).allocated_bytes[0].current;
    is_reset_ = true;
    return;
  }
#endif
  malloc_trim(0);  // what freed buffers still hold would hide what the next ones take
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;  // resets the high-water mark
  is_reset_ = static_cast<bool>(file);
  start_ = status_bytes("VmRSS");
}

std::optional<std::int64_t> PeakMemory::above_start() const {
  if (!is_reset_) return std::nullopt;
#ifdef PARADIGM_TORCH_CUDA
  if (device_.is_cuda()) {
    return c10::cuda::CUDACachingAllocator::getDeviceStats(device_.index())
               .allocated_bytes[0]
               .peak -
           start_;
  }
#endif
  return std::max<std::int64_t>(0, status_bytes("VmHWM") - start_);
}

}  // namespace engine
