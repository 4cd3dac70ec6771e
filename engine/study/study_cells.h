// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/run_config.h"
#include "engine/study/study.h"

#include <cstdint>
#include <string>
#include <vector>

namespace engine {

/// One run of a study.
struct StudyCell {
  std::string label;  ///< of the combination, without the seed; "base" without axes
  std::int64_t seed = 0;
  RunConfig config;  ///< output_dir set, transform_config as it will lie there
  /// The file that base or study names, "" for none; what the run applies is made of it, or of its
  /// copy in the study's folder.
  std::string transform_source;
  std::string
      transform_text;  ///< to be written to config.transform_config; empty: a file that is there
  std::vector<std::string> fixed;  ///< parameters of the run that base or study give a value

  std::string name() const;  ///< of its folder: <label>-seed<seed>
};

/// Every combination, the last axis and then the seed fastest. Everything that is wrong with any of
/// them goes to `problems` at once: unknown parameters, values out of range, files that are
/// missing, plans that fail, a baseline that is no cell, two cells of one name.
std::vector<StudyCell> study_cells(const Study& study, std::vector<Problem>& problems);

}  // namespace engine
