// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/device_error.h"

namespace engine {

std::string device_error_message(const c10::Error& error) {
  const std::string text = error.what_without_backtrace();
  if (!text.starts_with("CUDA error")) return text;
  return "The GPU has failed: " + text.substr(0, text.find('\n')) +
         ". Look at nvidia-smi and the kernel's log, then resume from the last checkpoint";
}

}  // namespace engine
