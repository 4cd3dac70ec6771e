// SPDX-License-Identifier: GPL-3.0-or-later
// The matrix unit of Hopper (wgmma, sm_90a): four warps multiply together, B comes straight out of
// shared memory, and the warps need not wait. A and C are the fragments of mma.cuh; warp w of the
// four holds rows 16w ... 16w + 15.
#pragma once

#include <cstdint>

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define PARADIGM_HAS_WGMMA
#endif

#ifdef PARADIGM_HAS_WGMMA

namespace kernels::device::warpgroup {

/// Before the first product of a batch: registers and shared memory are as written.
__device__ inline void begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
/// Until all products are done.
__device__ inline void wait() { asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory"); }

/// Keeps the compiler from moving a use of sums across this place.
template <int eights>
__device__ void pin(float (&c)[eights][4]) {
#pragma unroll
  for (int i = 0; i < eights; ++i) {
    asm volatile("" : "+f"(c[i][0]), "+f"(c[i][1]), "+f"(c[i][2]), "+f"(c[i][3])::"memory");
  }
}

/// Keeps an operand in its registers up to this place.
__device__ inline void keep(const std::uint32_t (&a)[4]) {
  asm volatile("" ::"r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]) : "memory");
}

/// What this thread copied into shared memory is there for the matrix unit, behind a barrier.
__device__ inline void publish_copies() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/// Describes rows of `row_bytes` (64 or 128): 16-byte chunks are swizzled over the whole row,
/// groups of eight rows follow each other. `unit`: 1/16 of the address of a row whose number is a
/// multiple of 8, plus 2 for each 16 columns that are skipped.
template <int row_bytes>
__device__ std::uint64_t matrix(std::uint32_t unit) {
  static_assert(row_bytes == 64 || row_bytes == 128);
  constexpr std::uint32_t kSwizzle = row_bytes == 128 ? 1 : 2;
  constexpr std::uint32_t kEightRows = 8 * row_bytes / 16;
  return std::uint64_t{kSwizzle << 30 | kEightRows} << 32 | (unit + (kEightRows << 16));
}

// clang-format off
#define PARADIGM_WGMMA_32(type) \
  asm volatile( \
      "{\n.reg .pred p;\nsetp.ne.b32 p, %21, 0;\n" \
      "wgmma.mma_async.sync.aligned.m64n32k16.f32." type "." type " " \
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15}, " \
      "{%16, %17, %18, %19}, %20, p, 1, 1, %22;\n}\n" \
      : "+f"(c[0][0]), "+f"(c[0][1]), "+f"(c[0][2]), "+f"(c[0][3]), \
        "+f"(c[1][0]), "+f"(c[1][1]), "+f"(c[1][2]), "+f"(c[1][3]), \
        "+f"(c[2][0]), "+f"(c[2][1]), "+f"(c[2][2]), "+f"(c[2][3]), \
        "+f"(c[3][0]), "+f"(c[3][1]), "+f"(c[3][2]), "+f"(c[3][3]) \
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(adds), "n"(transposed ? 1 : 0))
#define PARADIGM_WGMMA_64(type) \
  asm volatile( \
      "{\n.reg .pred p;\nsetp.ne.b32 p, %37, 0;\n" \
      "wgmma.mma_async.sync.aligned.m64n64k16.f32." type "." type " " \
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, " \
      "{%32, %33, %34, %35}, %36, p, 1, 1, %38;\n}\n" \
      : "+f"(c[0][0]), "+f"(c[0][1]), "+f"(c[0][2]), "+f"(c[0][3]), \
        "+f"(c[1][0]), "+f"(c[1][1]), "+f"(c[1][2]), "+f"(c[1][3]), \
        "+f"(c[2][0]), "+f"(c[2][1]), "+f"(c[2][2]), "+f"(c[2][3]), \
        "+f"(c[3][0]), "+f"(c[3][1]), "+f"(c[3][2]), "+f"(c[3][3]), \
        "+f"(c[4][0]), "+f"(c[4][1]), "+f"(c[4][2]), "+f"(c[4][3]), \
        "+f"(c[5][0]), "+f"(c[5][1]), "+f"(c[5][2]), "+f"(c[5][3]), \
        "+f"(c[6][0]), "+f"(c[6][1]), "+f"(c[6][2]), "+f"(c[6][3]), \
        "+f"(c[7][0]), "+f"(c[7][1]), "+f"(c[7][2]), "+f"(c[7][3]) \
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(adds), "n"(transposed ? 1 : 0))
// clang-format on

/// C [64, 8 eights] = A [64, 16] B, plus C if `adds`. B is [columns, 16] in memory, or with
/// `transposed` [16, columns].
template <bool transposed, int eights>
__device__ void multiply_fp16(float (&c)[eights][4], const std::uint32_t (&a)[4], std::uint64_t b,
                              int adds) {
  static_assert(eights == 4 || eights == 8);
  if constexpr (eights == 4) {
    PARADIGM_WGMMA_32("f16");
  } else {
    PARADIGM_WGMMA_64("f16");
  }
}
template <bool transposed, int eights>
__device__ void multiply_bf16(float (&c)[eights][4], const std::uint32_t (&a)[4], std::uint64_t b,
                              int adds) {
  static_assert(eights == 4 || eights == 8);
  if constexpr (eights == 4) {
    PARADIGM_WGMMA_32("bf16");
  } else {
    PARADIGM_WGMMA_64("bf16");
  }
}

#undef PARADIGM_WGMMA_32
#undef PARADIGM_WGMMA_64

}  // namespace kernels::device::warpgroup

#endif
