// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/run_config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace engine {
namespace {

ParamValues values(const std::string& yaml) {
  std::vector<Problem> problems;
  ParamValues result = parse_run_yaml(yaml, "run.yaml", problems);
  EXPECT_TRUE(problems.empty()) << to_string(problems.at(0));
  return result;
}

RunConfig config(const std::string& yaml) { return run_config_from(values(yaml)); }

std::vector<Problem> yaml_problems(const std::string& yaml) {
  std::vector<Problem> problems;
  const ParamValues result = parse_run_yaml(yaml, "run.yaml", problems);
  for (Problem& problem : problems_in(train_schema(), result)) problems.push_back(problem);
  return problems;
}

TEST(TrainSchema, EveryFlagHasHelpAndAGroup) {
  for (const ParamSchema* schema : {&train_schema(), &eval_schema()})
    for (const ParamSpec& spec : schema->specs()) {
      EXPECT_FALSE(spec.help_text.empty()) << spec.name;
      EXPECT_FALSE(spec.group_name.empty()) << spec.name;
      EXPECT_EQ(schema->find(spec.name), &spec) << spec.name << " is there twice";
      EXPECT_TRUE(is_set(spec.default_value) || spec.is_nullable || spec.is_required) << spec.name;
    }
}

TEST(TrainSchema, DefaultsBreakNoRule) {
  const ParamValues defaults = train_schema().with_defaults({});
  const std::vector<Problem> problems = problems_in(train_schema(), defaults);
  EXPECT_TRUE(problems.empty()) << problems[0].message;
}

/// One line a flag: name, then the default as transformers 4.51.3 and run_clm.py have it.
TEST(TrainSchema, KnowsEveryFlagOfTheTrainerWithItsDefault) {
  const std::map<std::string, std::string> on_purpose{{"logging_steps", "10"}};
  std::ifstream file(PARADIGM_SOURCE_DIR "/tests/golden/flags/training_arguments.txt");
  std::string line;
  int count = 0;
  while (std::getline(file, line)) {
    const std::size_t space = line.find(' ');
    const std::string name = line.substr(0, space);
    const ParamSpec* spec = train_schema().find(name);
    ASSERT_NE(spec, nullptr) << name;
    const auto ours = on_purpose.find(name);
    const std::string expected = ours == on_purpose.end() ? line.substr(space + 1) : ours->second;
    EXPECT_EQ(to_string(spec->default_value), expected) << name;
    ++count;
  }
  EXPECT_GT(count, 120);
}

TEST(TrainSchema, UpstreamsRecipeIsAcceptedUnchanged) {
  const ParamValues recipe = values(R"(
model_name_or_path: AICrossSim/clm-60m
dataset_name: HuggingFaceFW/fineweb-edu
dataset_config_name: sample-10BT
per_device_train_batch_size: 12
per_device_eval_batch_size: 12
gradient_accumulation_steps: 50
do_train: true
report_to: wandb
learning_rate: 5e-5
max_steps: 100
save_strategy: steps
save_steps: 500
save_total_limit: 2
bf16: true
dataloader_num_workers: 16
preprocessing_num_workers: 32
tokenizer_name: HuggingFaceTB/cosmo2-tokenizer
output_dir: ./outputs/clm-60m
transform_config: default.yaml
seed: 42
)");
  EXPECT_TRUE(problems_in(train_schema(), recipe).empty());
  const RunConfig run = run_config_from(recipe);
  EXPECT_TRUE(problems_in(run).empty());
  EXPECT_EQ(run.gradient_accumulation_steps, 50);
  EXPECT_EQ(run.learning_rate, 5e-5);
  EXPECT_EQ(run.preprocessing_num_workers, 32);
  EXPECT_TRUE(run.bf16);
}

TEST(TrainSchema, KnownButUnsupportedFlagsSayWhy) {
  for (const char* yaml :
       {"streaming: true", "fp16: true", "deepspeed: ds.json", "fsdp: full_shard",
        "push_to_hub: true", "use_lora: true", "torch_dtype: bfloat16", "torch_compile: true"}) {
    const std::vector<Problem> problems = yaml_problems(yaml);
    ASSERT_EQ(problems.size(), 1u) << yaml;
    EXPECT_EQ(problems[0].id, "not-supported") << yaml;
    EXPECT_EQ(problems[0].place.line, 1);
    EXPECT_EQ(problems[0].message.find(std::string(yaml).substr(0, std::string(yaml).find(':'))),
              0u)
        << problems[0].message;
  }
  EXPECT_TRUE(yaml_problems("fp16: false\nstreaming: false\nsave_safetensors: true").empty());
}

TEST(RunConfig, GradientCheckpointingIsThatOfWholeLayers) {
  const auto choice = [](const char* yaml) {
    const ParamValues given = values(yaml);
    EXPECT_TRUE(problems_in(train_schema(), given).empty()) << yaml;
    return run_config_from(given).activation_checkpointing;
  };
  EXPECT_EQ(choice("max_steps: 1"), "none");
  EXPECT_EQ(choice("gradient_checkpointing: true"), "layer");
  EXPECT_EQ(choice("activation_checkpointing: selective"), "selective");
  EXPECT_EQ(choice("{activation_checkpointing: selective, gradient_checkpointing: true}"),
            "selective");
}

TEST(RunConfig, DefaultsAreTheTablesOwn) {
  const RunConfig run = config("");
  const RunConfig plain = [] {
    RunConfig fresh;
    fresh.do_train = true;
    return fresh;
  }();
  EXPECT_TRUE(values_of(run).same_values(values_of(plain)));
  EXPECT_EQ(run.logging_steps, 10);
  EXPECT_EQ(run.num_train_epochs, 3.0);
  EXPECT_EQ(run.save_steps, 500);
}

TEST(RunConfig, TrainingIsImpliedUnlessOnlyEvaluationIsGiven) {
  EXPECT_TRUE(config("").do_train);
  EXPECT_FALSE(config("").do_eval);
  EXPECT_FALSE(config("do_eval: true").do_train);
  EXPECT_TRUE(config("{do_eval: true, do_train: true}").do_train);
}

TEST(RunConfig, SpellingsOfTheTrainerAreResolved) {
  EXPECT_EQ(config("use_cpu: true").device, "cpu");
  EXPECT_EQ(config("eval_strategy: steps").eval_steps, 10);
  EXPECT_EQ(config("{eval_strategy: steps, eval_steps: 3}").eval_steps, 3);
  EXPECT_EQ(config("eval_steps: 3").eval_steps, 3);
  EXPECT_FALSE(config("").eval_steps);
}

RunConfig awkward_config() {
  RunConfig run;
  run.model_name_or_path = "runs/a b/it's \"here\"";
  run.train_file = "no";
  run.validation_file = "12";
  run.tokenizer_name = "null";
  run.rope = "as_trained";
  run.dataset_config_name = "1e-5";
  run.output_dir = "-x: #y\n";
  run.transform_config = "none";
  run.do_train = true;
  run.learning_rate = 1.0 / 3.0;
  run.weight_decay = 1e-300;
  run.adam_epsilon = 1e-8;
  run.save_strategy = "no";
  run.save_total_limit = 2;
  run.max_train_samples = 9007199254740993;
  run.keep_linebreaks = false;
  run.seed = 9223372036854775807;
  run.device = "cuda:1";
  return run;
}

TEST(RunYaml, RoundTripsEveryField) {
  for (const RunConfig& run :
       {awkward_config(), config(""), config("{bf16: true, eval_steps: 5, block_size: 128}")}) {
    const std::string text = run_yaml(run);
    const RunConfig again = config(text);
    EXPECT_TRUE(values_of(again).same_values(values_of(run))) << text;
    EXPECT_EQ(run_yaml(again), text);
  }
}

TEST(RunYaml, EveryFieldIsWrittenUnderItsFlagsName) {
  const std::string text = run_yaml(awkward_config());
  const ParamValues all = values_of(awkward_config());
  for (const PlacedValue& entry : all.entries()) {
    EXPECT_NE(train_schema().find(entry.name), nullptr) << entry.name;
    EXPECT_NE(text.find("\n" + entry.name + ": "), std::string::npos) << entry.name;
  }
  EXPECT_NE(text.find("save_strategy: \"no\"\n"), std::string::npos)
      << "PyYAML reads a bare no as false";
}

TEST(RunYaml, MistakesAreLocated) {
  const std::vector<Problem> problems =
      yaml_problems("max_steps: 10\nlerning_rate: 1\nblock_size: 1\nbf16: maybe\n");
  ASSERT_EQ(problems.size(), 3u);
  EXPECT_EQ(problems[0].place.line, 2);
  EXPECT_NE(problems[0].remedy.find("learning_rate"), std::string::npos);
  EXPECT_EQ(problems[1].place.line, 4);
  EXPECT_EQ(problems[2].place.line, 3);
  EXPECT_EQ(problems[2].place.column, 13);
  EXPECT_FALSE(yaml_problems("- a\n- b").empty());
  EXPECT_FALSE(yaml_problems("seed: 1\nseed: 2").empty());
  EXPECT_TRUE(yaml_problems("").empty());
}

std::string only_problem(const std::string& yaml) {
  const std::vector<Problem> problems = problems_in(config(yaml));
  EXPECT_EQ(problems.size(), 1u) << yaml;
  return problems.empty() ? "" : problems[0].message;
}

TEST(RunConfig, ConditionsBetweenFieldsAreChecked) {
  const std::string good = "model_name_or_path: m\ntrain_file: t.txt\n";
  EXPECT_TRUE(problems_in(config(good)).empty());
  EXPECT_NE(only_problem("train_file: t.txt").find("no model"), std::string::npos);
  EXPECT_NE(only_problem(good + "config_name: c").find("both given"), std::string::npos);
  EXPECT_NE(only_problem("model_name_or_path: m").find("no text"), std::string::npos);
  EXPECT_NE(only_problem(good + "dataset_name: d").find("both given"), std::string::npos);
  EXPECT_NE(only_problem(good + "dataset_config_name: d").find("subset"), std::string::npos);
  EXPECT_NE(only_problem(good + "device: tpu").find("tpu"), std::string::npos);
  EXPECT_NE(only_problem("{model_name_or_path: m, validation_file: v}").find("nothing to train on"),
            std::string::npos);
  EXPECT_TRUE(
      problems_in(config("{model_name_or_path: m, validation_file: v, do_eval: true}")).empty());
}

TEST(RunConfig, DeviceNames) {
  for (const char* name : {"auto", "cpu", "cuda", "cuda:0", "cuda:12"})
    EXPECT_TRUE(is_device_name(name)) << name;
  for (const char* name : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "CUDA"})
    EXPECT_FALSE(is_device_name(name)) << name;
}

TEST(RunConfig, DefaultFolderNamesModelTransformAndTime) {
  RunConfig run;
  run.model_name_or_path = "/data/clm 60m/";
  const std::string name = default_output_dir(run, 1'700'000'000);
  EXPECT_EQ(name.find("runs/clm-60m-plain-2023111"), 0u) << name;
  EXPECT_EQ(name.size(), std::string("runs/clm-60m-plain-20231114-221320").size());
  run.transform_config = "configs/transforms/optical_transformer.yaml";
  EXPECT_EQ(default_output_dir(run, 1'700'000'000).find("runs/clm-60m-optical_transformer-2023111"),
            0u);
  run.transform_config = "none";
  EXPECT_NE(default_output_dir(run, 0).find("-plain-"), std::string::npos);
}

TEST(EvalConfig, ReadsItsFlags) {
  ParamValues given;
  given.set("model_name_or_path", std::string("m"));
  given.set("validation_file", std::string("v.txt"));
  given.set("block_size", std::int64_t{64});
  EXPECT_TRUE(problems_in(eval_schema(), given).empty());
  const EvalConfig eval = eval_config_from(given);
  EXPECT_EQ(eval.block_size, 64);
  EXPECT_EQ(eval.calibrate_batches, 8);
  EXPECT_EQ(eval.rope, "config");
  EXPECT_TRUE(problems_in(eval).empty());
  EXPECT_EQ(problems_in(eval_schema(), {}).size(), 1u) << "model_name_or_path is required";
}

}  // namespace
}  // namespace engine
