// SPDX-License-Identifier: GPL-3.0-or-later
// The cells of a sensitivity scan on disk, so that none is measured twice.
#pragma once

#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace engine {

/// What was measured with some layers simulated.
struct ScanCell {
  std::vector<std::vector<double>> losses;                    ///< [draw][batch]
  double sqnr_db = std::numeric_limits<double>::quiet_NaN();  ///< of a single simulated layer
};

/// A file of JSON lines, one for each cell: {"key", "what", "losses", "sqnr_db"}. Lines of other
/// keys, torn lines and lines that are not a cell are passed over, so that the file may serve
/// several scans and a killed one loses at most the cell it was at.
class ScanResultsFile {
 public:
  /// Reads what is there; the folder is made. Throws Error when the file cannot be read or its
  /// folder made.
  explicit ScanResultsFile(std::filesystem::path file);

  /// Null when it was not measured.
  const ScanCell* find(const std::string& key) const;
  /// Appends with one write. `what` says for a reader which cell this is. Throws Error when it
  /// cannot be written.
  void add(const std::string& key, const std::string& what, ScanCell cell);
  const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
  std::map<std::string, ScanCell> cells_;
  bool is_torn_ = false;  ///< the file ends within a line
};

}  // namespace engine
