// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/problem.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace engine {

/// One tensor of a safetensors file: where its bytes lie. `dtype` is the format's name: F32, BF16,
/// F16, I64 …
struct TensorEntry {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  ///< offsets in the data section
  std::uint64_t end = 0;

  std::int64_t elements() const;
};

/// Width of one element of `dtype` in bytes; 0 for a dtype that is not supported.
std::size_t bytes_per_element(const std::string& dtype);

/// A safetensors file, opened by its header and memory-mapped. Every invariant of the format is
/// checked on opening; Error names the file and the tensor. Weights are not touched until `bytes`
/// is read.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& file);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;

  const std::filesystem::path& path() const;
  const std::vector<TensorEntry>& tensors() const;  ///< sorted by name
  const TensorEntry* find(const std::string& name) const;
  const std::map<std::string, std::string>& metadata() const;
  const std::vector<Problem>& warnings() const;  ///< keys that the format does not know
  /// The tensor's bytes in the mapping; valid while this object lives.
  std::span<const std::byte> bytes(const TensorEntry& entry) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One file (model.safetensors) or an index over several (model.safetensors.index.json), seen as
/// one.
class SafetensorsSet {
 public:
  /// Opens DIRECTORY/`stem`.safetensors or DIRECTORY/`stem`.safetensors.index.json. Throws Error
  /// when neither is there (for a pytorch_model.bin it names the command that converts it), a shard
  /// is missing or the index is inconsistent.
  static SafetensorsSet open(const std::filesystem::path& directory,
                             const std::string& stem = "model");

  std::vector<std::string> names() const;  ///< sorted
  const TensorEntry* find(const std::string& name) const;
  /// Of a tensor that is there, else std::out_of_range.
  const std::filesystem::path& file_of(const std::string& name) const;
  std::span<const std::byte> bytes(const std::string& name) const;
  const std::vector<SafetensorsFile>& files() const { return files_; }  ///< by file name

 private:
  std::vector<SafetensorsFile> files_;
  std::map<std::string, std::size_t> where_;
};

/// A tensor to be written: its bytes are borrowed until write_safetensors returns.
struct TensorToWrite {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// Writes `file` durably: temporary name, fsync, rename, fsync of the folder. Throws Error (disk
/// full, read-only) with nothing left behind.
void write_safetensors(const std::filesystem::path& file, std::vector<TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

}  // namespace engine
