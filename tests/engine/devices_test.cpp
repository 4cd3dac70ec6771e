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

DeviceInfo gpu(const std::string& id, const std::string& name, int major, int minor) {
  DeviceInfo info{.id = id, .name = name};
  judge_capability(info, major, minor);
  return info;
}

DeviceReport machine_with(const DeviceInfo& info) {
  DeviceReport report;
  report.devices = {{.id = "cpu", .name = "a processor"}, info};
  report.automatic = info.usable ? info.id : "cpu";
  report.cuda_problem = info.usable ? "" : info.limits;
  return report;
}

TEST(Devices, AGpuTooOldForLibTorchIsRefusedByName) {
  const DeviceReport report = machine_with(gpu("cuda:0", "Tesla V100", 7, 0));
  EXPECT_FALSE(report.devices[1].usable);
  try {
    choose_device(report, "cuda", false);
    FAIL() << "it was accepted";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("Tesla V100 has compute capability 7.0"), std::string::npos) << text;
    EXPECT_NE(text.find("needs 7.5"), std::string::npos) << text;
  }
  const ChosenDevice chosen = choose_device(report, "auto", false);
  EXPECT_EQ(chosen.id, "cpu");
  EXPECT_NE(chosen.note.find("Tesla V100"), std::string::npos) << chosen.note;
}

TEST(Devices, AnOlderGpuRunsThePlainModelAndSaysSo) {
  const DeviceReport report = machine_with(gpu("cuda:0", "Tesla T4", 7, 5));
  const ChosenDevice plain = choose_device(report, "cuda", false);
  EXPECT_EQ(plain.id, "cuda:0");
  EXPECT_THROW(choose_device(report, "cuda", true), Error);
  const ChosenDevice simulated = choose_device(report, "auto", true);
  EXPECT_EQ(simulated.id, "cpu");
#ifdef PARADIGM_WITH_CUDA
  EXPECT_NE(plain.note.find("Tesla T4 has compute capability 7.5"), std::string::npos);
  EXPECT_NE(simulated.note.find("Tesla T4"), std::string::npos) << simulated.note;
#endif
}

TEST(Devices, AGpuWithKernelsNeedsNoWords) {
  const DeviceInfo info = gpu("cuda:0", "NVIDIA H100", 9, 0);
  EXPECT_TRUE(info.usable);
#ifdef PARADIGM_WITH_CUDA
  EXPECT_TRUE(info.has_kernels);
  EXPECT_EQ(info.limits, "");
  EXPECT_EQ(choose_device(machine_with(info), "cuda", true).note, "");
#endif
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
