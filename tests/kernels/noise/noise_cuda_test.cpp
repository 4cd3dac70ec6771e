// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/noise/noise.h"
#include "tests/support/cuda_buffer.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <cstdlib>
#include <cstring>

namespace kernels {
namespace {

TEST(NoiseCuda, DrawsTheBitsOfTheReferenceWhateverTheOffset) {
  SKIP_WITHOUT_DEVICE();
  for (const std::uint64_t first :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{4095}, (std::uint64_t{1} << 34) + 3}) {
    for (const std::int64_t count : {1, 3, 4, 1001, 1 << 20}) {
      const NoiseStream stream{.key = 0x5cabaa10577fab40, .time = {7, 3}, .first_element = first};
      std::vector<float> expected(count);
      reference::uniform(stream, count, expected.data());
      const tests::CudaBuffer<float> out(count);
      cuda::uniform(stream, count, out.data(), {});
      const auto actual = out.host();
      ASSERT_EQ(std::memcmp(actual.data(), expected.data(), count * sizeof(float)), 0)
          << first << " " << count;
    }
  }
}

TEST(NoiseCuda, FollowsTheClockInDeviceMemory) {
  SKIP_WITHOUT_DEVICE();
  const tests::CudaBuffer<NoiseTime> clock(std::vector<NoiseTime>{{7, 3}});
  NoiseStream stream{.key = 11, .time = {0, 0}, .first_element = 2, .clock = clock.data()};
  const tests::CudaBuffer<float> out(101);
  cuda::uniform(stream, 101, out.data(), {});
  stream.time = {7, 3};
  std::vector<float> expected(101);
  reference::uniform(stream, 101, expected.data());
  EXPECT_EQ(out.host(), expected);
}

// A noise index beyond 2^31 elements of one call: more than any index of 32 bits can reach. 8.6 GB.
TEST(NoiseCuda, DrawsMoreThanTwoToThe31Elements) {
  SKIP_WITHOUT_DEVICE();
  if (std::getenv("PARADIGM_LONG_TESTS") == nullptr) GTEST_SKIP() << "long; needs 9 GB";
  const std::int64_t count = (std::int64_t{1} << 31) + 77;
  const NoiseStream stream{.key = 12, .time = {1, 0}, .first_element = 1};
  const tests::CudaBuffer<float> out(static_cast<std::size_t>(count));
  cuda::uniform(stream, count, out.data(), {});
  std::vector<float> tail(100), expected(100);
  ASSERT_EQ(cudaMemcpy(tail.data(), out.data() + count - 100, 400, cudaMemcpyDeviceToHost),
            cudaSuccess);
  reference::uniform(stream.at(count - 100), 100, expected.data());
  EXPECT_EQ(tail, expected);
}

}  // namespace
}  // namespace kernels

#else
TEST(NoiseCuda, IsNotBuilt) { GTEST_SKIP() << "built without CUDA"; }
#endif
