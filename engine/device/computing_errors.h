// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/error.h"

#include <c10/util/Exception.h>

#include <exception>
#include <new>

namespace engine {

/// work(), with whatever it throws as an Error with this id: of LibTorch, of a CUDA call, for want
/// of memory. An Error passes as it is.
template <typename Work>
auto with_errors_as(const char* id, const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const c10::Error& error) {
    fail(id, {}, error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    fail(id, {}, "out of memory", "Give it less at once, or free memory");
  } catch (const std::exception& error) {
    fail(id, {}, error.what());
  }
}

}  // namespace engine
