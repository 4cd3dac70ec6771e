// SPDX-License-Identifier: GPL-3.0-or-later
// Where the time of a piece of work goes, by LibTorch's profiler.
#pragma once

#include "engine/api.h"

#include <c10/core/Device.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace engine {

/// Runs `work`, which must end by waiting for the device, and sums up its kernels; on the CPU the
/// operators, each without those that it calls. Longest kind first. `trace`, if not empty, becomes
/// a Chrome trace. One at a time in a process; the work is slower for it.
std::vector<KernelTime> profile(c10::Device device, const std::filesystem::path& trace,
                                const std::function<void()>& work);

/// What a kernel or an operator does, told by its name: "matmul", "attention", …, "other".
std::string kind_of_kernel(const std::string& name);

}  // namespace engine
