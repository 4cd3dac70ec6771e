// SPDX-License-Identifier: GPL-3.0-or-later
// Fifty steps against plain PyTorch's (tests/golden/training).
#include "engine/training/trainer.h"

#include "engine/checkpoint/checkpoint_weights.h"
#include "tests/support/golden_ids.h"
#include "tests/support/one_thread.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace engine {
namespace {

using tests::ids_of;

using nlohmann::json;

json training_table() {
  std::ifstream file(PARADIGM_SOURCE_DIR "/tests/golden/training/training_table.json");
  return json::parse(file);
}

struct Training {
  Llama model;
  AdamW optimizer;
  Trainer trainer;

  explicit Training(const json& table, Llama loaded)
      : model(std::move(loaded)),
        optimizer(model.parameters(), {.beta1 = table.at("settings").at("adam_beta1"),
                                       .beta2 = table.at("settings").at("adam_beta2"),
                                       .epsilon = table.at("settings").at("adam_epsilon"),
                                       .weight_decay = table.at("settings").at("weight_decay")}),
        trainer(model, optimizer,
                {.schedule = {.type = table.at("settings").at("lr_scheduler_type"),
                              .peak = table.at("settings").at("learning_rate"),
                              .warmup_steps = table.at("settings").at("warmup_steps"),
                              .total_steps = table.at("settings").at("max_steps")},
                 .max_grad_norm = table.at("settings").at("max_grad_norm")}) {}
};

Llama load(const json& table) {
  const std::string folder =
      std::string(PARADIGM_SOURCE_DIR "/") + table.at("checkpoint").get<std::string>();
  const LlamaConfig config = read_llama_config(folder + "/config.json");
  std::vector<std::string> notes;
  return Llama(config, load_weights(folder, config, at::kCPU, notes));
}

std::vector<at::Tensor> batches_of(const json& step) {
  std::vector<at::Tensor> batches;
  for (const auto& rows : step.at("micro_batches")) batches.push_back(ids_of(rows));
  return batches;
}

TEST(Trainer, FiftyStepsFollowPlainPyTorch) {
  const json table = training_table();
  Training training(table, load(table));
  ASSERT_EQ(table.at("steps").size(), 50u);
  for (const auto& step : table.at("steps")) {
    SCOPED_TRACE(training.trainer.steps_done());
    const StepMetrics metrics = training.trainer.step(batches_of(step));
    const double loss = step.at("loss");
    const double norm = step.at("grad_norm");
    EXPECT_NEAR(metrics.loss.item<double>(), loss, 1e-4 * loss);
    EXPECT_NEAR(metrics.grad_norm.item<double>(), norm, 1e-4 * norm);
    EXPECT_NEAR(metrics.learning_rate, step.at("learning_rate").get<double>(), 1e-12);
  }
  for (const Parameter& parameter : training.model.parameters()) {
    const double wanted = table.at("final_parameter_sums").at(parameter.name);
    EXPECT_NEAR(parameter.tensor.sum(at::kDouble).item<double>(), wanted,
                1e-3 * std::max(1.0, std::abs(wanted)))
        << parameter.name;
  }
}

TEST(Trainer, NonFiniteGradientsChangeNothing) {
  const json table = training_table();
  Training training(table, load(table));
  training.trainer.step(batches_of(table.at("steps")[0]));
  training.trainer.step(batches_of(table.at("steps")[1]));
  std::vector<at::Tensor> before;
  for (const auto& [name, tensor] : training.optimizer.state()) before.push_back(tensor.clone());

  at::Tensor weight = training.model.parameters()[1].tensor.detach();
  const at::Tensor kept = weight.clone();
  weight.fill_(std::numeric_limits<float>::quiet_NaN());
  std::vector<at::Tensor> others;
  for (std::size_t i = 2; i < training.model.parameters().size(); ++i) {
    others.push_back(training.model.parameters()[i].tensor.detach().clone());
  }
  const StepMetrics broken = training.trainer.step(batches_of(table.at("steps")[2]));
  EXPECT_TRUE(std::isnan(broken.loss.item<double>()));
  EXPECT_FALSE(std::isfinite(broken.grad_norm.item<double>()));
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(training.optimizer.state()[i].second.equal(before[i]));
  }
  for (std::size_t i = 0; i < others.size(); ++i) {
    EXPECT_TRUE(training.model.parameters()[i + 2].tensor.detach().equal(others[i]));
  }

  weight.copy_(kept);
  EXPECT_TRUE(
      std::isfinite(training.trainer.step(batches_of(table.at("steps")[3])).loss.item<double>()));
}

TEST(Trainer, AnAbandonedStepChangesNothing) {
  const json table = training_table();
  Training training(table, load(table));
  const at::Tensor before = training.model.parameters()[0].tensor.detach().clone();
  int asked = 0;
  EXPECT_THROW(training.trainer.step(batches_of(table.at("steps")[0]),
                                     [&] {
                                       if (++asked == 2) throw std::runtime_error("stop");
                                     }),
               std::runtime_error);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(training.trainer.steps_done(), 0);
  EXPECT_TRUE(training.model.parameters()[0].tensor.detach().equal(before));
}

}  // namespace
}  // namespace engine
