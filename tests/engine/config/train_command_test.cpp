// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/train_command.h"

#include "engine/config/flag_words.h"
#include "engine/config/shell_words.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <clocale>
#include <random>

namespace engine {
namespace {

/// The command of upstream's page on continual pretraining, as it is copied from there.
constexpr const char* kUpstreams =
    "python run_clm.py \\\n"
    "    --model_name_or_path AICrossSim/clm-60m \\\n"
    "    --dataset_name HuggingFaceFW/fineweb-edu \\\n"
    "    --dataset_config_name \"sample-10BT\" \\\n"
    "    --per_device_train_batch_size 12 \\\n"
    "    --per_device_eval_batch_size 12 \\\n"
    "    --gradient_accumulation_steps 50 \\\n"
    "    --do_train \\\n"
    "    --report_to \"wandb\" \\\n"
    "    --learning_rate 5e-5 \\\n"
    "    --max_steps 100 \\\n"
    "    --save_strategy \"steps\" \\\n"
    "    --save_steps 500 \\\n"
    "    --save_total_limit 2 \\\n"
    "    --bf16 \\\n"
    "    --dataloader_num_workers 16 \\\n"
    "    --preprocessing_num_workers 32 \\\n"
    "    --tokenizer_name HuggingFaceTB/cosmo2-tokenizer \\\n"
    "    --output_dir ./output/test-clm-trainer \\\n"
    "    --transform_config ./transform_cfg.yaml \\\n"
    "    --seed 42\n";

bool names(const std::vector<Problem>& problems, const std::string& part) {
  return std::any_of(problems.begin(), problems.end(), [&](const Problem& problem) {
    return to_string(problem).find(part) != std::string::npos;
  });
}

TEST(TrainCommand, UpstreamsCommandIsTakenAsPasted) {
  const PastedCommand pasted = read_train_command(kUpstreams);
  EXPECT_TRUE(pasted.found);
  EXPECT_EQ(pasted.program, "run_clm.py");
  EXPECT_TRUE(pasted.problems.empty()) << to_string(pasted.problems.front());
  EXPECT_EQ(pasted.values.entries().size(), 20u);
  const RunConfig config = run_config_from(pasted.values);
  EXPECT_EQ(config.model_name_or_path, "AICrossSim/clm-60m");
  EXPECT_EQ(config.dataset_config_name, "sample-10BT");
  EXPECT_EQ(config.gradient_accumulation_steps, 50);
  EXPECT_EQ(config.save_total_limit, 2);
  EXPECT_TRUE(config.bf16);
  EXPECT_EQ(config.output_dir, "./output/test-clm-trainer");
  EXPECT_TRUE(problems_in(config).empty());
}

TEST(TrainCommand, WhatDoesNotCarryOverIsNamedWithItsRemedy) {
  const PastedCommand pasted = read_train_command(
      "cd experiments && CUDA_VISIBLE_DEVICES=0,1 torchrun --nproc_per_node=2 run_clm.py "
      "--model_name_or_path $MODEL --fp16 --max_step 5 --per_device_train_batch_size many "
      "--torch_dtype auto --streaming false --seed 7 2>&1 | tee log.txt");
  ASSERT_TRUE(pasted.found);
  EXPECT_FALSE(has_errors(pasted.problems));
  EXPECT_EQ(pasted.values.entries().size(), 1u);
  EXPECT_EQ(pasted.values.get_int("seed"), 7);
  for (const char* part :
       {"cd experiments", "CUDA_VISIBLE_DEVICES", "--nproc_per_node=2", "$MODEL", "fp16 true",
        "Did you mean --max_steps?", "\"many\" is not a whole number", "torch_dtype", "piped"}) {
    EXPECT_TRUE(names(pasted.problems, part)) << part;
  }
  EXPECT_FALSE(names(pasted.problems, "streaming")) << "it asks for what is done anyway";
  for (const Problem& problem : pasted.problems) {
    if (problem.severity != Severity::warning) continue;
    EXPECT_FALSE(problem.remedy.empty()) << problem.message;
  }
}

TEST(TrainCommand, VariablesLaunchersAndOtherCommandsAroundItDoNotMatter) {
  const PastedCommand pasted = read_train_command(
      "#!/bin/bash\n#SBATCH --nodes=1\nset -e\nMODEL=org/name\n"
      "accelerate launch --num_processes 1 examples/run_clm.py --model_name_or_path \"$MODEL\" \\\n"
      "  --bf16 --max-steps=9\necho done\n");
  ASSERT_TRUE(pasted.found);
  EXPECT_TRUE(pasted.problems.empty()) << to_string(pasted.problems.front());
  EXPECT_EQ(pasted.values.get_text("model_name_or_path"), "org/name");
  EXPECT_EQ(pasted.values.get_int("max_steps"), 9);
  EXPECT_TRUE(pasted.values.get_bool("bf16"));

  EXPECT_TRUE(read_train_command("--bf16 --seed 1").found) << "flags alone";
  EXPECT_TRUE(read_train_command("uv run python -m examples.run_clm --seed 1").found);
  EXPECT_TRUE(read_train_command("srun /usr/bin/paradigm train --seed 1").found);
  const PastedCommand other = read_train_command("python finetune.py --seed 1 --lora 3");
  EXPECT_TRUE(other.found);
  EXPECT_TRUE(names(other.problems, "finetune.py is not run_clm.py"));
}

TEST(TrainCommand, WhatTrainsNothingIsRefusedWithAReason) {
  for (const char* text : {"", "ls -l", "paradigm eval --seed 1", "paradigm", "python run_clm.py '",
                           "hello world, this is no command"}) {
    const PastedCommand pasted = read_train_command(text);
    EXPECT_FALSE(pasted.found) << text;
    EXPECT_TRUE(has_errors(pasted.problems)) << text;
    EXPECT_TRUE(pasted.values.empty()) << text;
  }
}

TEST(TrainCommand, ItsConfigIsReadAndTheFlagsWin) {
  const tests::ScratchFolder scratch;
  const auto file = scratch.write("run.yaml", "max_steps: 5\nseed: 3\n").string();
  const PastedCommand pasted =
      read_train_command("paradigm train --config " + file + " --seed 9 --json --estimate");
  ASSERT_TRUE(pasted.found);
  EXPECT_TRUE(pasted.problems.empty());
  EXPECT_EQ(pasted.values.get_int("max_steps"), 5);
  EXPECT_EQ(pasted.values.get_int("seed"), 9);
  EXPECT_TRUE(names(read_train_command("paradigm train --config none.yaml").problems, "none.yaml"));
}

/// Values that a form may hold, each differing from its default.
ParamValues random_values(std::mt19937_64& random) {
  const auto any = [&random](std::uint64_t below) { return random() % below; };
  const std::string letters =
      "abc XYZ09_-./=:@%+,'\"\\$`!#&|;<>()[]{}*?~^\n\t\xC3\xA9\xE2\x82\xAC\xF0\x9F\x99\x82";
  const auto random_text = [&] {
    std::string text;
    for (std::uint64_t n = 1 + any(12); n > 0; --n) text += letters[any(letters.size())];
    return text;
  };
  ParamValues values;
  for (const ParamSpec& spec : train_schema().specs()) {
    if (any(3) != 0 || !spec.refused_because.empty()) continue;
    ParamValue value;
    switch (spec.kind) {
      case ParamKind::boolean:
        value = any(2) == 0;
        break;
      case ParamKind::integer:
        value = static_cast<std::int64_t>(any(1000)) - 5;
        break;
      case ParamKind::real:
        value = std::ldexp(static_cast<double>(any(1 << 20)) - 1000, -static_cast<int>(any(60)));
        break;
      case ParamKind::choice:
        value = spec.choices[any(spec.choices.size())];
        break;
      default:
        value = random_text();
        break;
    }
    const auto* text = std::get_if<std::string>(&value);
    if (text != nullptr && (*text == "null" || text->rfind('-', 0) == 0)) continue;
    values.set(spec.name, value);
  }
  return values;
}

TEST(TrainCommand, CopiedItIsReadBackToTheSameValuesInAnyLocale) {
  const char* const before = std::setlocale(LC_ALL, nullptr);
  const std::string kept = before != nullptr ? before : "C";
  std::setlocale(LC_ALL, "de_DE.UTF-8");
  std::mt19937_64 random(20260712);
  for (int round = 0; round < 600; ++round) {
    const ParamValues values = random_values(random);
    const std::string line = train_command_line(values);
    const PastedCommand pasted = read_train_command(line);
    ASSERT_EQ(pasted.found, true) << line;
    ASSERT_TRUE(pasted.problems.empty()) << line << "\n" << to_string(pasted.problems.front());
    ASSERT_TRUE(pasted.values.same_values(values)) << line;
  }
  std::setlocale(LC_ALL, kept.c_str());
}

/// Pastes of everything that clipboards hold: nothing may crash, hang, or be taken silently.
TEST(TrainCommand, MutilatedCommandsAreTakenOrRefusedWithAReason) {
  std::mt19937_64 random(7);
  const std::string noise =
      " \\\n'\"$`{}()<>|&;#=-\xE2\x80\x93\xC2\xA0\xFF\x01"
      "A1";
  for (int round = 0; round < 1500; ++round) {
    std::string text = kUpstreams;
    for (std::uint64_t edits = 1 + random() % 12; edits > 0; --edits) {
      const std::size_t at = random() % (text.size() + 1);
      switch (random() % 4) {
        case 0:
          text.insert(at, 1, noise[random() % noise.size()]);
          break;
        case 1:
          text.erase(at, random() % 20);
          break;
        case 2:
          text.insert(at, text.substr(random() % (text.size() + 1), random() % 40));
          break;
        default:
          if (at < text.size()) text[at] = noise[random() % noise.size()];
          break;
      }
    }
    const PastedCommand pasted = read_train_command(text);
    ASSERT_EQ(pasted.found, !has_errors(pasted.problems)) << text;
    for (const Problem& problem : pasted.problems) ASSERT_FALSE(problem.message.empty()) << text;
    for (const PlacedValue& entry : pasted.values.entries()) {
      const ParamSpec* spec = train_schema().find(entry.name);
      ASSERT_NE(spec, nullptr) << entry.name;
      ASSERT_TRUE(spec->refused_because.empty()) << entry.name;
    }
  }
}

TEST(TrainCommand, TheSlurmScriptSaysWhatTheCommandSays) {
  ParamValues values;
  values.set("output_dir", std::string("runs/my run"));
  values.set("max_steps", std::int64_t{50});
  const std::string script = train_slurm_script(values, "/home/a b");
  EXPECT_NE(script.find("#SBATCH --job-name=my-run\n"), std::string::npos) << script;
  EXPECT_NE(script.find("cd '/home/a b' || exit 1\n"), std::string::npos);
  EXPECT_NE(script.find("srun " + train_command_line(values) + "\n"), std::string::npos);
  EXPECT_NE(script.find("--gres=gpu:1"), std::string::npos);
  values.set("device", std::string("cpu"));
  EXPECT_EQ(train_slurm_script(values, "/").find("--gres"), std::string::npos);
  EXPECT_NE(train_slurm_script({}, "/").find("--output_dir \"runs/paradigm-$SLURM_JOB_ID\""),
            std::string::npos);
  // It can be pasted as well.
  const PastedCommand pasted = read_train_command(script);
  ASSERT_TRUE(pasted.found);
  EXPECT_TRUE(pasted.values.same_values(values) || !pasted.values.contains("device"));
  EXPECT_EQ(pasted.values.get_int("max_steps"), 50);
}

TEST(TrainCommand, APredictionTravelsAsFourNumbers) {
  const CostPrediction said{
      .step_seconds = 0.0125, .seconds = 1.5e3, .peak_bytes = 1 << 30, .checkpoint_bytes = -1};
  const auto read = parse_prediction(prediction_text(said));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->step_seconds, said.step_seconds);
  EXPECT_EQ(read->seconds, said.seconds);
  EXPECT_EQ(read->peak_bytes, said.peak_bytes);
  EXPECT_EQ(read->checkpoint_bytes, -1);
  for (const char* text : {"", "1", "1,2,3", "1,2,3,4,5", "1,2,3,x", "nan,1,1,1", "-2,1,1,1",
                           "1,1,1e300,1", "1, 2,3,4"}) {
    EXPECT_FALSE(parse_prediction(text).has_value()) << text;
  }
  TrainCommandOptions options;
  options.prediction = said;
  const auto words = train_command({}, options);
  EXPECT_EQ(words[words.size() - 2], "--predicted");
}

}  // namespace
}  // namespace engine
