// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices.h"

#include <ATen/Context.h>
#include <torch/version.h>

#ifdef PARADIGM_TORCH_CUDA
#include <ATen/cuda/CUDAContextLight.h>
#include <c10/core/AllocatorConfig.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#endif

#include "engine/error.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

namespace engine {
namespace {

namespace fs = std::filesystem;

#ifdef PARADIGM_WITH_CUDA
constexpr bool kHasKernels = true;
#else
constexpr bool kHasKernels = false;
#endif

std::vector<int> version_parts(const std::string& version) {
  std::vector<int> parts;
  const char* at = version.data();
  const char* end = at + version.size();
  while (at < end) {
    int part = 0;
    const auto [next, error] = std::from_chars(at, end, part);
    if (error != std::errc()) break;
    parts.push_back(part);
    at = next < end && *next == '.' ? next + 1 : end;
  }
  return parts;
}

/// "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.03  Release Build …": the
/// first word that is a dotted number.
std::string driver_version_of_kernel_module() {
  std::ifstream file("/proc/driver/nvidia/version");
  std::string word;
  while (file >> word) {
    const bool is_version = word.find_first_not_of("0123456789.") == std::string::npos &&
                            word.find('.') != std::string::npos;
    if (is_version) return word;
  }
  return "";
}

std::string driver_version_of_nvml() {
  void* library = dlopen("libnvidia-ml.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) return "";
  const auto initialise = reinterpret_cast<int (*)()>(dlsym(library, "nvmlInit_v2"));
  const auto version =
      reinterpret_cast<int (*)(char*, unsigned)>(dlsym(library, "nvmlSystemGetDriverVersion"));
  const auto finish = reinterpret_cast<int (*)()>(dlsym(library, "nvmlShutdown"));
  std::string found;
  if (initialise != nullptr && version != nullptr && finish != nullptr && initialise() == 0) {
    char text[96] = {};
    if (version(text, sizeof(text)) == 0) found = text;
    finish();
  }
  dlclose(library);
  return found;
}

std::string first_line_of(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

/// A display or compute controller of NVIDIA's on the PCI bus, whatever its driver.
bool has_nvidia_gpu() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/sys/bus/pci/devices", error)) {
    if (first_line_of(entry.path() / "vendor") == "0x10de" &&
        first_line_of(entry.path() / "class").starts_with("0x03")) {
      return true;
    }
  }
  return fs::exists("/dev/nvidia0", error);
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const auto colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "CPU";
}

std::int64_t memory_field(const std::string& name) {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return std::atoll(line.c_str() + name.size() + 1) * 1024;
  }
  return 0;
}

DeviceInfo cpu_info() {
  return {.id = "cpu",
          .name = processor_name(),
          .total_memory = memory_field("MemTotal"),
          .free_memory = memory_field("MemAvailable"),
          .usable = true};
}

/// Needs a driver that is new enough.
std::vector<DeviceInfo> cuda_devices() {
  std::vector<DeviceInfo> devices;
#ifdef PARADIGM_TORCH_CUDA
  const c10::DeviceIndex count = c10::cuda::device_count();
  for (c10::DeviceIndex index = 0; index < count; ++index) {
    const auto* properties = at::cuda::getDeviceProperties(index);
    DeviceInfo info{.id = fmt::format("cuda:{}", index),
                    .name = properties->name,
                    .total_memory = static_cast<std::int64_t>(properties->totalGlobalMem)};
    judge_capability(info, properties->major, properties->minor);
    if (!info.usable) {  // asking for its memory would open it
      devices.push_back(info);
      continue;
    }
    const auto [free_bytes, total_bytes] =
        c10::cuda::CUDACachingAllocator::get()->getMemoryInfo(index);
    info.free_memory = static_cast<std::int64_t>(free_bytes);
    devices.push_back(info);
  }
#endif
  return devices;
}

/// Why CUDA cannot be used, in one sentence with the way out; empty when it can, or when there is
/// no GPU to speak of.
std::string cuda_problem_of(const DeviceReport& report, bool has_cuda_device) {
  if (has_cuda_device) return "";
  if (report.driver_found.empty()) {
    if (!has_nvidia_gpu()) return "";
    return fmt::format(
        "There is an NVIDIA GPU, but no driver: CUDA 13 needs driver {} or newer. Install it",
        kRequiredDriver);
  }
  if (is_older_version(report.driver_found, kRequiredDriver)) {
    return fmt::format(
        "The NVIDIA driver found is {}, CUDA 13 needs {} or newer: update the driver",
        report.driver_found, kRequiredDriver);
  }
  if (!report.built_for_cuda) {
    return fmt::format(
        "The driver {} is there, but this build has no CUDA: delete build/ and run ./run "
        "again with PARADIGM_CUDA=ON",
        report.driver_found);
  }
  return fmt::format(
      "The driver {} is there, but no GPU can be opened: check nvidia-smi and "
      "CUDA_VISIBLE_DEVICES",
      report.driver_found);
}

/// The first GPU with kernels, else the first usable one, else the CPU.
const DeviceInfo& automatic_device(const std::vector<DeviceInfo>& devices) {
  for (const bool needs_kernels : {true, false}) {
    for (const DeviceInfo& info : devices) {
      if (info.id != "cpu" && info.usable && (info.has_kernels || !needs_kernels)) return info;
    }
  }
  return devices.front();
}

const DeviceInfo* find_device(const DeviceReport& report, const std::string& id) {
  for (const DeviceInfo& info : report.devices) {
    if (info.id == id) return &info;
  }
  return nullptr;
}

[[noreturn]] void fail_without_cuda(const std::string& wanted, const DeviceReport& report) {
  std::vector<std::string> ids;
  std::string known;
  for (const DeviceInfo& info : report.devices) known += (known.empty() ? "" : ", ") + info.id;
  const std::string why = !report.cuda_problem.empty() ? report.cuda_problem
                          : report.devices.size() > 1  ? "Devices here: " + known
                                                       : "There is no NVIDIA GPU here";
  fail("no-device", {.file = "--device"},
       fmt::format("the device {} cannot be used. {}. Driver found: {}; required: {} or newer",
                   wanted, why, report.driver_found.empty() ? "none" : report.driver_found,
                   kRequiredDriver),
       "Use --device cpu, or --device auto");
}

}  // namespace

std::string driver_version() {
  const std::string version = driver_version_of_kernel_module();
  return version.empty() ? driver_version_of_nvml() : version;
}

bool is_older_version(const std::string& version, const std::string& than) {
  return version_parts(version) < version_parts(than);
}

DeviceReport device_report() {
  DeviceReport report;
  report.devices.push_back(cpu_info());
  report.driver_found = driver_version();
  report.driver_required = kRequiredDriver;
  report.torch_version = TORCH_VERSION;
#ifdef PARADIGM_TORCH_CUDA
  report.built_for_cuda = true;
#endif
  const bool driver_is_usable =
      !report.driver_found.empty() && !is_older_version(report.driver_found, kRequiredDriver);
  std::vector<DeviceInfo> found;
  if (driver_is_usable) found = cuda_devices();
  report.cuda_problem = cuda_problem_of(report, !found.empty());
  report.devices.insert(report.devices.end(), found.begin(), found.end());
  report.automatic = automatic_device(report.devices).id;
  if (!found.empty() && report.automatic == "cpu") report.cuda_problem = found.front().limits;
  return report;
}

void judge_capability(DeviceInfo& info, int major, int minor) {
  const std::string is = fmt::format("{} has compute capability {}.{}", info.name, major, minor);
  info.usable = std::pair(major, minor) >= std::pair(7, 5);
  info.has_kernels = kHasKernels && major >= kLeastMajorOfKernels;
  if (!info.usable) {
    info.limits = is + ", LibTorch for CUDA 13 needs 7.5 or newer";
  } else if (!kHasKernels) {
    info.limits = "this build has no CUDA kernels";
  } else if (!info.has_kernels) {
    info.limits = fmt::format(
        "{}, our kernels need {}.0 or newer: the plain model runs by ATen's "
        "operators, simulated layers do not run",
        is, kLeastMajorOfKernels);
  }
}

ChosenDevice choose_device(const DeviceReport& report, const std::string& wanted,
                           bool is_transformed) {
  const bool is_automatic = wanted == "auto" || wanted.empty();
  std::string id = is_automatic ? report.automatic : wanted == "cuda" ? "cuda:0" : wanted;
  const DeviceInfo* info = find_device(report, id);
  if (info == nullptr) fail_without_cuda(wanted, report);
  if (!info->usable) {
    fail("no-device", {.file = "--device"},
         fmt::format("the device {} cannot be used: {}", id, info->limits),
         "Use --device cpu, or --device auto");
  }
  const bool lacks_kernels = is_transformed && !info->has_kernels;
  if (lacks_kernels && !is_automatic) {
    fail("transform-on-cuda", {.file = "--device"},
         fmt::format("a transformed model cannot run on {}: {}", id, info->limits),
         std::string(kHasKernels ? "Use" : "Build with an nvcc 13 (scripts/setup --cuda on), use") +
             " --device cpu, or --transform_config none for the plain model on CUDA");
  }
  ChosenDevice chosen;
  if (lacks_kernels) {
    chosen.note = "--device auto goes on with the CPU: " + info->limits;
    info = &report.devices.front();
  } else if (is_automatic && id == "cpu") {
    chosen.note = report.cuda_problem.empty()
                      ? "--device auto goes on with the CPU"
                      : "--device auto goes on with the CPU. " + report.cuda_problem;
  } else {
    if (is_automatic) chosen.note = "--device auto takes " + id;
    if (!info->limits.empty()) chosen.note += (is_automatic ? ". " : "") + info->limits;
  }
  chosen.device = c10::Device(info->id);
  chosen.id = info->id;
  chosen.name = info->name;
  return chosen;
}

namespace {

/// One range of addresses that grows, for all that a stream or a pool of graphs allocates: whatever
/// one shape of step leaves there the next one can use, where pieces of the former's sizes would
/// stay in reserve. A setting of the user's stands.
void let_cuda_memory_grow() {
#ifdef PARADIGM_TORCH_CUDA
  for (const char* name : {"PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"}) {
    if (std::getenv(name) != nullptr) return;
  }
  c10::CachingAllocator::setAllocatorSettings("expandable_segments:True");
#endif
}

}  // namespace

ChosenDevice choose_device(const std::string& wanted, bool is_transformed) {
  ChosenDevice chosen = choose_device(device_report(), wanted, is_transformed);
  if (chosen.device.is_cuda()) let_cuda_memory_grow();
  return chosen;
}

void set_full_determinism(bool is_wanted) {
  at::Context& context = at::globalContext();
  context.setDeterministicAlgorithms(is_wanted, /*warn_only=*/false);
  context.setDeterministicFillUninitializedMemory(false);
}

void release_kept_memory() {
#ifdef PARADIGM_TORCH_CUDA
  c10::cuda::CUDACachingAllocator::emptyCache();
#endif
}

std::int64_t memory_in_use(c10::Device device) {
#ifdef PARADIGM_TORCH_CUDA
  if (device.is_cuda()) {
    const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(device.index());
    return stats.allocated_bytes[0].current;
  }
#endif
  static_cast<void>(device);
  std::ifstream file("/proc/self/statm");
  std::int64_t pages = 0;
  std::int64_t resident = 0;
  file >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace engine
