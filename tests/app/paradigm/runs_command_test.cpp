// SPDX-License-Identifier: GPL-3.0-or-later
// `paradigm runs` on folders that the fake engine wrote.
#include "engine/runs/run_writer.h"
#include "tests/support/fake_engine.h"
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <thread>

namespace {

using engine::LayerStats;
using engine::RunConfig;
using engine::RunStarted;
using nlohmann::json;
using tests::FakeEngine;
using tests::FakeRun;
using tests::ProgramRun;
using tests::ScratchFolder;

ProgramRun runs(const ScratchFolder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "runs");
  return tests::run_program(PARADIGM_BIN_DIR "/paradigm", arguments, "", folder.path());
}

RunConfig config_of(const ScratchFolder& folder, const std::string& name, std::int64_t steps) {
  RunConfig config;
  config.model_name_or_path = "some/model";
  config.output_dir = (folder / name).string();
  config.max_steps = steps;
  config.logging_steps = 1;
  config.save_steps = 4;
  return config;
}

void train(const RunConfig& config, FakeRun run = {}) {
  engine::RunControl control;
  FakeEngine(std::move(run)).train(config, control);
}

TEST(RunsCommand, ListsStatesTruthfully) {
  const ScratchFolder folder;
  FakeRun fails;
  fails.fail_at = 3;
  FakeRun dies;
  dies.abandon_at = 5;
  train(config_of(folder, "runs/good", 10));
  train(config_of(folder, "runs/bad", 10), fails);
  train(config_of(folder, "runs/dead", 10), dies);
  const ProgramRun listed = runs(folder, {"list", "--json"});
  EXPECT_EQ(listed.exit_code, 0);
  const json list = json::parse(listed.out).at("runs");
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].at("run"), "runs/dead") << "newest first";
  EXPECT_EQ(list[0].at("state"), "interrupted");
  EXPECT_EQ(list[1].at("state"), "failed");
  EXPECT_EQ(list[2].at("state"), "finished");
  EXPECT_EQ(list[2].at("step"), 10);
  EXPECT_EQ(list[2].at("loss"), tests::fake_loss(10));
  EXPECT_NE(runs(folder, {"list"}).out.find("good  finished"), std::string::npos);
  EXPECT_EQ(runs(folder, {"list", "nowhere"}).exit_code, 2);
  folder.write("file", "");
  EXPECT_EQ(runs(folder, {"list", "file"}).exit_code, 2);
}

TEST(RunsCommand, ShowsOneRunByPathOrName) {
  const ScratchFolder folder;
  RunConfig config = config_of(folder, "runs/a", 10);
  config.do_eval = true;
  config.learning_rate = 0.25;
  train(config);
  for (const char* name : {"runs/a", "a"}) {
    const ProgramRun shown = runs(folder, {"show", name, "--json"});
    EXPECT_EQ(shown.exit_code, 0);
    const json run = json::parse(shown.out);
    EXPECT_EQ(run.at("state"), "finished");
    EXPECT_EQ(run.at("configuration").at("learning_rate"), 0.25);
    EXPECT_EQ(run.at("configuration").at("model_name_or_path"), "some/model");
    EXPECT_EQ(run.at("last_metrics").at("loss"), tests::fake_loss(10));
    EXPECT_EQ(run.at("last_eval").at("step"), 10);
    EXPECT_EQ(run.at("checkpoints").size(), 3u);
    EXPECT_EQ(run.at("checkpoints")[2].at("path"), "checkpoint-10");
    EXPECT_TRUE(run.at("problems").empty());
  }
  EXPECT_NE(runs(folder, {"show", "a"}).out.find("finished"), std::string::npos);
}

TEST(RunsCommand, SaysWhichPartOfARunCannotBeRead) {
  const ScratchFolder folder;
  train(config_of(folder, "runs/a", 10));
  std::filesystem::remove(folder / "runs/a/status.json");
  std::filesystem::create_symlink("status.json", folder / "runs/a/status.json");
  const ProgramRun shown = runs(folder, {"show", "a"});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_NE(shown.err.find("status.json: warning: cannot be read"), std::string::npos) << shown.err;
}

TEST(RunsCommand, WhatIsNoRunIsRefused) {
  const ScratchFolder folder;
  folder.write("other/notes.txt", "x");
  for (const char* verb : {"show", "watch", "export"}) {
    EXPECT_EQ(runs(folder, {verb, "other"}).exit_code, 2) << verb;
    EXPECT_EQ(runs(folder, {verb, "absent"}).exit_code, 2) << verb;
    EXPECT_EQ(runs(folder, {verb}).exit_code, 2) << verb;
  }
  EXPECT_EQ(runs(folder, {}).exit_code, 2);
}

TEST(RunsCommand, HostileFoldersAreShownWithoutACrash) {
  const ScratchFolder folder;
  folder.write("runs/empty/events.jsonl", "");
  folder.write("runs/garbage/events.jsonl", std::string("\0\xff\n{\n[[[", 8));
  folder.write("runs/garbage/status.json", "\xff{");
  folder.write("runs/garbage/run.yaml", "a: [b\n: :\n\xff");
  std::filesystem::create_directories(folder / "runs/odd/events.jsonl");
  folder.write("runs/odd/run.yaml", "max_steps: many\n");
  const ProgramRun listed = runs(folder, {"list", "--json"});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  const json list = json::parse(listed.out).at("runs");
  EXPECT_EQ(list.size(), 3u);
  for (const auto& run : list) {
    EXPECT_NE(run.at("state"), "finished");
    EXPECT_NE(run.at("state"), "running");
    const std::string name = run.at("run");
    const ProgramRun shown = runs(folder, {"show", name, "--json"});
    EXPECT_EQ(shown.exit_code, 0) << name << shown.err;
    EXPECT_TRUE(json::accept(shown.out)) << name;
    EXPECT_EQ(runs(folder, {"export", name, "--csv"}).exit_code, 0) << name;
    EXPECT_EQ(runs(folder, {"watch", name}).exit_code, 1) << name;
  }
}

TEST(RunsCommand, LayerStatisticsAreShownAndExported) {
  const ScratchFolder folder;
  folder.write(
      "runs/a/events.jsonl",
      engine::to_json({1, RunStarted{}}) + "\n" +
          engine::to_json({1, LayerStats{50,
                                         {{"lm_head", "clamp_rate", 0.5},
                                          {"model.layers.0.mlp.up_proj", "clamp_rate", 0.125},
                                          {"lm_head", "sqnr_db", 31}}}}) +
          "\n");
  const json stats = json::parse(runs(folder, {"show", "a", "--json"}).out).at("layer_stats");
  EXPECT_EQ(stats.at("step"), 50);
  EXPECT_EQ(stats.at("layers").at("lm_head").at("clamp_rate"), 0.5);
  EXPECT_EQ(stats.at("layers").at("model.layers.0.mlp.up_proj").size(), 1u);
  const std::string text = runs(folder, {"show", "a"}).out;
  EXPECT_NE(text.find("0.125 model.layers.0.mlp.up_proj  to 0.5 lm_head  (2 layers)"),
            std::string::npos)
      << text;
  const ProgramRun exported = runs(folder, {"export", "a", "--csv", "--layer_stats"});
  EXPECT_EQ(exported.exit_code, 0);
  EXPECT_EQ(exported.out,
            "step,layer,statistic,value\n50,lm_head,clamp_rate,0.5\n"
            "50,model.layers.0.mlp.up_proj,clamp_rate,0.125\n50,lm_head,sqnr_db,31\n");
}

TEST(RunsCommand, ALayerThatIsNotANumberHidesNoOther) {
  const ScratchFolder folder;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const LayerStats stats{50,
                         {{"first", "sqnr_db", nan},
                          {"second", "sqnr_db", 30},
                          {"a,b", "sqnr_db", 31},
                          {"last", "sqnr_db", nan},
                          {"last", "rate", nan}}};
  folder.write("runs/a/events.jsonl",
               engine::to_json({1, RunStarted{}}) + "\n" + engine::to_json({1, stats}) + "\n");
  const std::string text = runs(folder, {"show", "a"}).out;
  EXPECT_NE(text.find("30 second  to 31 a,b  (4 layers, 2 of them NaN)"), std::string::npos)
      << text;
  EXPECT_NE(text.find("nan last  to nan last  (1 layer, 1 of them NaN)"), std::string::npos)
      << text;
  const ProgramRun exported = runs(folder, {"export", "a", "--layer_stats", "--json"});
  const json rows = json::parse(exported.out).at("rows");
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[2].size(), 4u);
  EXPECT_EQ(rows[2][1], "a,b");
}

TEST(RunsCommand, ExportsEveryLoggedStep) {
  const ScratchFolder folder;
  FakeRun diverges;
  diverges.nan_at = 7;
  RunConfig config = config_of(folder, "runs/a", 300);
  config.save_steps = 1000;
  train(config, diverges);
  const ProgramRun exported = runs(folder, {"export", "a", "--csv"});
  EXPECT_EQ(exported.exit_code, 0);
  EXPECT_EQ(exported.out.rfind("step,epoch,loss,grad_norm,learning_rate,eval_loss,", 0), 0u);
  EXPECT_EQ(std::count(exported.out.begin(), exported.out.end(), '\n'), 301);
  EXPECT_NE(exported.out.find(",NaN,"), std::string::npos);
  EXPECT_EQ(runs(folder, {"export", "a", "--output", "a.csv"}).exit_code, 0);
  EXPECT_EQ(tests::content_of(folder / "a.csv"), exported.out);
  EXPECT_EQ(runs(folder, {"export", "a", "--output", "no/folder.csv"}).exit_code, 2);

  const json table = json::parse(runs(folder, {"export", "a", "--json"}).out);
  EXPECT_EQ(table["columns"][2], "loss");
  ASSERT_EQ(table["rows"].size(), 300u);
  EXPECT_EQ(table["rows"][0][0], 1);
  EXPECT_TRUE(table["rows"][0][2].is_number());
  EXPECT_EQ(table["rows"][6][2], "NaN");
  EXPECT_EQ(table["rows"][0].size(), table["columns"].size());
}

TEST(RunsCommand, WatchFollowsALiveRunToItsEnd) {
  const ScratchFolder folder;
  FakeRun slow;
  slow.step_time = std::chrono::milliseconds(20);
  std::thread trainer([&] { train(config_of(folder, "runs/live", 30), slow); });
  while (!std::filesystem::exists(folder / "runs/live/status.json")) usleep(2000);
  const ProgramRun watched = runs(folder, {"watch", "live"});
  trainer.join();
  EXPECT_EQ(watched.exit_code, 0) << watched.out << watched.err;
  for (int step = 1; step <= 30; ++step) {
    EXPECT_NE(watched.out.find("step " + std::to_string(step) + "/30 "), std::string::npos) << step;
  }
  EXPECT_NE(watched.out.find("\nfinished\n"), std::string::npos) << watched.out;
}

TEST(RunsCommand, WatchAsJsonPassesTheEventsOn) {
  const ScratchFolder folder;
  train(config_of(folder, "runs/a", 5));
  const ProgramRun watched = runs(folder, {"watch", "a", "--json"});
  EXPECT_EQ(watched.out, tests::content_of(folder / "runs/a/events.jsonl"));
}

}  // namespace
