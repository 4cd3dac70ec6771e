// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/text_table.h"

#include <gtest/gtest.h>

namespace paradigm {
namespace {

TEST(TextTable, ColumnsAreAsWideAsTheirContent) {
  TextTable table({"levels", "loss"});
  table.add({"4", "10.25"});
  table.add({"plain"});
  EXPECT_EQ(table.text(),
            "levels   loss\n"
            "4       10.25\n"
            "plain\n");
}

TEST(TextTable, CountsCodePointsNotBytes) {
  TextTable table({"a", "b"});
  table.add({"x", "1 ± 2"});
  table.add({"y", "12345"});
  EXPECT_EQ(table.text(), "a      b\nx  1 ± 2\ny  12345\n");
}

}  // namespace
}  // namespace paradigm
