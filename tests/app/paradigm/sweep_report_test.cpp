// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/sweep_report.h"

#include "tests/support/fake_engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

namespace paradigm {
namespace {

engine::SweepResult swept(const std::vector<std::string>& axes, std::int64_t draws,
                          bool reference = true) {
  engine::SweepConfig config;
  config.eval.transform_config = "optical.yaml";
  for (const std::string& axis : axes) config.axes.push_back(engine::parse_sweep_axis(axis));
  config.noise_seeds = draws;
  config.reference = reference;
  return tests::FakeEngine().sweep(config);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(SweepReport, JsonHasEveryDrawItsMeanAndItsSpread) {
  const Json json = json_of(swept({"q_levels=4,256", "noise=true,false"}, 3));
  EXPECT_EQ(json["plain"]["eval_loss"], 2.0);
  EXPECT_EQ(json["axes"][0]["values"], Json({4, 256}));
  ASSERT_EQ(json["cells"].size(), 4u);
  const Json& cell = json["cells"][1];
  EXPECT_EQ(cell["settings"], Json({{"q_levels", 4}, {"noise", false}}));
  EXPECT_EQ(cell["eval_loss"]["draws"].size(), 3u);
  EXPECT_NEAR(cell["eval_loss"]["mean"].get<double>(), 2.91, 1e-12);
  EXPECT_NEAR(cell["eval_loss"]["sd"].get<double>(), 0.01, 1e-12);
  EXPECT_LT(cell["eval_loss"]["low"], cell["eval_loss"]["mean"]);
  EXPECT_NEAR(cell["perplexity"]["draws"][0].get<double>(), std::exp(2.9), 1e-9);
  EXPECT_NEAR(cell["reference"]["eval_loss"]["mean"].get<double>(), 3.41, 1e-12);
}

TEST(SweepReport, OneDrawHasNoSpread) {
  const auto result = swept({"q_levels=4"}, 1, false);
  const Json json = json_of(result);
  EXPECT_TRUE(json["cells"][0]["eval_loss"]["sd"].is_null());
  EXPECT_TRUE(json["cells"][0]["reference"].is_null());
  EXPECT_EQ(text_of(result).find("±"), std::string::npos);
}

TEST(SweepReport, TextPutsPlainAndReferenceBeside) {
  const std::string text = text_of(swept({"q_levels=4,256"}, 3));
  const auto lines = lines_of(text);
  const auto line_with = [&](const std::string& begin) {
    for (const std::string& line : lines)
      if (line.starts_with(begin)) return line;
    return std::string();
  };
  EXPECT_NE(line_with("q_levels").find("reference"), std::string::npos) << text;
  EXPECT_NE(line_with("plain").find("2.0000"), std::string::npos) << text;
  EXPECT_NE(line_with("4 ").find("3.0100 ± 0.0100"), std::string::npos) << text;
  EXPECT_NE(line_with("256 ").find("+0.9100"), std::string::npos) << text;
  EXPECT_NE(line_with("256 ").find("3.4000"), std::string::npos) << "its first draw\n" << text;
  EXPECT_NE(text.find("3 draws"), std::string::npos);
}

TEST(SweepReport, CsvIsOneRowForEachCellAndSemantics) {
  const auto lines = lines_of(csv_of(swept({"q_levels=4,256", "q_quantiles=null,[0.1,0.9]"}, 3)));
  ASSERT_EQ(lines.size(), 1u + 1 + 4 * 2);
  EXPECT_EQ(lines[0].substr(0, 42), "q_levels,q_quantiles,semantics,draws,eval_");
  EXPECT_TRUE(lines[1].starts_with(",,plain,1,2,,,,")) << lines[1];
  EXPECT_TRUE(lines[4].starts_with("4,\"[0.1,0.9]\",intended,3,")) << lines[4];
  EXPECT_TRUE(lines[5].starts_with("4,\"[0.1,0.9]\",reference,3,")) << lines[5];
  const auto commas = [](const std::string& line) {
    bool quoted = false;
    int count = 0;
    for (const char c : line) {
      if (c == '"') quoted = !quoted;
      count += c == ',' && !quoted;
    }
    return count;
  };
  for (const std::string& line : lines) EXPECT_EQ(commas(line), commas(lines[0])) << line;
}

}  // namespace
}  // namespace paradigm
