// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace engine {

class JsonPart;

/// Tokens and their ids, both ways. Ids may have holes.
class Vocabulary {
 public:
  Vocabulary() = default;
  /// From an object token -> id. Error for ids that are no sensible index or that two tokens share.
  explicit Vocabulary(const JsonPart& part);
  Vocabulary(Vocabulary&&) noexcept = default;
  Vocabulary& operator=(Vocabulary&&) noexcept = default;
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  /// -1 = none.
  std::int32_t id_of(std::string_view token) const;
  /// Null = none. Any number may be asked.
  const std::string* token_of(std::int64_t id) const;
  std::int32_t size() const { return static_cast<std::int32_t>(ids_.size()); }
  /// One above the largest id.
  std::int32_t id_bound() const { return static_cast<std::int32_t>(tokens_.size()); }

 private:
  std::vector<std::string> tokens_;
  std::vector<bool> present_;
  std::unordered_map<std::string_view, std::int32_t> ids_;  // views into tokens_
};

}  // namespace engine
