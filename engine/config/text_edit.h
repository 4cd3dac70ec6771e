// SPDX-License-Identifier: GPL-3.0-or-later
// A change of a text as a value: small patches, a title for the undo list, and the way back.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace engine {

/// `length` bytes at `offset` give way to `text`.
struct TextPatch {
  std::size_t offset = 0;
  std::size_t length = 0;
  std::string text{};

  bool operator==(const TextPatch&) const = default;
};

/// Patches are applied in their order, each to the text that the ones before it left: edits are
/// joined by putting their patches one after another.
struct TextEdit {
  std::string title{};  ///< "Set q_levels to 64 on rule 3", for undo lists and buttons
  std::vector<TextPatch> patches{};

  bool empty() const { return patches.empty(); }
};

/// Throws Error when a patch lies outside the text.
std::string apply_edit(std::string text, const TextEdit& edit);

/// The edit that leads from apply_edit(text, edit) back to `text`, byte for byte; same title.
TextEdit inverse_edit(const std::string& text, const TextEdit& edit);

/// The one patch that turns `before` into `after`, on whole characters of UTF-8; none when they are
/// equal.
TextEdit difference(const std::string& before, const std::string& after, std::string title);

}  // namespace engine
