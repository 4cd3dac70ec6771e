// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_actions.h"

#include "engine/runs/process_identity.h"
#include "widgets/models/run_advice.h"

#include <gtest/gtest.h>

namespace widgets {
namespace {

using engine::RunRequest;
using engine::RunState;

RunRecord run_in(RunState state) {
  RunRecord run;
  run.state = state;
  run.status.emplace();
  run.status->pid = 4711;
  run.status->host = engine::host_name();
  return run;
}

bool can(RunAction action, const RunRecord& run) { return why_not(action, &run).isEmpty(); }

void ask(RunRecord& run, RunRequest request, double seconds_ago) {
  run.requested = request;
  run.requested_at = std::chrono::steady_clock::now() -
                     std::chrono::milliseconds(static_cast<int>(1000 * seconds_ago));
}

TEST(RunActions, ARunningRunMayBeAskedEverythingButToContinue) {
  const RunRecord run = run_in(RunState::running);
  for (const RunAction action : {RunAction::pause, RunAction::checkpoint, RunAction::stop,
                                 RunAction::stop_now, RunAction::extend}) {
    EXPECT_TRUE(can(action, run)) << why_not(action, &run).toStdString();
  }
  EXPECT_FALSE(can(RunAction::proceed, run));
  EXPECT_TRUE(can(RunAction::proceed, run_in(RunState::paused)));
  EXPECT_FALSE(can(RunAction::pause, run_in(RunState::paused)));
  EXPECT_TRUE(can(RunAction::extend, run_in(RunState::paused)));
}

TEST(RunActions, EveryRefusalSaysWhy) {
  EXPECT_EQ(why_not(RunAction::stop, nullptr), QStringLiteral("No run is shown."));
  RunRecord run = run_in(RunState::finished);
  EXPECT_TRUE(why_not(RunAction::pause, &run).contains(QStringLiteral("finished")));
  run = run_in(RunState::running);
  run.writable = false;
  EXPECT_TRUE(why_not(RunAction::stop, &run).contains(QStringLiteral("not writable")));
  run = run_in(RunState::starting);
  EXPECT_TRUE(why_not(RunAction::checkpoint, &run).contains(QStringLiteral("first step")));
  EXPECT_TRUE(can(RunAction::stop, run)) << "the preparation can be given up";
}

TEST(RunActions, OnAnotherMachineARunIsSteeredThroughItsCopyAndResumedByItsCommand) {
  RunRecord run = run_in(RunState::running);
  run.status->host = "lab1";
  ask(run, RunRequest::stop, kPatienceInSeconds + 1);
  EXPECT_EQ(why_not(RunAction::kill, &run), QStringLiteral("It runs on host lab1."));
  run.address = QStringLiteral("ssh://me@lab1/data/runs/run");
  EXPECT_TRUE(can(RunAction::kill, run)) << "the connection reaches it";

  run = run_in(RunState::stopped);
  run.address = QStringLiteral("ssh://me@lab1/data/runs/run");
  run.offer.emplace();
  run.offer->restores = "the run is on another machine";
  EXPECT_FALSE(is_for(RunAction::resume_here, run));
  EXPECT_FALSE(can(RunAction::copy_resume, run)) << "no command is known";
  run.offer->command = "paradigm train --config /data/runs/run/run.yaml";
  EXPECT_TRUE(can(RunAction::copy_resume, run));
  EXPECT_EQ(advice_on(run), QStringLiteral("It goes on on lab1 with: paradigm train --config "
                                           "/data/runs/run/run.yaml"));
}

TEST(RunActions, ARequestIsWaitedForButAStopMayOvertakeIt) {
  RunRecord run = run_in(RunState::running);
  ask(run, RunRequest::checkpoint, 0.5);
  EXPECT_TRUE(why_not(RunAction::pause, &run).contains(QStringLiteral("checkpoint")));
  EXPECT_TRUE(can(RunAction::stop, run));
  ask(run, RunRequest::checkpoint, kPatienceInSeconds + 1);
  EXPECT_TRUE(can(RunAction::pause, run)) << "nobody may have heard it";
  ask(run, RunRequest::stop, 0.5);
  EXPECT_FALSE(can(RunAction::stop, run));
  EXPECT_FALSE(can(RunAction::checkpoint, run));
  EXPECT_TRUE(can(RunAction::stop_now, run));
}

TEST(RunActions, OnlyAProcessOfThisHostThatDoesNotStopIsKilled) {
  RunRecord run = run_in(RunState::running);
  EXPECT_TRUE(why_not(RunAction::kill, &run).contains(QStringLiteral("First ask it to stop")));
  ask(run, RunRequest::stop, kPatienceInSeconds + 1);
  EXPECT_TRUE(can(RunAction::kill, run));
  run.in_window = true;
  EXPECT_FALSE(can(RunAction::kill, run));
  run.in_window = false;
  run.status->host = "elsewhere";
  EXPECT_TRUE(why_not(RunAction::kill, &run).contains(QStringLiteral("elsewhere")));
  EXPECT_TRUE(can(RunAction::kill, run_in(RunState::stopping)));
}

TEST(RunActions, ResumingNeedsACheckpointAndSaysWhatIsMissing) {
  RunRecord run = run_in(RunState::interrupted);
  EXPECT_TRUE(is_for(RunAction::resume_here, run));
  EXPECT_FALSE(is_for(RunAction::stop, run));
  EXPECT_FALSE(can(RunAction::resume_here, run)) << "nobody has looked yet";
  run.offer.emplace();
  run.offer->restores = "no checkpoint was saved";
  EXPECT_TRUE(
      why_not(RunAction::resume_apart, &run).contains(QStringLiteral("no checkpoint was saved")));
  run.offer->possible = true;
  EXPECT_TRUE(can(RunAction::resume_here, run));
  EXPECT_FALSE(is_for(RunAction::resume_here, run_in(RunState::running)));
  EXPECT_FALSE(is_for(RunAction::resume_here, run_in(RunState::finished)));
  RunRecord refused = run_in(RunState::failed);
  refused.refusal = QStringLiteral("the text is too short");
  EXPECT_FALSE(is_for(RunAction::resume_here, refused)) << "it never began";
}

TEST(RunActions, AFinishedRunTrainsFurtherWhereItsCheckpointIs) {
  RunRecord run = run_in(RunState::finished);
  EXPECT_TRUE(is_for(RunAction::further, run));
  EXPECT_FALSE(is_for(RunAction::further, run_in(RunState::stopped))) << "that is resumed";
  EXPECT_FALSE(can(RunAction::further, run)) << "nobody has looked yet";
  run.offer.emplace();
  run.offer->restores = "no checkpoint was saved";
  EXPECT_EQ(why_not(RunAction::further, &run),
            QStringLiteral("It cannot be trained further: no checkpoint was saved."));
  run.offer->possible = true;
  EXPECT_TRUE(can(RunAction::further, run));
  run.writable = false;
  EXPECT_FALSE(can(RunAction::further, run));
  run.address = QStringLiteral("ssh://me@lab1/data/runs/run");
  EXPECT_FALSE(is_for(RunAction::further, run)) << "a copy is not trained on";
  EXPECT_FALSE(can(RunAction::further, run_in(RunState::running)));
}

}  // namespace
}  // namespace widgets
