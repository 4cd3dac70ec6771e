// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/json_text.h"

#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace engine {
namespace {

using Texts = std::vector<std::string>;

struct Read {
  Texts texts;
  std::int64_t skipped = 0;
  bool operator==(const Read&) const = default;
};

Read read(const std::filesystem::path& file) {
  const auto stream = open_json_text(file);
  Read all;
  std::string text;
  while (stream->next(text)) all.texts.push_back(text);
  EXPECT_FALSE(stream->next(text));
  EXPECT_EQ(stream->bytes_read(), std::filesystem::file_size(file));
  all.skipped = stream->skipped();
  return all;
}

std::string error_of(const std::filesystem::path& file) {
  try {
    read(file);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(JsonText, ReadsColumnTextWhereverItStands) {
  const tests::ScratchFolder folder;
  EXPECT_EQ(read(folder.write("a", R"({"b":"1","text":"x"}

   {"text":"y\n\u0000z\u00e9","deep":{"text":5,"b":[{"text":"no"}]}}
{"text":"last"})")),
            (Read{{"x", std::string("y\n\0z\u00e9", 6), "last"}, 0}));
}

TEST(JsonText, TakesTheFirstColumnWhereThereIsNoText) {
  const tests::ScratchFolder folder;
  EXPECT_EQ(read(folder.write("a", "{\"z\":\"1\",\"a\":2}\r\n{\"a\":3,\"z\":\"2\"}\r\n")),
            (Read{{"1", "2"}, 0}));
}

TEST(JsonText, SkipsAndCountsRowsWithoutAText) {
  const tests::ScratchFolder folder;
  EXPECT_EQ(read(folder.write("a", R"({"text":null}
{"b":1}
{}
{"text":"x"})"
                                   "\n")),
            (Read{{"x"}, 3}));
}

TEST(JsonText, ReadsAnArrayOfObjects) {
  const tests::ScratchFolder folder;
  EXPECT_EQ(
      read(folder.write(
          "a",
          "\xEF\xBB\xBF [ {\"text\":\"a]}\\\"{\"} ,\n{\n\"x\":[1,{}],\n\"text\":\"b\\\\\"}\n]\n")),
      (Read{{"a]}\"{", "b\\"}, 0}));
  EXPECT_EQ(read(folder.write("b", "[]")), (Read{{}, 0}));
}

TEST(JsonText, DoesNotDependOnWhereABufferEnds) {
  const tests::ScratchFolder folder;
  constexpr std::size_t buffer = std::size_t{1} << 20;
  for (std::size_t size = buffer - 14; size < buffer; ++size) {
    const std::string value(size, 'x');
    const Read expected{{value, "b\"c"}, 0};
    EXPECT_EQ(read(folder.write("a", "{\"text\":\"" + value + "\"}\n{\"text\":\"b\\\"c\"}")),
              expected)
        << size;
    EXPECT_EQ(read(folder.write("b", "[{\"text\":\"" + value + "\"},{\"text\":\"b\\\"c\"}]")),
              expected)
        << size;
  }
}

struct Refusal {
  const char* content;
  int line;
  const char* says;
};

TEST(JsonText, NamesFileLineAndColumnOfWhatItRefuses) {
  const Refusal refusals[] = {
      {"{\"text\":\"a\"}\n{\"text\":5}\n", 2, "column \"text\" holds a number, not a string"},
      {"{\"data\":[{\"text\":\"a\"}]}", 1, "column \"data\" holds an array, not a string"},
      {"{\"text\":\"a\"}\n\n{\"text\":\"b\"\n", 3, "the line is not one JSON object"},
      {"{\n\"text\":\"a\"\n}\n", 1, "one JSON object per line"},
      {"{\"text\":\"a\"} {\"text\":\"b\"}\n", 1, "the line is not one JSON object"},
      {"{\"text\":\"a\"}\n[1]\n", 2, "an array, not an object"},
      {"\"text\"\n", 1, "a string, not an object"},
      {"plain text\n", 1, "the line is not one JSON object"},
      {"{\"text\":\"\xE9\"}\n", 1, "the line is not one JSON object"},
      {"{\"text\":\"\\ud800\"}\n", 1, "the line is not one JSON object"},
      {"{\"a\":\"x\"}\n{\"text\":\"y\"}\n", 2, "so column \"a\" was taken"},
      {"{}\n", 1, "no column"},
      {"[{\"text\":\"a\"}\n{\"text\":\"b\"}]", 2, "',' or ']' is missing"},
      {"[{\"text\":\"a\"},\n{\"text\":\"b\"", 2, "ends inside the object"},
      {"[{\"text\":\"a\"},\n5]", 2, "not an object"},
      {"[{\"text\":\"a\"}]\n{}", 2, "more behind"},
      {"[{\"text\":\"a\"}", 1, "',' or ']' is missing"},
      {"[{\"text\":\"a\"]]", 1, "not one JSON object"},
  };
  const tests::ScratchFolder folder;
  for (const Refusal& refusal : refusals) {
    const std::string message = error_of(folder.write("a.json", refusal.content));
    EXPECT_NE(message.find("a.json:" + std::to_string(refusal.line) + ":"), std::string::npos)
        << refusal.content << "\n"
        << message;
    EXPECT_NE(message.find(refusal.says), std::string::npos) << refusal.content << "\n" << message;
  }
}

TEST(JsonText, RefusesBinaryAndEmptyFiles) {
  const tests::ScratchFolder folder;
  EXPECT_NE(error_of(folder.write("a.json", "")).find("is empty"), std::string::npos);
  EXPECT_NE(error_of(folder.write("a.json", std::string("{\"a\0\":1}", 8))).find("binary"),
            std::string::npos);
}

TEST(JsonText, SurvivesDeepNesting) {
  const tests::ScratchFolder folder;
  const std::string deep =
      "{\"x\":" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + ",\"text\":\"a\"}";
  EXPECT_EQ(read(folder.write("a.json", deep)), (Read{{"a"}, 0}));
  EXPECT_NE(error_of(folder.write("b.json", std::string(1'000'000, '['))), "");
}

}  // namespace
}  // namespace engine
