// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <c10/util/Exception.h>

#include <string>

namespace engine {

/// What LibTorch says of an error. Of one that came from a GPU only what it is: its advice is for
/// programmers, and the process can do nothing more there.
std::string device_error_message(const c10::Error& error);

}  // namespace engine
