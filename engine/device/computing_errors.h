// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/device/device_error.h"
#include "engine/error.h"

#include <exception>
#include <new>
#include <string>

namespace engine {

/// work(), with whatever it throws as an Error with this id: of LibTorch, of a CUDA call, for want
/// of memory. An Error passes as it is.
template <typename Work>
auto with_errors_as(const char* id, const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    fail(id, {}, "out of memory", "Give it less at once, or free memory");
  } catch (const std::exception& error) {
    if (const std::string asked = memory_asked_for(error); !asked.empty()) {
      fail(id, {}, asked,
           "Give it less at once: a smaller batch, shorter blocks, fewer transforms in one go");
    }
    fail(id, {}, device_error_message(error, "start the program again"));
  }
}

}  // namespace engine
