// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/run_comparison.h"

#include <filesystem>
#include <string>
#include <vector>

namespace engine {

/// Most bytes of page.html: configurations are left out where it would grow larger.
inline constexpr std::size_t kMostPageBytes = 5'000'000;

/// Writes the comparison as one folder that needs nothing else: figure.svg and .pdf, curves.csv
/// (what it is drawn from, at full rate), statistics.csv, with a cost trade_off.svg, .pdf and .csv,
/// page.html, plot.py, README.txt with the commands, and runs/NAME/ with each run's configuration
/// and events. `runs compare FOLDER/runs` opens it again. `command` is what would make the folder
/// again. Throws Error when `folder` exists and is not empty or not such a folder, or when the disk
/// refuses.
void export_comparison(const std::vector<const ComparableRun*>& runs,
                       const RunComparison& comparison, const std::filesystem::path& folder,
                       const std::string& command);

/// The page alone: curves, verdicts, differences, configurations, commands.
std::string comparison_page(const std::vector<const ComparableRun*>& runs,
                            const RunComparison& comparison, const std::string& command);

/// The command that compares these runs by these options again, without --export.
std::string compare_command(const std::vector<const ComparableRun*>& runs,
                            const ComparisonOptions& options);

/// The command that trains the run again from the exported folder; "" for a foreign run.
std::string repeat_command(const ComparableRun& run, const std::string& folder_name);

/// A name for a run's folder in the export: letters, digits, dots, dashes; different for each run.
std::vector<std::string> folder_names(const std::vector<const ComparableRun*>& runs);

}  // namespace engine
