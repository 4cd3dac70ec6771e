// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/device_error.h"

#include "engine/memory_limit.h"
#include "kernels/cuda_error.h"

#include <c10/util/Exception.h>

#include <fmt/format.h>

#include <cstdlib>

namespace engine {
namespace {

/// Of LibTorch's calls and of our own; empty when no GPU had to do with it.
std::string cuda_reason(const std::exception& error, const std::string& text) {
  // The call and its place come before.
  if (dynamic_cast<const kernels::CudaError*>(&error) != nullptr) {
    const std::size_t colon = text.rfind(": ");
    return "CUDA error" + (colon == std::string::npos ? ": " + text : text.substr(colon));
  }
  return text.starts_with("CUDA error") ? text.substr(0, text.find('\n')) : "";
}

/// LibTorch has no exception of its own for the processor's memory.
std::string asked_of_cpu(const std::string& text) {
  static const std::string before = "can't allocate memory: you tried to allocate ";
  const std::size_t at = text.find(before);
  if (at == std::string::npos) return "";
  const double bytes = std::strtod(text.c_str() + at + before.size(), nullptr);
  return fmt::format("Out of memory. {:.1f} GB were asked for in one piece; {:.1f} GB are free.",
                     bytes / 1e9, static_cast<double>(available_memory()) / 1e9);
}

}  // namespace

std::string device_error_message(const std::exception& error, std::string_view then) {
  const auto* const of_torch = dynamic_cast<const c10::Error*>(&error);
  const std::string text =
      of_torch != nullptr ? of_torch->what_without_backtrace() : std::string(error.what());
  const std::string reason = cuda_reason(error, text);
  if (reason.empty()) return text;
  return "The GPU has failed: " + reason + ". Look at nvidia-smi and the kernel's log, then " +
         std::string(then);
}

std::string memory_asked_for(const std::exception& error) {
  const auto* const of_torch = dynamic_cast<const c10::Error*>(&error);
  if (of_torch == nullptr) return "";
  const std::string text = of_torch->what_without_backtrace();
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) == nullptr) return asked_of_cpu(text);
  const std::string_view last = " is free.";
  const std::size_t end = text.find(last);
  return end == std::string::npos ? text : text.substr(0, end + last.size());
}

}  // namespace engine
