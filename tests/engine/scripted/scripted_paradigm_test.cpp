// SPDX-License-Identifier: GPL-3.0-or-later
// TorchScript modules as layers, and whole runs with one.
#include "engine/scripted/scripted_paradigm.h"

#include "engine/conformance/check_paradigm.h"
#include "engine/conformance/paradigm_conformance.h"
#include "engine/error.h"
#include "engine/runs/run_reader.h"
#include "engine/training/evaluate.h"
#include "engine/training/train.h"
#include "engine/transform/paradigm_probe.h"
#include "kernels/noise_key.h"
#include "kernels/normal_noise/normal_noise.h"
#include "tests/support/tiny_training.h"

#include <ATen/ATen.h>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLayer = "model.layers.0.mlp.up_proj";

fs::path golden(const std::string& name) {
  return PARADIGM_SOURCE_DIR "/tests/golden/paradigms/" + name + ".pt";
}

at::Tensor normal(at::IntArrayRef shape, std::uint64_t seed) {
  return at::randn(shape, at::detail::createCPUGenerator(seed));
}

ForwardContext at_step(Phase phase, std::int64_t step = 0) {
  ForwardContext context;
  context.phase = phase;
  context.step = step;
  return context;
}

std::unique_ptr<LinearLayer> linear(const std::string& name, const ParamValues& given = {},
                                    std::uint64_t run_seed = 42) {
  const ScriptedFilePtr file = read_scripted_file(golden(name), name);
  return make_scripted_paradigm(file)->replace(
      std::make_unique<PlainLinear>(kLayer, normal({3, 5}, 1).set_requires_grad(true),
                                    normal({3}, 2).set_requires_grad(true)),
      file->info.schema.effective(given), {run_seed});
}

ParamValues with(const std::string& name, ParamValue value) {
  ParamValues values;
  values.set(name, std::move(value));
  return values;
}

std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ScriptedLinear, ParametersReachTheModule) {
  const at::Tensor x = normal({2, 4, 5}, 3);
  const auto quiet = linear("plainspoken", with("is_noisy", false));
  EXPECT_TRUE(at::equal(quiet->forward(x, at_step(Phase::evaluate)),
                        at::linear(x, quiet->weight(), quiet->bias())));
  const auto noisy = linear("plainspoken", with("gain", 0.0));
  EXPECT_TRUE(at::equal(noisy->forward(x, at_step(Phase::evaluate)),
                        at::linear(x, noisy->weight(), noisy->bias())));
  EXPECT_FALSE(at::equal(linear("plainspoken")->forward(x, at_step(Phase::evaluate)),
                         at::linear(x, noisy->weight(), noisy->bias())));
}

TEST(ScriptedLinear, AScheduledParameterFollowsTheStep) {
  const at::Tensor x = normal({2, 4, 5}, 3);
  const auto moving =
      linear("plainspoken", with("gain", ParamSchedule{0.0, 1.0, 10, ScheduleShape::linear}));
  const auto still = linear("plainspoken", with("gain", 0.3));
  for (const std::int64_t step : {0, 3, 7}) {
    const bool same = at::equal(moving->forward(x, at_step(Phase::train, step)),
                                still->forward(x, at_step(Phase::train, step)));
    EXPECT_EQ(same, step == 3) << step;
  }
}

TEST(ScriptedLinear, NoiseIsTheStreamOfItsRoleAndElement) {
  const auto layer = linear("noise");
  ForwardContext context = at_step(Phase::train, 7);
  context.micro_step = 2;
  context.first_sequence = 4;
  const at::Tensor y = layer->forward(normal({2, 4, 5}, 3), context);
  at::Tensor expected = at::empty({2, 4, 3});
  kernels::reference::normal(
      {kernels::noise_key(42, kernels::layer_id(kLayer), 0, kernels::noise_role::scripted),
       {7, 2},
       4 * 4 * 3},
      expected.numel(), expected.data_ptr<float>());
  EXPECT_TRUE(at::equal(y, expected));
}

TEST(ScriptedLinear, NoiseHasTheShapeAskedFor) {
  const at::Tensor x = normal({2, 4, 5}, 3);
  const auto draw = [&](const char* which, Phase phase, std::int64_t step, std::int64_t first) {
    ForwardContext context = at_step(phase, step);
    context.first_sequence = first;
    return linear("noise", with("which", std::string(which)))->forward(x, context);
  };
  // Of the input: a sum over the features, moved by the place in the batch.
  EXPECT_FALSE(at::equal(draw("input", Phase::train, 1, 0), draw("input", Phase::train, 1, 2)));
  // Of the weight: the same for every part of a batch, another in every step.
  EXPECT_TRUE(at::equal(draw("cells", Phase::train, 1, 0), draw("cells", Phase::train, 1, 2)));
  EXPECT_FALSE(at::equal(draw("cells", Phase::train, 1, 0), draw("cells", Phase::train, 2, 0)));
  // Drawn once a run: the same chip in every step, in training and evaluation.
  EXPECT_TRUE(at::equal(draw("chip", Phase::train, 1, 0), draw("chip", Phase::evaluate, 9, 2)));
  EXPECT_FALSE(at::equal(draw("chip", Phase::train, 1, 0), draw("cells", Phase::train, 1, 0)));
}

TEST(ScriptedLinear, SeedsAndPhasesDrawOtherNoise) {
  const at::Tensor x = normal({2, 4, 5}, 3);
  const at::Tensor base = linear("noise")->forward(x, at_step(Phase::train));
  EXPECT_TRUE(at::equal(base, linear("noise")->forward(x, at_step(Phase::train))));
  EXPECT_FALSE(at::equal(base, linear("noise", {}, 43)->forward(x, at_step(Phase::train))));
  EXPECT_FALSE(at::equal(
      base, linear("noise", with("seed", std::int64_t{1}))->forward(x, at_step(Phase::train))));
  EXPECT_FALSE(at::equal(base, linear("noise")->forward(x, at_step(Phase::evaluate))));
}

TEST(ScriptedLinear, TheThousandthCallGivesTheBitsOfTheFirst) {
  const at::Tensor x = normal({2, 4, 5}, 3);
  const auto layer = linear("plainspoken");
  const at::Tensor first = layer->forward(x, at_step(Phase::train));
  for (int call = 0; call < 20; ++call) layer->forward(x, at_step(Phase::train));
  EXPECT_TRUE(at::equal(first, layer->forward(x, at_step(Phase::train))));
}

TEST(ScriptedLinear, StateMovesInTrainingOnlyAndStaysInPlace) {
  const at::Tensor x = normal({2, 4, 5}, 3);
  const auto layer = linear("tracker");
  const auto states = layer->simulation_state();
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[0].name, "x_max");
  layer->forward(x, at_step(Phase::train));
  EXPECT_EQ(states[0].tensor.item<float>(), x.abs().max().item<float>());
  EXPECT_EQ(states[1].tensor.item<float>(), 1);
  layer->forward(x * 3, at_step(Phase::evaluate));
  ForwardContext again = at_step(Phase::train);
  again.recompute = true;
  layer->forward(x, again);
  EXPECT_EQ(states[1].tensor.item<float>(), 1);
  layer->forward(x * 3, at_step(Phase::train, 1));
  EXPECT_EQ(states[0].tensor.item<float>(), 2 * x.abs().max().item<float>());
  EXPECT_TRUE(layer->simulation_state()[0].tensor.is_same(states[0].tensor));
}

TEST(ScriptedLinear, TwoLayersOfOneFileShareNothing) {
  const ScriptedFilePtr file = read_scripted_file(golden("tracker"), "tracker");
  const auto paradigm = make_scripted_paradigm(file);
  const auto make = [&](const char* name) {
    return paradigm->replace(std::make_unique<PlainLinear>(name, normal({3, 5}, 1), at::Tensor()),
                             file->info.schema.effective({}), ReplaceContext{});
  };
  const auto a = make("a"), b = make("b");
  a->forward(normal({2, 4, 5}, 3), at_step(Phase::train));
  EXPECT_TRUE(std::isfinite(a->simulation_state()[0].tensor.item<float>()));
  EXPECT_FALSE(std::isfinite(b->simulation_state()[0].tensor.item<float>()));
}

TEST(ScriptedLinear, CalibrationObservesAndComputesPlainly) {
  const at::Tensor x = normal({2, 4, 5}, 3);
  const auto layer = linear("tracker");
  EXPECT_NE(error_of([&] { layer->forward(x, at_step(Phase::evaluate)); }).find("never observed"),
            std::string::npos);
  EXPECT_TRUE(at::equal(layer->forward(x, at_step(Phase::calibrate)),
                        at::linear(x, layer->weight(), layer->bias())));
  EXPECT_NO_THROW(layer->forward(x, at_step(Phase::evaluate)));
}

TEST(ScriptedLinear, BypassIsThePlainLayer) {
  const at::Tensor x = normal({2, 4, 5}, 3);
  const auto layer = linear("noise", with("bypass", true));
  EXPECT_TRUE(layer->computes_plainly());
  EXPECT_TRUE(at::equal(layer->forward(x, at_step(Phase::train)),
                        at::linear(x, layer->weight(), layer->bias())));
}

TEST(ScriptedLinear, EveryFaultNamesLayerFileAndReason) {
  const struct {
    const char* fault;
    Phase phase;
    const char* words;
  } cases[] = {{"raise", Phase::evaluate, "ValueError: the laser is off (make_paradigms.py, line "},
               {"operator", Phase::evaluate, "cannot be multiplied"},
               {"in_place", Phase::evaluate, "changed its 1. argument in place"},
               {"buffer", Phase::train, "forward changed the buffer count"},
               {"shape", Phase::evaluate, "of shape [2, 4, 1], not [2, 4, 3],"},
               {"dtype", Phase::evaluate, "returned Double on cpu, not Float"},
               {"nan", Phase::evaluate, "returned NaN or infinity for finite values"},
               {"nan_gradient", Phase::train, "gradient with NaN or infinity for weight"},
               {"no_gradient", Phase::train, "gives no gradient"},
               {"no_weight_gradient", Phase::train, "gives no gradient for weight"},
               {"observe_shape", Phase::train, "gave the buffer count another shape"}};
  for (const auto& each : cases) {
    const auto layer = linear("faulty", with("fault", std::string(each.fault)));
    const std::string text = error_of([&] {
      layer->forward(normal({2, 4, 5}, 3), at_step(each.phase));
    });
    EXPECT_NE(text.find(each.words), std::string::npos) << each.fault << ": " << text;
    EXPECT_NE(text.find(kLayer), std::string::npos) << each.fault << ": " << text;
    EXPECT_NE(text.find("faulty.pt"), std::string::npos) << each.fault << ": " << text;
  }
  const auto sound = linear("faulty");
  EXPECT_NO_THROW(sound->forward(normal({2, 4, 5}, 3), at_step(Phase::train)));
  EXPECT_NE(error_of([] { linear("integer_state"); }).find("its state count is Long"),
            std::string::npos);
}

TEST(ScriptedLinear, AGradientIsNotAskedForInEvaluation) {
  const auto layer = linear("faulty", with("fault", std::string("no_gradient")));
  EXPECT_NO_THROW(layer->forward(normal({2, 4, 5}, 3), at_step(Phase::evaluate)));
}

std::unique_ptr<AttentionCore> attention(const std::string& name, AttentionShape shape,
                                         const ParamValues& given = {}) {
  const ScriptedFilePtr file = read_scripted_file(golden(name), name);
  return make_scripted_paradigm(file)->replace(
      std::make_unique<PlainAttention>("model.layers.0.self_attn", shape),
      file->info.schema.effective(given), ReplaceContext{});
}

TEST(ScriptedAttention, ComputesHeadsInOrderAndSharesKeysAndValues) {
  const AttentionShape shape{4, 2, 8, 0};
  const auto simulated = attention("noise", shape);
  PlainAttention plain("model.layers.0.self_attn", shape);
  const at::Tensor q = normal({2, 4, 6, 8}, 1) * 1e4, k = normal({2, 2, 6, 8}, 2),
                   v = normal({2, 2, 6, 8}, 3);
  // Scores so large that noise of 0.1 does not matter.
  EXPECT_TRUE(at::allclose(simulated->forward(q, k, v, at_step(Phase::evaluate)),
                           plain.forward(q, k, v, at_step(Phase::evaluate)), 1e-2, 1e-2));
}

TEST(ScriptedAttention, TheMaskFollowsTheCacheLength) {
  const auto simulated = attention("noise", {2, 2, 8, 0});
  const at::Tensor q = normal({1, 2, 2, 8}, 1), k = normal({1, 2, 5, 8}, 2),
                   v = normal({1, 2, 5, 8}, 3);
  const at::Tensor before = simulated->forward(q, k, v, at_step(Phase::evaluate));
  const at::Tensor later = v.clone();
  later.select(2, 4).fill_(100);
  const at::Tensor after = simulated->forward(q, k, later, at_step(Phase::evaluate));
  EXPECT_TRUE(at::equal(before.select(1, 0), after.select(1, 0)));
  EXPECT_FALSE(at::equal(before.select(1, 1), after.select(1, 1)));
}

TEST(ScriptedAttention, WithoutACausalMaskEveryQuerySeesEveryKey) {
  AttentionShape shape{2, 2, 8, 0};
  const at::Tensor q = normal({1, 2, 5, 8}, 1), k = normal({1, 2, 5, 8}, 2),
                   v = normal({1, 2, 5, 8}, 3);
  const at::Tensor later = v.clone();
  later.select(2, 4).fill_(100);
  for (const bool causal : {true, false}) {
    shape.causal = causal;
    const auto simulated = attention("noise", shape);
    const at::Tensor before = simulated->forward(q, k, v, at_step(Phase::evaluate));
    const at::Tensor after = simulated->forward(q, k, later, at_step(Phase::evaluate));
    EXPECT_EQ(at::equal(before.select(1, 0), after.select(1, 0)), causal);
  }
  const ScriptedFilePtr masked = read_scripted_file(golden("noise"), "noise");
  EXPECT_TRUE(make_scripted_paradigm(masked)->probe()->offers_full_attention());
  const ScriptedFilePtr linear_only = read_scripted_file(golden("plainspoken"), "plainspoken");
  EXPECT_FALSE(make_scripted_paradigm(linear_only)->probe()->offers_full_attention());
}

TEST(ScriptedAttention, DropoutOfTheModelIsRefusedNotForgotten) {
  EXPECT_NE(error_of([] {
              attention("noise", {2, 2, 8, 0.1});
            }).find("attention_dropout"),
            std::string::npos);
}

TEST(ScriptedConformance, TheShippedExampleKeepsAllThatApplies) {
  const auto results =
      check_paradigm(PARADIGM_SOURCE_DIR "/configs/paradigms/photodetector/photodetector.pt", {});
  EXPECT_GE(results.size(), 10u);
  for (const ConformanceResult& result : results)
    EXPECT_NE(result.outcome, ConformanceResult::Outcome::broken)
        << result.promise << ": " << result.reason;
}

TEST(ScriptedConformance, AttentionKeepsAllThatApplies) {
  const ScriptedFilePtr file = read_scripted_file(golden("noise"), "noise");
  const auto cases = conformance_cases(file->info, make_scripted_paradigm(file));
  ASSERT_EQ(cases.size(), 2u);
  for (const ConformanceResult& result : check_conformance(cases[1]))
    EXPECT_NE(result.outcome, ConformanceResult::Outcome::broken)
        << result.check << ": " << result.reason;
}

TEST(ScriptedConformance, WhatAModuleBreaksIsFound) {
  const ScriptedFilePtr file = read_scripted_file(golden("faulty"), "faulty");
  const auto outcome = [&](const char* fault, const char* check) {
    ParadigmInfo info = file->info;
    info.example = with("fault", std::string(fault));
    const auto cases = conformance_cases(info, make_scripted_paradigm(file));
    return check_conformance(cases.at(0), check).outcome;
  };
  using Outcome = ConformanceResult::Outcome;
  EXPECT_EQ(outcome("random", "TheGlobalGeneratorIsUntouched"), Outcome::broken);
  EXPECT_EQ(outcome("random", "RecomputationIsExact"), Outcome::broken);
  EXPECT_EQ(outcome("batch", "BatchSplitChangesNothing"), Outcome::broken);
  EXPECT_EQ(outcome("shape", "ShapeAndDtypeAreKept"), Outcome::broken);
  EXPECT_EQ(outcome("none", "RecomputationIsExact"), Outcome::kept);
  EXPECT_EQ(outcome("none", "BatchSplitChangesNothing"), Outcome::kept);
}

class ScriptedRun : public tests::TinyTraining {
 protected:
  ScriptedRun() : TinyTraining(810) {
    fs::create_directories(folder_ / "devices");
    fs::copy_file(golden("tracker"), device());
    folder_.write("tracker.yaml",
                  "layer_name_to_config:\n  .*mlp.*: {paradigm: devices/tracker.pt}\n"
                  "  default: null\n");
  }

  fs::path device() const { return folder_ / "devices/tracker.pt"; }

  RunConfig config(const std::string& run) const {
    RunConfig config = training(run);
    config.transform_config = (folder_ / "tracker.yaml").string();
    config.learning_rate = 1e-3;
    config.max_steps = 6;
    config.save_steps = 3;
    config.logging_steps = 1;
    return config;
  }

  static TrainOutcome run(const RunConfig& config) {
    RunControl control;
    return train(config, control, {});
  }

  EvalResult evaluated(const fs::path& model) const {
    EvalConfig config;
    config.model_name_or_path = model.string();
    config.validation_file = (folder_ / "text.txt").string();
    config.block_size = 16;
    config.device = "cpu";
    return evaluate(config, {});
  }
};

TEST_F(ScriptedRun, TheFileIsKeptWithTheRunAndEachCheckpoint) {
  ASSERT_TRUE(run(config("run")).finished);
  const std::string original = tests::content_of(device());
  EXPECT_EQ(tests::content_of(folder_ / "run/transform.tracker.pt"), original);
  EXPECT_EQ(tests::content_of(folder_ / "run/checkpoint-3/transform.tracker.pt"), original);
  EXPECT_NE(tests::content_of(folder_ / "run/events.jsonl").find("SHA-256"), std::string::npos);
  const double before = evaluated(folder_ / "run").eval_loss;
  fs::remove_all(folder_ / "devices");
  const EvalResult after = evaluated(folder_ / "run");
  EXPECT_EQ(after.eval_loss, before);
  EXPECT_FALSE(after.transform_digest.empty());
}

TEST_F(ScriptedRun, AResumedRunIsTheUninterruptedOne) {
  RunControl control;
  control.request(RunRequest::stop);
  train(config("half"), control, {});
  ASSERT_TRUE(fs::exists(folder_ / "half/checkpoint-1"));
  ASSERT_TRUE(run(config("half")).finished);
  ASSERT_TRUE(run(config("whole")).finished);
  for (const std::string file : {"model.safetensors", "simulation_state.safetensors"})
    EXPECT_TRUE(tests::content_of(folder_ / ("half/checkpoint-6/" + file)) ==
                tests::content_of(folder_ / ("whole/checkpoint-6/" + file)))
        << file;
}

TEST_F(ScriptedRun, AChangedFileIsAnotherTransformOnResume) {
  RunConfig half = config("run");
  half.max_steps = 3;
  run(half);
  tests::append_to(device(), "changed");
  RunConfig rest = config("run");
  rest.resume_from_checkpoint = (folder_ / "run/checkpoint-3").string();
  EXPECT_NE(error_of([&] { run(rest); }).find("another transform"), std::string::npos);
  rest.transform_config.reset();  // the recorded copy goes on
  EXPECT_TRUE(run(rest).finished);
}

TEST_F(ScriptedRun, AFailingModuleLeavesNothingBehind) {
  fs::copy_file(golden("faulty"), folder_ / "devices/faulty.pt");
  folder_.write("tracker.yaml",
                "layer_name_to_config:\n  .*mlp.*: {paradigm: devices/faulty.pt, fault: "
                "nan_gradient}\n  default: null\n");
  const std::string text = error_of([&] { run(config("run")); });
  EXPECT_NE(text.find("gradient with NaN or infinity"), std::string::npos) << text;
  EXPECT_FALSE(fs::exists(folder_ / "run"));
}

TEST_F(ScriptedRun, TheShippedExampleTrains) {
  RunConfig example = config("run");
  example.transform_config = PARADIGM_SOURCE_DIR "/configs/paradigms/photodetector/transform.yaml";
  EXPECT_TRUE(run(example).finished);
  EXPECT_TRUE(std::isfinite(evaluated(folder_ / "run").eval_loss));
}

}  // namespace
}  // namespace engine
