// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>

namespace paradigm {

/// The folder to read for what was given: itself, or for an ssh:// address the copy that is kept of
/// it while this program runs, once all that is there has come. Throws engine::Error, with what ssh
/// said, when the machine cannot be reached.
std::filesystem::path readable_folder(const std::string& given);

/// What to call a run folder: of a copy, its ssh:// address.
std::string run_address(const std::filesystem::path& run);

}  // namespace paradigm
