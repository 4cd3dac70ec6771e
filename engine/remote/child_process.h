// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/file_descriptor.h"

#include <sys/types.h>

#include <string>
#include <vector>

namespace engine {

/// A program with pipes to its input, output and errors; killed and waited for at the latest when
/// this goes. The reading ends do not block.
class ChildProcess {
 public:
  /// Found along PATH. Throws Error when it cannot be started.
  explicit ChildProcess(const std::vector<std::string>& words);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  const FileDescriptor& input() const { return input_; }
  const FileDescriptor& output() const { return output_; }
  const FileDescriptor& errors() const { return errors_; }
  pid_t pid() const { return pid_; }
  void close_input() { input_ = FileDescriptor(); }
  /// Kills it unless it has ended. Its exit code, or 128 + the signal that ended it.
  int end();

 private:
  FileDescriptor input_;
  FileDescriptor output_;
  FileDescriptor errors_;
  pid_t pid_ = -1;
  int code_ = 0;
};

}  // namespace engine
