// SPDX-License-Identifier: GPL-3.0-or-later
// Unsaved texts, kept in the workbench's own data folder so that a crash loses little: never beside
// the user's files.
//
// How a window uses it. At start: make one store on <data>/recovery and call adopt_abandoned():
// what crashed windows left is now this window's; offer each text ("Recover 2 files", with a
// difference to the file if its hash still is `base_sha256`, with a warning if not). Call remove()
// once the user has taken or declined it. While a document is unsaved: save() at most every 30 s
// and when the window loses the focus; when it is saved or closed: discard(). Windows that live are
// left alone: each holds a lock that dies with its process.
#pragma once

#include "engine/runs/run_folder.h"

#include <filesystem>
#include <string>
#include <vector>

namespace engine {

struct RecoveredText {
  std::filesystem::path entry;  ///< in the store; for remove()
  std::string file;             ///< the user's file; "" for a text that never had one
  std::string base_sha256;      ///< of the file's content when the edits began; "" without a file
  std::string text;
  double saved_at = 0;  ///< seconds since the epoch
};

class RecoveryStore {
 public:
  /// Takes a place of its own below `folder`, which is made where it is missing. Throws Error when
  /// that cannot be written.
  explicit RecoveryStore(const std::filesystem::path& folder);
  /// Removes its place when nothing is kept there.
  ~RecoveryStore();
  RecoveryStore(const RecoveryStore&) = delete;
  RecoveryStore& operator=(const RecoveryStore&) = delete;

  /// Replaces what is kept for `file` (any name of a text without a file, for example
  /// "untitled 2", will do as well), atomically and durably. Throws Error; the old text is then
  /// still there.
  void save(const std::string& file, const std::string& base_sha256, const std::string& text);
  /// The text is saved or no longer wanted.
  void discard(const std::string& file);

  /// Texts of windows that are gone, oldest first; they move into this store's place. Damaged ones
  /// are left where they are.
  std::vector<RecoveredText> adopt_abandoned();
  void remove(const RecoveredText& recovered);

 private:
  std::filesystem::path entry_of(const std::string& file) const;

  std::filesystem::path folder_;
  std::filesystem::path place_;
  std::vector<RunLock> lock_;  ///< the one of its place
  int adopted_ = 0;
};

}  // namespace engine
