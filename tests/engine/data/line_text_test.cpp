// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/line_text.h"

#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace engine {
namespace {

using Texts = std::vector<std::string>;

Texts texts_of(const std::filesystem::path& file, bool keep_linebreaks = true) {
  const auto stream = open_line_text(file, keep_linebreaks);
  Texts texts;
  std::string text;
  while (stream->next(text)) texts.push_back(text);
  EXPECT_FALSE(stream->next(text));
  EXPECT_EQ(stream->bytes_read(), std::filesystem::file_size(file));
  EXPECT_EQ(stream->skipped(), 0);
  return texts;
}

std::string error_of(const std::filesystem::path& file) {
  try {
    const auto stream = open_line_text(file, true);
    for (std::string text; stream->next(text);) {
    }
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(LineText, EndsLinesAsDatasetsDoes) {
  const tests::ScratchFolder folder;
  EXPECT_EQ(texts_of(folder.write("a", "a\r\nb\rc\n\nlast\x0bv\u2028x")),
            (Texts{"a\n", "b\n", "c\n", "\n", "last\x0bv\u2028x"}));
  EXPECT_EQ(texts_of(folder.write("b", "\r\r\n\n")), (Texts{"\n", "\n", "\n"}));
  EXPECT_EQ(texts_of(folder.write("c", "\xEF\xBB\xBFmark\nx\n")),
            (Texts{"\xEF\xBB\xBFmark\n", "x\n"}));
  EXPECT_EQ(texts_of(folder.write("d", "one")), (Texts{"one"}));
  EXPECT_EQ(texts_of(folder.write("e", "\n")), (Texts{"\n"}));
  EXPECT_EQ(texts_of(folder.write("f", "\r")), (Texts{"\n"}));
}

TEST(LineText, DropsLineBreaksWhenAsked) {
  const tests::ScratchFolder folder;
  EXPECT_EQ(texts_of(folder.write("a", "a\r\nb\rc\n\nlast"), false),
            (Texts{"a", "b", "c", "", "last"}));
}

TEST(LineText, DoesNotDependOnWhereABufferEnds) {
  const tests::ScratchFolder folder;
  constexpr std::size_t buffer = std::size_t{1} << 20;
  for (std::size_t before = buffer - 3; before <= buffer + 1; ++before) {
    const std::string long_line(before, 'x');
    EXPECT_EQ(texts_of(folder.write("a", long_line + "\r\n\u5149\r\rend")),
              (Texts{long_line + "\n", "\u5149\n", "\n", "end"}));
  }
}

TEST(LineText, NamesFileAndLineOfWhatIsNotText) {
  const tests::ScratchFolder folder;
  const std::string zero = error_of(folder.write("zero.txt", std::string("a\nb\nc\0d\n", 8)));
  EXPECT_NE(zero.find("zero.txt:3"), std::string::npos) << zero;
  EXPECT_NE(zero.find("binary"), std::string::npos) << zero;
  const std::string latin = error_of(folder.write("latin.txt", "a\ncaf\xE9\n"));
  EXPECT_NE(latin.find("latin.txt:2"), std::string::npos) << latin;
  EXPECT_NE(latin.find("0xe9 at byte 4"), std::string::npos) << latin;
  const std::string cut = error_of(folder.write("cut.txt", "a\nb\xE5\x85"));
  EXPECT_NE(cut.find("cut.txt:2"), std::string::npos) << cut;
}

TEST(LineText, RefusesWhatIsEmptyMissingOrNoFile) {
  const tests::ScratchFolder folder;
  EXPECT_NE(error_of(folder.write("empty.txt", "")).find("is empty"), std::string::npos);
  EXPECT_NE(error_of(folder / "absent.txt").find("absent.txt"), std::string::npos);
  EXPECT_NE(error_of(folder.path()).find("--dataset_name"), std::string::npos);
  EXPECT_NE(error_of("/dev/zero").find("not a regular file"), std::string::npos);
}

}  // namespace
}  // namespace engine
