// SPDX-License-Identifier: GPL-3.0-or-later
// Which file a rule's `paradigm:` means.
#pragma once

#include "engine/scripted/scripted_file.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// Where a paradigm given by its bare name is looked for: the folders of $PARADIGM_PATH (colons
/// between them), then $XDG_DATA_HOME (default ~/.local/share)/paradigm-workbench/paradigms.
std::vector<std::filesystem::path> paradigm_folders();

/// "./device.pt", "/lab/device.pt", "devices/device": a path, not a name.
bool is_paradigm_path(const std::string& reference);

struct FoundParadigm {
  std::filesystem::path file;
  std::string id;  ///< the last word of the reference, without .pt
};

/// The TorchScript file that `reference` means in the transform file `transform_file`:
///   1. the copy beside it that a run folder or checkpoint keeps, NAME.<id>.pt for NAME.yaml;
///   2. a path: relative to the transform file's folder; a folder stands for the .pt in it;
///   3. a name: NAME.pt, or the folder NAME, in a paradigm folder.
/// Nothing for a name that is nowhere. Throws Error for a path that leads nowhere, and for a folder
/// that does not tell which .pt is meant.
std::optional<FoundParadigm> find_scripted_file(const std::string& reference,
                                                const std::filesystem::path& transform_file);

/// A paradigm by the word a user gives: built in, or a TorchScript file.
struct ParadigmChoice {
  ParadigmInfo info;
  ScriptedFilePtr file;  ///< null when it is built in
};

/// `reference` as in a rule; a path is relative to the working folder. Throws Error when there is
/// no such paradigm or something is wrong with its file.
ParadigmChoice choose_paradigm(const std::string& reference);

}  // namespace engine
