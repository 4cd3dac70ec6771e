// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/file_descriptor.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace engine {

/// `atomic`: readers see the old or the new content, never a part. `durable`: the same after a
/// power cut.
enum class ReplaceMode { durable, atomic };

/// A file that takes its place whole or not at all: written under a temporary name beside it, then
/// renamed. Until commit(), and after an error, what was there keeps its content; the destructor
/// removes the temporary file. A link is followed: what it leads to is replaced. Every failure
/// throws Error{cannot-write} that names the file.
class AtomicFile {
 public:
  /// `remedy` replaces what such an Error advises. Throws also where a folder, a device or a pipe
  /// stands in the file's place: none of them is ever replaced.
  explicit AtomicFile(std::filesystem::path file, std::string remedy = "");
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  /// Goes on writing at the start of the file: for a header that names what follows it.
  void rewind();
  /// Syncs and renames, syncs the folder (no sync with `atomic`). At most once; nothing may be
  /// written afterwards.
  void commit(ReplaceMode mode = ReplaceMode::durable);

 private:
  [[noreturn]] void fail(int error) const;

  std::filesystem::path file_;    ///< as it was named
  std::filesystem::path target_;  ///< what its links lead to
  std::filesystem::path temporary_;
  std::string remedy_;
  FileDescriptor output_;
};

/// Throws Error{cannot-write} that names the file and says what `error` means; `remedy` replaces
/// what it advises.
[[noreturn]] void fail_to_write(const std::filesystem::path& file, int error,
                                const std::string& remedy = "");

/// What `file` leads to, link by link; itself when it is no link, or one that goes in a circle.
std::filesystem::path link_target(const std::filesystem::path& file);

/// Why `file` cannot be replaced whatever its folder allows: "is a folder", "is no plain file" (a
/// device, a pipe), "leads in a circle"; "" when a plain file or nothing stands there.
std::string obstacle_at(const std::filesystem::path& file);

}  // namespace engine
