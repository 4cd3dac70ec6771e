// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_extension.h"

#include "engine/config/train_command.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

RunConfig by_epochs() {
  RunConfig config;
  config.warmup_ratio = 0.1;
  return config;  // of 200 steps, say
}

TEST(RunExtension, AStretchedCourseHasTheNewLengthAndTheWarmUpItHad) {
  const RunConfig more = extended(by_epochs(), 200, {.max_steps = 400});
  EXPECT_EQ(more.max_steps, 400);
  EXPECT_EQ(more.warmup_steps, 20) << "a tenth of 400 would move what is past";
  EXPECT_EQ(more.lr_schedule_steps, std::nullopt);
}

TEST(RunExtension, AKeptCourseHasItsOldLengthHoweverOftenTheRunIsExtended) {
  const RunConfig more =
      extended(by_epochs(), 200, {.max_steps = 400, .schedule = ScheduleChange::keep});
  EXPECT_EQ(more.lr_schedule_steps, 200);
  const RunConfig again = extended(more, 400, {.max_steps = 600, .schedule = ScheduleChange::keep});
  EXPECT_EQ(again.max_steps, 600);
  EXPECT_EQ(again.lr_schedule_steps, 200);
  EXPECT_EQ(again.warmup_steps, 20);
  EXPECT_EQ(extended(again, 600, {.max_steps = 800}).lr_schedule_steps, std::nullopt);
}

TEST(RunExtension, AFinishedRunIsStartedWithItsSettingsBehindItsNewestCheckpoint) {
  RunConfig finished = by_epochs();
  finished.model_name_or_path = "model";
  finished.train_file = "text.txt";
  finished.output_dir = "/runs/a";
  finished.overwrite_output_dir = true;
  finished.do_train = true;
  finished.seed = 7;
  finished.lr_schedule_steps = 200;
  const ParamValues settings = further_settings(values_of(finished), 300, {.max_steps = 400});
  EXPECT_EQ(train_command_line(settings),
            "paradigm train --model_name_or_path model --train_file text.txt --output_dir /runs/a "
            "--overwrite_output_dir false --do_train --resume_from_checkpoint true --max_steps 400 "
            "--seed 7 --warmup_steps 20 --warmup_ratio 0.1");
  EXPECT_EQ(further_settings(values_of(finished), 300,
                             {.max_steps = 400, .schedule = ScheduleChange::keep})
                .get_int("lr_schedule_steps"),
            200);
}

}  // namespace
}  // namespace engine
