// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_catalog.h"

#include "engine/runs/run_control.h"
#include "tests/support/fake_engine.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <cmath>

namespace engine {
namespace {

using tests::FakeEngine;
using tests::FakeRun;
using tests::ScratchFolder;

RunConfig config_in(const std::filesystem::path& folder, std::int64_t steps) {
  RunConfig config;
  config.output_dir = folder.string();
  config.max_steps = steps;
  config.logging_steps = 1;
  config.save_steps = 4;
  return config;
}

TrainOutcome train(const RunConfig& config, FakeRun run = {}) {
  RunControl control;
  return FakeEngine(std::move(run)).train(config, control);
}

TEST(RunCatalog, SummarizesAFinishedRun) {
  const ScratchFolder folder;
  RunConfig config = config_in(folder / "run", 10);
  config.do_eval = true;
  EXPECT_TRUE(train(config).finished);
  const RunSummary summary = summarize_run(folder / "run");
  EXPECT_EQ(summary.observed.state, RunState::finished);
  ASSERT_TRUE(summary.last_step);
  EXPECT_EQ(summary.last_step->step, 10);
  EXPECT_EQ(summary.last_step->loss, tests::fake_loss(10));
  ASSERT_TRUE(summary.last_eval);
  EXPECT_EQ(summary.last_eval->step, 10);
  ASSERT_EQ(summary.checkpoints.size(), 3u);
  EXPECT_EQ(summary.checkpoints.back().path, "checkpoint-10");
  EXPECT_NE(summary.run_yaml.find("max_steps: 10"), std::string::npos);
  EXPECT_LE(summary.best_loss, tests::fake_loss(10));
}

TEST(RunCatalog, CheckpointsAreThoseOnDisk) {
  const ScratchFolder folder;
  train(config_in(folder / "run", 10));
  std::filesystem::remove_all(folder / "run/checkpoint-4");
  folder.write("run/checkpoint-9/manifest.json", "12345");
  std::filesystem::create_directories(folder / "run/checkpoint-9x");
  std::filesystem::create_directories(folder / "run/checkpoint-12.tmp-1");
  const auto checkpoints = summarize_run(folder / "run").checkpoints;
  ASSERT_EQ(checkpoints.size(), 3u);
  EXPECT_EQ(checkpoints[0].step, 8);
  EXPECT_EQ(checkpoints[1].step, 9);
  EXPECT_EQ(checkpoints[1].bytes, 5);
  EXPECT_EQ(checkpoints[2].step, 10);
}

TEST(RunCatalog, AResumedRunShowsNothingTwice) {
  const ScratchFolder folder;
  FakeRun dies;
  dies.abandon_at = 7;
  dies.torn_line = true;
  train(config_in(folder / "run", 10), dies);
  EXPECT_EQ(observe_state(folder / "run").state, RunState::interrupted);
  train(config_in(folder / "run", 10));
  EXPECT_EQ(observe_state(folder / "run").state, RunState::finished);
  const std::string csv = export_csv(folder / "run");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 11) << csv;
}

TEST(RunCatalog, AFailureIsKeptWithItsLastCheckpoint) {
  const ScratchFolder folder;
  FakeRun fails;
  fails.fail_at = 6;
  EXPECT_TRUE(train(config_in(folder / "run", 10), fails).failed);
  const RunSummary summary = summarize_run(folder / "run");
  EXPECT_EQ(summary.observed.state, RunState::failed);
  ASSERT_TRUE(summary.failed);
  EXPECT_EQ(summary.failed->last_checkpoint, "checkpoint-4");
  EXPECT_EQ(summary.failed->step, 5);
}

TEST(RunCatalog, AStopSavesAndSaysSo) {
  const ScratchFolder folder;
  RunControl control;
  control.request(RunRequest::stop);
  const auto outcome = FakeEngine().train(config_in(folder / "run", 10), control);
  EXPECT_TRUE(outcome.stopped);
  EXPECT_EQ(observe_state(folder / "run").state, RunState::stopped);
  EXPECT_EQ(summarize_run(folder / "run").status->granted_request, "stop");
}

TEST(RunCatalog, FindsRunsNewestFirstAndTheFolderItself) {
  const ScratchFolder folder;
  RunEvent event{100, RunStarted{}};
  folder.write("old/events.jsonl", to_json(event) + "\n");
  event.time = 300;
  folder.write("new/events.jsonl", to_json(event) + "\n");
  event.time = 200;
  folder.write("middle/events.jsonl", to_json(event) + "\n");
  folder.write("no_run/notes.txt", "x");
  folder.write("file", "x");
  const auto runs = find_runs(folder.path());
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs[0], folder / "new");
  EXPECT_EQ(runs[1], folder / "middle");
  EXPECT_EQ(runs[2], folder / "old");
  EXPECT_EQ(find_runs(folder / "new"), std::vector{folder / "new"});
  EXPECT_TRUE(find_runs(folder / "absent").empty());
}

TEST(ExportCsv, OneRowAStepWithHuggingFacesNames) {
  const ScratchFolder folder;
  std::string events = to_json({1, RunStarted{}}) + "\n";
  events += to_json({1, StepLogged{2, 0.5, 2.25, 1.5, 5e-05, 64, 10, 20}}) + "\n";
  events += to_json({1, Evaluated{2, 0.5, 2.5, 12, 0.25, 100, 0.125}}) + "\n";
  events += to_json({1, StepLogged{4, 1, NAN, INFINITY, 1e-05, 128, 10, 20}}) + "\n";
  events += to_json({1, Evaluated{5, 1.25, 2, 7.5, 0.5, 100, 0.25}}) + "\n";
  folder.write("events.jsonl", events);
  EXPECT_EQ(export_csv(folder.path()),
            "step,epoch,loss,grad_norm,learning_rate,eval_loss,perplexity,eval_accuracy,"
            "eval_tokens,eval_runtime,num_input_tokens_seen,tokens_per_second,memory_bytes\n"
            "2,0.5,2.25,1.5,5e-05,2.5,12,0.25,100,0.125,64,10,20\n"
            "4,1,NaN,Infinity,1e-05,,,,,,128,10,20\n"
            "5,1.25,,,,2,7.5,0.5,100,0.25,,,\n");
}

TEST(ExportCsv, EveryDigitOfALossSurvives) {
  const ScratchFolder folder;
  train(config_in(folder / "run", 50));
  const std::string csv = export_csv(folder / "run");
  std::size_t at = csv.find("\n37,");
  ASSERT_NE(at, std::string::npos);
  at = csv.find(',', csv.find(',', at) + 1) + 1;
  EXPECT_EQ(std::strtod(csv.c_str() + at, nullptr), tests::fake_loss(37));
}

std::string layer_stats_line(std::int64_t step, double rate) {
  return to_json({1, LayerStats{step, {{"lm_head", "clamp_rate", rate}, {"a.b", "out_hi", NAN}}}}) +
         "\n";
}

TEST(ExportLayerStats, OneRowAStepLayerAndStatistic) {
  const ScratchFolder folder;
  folder.write("events.jsonl", to_json({1, RunStarted{}}) + "\n" + layer_stats_line(50, 0.125) +
                                   to_json({1, StepLogged{60}}) + "\n" +
                                   layer_stats_line(100, 0.25) +
                                   to_json({1, LayerStats{150, {{"x", "a,\"b\"", 1}}}}) + "\n");
  EXPECT_EQ(export_layer_stats_csv(folder.path()),
            "step,layer,statistic,value\n"
            "50,lm_head,clamp_rate,0.125\n50,a.b,out_hi,NaN\n"
            "100,lm_head,clamp_rate,0.25\n100,a.b,out_hi,NaN\n"
            "150,x,\"a,\"\"b\"\"\",1\n");
  EXPECT_EQ(summarize_run(folder.path()).last_layer_stats->step, 150);
}

TEST(ExportLayerStats, WhatAResumeSupersedesIsLeftOut) {
  const ScratchFolder folder;
  folder.write("events.jsonl", to_json({1, RunStarted{}}) + "\n" + layer_stats_line(50, 0.125) +
                                   layer_stats_line(100, 0.25) +
                                   to_json({1, RunStarted{.step = 70}}) + "\n");
  EXPECT_EQ(export_layer_stats_csv(folder.path()),
            "step,layer,statistic,value\n50,lm_head,clamp_rate,0.125\n50,a.b,out_hi,NaN\n");
  const RunSummary summary = summarize_run(folder.path());
  ASSERT_TRUE(summary.last_layer_stats);
  EXPECT_EQ(summary.last_layer_stats->step, 50);
  EXPECT_EQ(export_layer_stats_csv(folder / "nothing"), "step,layer,statistic,value\n");
}

}  // namespace
}  // namespace engine
