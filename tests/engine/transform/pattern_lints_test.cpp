// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/pattern_lints.h"

#include "engine/config/layer_pattern.h"

#include <gtest/gtest.h>

#include <fstream>

namespace engine {
namespace {

/// tests/golden/patterns: what Python makes of syntax where libraries part ways.
TEST(PatternLints, FlagWhateverPythonReadsDifferently) {
  std::ifstream file(PARADIGM_SOURCE_DIR "/tests/golden/patterns/differences.txt");
  std::vector<std::string> names;
  std::string line;
  while (std::getline(file, line) && line != "end of names") names.push_back(line);
  ASSERT_GT(names.size(), 10u);
  int differences = 0;
  int needless = 0;
  int rows = 0;
  while (std::getline(file, line)) {
    const std::size_t space = line.find(' ');
    const std::string python = line.substr(0, space);
    const LayerPattern pattern(line.substr(space + 1), true);
    ++rows;
    const bool is_flagged = not_portable(pattern.text()).has_value();
    if (!pattern.error().empty()) continue;  // an error of its own already
    std::string ours;
    for (const std::string& name : names)
      ours += pattern.match(name) == LayerPattern::Result::match ? '1' : '0';
    if (ours == python) {
      needless += is_flagged;
      continue;
    }
    ++differences;
    EXPECT_TRUE(is_flagged) << pattern.text() << "\n python " << python << "\n ours   " << ours;
  }
  EXPECT_GT(rows, 1000);
  EXPECT_GT(differences, 100);
  EXPECT_LT(needless, 60);
}

TEST(PatternLints, PortableSpellingsReadAlike) {
  EXPECT_EQ(portable_pattern("a{,3}b"), "a{0,3}b");
  EXPECT_EQ(portable_pattern("(?<n>a)"), "(?P<n>a)");
  EXPECT_EQ(portable_pattern("[[:digit:]_]"), "[0-9_]");
  EXPECT_EQ(portable_pattern("a"), "a");
  EXPECT_EQ(portable_pattern("(?|a|b)"), "");
}

TEST(PatternLints, WordsThatStandForThemselves) {
  std::string words;
  const std::string pattern = "model\\.layers\\.[a-z]+\\d(q|k)_proj";
  for (const TextPiece& piece : literal_words(pattern))
    words += pattern.substr(piece.offset, piece.length) + " ";
  EXPECT_EQ(words, "model layers q k _proj ");
}

}  // namespace
}  // namespace engine
