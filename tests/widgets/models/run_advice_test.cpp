// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_advice.h"

#include "engine/runs/process_identity.h"

#include <gtest/gtest.h>

namespace widgets {
namespace {

using engine::RunState;

RunRecord run_in(RunState state) {
  RunRecord run;
  run.state = state;
  run.status.emplace();
  run.status->pid = 4711;
  run.status->host = engine::host_name();
  return run;
}

TEST(RunAdvice, SaysWhereALiveRunTrains) {
  RunRecord run = run_in(RunState::running);
  EXPECT_EQ(place_text(run), QStringLiteral("process 4711"));
  run.in_window = true;
  EXPECT_EQ(place_text(run), QStringLiteral("in this window"));
  run.in_window = false;
  run.status->host = "lab2";
  EXPECT_EQ(place_text(run), QStringLiteral("host lab2, process 4711"));
  EXPECT_TRUE(place_text(run_in(RunState::finished)).isEmpty());
}

TEST(RunAdvice, OfADeadRunShowsItsLastWordsAndWhatAResumeRestores) {
  RunRecord run = run_in(RunState::interrupted);
  run.output_tail = QStringLiteral("step 412\nKilled");
  run.offer.emplace();
  run.offer->possible = true;
  run.offer->checkpoint = "checkpoint-400";
  run.offer->restores = "weights as they were after step 400; 12 steps after it are done again";
  run.offer->passed_over = {"checkpoint-410 is passed over: a file is too short"};
  EXPECT_EQ(advice_on(run),
            QStringLiteral("Resume goes on from checkpoint-400 with weights as they were after "
                           "step 400; 12 steps after it are done again.\ncheckpoint-410 is passed "
                           "over: a file is too short\nIts output ends with:\nstep 412\nKilled"));
  run.offer = engine::ResumeOffer{};
  run.offer->restores = "no checkpoint is whole";
  run.output_tail.clear();
  EXPECT_EQ(advice_on(run), QStringLiteral("It cannot be resumed: no checkpoint is whole."));
}

TEST(RunAdvice, OnAnotherHostSaysWhereToLook) {
  RunRecord run = run_in(RunState::unknown);
  EXPECT_TRUE(advice_on(run).isEmpty());
  run.status->host = "lab2";
  EXPECT_TRUE(advice_on(run).contains(QStringLiteral("host lab2")));
}

}  // namespace
}  // namespace widgets
