// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/bench_report.h"

#include "engine/error.h"
#include "tests/support/fake_engine.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <cmath>

namespace paradigm {
namespace {

engine::BenchResult benched() {
  engine::BenchConfig config;
  config.flavor = "60M";
  config.rounds = 2;
  config.repeats = 3;
  config.transform_configs = {"optical.yaml"};
  return tests::FakeEngine().bench(config);
}

TEST(BenchReport, RatiosAreTakenWithinEachRound) {
  auto result = benched();
  // A round in which everything is three times as slow changes no ratio; one outlier neither.
  for (auto& variant : result.variants) {
    for (auto& sample : variant.rounds[1]) sample.seconds *= 3;
  }
  result.variants[1].rounds[0][2].seconds = 100;
  result.variants[1].rounds[1] = {{0.6, 1}, {0.6, 1}, {0.6, 1}};
  const Json ratio = json_of(result)["variants"][1]["ratio_to_plain"];
  EXPECT_NEAR(ratio["rounds"][0].get<double>(), 1.5, 1e-12);
  EXPECT_NEAR(ratio["rounds"][1].get<double>(), 2.0, 1e-12);
  EXPECT_NEAR(ratio["worst_round"].get<double>(), 2.0, 1e-12);
}

TEST(BenchReport, TokensPerSecondFollowTheMedianStep) {
  const Json json = json_of(benched());
  EXPECT_EQ(json["tokens_per_step"], 1024);
  EXPECT_NEAR(json["variants"][0]["tokens_per_second"].get<double>(), 10240, 1e-6);
  EXPECT_NEAR(json["variants"][1]["tokens_per_second"].get<double>(), 1024 / 0.15, 1e-6);
}

TEST(BenchReport, UtilisationIsKnownOnlyWithAPeakOfTheSameFormat) {
  auto result = benched();
  EXPECT_TRUE(json_of(result)["variants"][0]["mfu"].is_null());
  EXPECT_NE(text_of(result).find("the peak of this device is not known"), std::string::npos);
  result.peak_flops = 1e9;
  EXPECT_TRUE(json_of(result)["variants"][0]["mfu"].is_null()) << "fp32";
  result.bf16 = true;
  // 6000 FLOPs a token, 10240 tokens a second, of 1e9.
  const Json plain = json_of(result)["variants"][0];
  EXPECT_NEAR(plain["mfu"].get<double>(), 0.06144, 1e-9);
  EXPECT_NEAR(plain["upstream_mfu"].get<double>(), 0.07168, 1e-9);
  EXPECT_NE(text_of(result).find("6.1 %"), std::string::npos);
}

TEST(BenchReport, ReadsItsOwnJsonAgain) {
  const tests::ScratchFolder scratch;
  auto result = benched();
  const auto file = scratch.write("before.json", json_of(result).dump());
  const EarlierBench earlier = read_earlier_bench(file);
  ASSERT_EQ(earlier.step_seconds.size(), 2u);
  EXPECT_TRUE(differences(result, earlier).empty());
  for (auto& round : result.variants[0].rounds) {
    for (auto& sample : round) sample.seconds = 0.08;
  }
  EXPECT_NE(text_of(result, earlier).find("0.800"), std::string::npos) << text_of(result, earlier);
  result.threads = 7;
  const auto notes = differences(result, earlier);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("threads was 1"), std::string::npos) << notes[0];
}

TEST(BenchReport, AnEarlierStepTookAFinitePositiveTime) {
  const tests::ScratchFolder scratch;
  for (const char* median : {"0", "-1", "\"NaN\"", "null", "NaN", "1e999"}) {
    Json json = json_of(benched());
    json["variants"][1]["step_seconds"]["median"] = "here";
    std::string text = json.dump();
    text.replace(text.find("\"here\""), 6, median);
    const auto file = scratch.write("hostile.json", text);
    try {
      read_earlier_bench(file);
      ADD_FAILURE() << median;
    } catch (const engine::Error& error) {
      EXPECT_EQ(error.problems().at(0).place.file, file.string()) << median;
    }
  }
}

TEST(BenchReport, AFileThatCannotBeReadIsRefusedByName) {
  const tests::ScratchFolder scratch;
  for (const std::filesystem::path& file : {scratch / "nowhere.json", scratch.path()}) {
    try {
      read_earlier_bench(file);
      ADD_FAILURE() << file;
    } catch (const engine::Error& error) {
      EXPECT_NE(std::string(error.what()).find(file.string()), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(read_earlier_bench(""), engine::Error);
}

TEST(BenchReport, AForeignFileIsRefusedByName) {
  const tests::ScratchFolder scratch;
  Json nothing = json_of(benched());
  nothing["variants"] = Json::array();
  const auto unmeasured = scratch.write("unmeasured.json", nothing.dump());
  EXPECT_THROW(read_earlier_bench(unmeasured), engine::Error);
  for (const char* content : {"{}", "[1]", "{\"model\": ", "{\"variants\": 3}"}) {
    const auto file = scratch.write("foreign.json", content);
    try {
      read_earlier_bench(file);
      ADD_FAILURE() << content;
    } catch (const engine::Error& error) {
      EXPECT_EQ(error.problems().at(0).place.file, file.string()) << content;
    }
  }
}

}  // namespace
}  // namespace paradigm
