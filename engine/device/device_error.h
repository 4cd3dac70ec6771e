// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace engine {

/// What an exception says, without LibTorch's backtrace. Of one that came from a GPU only what it
/// is, and the way out: to look at the device, then to do what `then` says. LibTorch's advice is
/// for programmers, and the process can do nothing more there.
std::string device_error_message(const std::exception& error, std::string_view then);

/// Of a device or a processor without enough memory: what was asked for and what was free. Empty
/// for any other exception. LibTorch's advice on its allocator helps nobody here.
std::string memory_asked_for(const std::exception& error);

}  // namespace engine
