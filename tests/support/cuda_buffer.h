// SPDX-License-Identifier: GPL-3.0-or-later
// Device memory in tests, and the reason why a test that needs a device did not run.
#pragma once

#ifdef PARADIGM_WITH_CUDA

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

namespace tests {

inline bool has_device() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

template <typename T>
class CudaBuffer {
 public:
  explicit CudaBuffer(std::size_t count) : count_(count) {
    EXPECT_EQ(cudaMalloc(&data_, count * sizeof(T) + 64), cudaSuccess);
  }
  explicit CudaBuffer(const std::vector<T>& host) : CudaBuffer(host.size()) {
    EXPECT_EQ(cudaMemcpy(data_, host.data(), count_ * sizeof(T), cudaMemcpyHostToDevice),
              cudaSuccess);
  }
  ~CudaBuffer() { cudaFree(data_); }
  CudaBuffer(const CudaBuffer&) = delete;
  CudaBuffer& operator=(const CudaBuffer&) = delete;

  T* data() const { return static_cast<T*>(data_); }
  std::vector<T> host() const {
    std::vector<T> values(count_);
    EXPECT_EQ(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost),
              cudaSuccess);
    return values;
  }

 private:
  std::size_t count_;
  void* data_ = nullptr;
};

}  // namespace tests

#define SKIP_WITHOUT_DEVICE() \
  if (!tests::has_device()) GTEST_SKIP() << "no CUDA device"

#endif
