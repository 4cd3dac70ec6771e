// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/out_of_memory.h"

#include "engine/device/device_error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace engine {

std::string out_of_memory_message(const std::exception& error, const RunConfig& config) {
  const std::string asked = memory_asked_for(error);
  if (asked.empty()) return "";
  std::vector<std::string> remedies;
  if (config.per_device_train_batch_size > 1) {
    remedies.push_back(fmt::format(
        "lower --per_device_train_batch_size ({} now; as many times --gradient_accumulation_steps "
        "more, {} now, keep the training the same)",
        config.per_device_train_batch_size, config.gradient_accumulation_steps));
  }
  if (config.activation_checkpointing != "layer") {
    remedies.push_back("give --activation_checkpointing layer");
  }
  if (!config.bf16) remedies.push_back("give --bf16");
  remedies.push_back(config.block_size
                         ? fmt::format("lower --block_size ({} now)", *config.block_size)
                         : "lower --block_size");
  return fmt::format("{} To fit: {}. paradigm estimate --fit finds a micro-batch that does.", asked,
                     fmt::join(remedies, ", or "));
}

}  // namespace engine
