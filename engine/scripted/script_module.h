// SPDX-License-Identifier: GPL-3.0-or-later
// A TorchScript module in use. The only place that includes LibTorch's jit, which is in
// maintenance.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/scripted/scripted_file.h"

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

namespace engine::scripted {

/// Operators run one by one as they are written, never fused or reordered by a profiling executor:
/// a call gives the same bits whether it is the first or the thousandth, before and after a resume.
/// Not for concurrent use.
class ScriptModule {
 public:
  /// Loads the file's bytes and checks that LibTorch finds in them what the file declares. Throws
  /// Error naming the file.
  static ScriptModule load(ScriptedFilePtr file);

  /// Attributes and buffers of its own, the code is shared.
  ScriptModule copy_to(at::Device device) const;

  const ScriptedFile& file() const { return *file_; }
  void set(const std::string& attribute, const ParamValue& value);
  at::Tensor buffer(const std::string& name) const;

  /// The method's result. An undefined tensor is None. Throws Error naming `layer`, the file and
  /// what the module said, also when it changed a buffer or one of its arguments.
  at::Tensor call(const std::string& method, const std::vector<at::Tensor>& arguments,
                  const std::string& layer) const;

  /// Calls a method that may change the buffers of file().state and nothing else. The tensors stay
  /// where they are: a buffer that was assigned anew is copied into the one before.
  void observe(const std::string& method, const std::vector<at::Tensor>& arguments,
               const std::string& layer) const;

 private:
  struct Module;
  ScriptModule(ScriptedFilePtr file, std::shared_ptr<Module> module);

  ScriptedFilePtr file_;
  std::shared_ptr<Module> module_;
};

/// "ValueError: levels must be even (photodetector.py, line 12)": what a failing script said,
/// without the interpreter's frame around it.
std::string script_message(const std::string& what);

}  // namespace engine::scripted
