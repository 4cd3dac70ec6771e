// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices.h"

#include "engine/error.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

TEST(Devices, VersionsCompareByNumber) {
  EXPECT_TRUE(is_older_version("580.65.05", "580.65.06"));
  EXPECT_TRUE(is_older_version("99.1", "580.65.06"));
  EXPECT_TRUE(is_older_version("580.65", "580.65.06"));
  EXPECT_FALSE(is_older_version("580.65.06", "580.65.06"));
  EXPECT_FALSE(is_older_version("580.159.03", "580.65.06"));
  EXPECT_FALSE(is_older_version("1000.1", "580.65.06"));
}

TEST(Devices, TheCpuComesFirstAndIsUsable) {
  const DeviceReport report = device_report();
  ASSERT_FALSE(report.devices.empty());
  EXPECT_EQ(report.devices.front().id, "cpu");
  EXPECT_TRUE(report.devices.front().usable);
  EXPECT_FALSE(report.devices.front().name.empty());
  EXPECT_GT(report.devices.front().total_memory, 0);
  EXPECT_EQ(report.driver_required, "580.65.06");
  EXPECT_FALSE(report.torch_version.empty());
}

TEST(Devices, AutomaticIsADeviceOfTheReport) {
  const DeviceReport report = device_report();
  EXPECT_EQ(choose_device("auto", false).id, report.automatic);
  EXPECT_FALSE(choose_device("auto", false).note.empty());
#ifdef PARADIGM_WITH_CUDA
  EXPECT_EQ(choose_device("auto", true).id, report.automatic);
#else
  EXPECT_EQ(choose_device("auto", true).id, "cpu");
#endif
  EXPECT_EQ(choose_device("cpu", true).id, "cpu");
}

TEST(Devices, CudaWithoutAUsableDriverNamesBothVersions) {
  const DeviceReport report = device_report();
  if (report.automatic != "cpu") GTEST_SKIP() << "there is a usable GPU";
  try {
    choose_device("cuda", false);
    FAIL() << "cuda was accepted";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("580.65.06"), std::string::npos) << text;
    EXPECT_NE(text.find(report.driver_found.empty() ? "Driver found: none" : report.driver_found),
              std::string::npos)
        << text;
  }
}

TEST(Devices, AnUnknownCudaDeviceIsRefused) {
  EXPECT_THROW(choose_device("cuda:99", false), Error);
}

TEST(Devices, ResidentMemoryIsPlausible) {
  const std::int64_t bytes = memory_in_use(c10::Device(c10::DeviceType::CPU));
  EXPECT_GT(bytes, 1 << 20);
  EXPECT_LT(bytes, std::int64_t{1} << 40);
}

}  // namespace
}  // namespace engine
