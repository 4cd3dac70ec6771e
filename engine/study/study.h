// SPDX-License-Identifier: GPL-3.0-or-later
// A study: one run, some of its parameters and some of its transform's set to each of several
// values, each combination trained with several seeds. study.yaml says which; the folders of the
// runs say how far it is.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/config/yaml_document.h"
#include "engine/problem.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace engine {

/// A parameter of the run or of its transform, and its value as written.
struct StudySetting {
  std::string parameter;
  std::string value;
  Place place;
};

/// One position on an axis.
struct StudyLevel {
  std::string label;  ///< "q_levels-16", or the name that the file gives it
  std::vector<StudySetting> settings;
};

struct StudyAxis {
  std::string name;
  std::vector<StudyLevel> levels;
};

struct Study {
  std::string file;    ///< study.yaml
  std::string text;    ///< its content
  std::string base;    ///< a run.yaml, relative to the working folder as its own paths are
  std::string output;  ///< folder of all its runs
  std::vector<StudySetting> settings;  ///< over the base, for every cell
  std::vector<StudyAxis> axes;
  std::vector<std::int64_t> seeds;
  std::string baseline;  ///< label of the cell that others are compared with; empty = none
  std::string metric;    ///< eval_loss, perplexity, eval_accuracy, loss or best_loss
};

/// Reads the form of the file; whether values are allowed is for study_cells(). Problems have
/// places. Never throws for what the file holds.
Study parse_study(const std::string& text, const std::string& file, std::vector<Problem>& problems);

/// Whether less is better.
bool is_better_when_lower(const std::string& metric);

}  // namespace engine
