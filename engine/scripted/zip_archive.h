// SPDX-License-Identifier: GPL-3.0-or-later
// A zip archive in memory, as TorchScript writes it: small, its code compressed, one root folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace engine::scripted {

class ZipArchive {
 public:
  /// Every bound is checked; contents are checked when asked for. `bytes` must outlive this. Throws
  /// Error naming `file`.
  ZipArchive(std::string_view bytes, std::string file);

  /// The content of the entry whose path below the archive's root folder is `name`
  /// ("extra/paradigm.json"). Throws Error when it is damaged or larger than 16 MiB.
  std::optional<std::string> find(std::string_view name) const;

 private:
  struct Entry {
    std::string_view name;  ///< without the root folder
    std::uint32_t method = 0;
    std::uint32_t checksum = 0;
    std::size_t size = 0;  ///< when unpacked
    std::string_view packed;
  };

  [[noreturn]] void refuse(const std::string& what) const;
  std::uint32_t number(std::size_t at, int bytes) const;
  std::size_t end_record() const;
  std::size_t read_entry(std::size_t at);

  std::string_view bytes_;
  std::string file_;
  std::vector<Entry> entries_;
};

}  // namespace engine::scripted
