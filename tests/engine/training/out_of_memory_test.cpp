// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/out_of_memory.h"

#include <c10/util/Exception.h>

#include <gtest/gtest.h>

namespace engine {
namespace {

c10::OutOfMemoryError out_of_memory() {
  return {{"allocate", "allocator.cpp", 1},
          "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB "
          "of which 1.05 GiB is free. Of the allocated memory 70 GiB is allocated by PyTorch. See "
          "documentation for Memory Management"};
}

TEST(OutOfMemory, SaysWhatWasNeededWhatWasFreeAndWhatToLower) {
  RunConfig config;
  config.per_device_train_batch_size = 12;
  config.gradient_accumulation_steps = 2;
  config.block_size = 2048;
  const std::string message = out_of_memory_message(out_of_memory(), config);
  for (const char* part : {"2.00 GiB", "1.05 GiB is free", "--per_device_train_batch_size (12 now",
                           "2 now", "--activation_checkpointing layer", "--bf16",
                           "--block_size (2048 now)", "estimate --fit"}) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
  }
  EXPECT_EQ(message.find("Memory Management"), std::string::npos);
}

TEST(OutOfMemory, LeavesOutWhatIsAlreadyAsLowAsItGoes) {
  RunConfig config;
  config.per_device_train_batch_size = 1;
  config.activation_checkpointing = "layer";
  config.bf16 = true;
  const std::string message = out_of_memory_message(out_of_memory(), config);
  EXPECT_EQ(message.find("batch_size"), std::string::npos);
  EXPECT_EQ(message.find("activation_checkpointing"), std::string::npos);
  EXPECT_EQ(message.find("--bf16"), std::string::npos);
  EXPECT_NE(message.find("--block_size"), std::string::npos);
}

TEST(OutOfMemory, WaysToFitUseTheNamesOfTheCommand) {
  EXPECT_EQ(ways_to_fit({.batch_flag = "--batch_size",
                         .batch_size = 8,
                         .batch_remark = "",
                         .length_flag = "--seq_len",
                         .length = 512,
                         .activation_checkpointing = "selective",
                         .bf16 = false}),
            "lower --batch_size (8 now), or give --activation_checkpointing layer, or give --bf16, "
            "or lower --seq_len (512 now)");
}

}  // namespace
}  // namespace engine
