// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/out_of_memory.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <vector>

namespace engine {
namespace {

/// LibTorch's account up to what was free; its advice on its allocator helps nobody here.
std::string what_was_asked(std::string_view text) {
  const std::string_view last = " is free.";
  const auto end = text.find(last);
  return std::string(end == std::string_view::npos ? text : text.substr(0, end + last.size()));
}

}  // namespace

std::string out_of_memory_message(const c10::OutOfMemoryError& error, const RunConfig& config) {
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
  return fmt::format("{} To fit: {}. paradigm estimate --fit finds a micro-batch that does.",
                     what_was_asked(error.what_without_backtrace()), fmt::join(remedies, ", or "));
}

}  // namespace engine
