// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/text_edit.h"

#include "engine/error.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

TEST(TextEdit, PatchesApplyInTheirOrder) {
  const TextEdit edit{"", {{0, 1, "xyz"}, {3, 0, "-"}, {1, 1, ""}}};
  EXPECT_EQ(apply_edit("abc", edit), "xz-bc");
  EXPECT_EQ(apply_edit("xz-bc", inverse_edit("abc", edit)), "abc");
}

TEST(TextEdit, PatchesOutsideTheTextAreRefused) {
  EXPECT_THROW(apply_edit("abc", {"", {{4, 0, "x"}}}), Error);
  EXPECT_THROW(apply_edit("abc", {"", {{2, 2, "x"}}}), Error);
  EXPECT_THROW(apply_edit("abc", {"", {{2, static_cast<std::size_t>(-1), "x"}}}), Error);
  EXPECT_THROW(inverse_edit("abc", {"", {{9, 1, "x"}}}), Error);
}

TEST(TextEdit, DifferencesAreOnePatchOnWholeCharacters) {
  EXPECT_TRUE(difference("same", "same", "").empty());
  const TextEdit typed = difference("q: 256\n", "q: 2156\n", "Type");
  EXPECT_EQ(typed.patches, (std::vector<TextPatch>{{4, 0, "1"}}));
  EXPECT_EQ(typed.title, "Type");
  const TextEdit umlaut = difference("\xC3\xA4", "\xC3\xB6", "");
  EXPECT_EQ(umlaut.patches, (std::vector<TextPatch>{{0, 2, "\xC3\xB6"}}));
  for (const auto& [before, after] :
       std::vector<std::pair<std::string, std::string>>{{"", "a"},
                                                        {"a", ""},
                                                        {"aaa", "aa"},
                                                        {"aa", "aaaa"},
                                                        {"abcabc", "abc"},
                                                        {"\xE2\x82\xAC", "\xE2\x82\xAD"}}) {
    EXPECT_EQ(apply_edit(before, difference(before, after, "")), after);
    EXPECT_LE(difference(before, after, "").patches.size(), 1u);
  }
}

}  // namespace
}  // namespace engine
