// SPDX-License-Identifier: GPL-3.0-or-later
// manifest.json of a checkpoint: what it holds and where the training stood. Written last, so that
// a folder with a manifest whose files match is complete.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace engine {

struct ManifestFile {
  std::string name;
  std::int64_t bytes = 0;
  std::string xxh3;  ///< XXH3-64 of the content, 16 hex digits
};

/// Where a training stands, beside what tensors say: all of it is needed to go on bit-exactly.
struct TrainerState {
  std::string run_id;
  std::int64_t step = 0;   ///< optimizer steps done
  std::int64_t epoch = 0;  ///< loader position: epoch, and blocks of it consumed
  std::int64_t consumed = 0;
  std::int64_t tokens = 0;     ///< input tokens consumed since step 0
  double logged_loss_sum = 0;  ///< losses of the steps since the last log
  std::int64_t logged_steps = 0;

  // What the run was: a resume compares.
  std::int64_t seed = 0;
  std::int64_t batch_size = 0;
  std::int64_t accumulation = 0;
  std::int64_t block_size = 0;
  std::int64_t max_steps = 0;
  bool bf16 = false;
  std::string data_digest;
  std::string tokenizer_digest;
  std::string transform_digest;  ///< empty: plain
};

struct Manifest {
  std::string engine_version;
  std::string torch_version;
  std::string device;
  std::vector<ManifestFile> files;
  TrainerState trainer;
};

std::string to_json(const Manifest& manifest);
/// Throws Error naming `file` and what is wrong with it.
Manifest parse_manifest(const std::string& json, const std::string& file);

/// Size and hash of a file. Throws Error when it cannot be read. `on_bytes`, if given, hears after
/// every piece how many are read; what it throws ends the reading.
ManifestFile describe_file(const std::filesystem::path& file,
                           const std::function<void(std::int64_t)>& on_bytes = {});

}  // namespace engine
