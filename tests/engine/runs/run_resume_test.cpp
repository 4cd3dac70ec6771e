// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_resume.h"

#include "engine/checkpoint/manifest.h"
#include "engine/runs/run_event.h"
#include "engine/runs/run_folder.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <fstream>

namespace engine {
namespace {

class RunResume : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write("run.yaml", "max_steps: 500\n");
    folder_.write("events.jsonl", to_json({1, RunStarted{.run_id = "a", .max_steps = 500}}) + "\n" +
                                      to_json({2, StepLogged{.step = 412}}) + "\n");
  }
  void save(std::int64_t step) {
    const std::string name = "checkpoint-" + std::to_string(step);
    folder_.write(name + "/model.safetensors", "weights");
    Manifest manifest;
    manifest.files.push_back(describe_file(folder_ / (name + "/model.safetensors")));
    folder_.write(name + "/manifest.json", to_json(manifest));
  }
  ResumeOffer offer() const { return resume_offer(folder_.path(), summarize_run(folder_.path())); }

  tests::ScratchFolder folder_;
};

TEST_F(RunResume, SaysFromWhereAndWhatIsDoneAgain) {
  save(300);
  save(400);
  const ResumeOffer found = offer();
  EXPECT_TRUE(found.possible);
  EXPECT_EQ(found.checkpoint, "checkpoint-400");
  EXPECT_EQ(found.lost, 12);
  EXPECT_EQ(found.command, "paradigm train --config " + (folder_ / "run.yaml").string());
  EXPECT_NE(found.restores.find("after step 400; 12 steps after it are done again"),
            std::string::npos)
      << found.restores;
}

TEST_F(RunResume, PassesDamagedCheckpointsOver) {
  save(300);
  save(400);
  tests::append_to(folder_ / "checkpoint-400/model.safetensors", "x");
  const ResumeOffer found = offer();
  EXPECT_EQ(found.checkpoint, "checkpoint-300");
  ASSERT_EQ(found.passed_over.size(), 1u);
  EXPECT_NE(found.passed_over.front().find("checkpoint-400 is passed over"), std::string::npos);
}

TEST_F(RunResume, SaysWhyNot) {
  EXPECT_EQ(offer().restores, "no checkpoint was saved");
  save(400);
  {
    const auto lock = RunLock::acquire(folder_.path());
    EXPECT_FALSE(offer().possible);
    EXPECT_EQ(offer().restores, "the run is live");
  }
  tests::append_to(folder_ / "events.jsonl",
                   to_json({3, RunFinished{.step = 500, .outcome = "finished"}}) + "\n");
  EXPECT_FALSE(offer().possible);
  EXPECT_NE(offer().restores.find("finished"), std::string::npos);
}

TEST_F(RunResume, AFinishedRunTrainsFurtherBehindItsNewestCheckpoint) {
  const auto further = [&] { return further_offer(folder_.path(), summarize_run(folder_.path())); };
  save(400);
  EXPECT_FALSE(further().possible);
  EXPECT_EQ(further().restores, "the run is interrupted") << "that is resumed";
  tests::append_to(folder_ / "events.jsonl",
                   to_json({3, RunFinished{.step = 412, .outcome = "finished"}}) + "\n");
  EXPECT_TRUE(further().possible);
  EXPECT_EQ(further().checkpoint, "checkpoint-400");
  EXPECT_EQ(further().lost, 12) << "the last checkpoint was removed";
  std::filesystem::remove_all(folder_ / "checkpoint-400");
  EXPECT_FALSE(further().possible);
  EXPECT_EQ(further().restores, "no checkpoint was saved");
}

}  // namespace
}  // namespace engine
