// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/normal_noise/normal_noise.h"
#include "tests/support/cuda_buffer.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <cstring>
#include <vector>

namespace kernels {
namespace {

TEST(NormalNoiseCuda, DrawsTheBitsOfTheReferenceWhateverTheOffset) {
  SKIP_WITHOUT_DEVICE();
  for (const std::uint64_t first :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{4095}, (std::uint64_t{1} << 34) + 3}) {
    for (const std::int64_t count : {1, 2, 3, 1001, 1 << 20}) {
      const NoiseStream stream{.key = 0x5cabaa10577fab40, .time = {7, 3}, .first_element = first};
      std::vector<float> expected(count);
      reference::normal(stream, count, expected.data());
      const tests::CudaBuffer<float> out(count);
      cuda::normal(stream, count, out.data(), {});
      const auto actual = out.host();
      ASSERT_EQ(std::memcmp(actual.data(), expected.data(), count * sizeof(float)), 0)
          << first << " " << count;
    }
  }
}

TEST(NormalNoiseCuda, FollowsTheClockInDeviceMemory) {
  SKIP_WITHOUT_DEVICE();
  const tests::CudaBuffer<NoiseTime> clock(std::vector<NoiseTime>{{7, 3}});
  NoiseStream stream{.key = 11, .time = {0, 0}, .first_element = 2, .clock = clock.data()};
  const tests::CudaBuffer<float> out(101);
  cuda::normal(stream, 101, out.data(), {});
  stream.time = {7, 3};
  std::vector<float> expected(101);
  reference::normal(stream, 101, expected.data());
  EXPECT_EQ(out.host(), expected);
}

}  // namespace
}  // namespace kernels

#else
TEST(NormalNoiseCuda, IsNotBuilt) { GTEST_SKIP() << "built without CUDA"; }
#endif
