// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/csv.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

using Records = std::vector<std::vector<std::string>>;

TEST(Csv, OnlyWhatNeedsQuotesGetsThem) {
  EXPECT_EQ(csv_field("model.layers.0"), "model.layers.0");
  EXPECT_EQ(csv_field(""), "");
  EXPECT_EQ(csv_field("[0.1, 0.9]"), "\"[0.1, 0.9]\"");
  EXPECT_EQ(csv_field("5\" disk"), "\"5\"\" disk\"");
}

TEST(Csv, RecordsAreLinesOfFields) {
  EXPECT_EQ(csv_records("a,b\n1,\n"), (Records{{"a", "b"}, {"1", ""}}));
  EXPECT_EQ(csv_records("a,b\r\n1,2"), (Records{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(csv_records("\n"), Records{{""}});
  EXPECT_EQ(csv_records(""), Records{});
}

TEST(Csv, WhatWasQuotedIsReadBack) {
  const std::vector<std::string> fields = {"plain", "a,b", "\"", "two\nlines", "\r", "", ",\"\","};
  std::string line;
  for (const std::string& field : fields) line += (line.empty() ? "" : ",") + csv_field(field);
  EXPECT_EQ(csv_records(line + "\n" + line + "\n"), (Records{fields, fields}));
}

}  // namespace
}  // namespace engine
