// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/batch_loader.h"

#include "engine/data/token_dataset_writer.h"
#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <ATen/ops/equal.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>
#include <vector>

namespace engine {
namespace {

constexpr std::int64_t block_size = 4;

/// Block i is {10 i, 10 i + 1, 10 i + 2, 10 i + 3}.
TokenDataset numbered_blocks(const tests::ScratchFolder& folder, std::int64_t count) {
  TokenDatasetWriter writer(folder / "a.tokens", 1'000'000, block_size, std::string(32, 'a'));
  for (std::int64_t i = 0; i < count; ++i) {
    std::vector<std::int32_t> ids;
    for (std::int64_t j = 0; j < block_size; ++j)
      ids.push_back(static_cast<std::int32_t>(10 * i + j));
    writer.append(ids);
  }
  writer.finish();
  return TokenDataset::open(folder / "a.tokens");
}

std::vector<std::int64_t> block_numbers(const StepBatches& step) {
  std::vector<std::int64_t> numbers;
  for (const at::Tensor& batch : step.micro_batches) {
    for (std::int64_t row = 0; row < batch.size(0); ++row) {
      const std::int64_t* ids = batch.const_data_ptr<std::int64_t>() + row * batch.size(1);
      for (std::int64_t j = 0; j < block_size; ++j) EXPECT_EQ(ids[j], ids[0] + j);
      numbers.push_back(ids[0] / 10);
    }
  }
  return numbers;
}

TEST(BatchLoader, KeepsTheShortBatchAndTheShortStepAtTheEndOfAnEpoch) {
  const tests::ScratchFolder folder;
  const TokenDataset data = numbered_blocks(folder, 11);
  BatchLoader loader(data, {.batch_size = 2, .accumulation = 4});
  EXPECT_EQ(loader.micro_batches_per_epoch(), 6);
  EXPECT_EQ(loader.steps_per_epoch(), 2);
  const StepBatches first = loader.next();
  EXPECT_EQ(first.micro_batches.size(), 4u);
  EXPECT_EQ(first.rows, 8);
  EXPECT_EQ(first.after, (LoaderPosition{0, 8}));
  EXPECT_EQ(loader.position(), (LoaderPosition{0, 8}));
  const StepBatches last = loader.next();
  ASSERT_EQ(last.micro_batches.size(), 2u);
  EXPECT_EQ(last.micro_batches[0].sizes(), (at::IntArrayRef{2, block_size}));
  EXPECT_EQ(last.micro_batches[1].sizes(), (at::IntArrayRef{1, block_size}));
  EXPECT_EQ(last.micro_batches[0].scalar_type(), at::kLong);
  EXPECT_EQ(last.rows, 3);
  EXPECT_EQ(last.after, (LoaderPosition{1, 0}));
}

TEST(BatchLoader, VisitsEveryBlockOnceAnEpochInANewOrder) {
  const tests::ScratchFolder folder;
  const TokenDataset data = numbered_blocks(folder, 37);
  BatchLoader loader(data, {.batch_size = 3, .accumulation = 2});
  std::vector<std::vector<std::int64_t>> epochs(3);
  for (auto& epoch : epochs) {
    for (std::int64_t i = 0; i < loader.steps_per_epoch(); ++i) {
      for (const std::int64_t block : block_numbers(loader.next())) epoch.push_back(block);
    }
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
  for (auto& epoch : epochs) {
    std::sort(epoch.begin(), epoch.end());
    for (std::int64_t i = 0; i < 37; ++i) EXPECT_EQ(epoch[static_cast<std::size_t>(i)], i);
    EXPECT_EQ(epoch.size(), 37u);
  }
}

TEST(BatchLoader, WithoutShuffleFollowsTheText) {
  const tests::ScratchFolder folder;
  const TokenDataset data = numbered_blocks(folder, 5);
  BatchLoader loader(data, {.batch_size = 3, .shuffle = false});
  EXPECT_EQ(block_numbers(loader.next()), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(block_numbers(loader.next()), (std::vector<std::int64_t>{3, 4}));
  EXPECT_EQ(block_numbers(loader.next()), (std::vector<std::int64_t>{0, 1, 2}));
}

TEST(BatchLoader, GoesOnWhereItStoppedBehindEveryStep) {
  const tests::ScratchFolder folder;
  const TokenDataset data = numbered_blocks(folder, 23);
  const BatchLoaderOptions options{.seed = 5, .batch_size = 2, .accumulation = 3};
  BatchLoader whole(data, options);
  std::vector<StepBatches> steps;
  for (int i = 0; i < 12; ++i) steps.push_back(whole.next());
  for (std::size_t stop = 0; stop + 1 < steps.size(); ++stop) {
    BatchLoaderOptions resumed = options;
    resumed.start = steps[stop].after;
    BatchLoader rest(data, resumed);
    EXPECT_EQ(rest.position(), steps[stop].after);
    for (std::size_t i = stop + 1; i < steps.size(); ++i) {
      const StepBatches step = rest.next();
      EXPECT_EQ(step.after, steps[i].after);
      ASSERT_EQ(step.micro_batches.size(), steps[i].micro_batches.size());
      for (std::size_t j = 0; j < step.micro_batches.size(); ++j) {
        EXPECT_TRUE(at::equal(step.micro_batches[j], steps[i].micro_batches[j]));
      }
    }
  }
}

TEST(BatchLoader, GivesTheSameWhateverItPrefetches) {
  const tests::ScratchFolder folder;
  const TokenDataset data = numbered_blocks(folder, 50);
  BatchLoader one(data, {.batch_size = 4, .prefetch_steps = 1});
  BatchLoader many(data, {.batch_size = 4, .prefetch_steps = 20});
  for (int i = 0; i < 60; ++i) EXPECT_EQ(block_numbers(one.next()), block_numbers(many.next()));
}

TEST(BatchLoader, StopsAtOnceWhileItsQueueIsFullOrEmpty) {
  const tests::ScratchFolder folder;
  const TokenDataset data = numbered_blocks(folder, 50);
  for (int i = 0; i < 200; ++i) {
    BatchLoader loader(data, {.batch_size = 1});
    if (i % 2 == 0) loader.next();
    BatchLoader moved = std::move(loader);
    if (i % 3 == 0) moved.next();
  }
}

TEST(BatchLoader, RefusesAPositionOutsideTheData) {
  const tests::ScratchFolder folder;
  const TokenDataset data = numbered_blocks(folder, 5);
  for (const LoaderPosition start :
       {LoaderPosition{0, 5}, LoaderPosition{0, -1}, LoaderPosition{-1, 0}}) {
    EXPECT_THROW(BatchLoader(data, {.start = start}), Error);
  }
  EXPECT_THROW(BatchLoader(data, {.batch_size = 0}), Error);
  EXPECT_THROW(BatchLoader(data, {.accumulation = 0}), Error);
}

}  // namespace
}  // namespace engine
