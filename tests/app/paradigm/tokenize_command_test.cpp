// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

namespace {

using tests::ProgramRun;

const std::filesystem::path kTokenizers = PARADIGM_SOURCE_DIR "/tests/golden/tokenizers";

ProgramRun tokenize(const std::string& name, const std::string& input,
                    const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"tokenize", "--tokenizer_name",
                                        (kTokenizers / name).string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return tests::run_program(PARADIGM_BIN_DIR "/paradigm", arguments, input);
}

TEST(TokenizeCommand, OneArrayALineAndBack) {
  const std::string text =
      "Once upon a time\n\n  two  spaces and\ttabs\n1234567 + 89 = ?\nSchön: 東京 "
      "\xf0\x9f\x98\x80\n"
      "a last line without a newline";
  for (const char* name : {"cosmo2", "gpt2", "smollm", "llama2", "llama3", "tinyllama"}) {
    const ProgramRun encoded = tokenize(name, text);
    EXPECT_EQ(encoded.exit_code, 0) << encoded.err;
    std::istringstream lines(encoded.out);
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      const auto ids = nlohmann::json::parse(line);
      ASSERT_TRUE(ids.is_array());
      for (const auto& id : ids) EXPECT_TRUE(id.is_number_unsigned());
    }
    EXPECT_EQ(count, 6) << name;
    const ProgramRun decoded = tokenize(name, encoded.out, {"--decode"});
    EXPECT_EQ(decoded.exit_code, 0) << decoded.err;
    EXPECT_EQ(decoded.out, text + "\n") << name;
  }
}

TEST(TokenizeCommand, SpecialTokensAreTheTokenizersOwn) {
  // Llama 2 puts <s> (1) in front; GPT-2 adds nothing.
  EXPECT_EQ(tokenize("llama2", "\n").out, "[1]\n");
  EXPECT_EQ(tokenize("gpt2", "\n").out, "[]\n");
  EXPECT_EQ(tokenize("llama2", "[1]\n", {"--decode"}).out, "\n");
  const std::string named = tokenize("gpt2", "a <|endoftext|> b").out;
  EXPECT_EQ(tokenize("gpt2", named, {"--decode"}).out, "a <|endoftext|> b\n") << named;
}

TEST(TokenizeCommand, BadInputNamesTheLineAndTheWayOut) {
  for (const char* line : {"12, 5", "{}", "[1, \"x\"]", "[-1]", "[99999999]", "[1.5]"}) {
    const ProgramRun run = tokenize("gpt2", std::string("[0]\n") + line + "\n", {"--decode"});
    EXPECT_EQ(run.exit_code, 2) << line;
    EXPECT_NE(run.err.find("stdin:2"), std::string::npos) << run.err;
  }
  const ProgramRun absent = tokenize("no_such_tokenizer", "x\n");
  EXPECT_EQ(absent.exit_code, 2);
  EXPECT_NE(absent.err.find("no_such_tokenizer"), std::string::npos) << absent.err;
}

}  // namespace
