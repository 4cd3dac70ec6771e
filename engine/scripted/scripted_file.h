// SPDX-License-Identifier: GPL-3.0-or-later
// A compute paradigm that is a TorchScript file, as far as it can be known without LibTorch: what
// it may replace, its parameters, the noise it asks for. The contract of such files is in
// README.md.
#pragma once

#include "engine/transform/paradigm_info.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace engine {

enum class NoiseKind { normal, uniform };

/// The tensor whose shape the noise has.
enum class NoiseShape { output, input, weight, scores, q, k, v };

enum class NoisePeriod {
  call,  ///< drawn anew for every step, micro-step and, in activations, sequence
  run    ///< drawn once: the variation of one piece of hardware
};

/// An argument of a scripted method that the engine fills with noise.
struct ScriptedNoise {
  std::string name;
  NoiseKind kind = NoiseKind::normal;
  NoiseShape shape = NoiseShape::output;
  NoisePeriod period = NoisePeriod::call;
};

/// `forward` for Linears or `attention`, with what follows its fixed arguments.
struct ScriptedMethod {
  std::string name;
  std::vector<ScriptedNoise> noises;
  bool takes_mask = false;  ///< attention: the first of them is the causal mask instead
  std::string observer;     ///< method called in training before it; empty = none
};

struct ScriptedFile {
  std::filesystem::path path;
  std::string sha256;
  std::string bytes;  ///< the whole file, so that what is run and what is recorded are the same
  ParadigmInfo info;
  std::optional<ScriptedMethod> linear;
  std::optional<ScriptedMethod> attention;
  std::vector<std::string> state;  ///< buffers that training changes

  /// How a copy is called that belongs to the transform file NAME.yaml: NAME.<id>.pt.
  static std::string copy_name(const std::filesystem::path& transform_file, const std::string& id);
};

using ScriptedFilePtr = std::shared_ptr<const ScriptedFile>;

/// Reads and checks one file; `id` names the paradigm. Throws Error with everything that is wrong
/// with it.
ScriptedFilePtr read_scripted_file(const std::filesystem::path& file, const std::string& id);

/// Parameters that every scripted paradigm has: the engine itself heeds them.
inline constexpr const char* kScriptedSeed = "seed";
inline constexpr const char* kScriptedBypass = "bypass";

}  // namespace engine
