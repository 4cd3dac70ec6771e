// SPDX-License-Identifier: GPL-3.0-or-later
// What a run that waits was asked to apply, whatever becomes of the transform file meanwhile.
#pragma once

#include <filesystem>

namespace engine {

/// Copies the transform file as it is now, and the TorchScript files that its rules name, into a
/// folder below `store` that is named after their contents; the same content is kept once. Returns
/// the copy, which has the file's name and means the same. Throws Error when the file cannot be
/// read or has errors, or when `store` cannot be written.
std::filesystem::path freeze_transform(const std::filesystem::path& file,
                                       const std::filesystem::path& store);

/// The same into `folder` itself, which is made. Throws Error as freeze_transform() does.
void copy_transform(const std::filesystem::path& file, const std::filesystem::path& folder);

/// Whether `file` and what it names are still as when `copy` was made. A file that is gone or has
/// errors is not.
bool is_as_frozen(const std::filesystem::path& file, const std::filesystem::path& copy);

/// Whether both, which have one name in two folders, have the same text and TorchScript files. A
/// file that is gone or has errors is like no other.
bool is_same_transform(const std::filesystem::path& file, const std::filesystem::path& other);

}  // namespace engine
