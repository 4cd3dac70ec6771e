// SPDX-License-Identifier: GPL-3.0-or-later
// Whole runs of a tiny model: what they compute, write and say.
#include "engine/training/train.h"

#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/error.h"
#include "engine/model/llama_config.h"
#include "engine/training/evaluate.h"
#include "tests/support/whole_run.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace engine {
namespace {

namespace fs = std::filesystem;
using tests::events_of_type;
using tests::says;
using tests::state_of;

class Train : public tests::WholeRun {};

TEST_F(Train, TheLossFallsAndTheFolderIsComplete) {
  RunConfig wanted = config("run");
  wanted.max_steps = 40;
  wanted.learning_rate = 5e-3;
  const TrainOutcome outcome = run(wanted);
  EXPECT_TRUE(outcome.finished);
  EXPECT_EQ(outcome.step, 40);
  EXPECT_EQ(outcome.last_checkpoint, "checkpoint-40");
  const fs::path dir = folder_ / "run";
  for (const char* name :
       {"run.yaml", "events.jsonl", "status.json", "model.safetensors", "config.json",
        "generation_config.json", "tokenizer.json", "checkpoint-40/manifest.json"}) {
    EXPECT_TRUE(fs::exists(dir / name)) << name;
  }
  EXPECT_FALSE(fs::exists(dir / "transform.yaml"));
  const auto steps = events_of_type<StepLogged>(dir);
  ASSERT_GE(steps.size(), 13u);
  EXPECT_EQ(steps.front().step, 3);
  EXPECT_EQ(steps.back().step, 40);
  EXPECT_LT(steps.back().loss, 0.8 * steps.front().loss);
  EXPECT_EQ(state_of(dir), "finished");
  EXPECT_TRUE(says(dir, "No transform"));
}

TEST_F(Train, LearnsUnderBitFlipsFromScratch) {
  RunConfig wanted = config("run");
  wanted.model_name_or_path.reset();
  wanted.config_name = folder_.write("scratch/config.json", tests::tiny_llama_config()).string();
  wanted.tokenizer_name = (folder_ / "model").string();
  wanted.transform_config = folder_.write("bitflip.yaml", tests::kBitFlipRules).string();
  wanted.max_steps = 40;
  wanted.learning_rate = 5e-3;
  ASSERT_TRUE(run(wanted).finished);
  const auto steps = events_of_type<StepLogged>(folder_ / "run");
  EXPECT_LT(steps.back().loss, 0.8 * steps.front().loss);
  EXPECT_EQ(events_of_type<LayerTransformed>(folder_ / "run").size(), 14u);
}

TEST_F(Train, BypassIsBitIdenticalToThePlainModel) {
  RunConfig plain = config("plain");
  ASSERT_TRUE(run(plain).finished);
  RunConfig bypass = config("bypass");
  std::string text = tests::kOpticalRules;
  bypass.transform_config =
      folder_.write("bypass.yaml", text.replace(text.find("q_bypass: false"), 15, "q_bypass: true"))
          .string();
  ASSERT_TRUE(run(bypass).finished);
  const auto a = events_of_type<StepLogged>(folder_ / "plain");
  const auto b = events_of_type<StepLogged>(folder_ / "bypass");
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].loss, b[i].loss);
  EXPECT_TRUE(tests::content_of(folder_ / "plain/model.safetensors") ==
              tests::content_of(folder_ / "bypass/model.safetensors"));
}

TEST_F(Train, EvaluationDuringTrainingChangesNothing) {
  RunConfig without = config("without");
  without.validation_file = folder_.write("validation.txt", tests::tiny_text(300, 9)).string();
  without.transform_config = (folder_ / "optical.yaml").string();
  RunConfig with = without;
  with.output_dir = (folder_ / "with").string();
  with.eval_steps = 4;
  with.do_eval = true;
  with.per_device_eval_batch_size = 3;
  ASSERT_TRUE(run(without).finished);
  ASSERT_TRUE(run(with).finished);
  EXPECT_TRUE(tests::content_of(folder_ / "with/model.safetensors") ==
              tests::content_of(folder_ / "without/model.safetensors"));
  EXPECT_TRUE(tests::content_of(folder_ / "with/simulation_state.safetensors") ==
              tests::content_of(folder_ / "without/simulation_state.safetensors"));
  const auto evaluations = events_of_type<Evaluated>(folder_ / "with");
  ASSERT_EQ(evaluations.size(), 4u);  // 4, 8, 12, 14
  EXPECT_EQ(evaluations.back().step, 14);
  EXPECT_GT(evaluations.back().perplexity, 1);

  // The command eval on the finished run measures the same, in other batches too: the recorded
  // transform applies.
  EvalConfig eval;
  eval.model_name_or_path = (folder_ / "with").string();
  eval.validation_file = without.validation_file;
  eval.block_size = 16;
  eval.device = "cpu";
  eval.per_device_eval_batch_size = 5;
  const EvalResult result = evaluate(eval, {});
  EXPECT_NEAR(result.eval_loss, evaluations.back().eval_loss, 1e-5);
  EXPECT_EQ(result.eval_tokens, evaluations.back().eval_tokens);
  EXPECT_NE(result.transform.find("transform.yaml"), std::string::npos);
  EXPECT_EQ(result.calibrated_batches, 0);
  eval.transform_config = "none";
  const EvalResult plain = evaluate(eval, {});
  EXPECT_EQ(plain.transform, "none");
  EXPECT_NE(plain.eval_loss, result.eval_loss);
}

TEST_F(Train, EvalCalibratesAModelThatHasNeverSeenTheTransform) {
  EvalConfig eval;
  eval.model_name_or_path = (folder_ / "model").string();
  eval.validation_file = (folder_ / "text.txt").string();
  eval.block_size = 16;
  eval.device = "cpu";
  eval.per_device_eval_batch_size = 2;
  const EvalResult plain = evaluate(eval, {});
  eval.transform_config = (folder_ / "optical.yaml").string();
  eval.calibrate_batches = 3;
  const EvalResult headless = evaluate(eval, {});
  EXPECT_EQ(headless.calibrated_batches, 3);
  EXPECT_EQ(headless.eval_tokens, plain.eval_tokens - 6 * 15);  // the head is not measured
  EXPECT_NE(headless.notes.back().find("calibrated on 3 batches"), std::string::npos);

  eval.train_file = folder_.write("train.txt", tests::tiny_text(800, 3)).string();
  const EvalResult result = evaluate(eval, {});
  EXPECT_EQ(result.calibrated_batches, 3);
  EXPECT_EQ(result.eval_tokens, plain.eval_tokens);
  EXPECT_NE(result.notes.back().find("training text"), std::string::npos);
  EXPECT_NE(result.eval_loss, plain.eval_loss);
  EXPECT_NEAR(result.eval_loss, plain.eval_loss, 0.2 * plain.eval_loss);
  EXPECT_EQ(evaluate(eval, {}).eval_loss, result.eval_loss);

  eval.calibrate_batches = 0;
  try {
    evaluate(eval, {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("model.layers.0.self_attn"), std::string::npos);
    EXPECT_NE(error.problems()[0].remedy.find("--calibrate_batches"), std::string::npos);
  }
}

TEST_F(Train, RopeAsTrainedComputesAndSavesTheModelWithoutTheExportersScaling) {
  tests::write_tiny_llama(folder_ / "exported");
  LlamaConfig exported = read_llama_config(folder_ / "exported/config.json");
  exported.max_position_embeddings = 131072;
  exported.rope_scaling = RopeScaling{.type = "llama3", .factor = 8};
  folder_.write("exported/config.json", llama_config_json(exported));

  RunConfig wanted = config("plain");
  wanted.max_steps = 2;
  ASSERT_TRUE(run(wanted).finished);
  wanted.model_name_or_path = (folder_ / "exported").string();
  wanted.output_dir = (folder_ / "as_trained").string();
  wanted.rope = "as_trained";
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_TRUE(tests::content_of(folder_ / "as_trained/model.safetensors") ==
              tests::content_of(folder_ / "plain/model.safetensors"));
  EXPECT_TRUE(says(folder_ / "as_trained", "as_trained leaves out the llama3 rope scaling"));
  EXPECT_FALSE(read_llama_config(folder_ / "as_trained/config.json").rope_scaling);

  wanted.output_dir = (folder_ / "as_written").string();
  wanted.rope = "config";
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_TRUE(says(folder_ / "as_written", "--rope as_trained"));
  EXPECT_TRUE(read_llama_config(folder_ / "as_written/config.json").rope_scaling);

  EvalConfig eval;
  eval.model_name_or_path = (folder_ / "exported").string();
  eval.validation_file = (folder_ / "text.txt").string();
  eval.block_size = 16;
  eval.device = "cpu";
  eval.rope = "as_trained";
  const double loss = evaluate(eval, {}).eval_loss;
  eval.model_name_or_path = (folder_ / "model").string();
  EXPECT_EQ(evaluate(eval, {}).eval_loss, loss);
}

TEST_F(Train, WeightsThatAreNotFiniteAreAWarning) {
  LlamaConfig model = read_llama_config(folder_ / "model/config.json");
  std::vector<std::string> none;
  TensorMap weights = load_weights(folder_ / "model", model, at::kCPU, none);
  weights.at("model.norm.weight")[0] = std::numeric_limits<float>::quiet_NaN();
  write_tensors(folder_ / "model/model.safetensors", NamedTensors(weights.begin(), weights.end()));

  RunConfig wanted = config("run");
  wanted.max_steps = 1;
  wanted.logging_steps = 1;
  ASSERT_TRUE(run(wanted).finished);
  bool is_warned = false;
  for (const RunMessage& message : events_of_type<RunMessage>(folder_ / "run")) {
    is_warned |= message.level == "warning" &&
                 message.text.find("1 of the 32 values of the tensor model.norm.weight") !=
                     std::string::npos;
  }
  EXPECT_TRUE(is_warned);
  EXPECT_TRUE(says(folder_ / "run", "the gradients are not finite"));
}

TEST_F(Train, TrainsFromScratchAndGrowsTheEmbeddingToTheTokenizer) {
  RunConfig wanted = config("run");
  const tests::TinyLlama small{.vocab_size = 100};
  wanted.model_name_or_path.reset();
  wanted.config_name =
      folder_.write("scratch/config.json", tests::tiny_llama_config(small)).string();
  wanted.tokenizer_name = (folder_ / "model").string();
  wanted.max_steps = 2;
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_EQ(read_llama_config(folder_ / "run/config.json").vocab_size, 257);

  tests::write_tiny_llama(folder_ / "small", small);
  wanted = config("grown");
  wanted.model_name_or_path = (folder_ / "small").string();
  wanted.tokenizer_name = (folder_ / "model").string();
  wanted.max_steps = 2;
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_EQ(read_llama_config(folder_ / "grown/config.json").vocab_size, 257);
  EXPECT_TRUE(says(folder_ / "grown", "it grows"));
}

TEST_F(Train, ModeCalibrateObservesBeforeTheFirstStepAndThenHolds) {
  RunConfig wanted = config("run");
  std::string text = tests::kOpticalRules;
  wanted.transform_config =
      folder_
          .write("calibrate.yaml", text.replace(text.find("q_bypass: false"), 15,
                                                "mode: calibrate\n    calibrate_batches: 2"))
          .string();
  wanted.max_steps = 1;
  ASSERT_TRUE(run(wanted).finished);
  const std::string after_one = tests::content_of(folder_ / "run/simulation_state.safetensors");
  EXPECT_TRUE(says(folder_ / "run", "calibrated on the first 8 blocks"));
  wanted.output_dir = (folder_ / "longer").string();
  wanted.max_steps = 3;
  ASSERT_TRUE(run(wanted).finished);
  // The same ranges; only the step in the file's metadata differs.
  const std::string after_three =
      tests::content_of(folder_ / "longer/simulation_state.safetensors");
  EXPECT_EQ(after_one.substr(after_one.size() - 300), after_three.substr(after_three.size() - 300));
}

TEST(PlannedSteps, RoundUpOverEpochsOfWholeSteps) {
  RunConfig config;
  config.per_device_train_batch_size = 4;
  config.gradient_accumulation_steps = 4;
  config.num_train_epochs = 3;
  EXPECT_EQ(planned_steps(config, 40), 6);  // 10 micro-batches: 2 whole steps
  EXPECT_EQ(planned_steps(config, 41), 6);  // 11 micro-batches
  EXPECT_EQ(planned_steps(config, 5), 3);   // less than a step: 1
  config.num_train_epochs = 0.3;
  EXPECT_EQ(planned_steps(config, 40), 1);
  config.max_steps = 7;
  EXPECT_EQ(planned_steps(config, 40), 7);
}

}  // namespace
}  // namespace engine
