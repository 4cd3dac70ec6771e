// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/out_of_memory.h"

#include "engine/device/device_error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace engine {

std::string ways_to_fit(const MemorySettings& settings) {
  std::vector<std::string> ways;
  if (settings.batch_size > 1) {
    ways.push_back(fmt::format("lower {} ({} now{})", settings.batch_flag, settings.batch_size,
                               settings.batch_remark));
  }
  if (settings.activation_checkpointing != "layer") {
    ways.push_back("give --activation_checkpointing layer");
  }
  if (!settings.bf16) ways.push_back("give --bf16");
  ways.push_back("lower " + settings.length_flag +
                 (settings.length ? fmt::format(" ({} now)", *settings.length) : ""));
  return fmt::format("{}", fmt::join(ways, ", or "));
}

std::string out_of_memory_message(const std::exception& error, const RunConfig& config) {
  const std::string asked = memory_asked_for(error);
  if (asked.empty()) return "";
  const std::string ways =
      ways_to_fit({.batch_flag = "--per_device_train_batch_size",
                   .batch_size = config.per_device_train_batch_size,
                   .batch_remark = fmt::format("; as many times --gradient_accumulation_steps "
                                               "more, {} now, keep the training the same",
                                               config.gradient_accumulation_steps),
                   .length_flag = "--block_size",
                   .length = config.block_size,
                   .activation_checkpointing = config.activation_checkpointing,
                   .bf16 = config.bf16});
  return fmt::format("{} To fit: {}. paradigm estimate --fit finds a micro-batch that does.", asked,
                     ways);
}

}  // namespace engine
