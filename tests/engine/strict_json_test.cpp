// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/strict_json.h"

#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace engine {
namespace {

Problem refusal_of(const std::string& text) {
  try {
    parse_strict_json(text, "some.json");
  } catch (const Error& error) {
    return error.problems().front();
  }
  return {};
}

TEST(StrictJson, ReadsEveryKindOfValue) {
  const auto json = parse_strict_json(R"({"a": [1, -2, 2.5, true, null, "x"], "b": {}})", "f");
  EXPECT_EQ(json.dump(), R"({"a":[1,-2,2.5,true,null,"x"],"b":{}})");
}

TEST(StrictJson, RefusalsNameFileLineAndReasonInPlainWords) {
  const struct {
    std::string text;
    int line;  // 0: not known
    std::string reason;
  } cases[] = {
      {"", 1, "unexpected end of input"},
      {"{\n\"a\": fa", 2, "last read: '\"a\": fa'"},
      {"{\"a\": 1, \"a\": 2}", 0, "\"a\" comes twice"},
      {"{} []", 1, "expected end of input"},
      {std::string(100, '['), 0, "64 levels"},
      {std::string("{\0}", 3), 0, "NUL"},
      {"\"\xff\"", 1, "ill-formed UTF-8"},
  };
  for (const auto& each : cases) {
    const Problem problem = refusal_of(each.text);
    EXPECT_EQ(problem.id, "bad-json") << each.text;
    EXPECT_EQ(problem.place.file, "some.json");
    EXPECT_EQ(problem.place.line, each.line) << problem.message;
    EXPECT_NE(problem.message.find(each.reason), std::string::npos) << problem.message;
    EXPECT_EQ(problem.message.find("exception"), std::string::npos) << problem.message;
    EXPECT_FALSE(problem.remedy.empty());
  }
}

TEST(ReadTextFile, TellsWhatIsNotThereFromWhatCannotBeRead) {
  const tests::ScratchFolder folder;
  std::filesystem::create_symlink("circle", folder / "circle");
  const auto refusal = [&](const char* name) {
    try {
      read_text_file(folder / name, 100);
    } catch (const Error& error) {
      return error.problems().front();
    }
    return Problem{};
  };
  EXPECT_EQ(refusal("absent").id, "missing-file");
  EXPECT_EQ(refusal("circle").id, "unreadable-file");
  EXPECT_NE(refusal("circle").message.find("symbolic links"), std::string::npos);
}

TEST(JsonReason, IsFreeOfTheLibrarysNames) {
  const auto json = nlohmann::json::parse(R"({"a": 1})");
  std::string type;
  std::string missing;
  try {
    static_cast<void>(json.at("a").get<std::string>());
  } catch (const nlohmann::json::exception& error) {
    type = json_reason(error);
  }
  try {
    static_cast<void>(json.at("b"));
  } catch (const nlohmann::json::exception& error) {
    missing = json_reason(error);
  }
  EXPECT_EQ(type, "type must be string, but is number");
  EXPECT_EQ(missing, "key 'b' not found");
}

}  // namespace
}  // namespace engine
