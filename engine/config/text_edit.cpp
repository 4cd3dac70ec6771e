// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/text_edit.h"

#include "engine/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace engine {
namespace {

void apply_patch(std::string& text, const TextPatch& patch) {
  if (patch.offset > text.size() || patch.length > text.size() - patch.offset)
    fail("bad-edit", {},
         fmt::format("an edit of the bytes {} to {} does not fit a text of {} bytes", patch.offset,
                     patch.offset + patch.length, text.size()));
  text.replace(patch.offset, patch.length, patch.text);
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

std::string apply_edit(std::string text, const TextEdit& edit) {
  for (const TextPatch& patch : edit.patches) apply_patch(text, patch);
  return text;
}

TextEdit inverse_edit(const std::string& text, const TextEdit& edit) {
  TextEdit back{edit.title, {}};
  std::string current = text;
  for (const TextPatch& patch : edit.patches) {
    std::string removed =
        patch.offset < current.size() ? current.substr(patch.offset, patch.length) : std::string();
    apply_patch(current, patch);
    back.patches.push_back({patch.offset, patch.text.size(), std::move(removed)});
  }
  std::reverse(back.patches.begin(), back.patches.end());
  return back;
}

TextEdit difference(const std::string& before, const std::string& after, std::string title) {
  TextEdit edit{std::move(title), {}};
  if (before == after) return edit;
  const std::size_t shorter = std::min(before.size(), after.size());
  std::size_t head = 0;
  while (head < shorter && before[head] == after[head]) ++head;
  while (head > 0 && ((head < before.size() && is_continuation(before[head])) ||
                      (head < after.size() && is_continuation(after[head]))))
    --head;
  std::size_t tail = 0;
  while (tail < shorter - head &&
         before[before.size() - 1 - tail] == after[after.size() - 1 - tail])
    ++tail;
  while (tail > 0 && is_continuation(before[before.size() - tail])) --tail;
  edit.patches.push_back(
      {head, before.size() - head - tail, after.substr(head, after.size() - head - tail)});
  return edit;
}

}  // namespace engine
