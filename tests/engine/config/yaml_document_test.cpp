// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/yaml_document.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <random>

namespace engine {
namespace {

/// The tree as text: {a: 1, "b": [~, 2]}; merged pairs are marked with <.
std::string text_of(const YamlNode& node) {
  std::string text;
  switch (node.kind) {
    case YamlKind::null:
      return "~";
    case YamlKind::scalar:
      return node.is_quoted ? '"' + node.text + '"' : node.text;
    case YamlKind::sequence:
      for (const YamlNode* item : node.items) text += (text.empty() ? "" : ", ") + text_of(*item);
      return "[" + text + "]";
    case YamlKind::map:
      for (const YamlPair& pair : node.pairs)
        text += (text.empty() ? "" : ", ") + text_of(*pair.key) + (pair.is_merged ? "<: " : ": ") +
                text_of(*pair.value);
      return "{" + text + "}";
  }
  return text;
}

std::string read(const std::string& yaml) {
  std::vector<Problem> problems;
  const YamlDocument document(yaml, "f.yaml", problems);
  EXPECT_TRUE(problems.empty()) << yaml << "\n" << to_string(problems.at(0));
  return document.root() ? text_of(*document.root()) : "";
}

std::vector<Problem> problems_of(const std::string& yaml) {
  std::vector<Problem> problems;
  const YamlDocument document(yaml, "f.yaml", problems);
  return problems;
}

std::string only_problem(const std::string& yaml) {
  const std::vector<Problem> problems = problems_of(yaml);
  EXPECT_EQ(problems.size(), 1u) << yaml;
  return problems.empty() ? "" : to_string(problems[0]);
}

TEST(YamlDocument, ReadsTheUsualForms) {
  EXPECT_EQ(read("a: 1\nb: 'x'\nc: \"y\"\nd: ~\ne:\nf: [1, two]\n"),
            "{a: 1, b: \"x\", c: \"y\", d: ~, e: ~, f: [1, two]}");
  EXPECT_EQ(read("? 'long key'\n: {a: null}\n? plain\n: 2\n"), "{\"long key\": {a: ~}, plain: 2}");
  EXPECT_EQ(read(""), "~");
  EXPECT_EQ(read("# only a comment\n"), "~");
  EXPECT_EQ(read("---\na: 1\n...\n"), "{a: 1}");
  EXPECT_EQ(read("a: |\n  x\n  y\n"), "{a: \"x\ny\n\"}");
  EXPECT_EQ(read("a: !!str 1\nb: !!float '2'\n"), "{a: \"1\", b: 2}");
}

TEST(YamlDocument, KeepsByteOrderMarksAndWindowsLineEnds) {
  std::vector<Problem> problems;
  const YamlDocument document(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: x\r\n",
      "f", problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(text_of(*document.root()), "{a: 1, b: x}");
  const Place place = document.place(*document.root()->find("b")->value);
  EXPECT_EQ(place.line, 2);
  EXPECT_EQ(place.column, 4);
}

TEST(YamlDocument, PlacesCountCharactersNotBytes) {
  std::vector<Problem> problems;
  const YamlDocument document("\xC3\xA9\xC3\xBC: x\nb:   y\n", "f", problems);
  EXPECT_EQ(document.place(*document.root()->pairs[0].value).column, 5);
  EXPECT_EQ(to_string(document.place(*document.root()->find("b")->value)), "f:2:6");
}

TEST(YamlDocument, MergedPairsComeFirstAndOwnOnesWin) {
  EXPECT_EQ(read("x: &x {a: 1, b: 2}\ny: {c: 3, <<: *x, b: 4}"),
            "{x: {a: 1, b: 2}, y: {a<: 1, b: 4, c: 3}}");
  EXPECT_EQ(read("{<<: {a: 1}, a: 2}"), "{a: 2}");
}

TEST(YamlDocument, EarlierItemsOfAMergeListWin) {
  EXPECT_EQ(read("- &x {a: 1, b: 1}\n- &y {b: 2, c: 2}\n- <<: [*x, *y]\n"),
            "[{a: 1, b: 1}, {b: 2, c: 2}, {b<: 1, c<: 2, a<: 1}]");
}

TEST(YamlDocument, MergesInsideMergedMapsComeFirst) {
  EXPECT_EQ(read("- &x {a: 1}\n- &y {<<: *x, b: 2}\n- {<<: *y, c: 3}\n"),
            "[{a: 1}, {a<: 1, b: 2}, {a<: 1, b<: 2, c: 3}]");
}

TEST(YamlDocument, QuotedMergeKeyIsAnOrdinaryKey) {
  EXPECT_EQ(read("{\"<<\": {a: 1}}"), "{\"<<\": {a: 1}}");
}

TEST(YamlDocument, MergingWhatIsNoMapIsLocated) {
  EXPECT_EQ(only_problem("a: &a 1\nb:\n  <<: *a\n").find("f.yaml:3:7: error: the merge key"), 0u);
  EXPECT_NE(only_problem("{<<: [{a: 1}, 2]}").find("merge key"), std::string::npos);
  EXPECT_NE(only_problem("{<<: ~}").find("merge key"), std::string::npos);
}

TEST(YamlDocument, WrittenPairsKeepTheMergeKey) {
  std::vector<Problem> problems;
  const YamlDocument document("a: &a {x: 1}\nb: {<<: *a}", "f", problems);
  const YamlNode& b = *document.root()->find("b")->value;
  ASSERT_EQ(b.written.size(), 1u);
  EXPECT_EQ(b.written[0].key->text, "<<");
  EXPECT_EQ(document.root()->find("a")->value->anchor, "a");
}

TEST(YamlDocument, DuplicateKeysNameBothPlaces) {
  const std::string text = only_problem("a: 1\nb: 2\n'a': 3\n");
  EXPECT_EQ(text.find("f.yaml:3:1: error: a is written twice; the first one is at f.yaml:1:1"), 0u)
      << text;
  EXPECT_EQ(problems_of("a: 1\na: 2\n").at(0).id, "duplicate-key");
  EXPECT_EQ(problems_of("x: &x {a: 1}\ny: {<<: *x, <<: *x}").size(), 1u);
  EXPECT_TRUE(problems_of("x: &x {a: 1}\ny: {<<: *x, a: 2}").empty())
      << "overriding a merged key is no duplicate";
}

TEST(YamlDocument, OffsetsInsideScalarsCountQuotesAndEscapes) {
  const auto column = [](const std::string& yaml, std::size_t index) {
    std::vector<Problem> problems;
    const YamlDocument document(yaml, "f", problems);
    return document.place(offset_in_scalar(yaml, document.root()->pairs[0].key->offset, index))
        .column;
  };
  EXPECT_EQ(column("abc: 1", 2), 3);
  EXPECT_EQ(column("'abc': 1", 2), 4);
  EXPECT_EQ(column("'a''bc': 1", 2), 5);
  EXPECT_EQ(column("\"a\\\\.b\": 1", 2), 5);
  EXPECT_EQ(column("\"\\x41bc\": 1", 1), 6);
  EXPECT_EQ(column("&k !!str 'abc': 1", 1), 12);
}

std::string repeated(const std::string& text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

std::string alias_bomb(int levels) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < levels; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before +
            repeated(", " + before, 8) + "]\n";
  }
  return text;
}

std::string merge_bomb(int levels) {
  std::string text = "m0: &m0 {k: v}\n";
  for (int i = 1; i < levels; ++i)
    text += fmt::format("m{}: &m{} {{<<: [*m{}, *m{}], k{}: v}}\n", i, i, i - 1, i - 1, i);
  return text;
}

struct Hostile {
  const char* what;
  std::string yaml;
};

std::vector<Hostile> hostile_texts() {
  return {{"deep flow lists", repeated("[", 500'000)},
          {"deep flow maps", repeated("{a: ", 200'000)},
          {"deep balanced lists", repeated("[", 900) + repeated("]", 900)},
          {"deep block lists", repeated("- ", 20'000) + "x"},
          {"deep complex keys", repeated("? ", 20'000) + "x"},
          {"deep block maps",
           [] {
             std::string text;
             for (int i = 0; i < 900; ++i)
               text += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
             return text;
           }()},
          {"alias bomb", alias_bomb(12)},
          {"merge bomb", merge_bomb(60)},
          {"cyclic alias", "a: &a [1, *a]"},
          {"cyclic merge", "a: &a {<<: *a}"},
          {"many aliases", "a: &a 1\nb: [" + repeated("*a, ", 20'000) + "]"},
          {"unknown alias", "a: *b"},
          {"NUL", std::string("a: 1\0b: 2", 9)},
          {"control character", "a: \x1b[31m"},
          {"invalid UTF-8", "a: \xC3\x28"},
          {"over-long UTF-8", "a: \xC0\xAF"},
          {"surrogate", "a: \xED\xA0\x80"},
          {"UTF-16", std::string("\xFF\xFE"
                                 "a\0:\0",
                                 6)},
          {"cut UTF-8", "a: \xE2\x82"},
          {"two documents", "a: 1\n---\nb: 2"},
          {"two documents, first empty", "---\n---\na: 1"},
          {"leading comma", ", a"},
          {"stray bracket", "a: 1\n]"},
          {"open quote", "a: 'b"},
          {"open quote before a newline", "a: 'b\n"},
          {"open quote over lines", "a: \"b\nc: 1\n"},
          {"open quote behind an anchor", "a: &b 'c''\n"},
          {"escaped quote", "a: \"b\\\"\n"},
          {"open list", "a: [1, 2"},
          {"unknown tag", "a: !foo 1"},
          {"python tag", "a: !!python/object:os.system 1"},
          {"tab indent", "a:\n\tb: 1"},
          {"list as a key", "? [a, b]\n: 1"},
          {"bad version", "%YAML 3.0\n---\na: 1"},
          {"too large", std::string(2'000'000, 'a')},
          {"many nodes", "[" + repeated("1,", 200'000) + "1]"},
          {"many duplicates", repeated("a: 1\n", 10'000)}};
}

TEST(YamlDocument, AQuoteThatIsNeverClosedIsNamedWhereItOpens) {
  EXPECT_EQ(only_problem("a: 1\nb: \"c\nd: 1\n"),
            "f.yaml:2:4: error: the quote that opens here is never closed. Close it [bad-yaml]");
  EXPECT_EQ(read("a: 'it''s'\nb: \"\\\"\"\nc: &x ! 'y'\nd: \"\"\n"),
            "{a: \"it's\", b: \"\"\", c: \"y\", d: \"\"}");
}

TEST(YamlDocument, HostileTextsEndInLocatedProblemsQuickly) {
  for (const Hostile& hostile : hostile_texts()) {
    const auto begin = std::chrono::steady_clock::now();
    const std::vector<Problem> problems = problems_of(hostile.yaml);
    const auto spent = std::chrono::steady_clock::now() - begin;
    ASSERT_FALSE(problems.empty()) << hostile.what;
    EXPECT_LE(problems.size(), 102u) << hostile.what;
    EXPECT_EQ(problems[0].place.file, "f.yaml") << hostile.what;
    EXPECT_GE(problems[0].place.line, 1) << hostile.what;
    EXPECT_LT(spent, std::chrono::seconds(3)) << hostile.what;
  }
}

TEST(YamlDocument, LongButHonestTextsAreRead) {
  const std::string rules = [] {
    std::string text;
    for (int i = 0; i < 2000; ++i)
      text += fmt::format("'layer{}': {{q_levels: 256, q_bypass: false}}\n", i);
    return text;
  }();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(problems_of(rules).empty());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

TEST(YamlDocument, RandomTextsNeverCrashOrHang) {
  static const std::vector<std::string> tokens{
      "a",       ": ",     ":",      "\n",   "- ",   "-",           "? ",         "?",   "{",
      "}",       "[",      "]",      ",",    ", ",   "&a ",         "*a ",        "*a",  "!x ",
      "!",       "!!str ", "|",      "|\n ", ">",    "'",           "\"",         "\\",  "#",
      " # c",    "  ",     "    ",   "\t",   "\r\n", "%YAML 1.2\n", "%TAG ! x\n", "---", "...",
      "\n---\n", "<<: ",   "<<: *a", "~",    "null", "1",           "\xC3\xA9",   "'a'", "\"b\"",
      "!<a>",    "\n  ",   "\n    ", "@",    "`",    "|2\n",        "|-\n",       "\r",  "\xFF"};
  std::mt19937 random(7);
  const int rounds = std::getenv("PARADIGM_LONG_TESTS") ? 500'000 : 20'000;
  int read_well = 0;
  for (int i = 0; i < rounds; ++i) {
    std::string text;
    const std::size_t length = 1 + random() % 25;
    for (std::size_t k = 0; k < length; ++k) text += tokens[random() % tokens.size()];
    std::vector<Problem> problems;
    const YamlDocument document(text, "f", problems);
    read_well += problems.empty();
    if (problems.empty()) {
      ASSERT_NE(document.root(), nullptr) << text;
    }
  }
  EXPECT_GT(read_well, rounds / 100);
}

}  // namespace
}  // namespace engine
