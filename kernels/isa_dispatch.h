// SPDX-License-Identifier: GPL-3.0-or-later
// One loop, compiled for several instruction sets, chosen at run time by what the processor has.
// Contraction is off in this library and every loop keeps its order of operations, so all versions
// give the same bits.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#define PARADIGM_X86 1
#define PARADIGM_TARGET_AVX2 __attribute__((target("avx2")))
#define PARADIGM_TARGET_AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")))
#endif
#define PARADIGM_ALWAYS_INLINE inline __attribute__((always_inline))

namespace kernels {

enum class Isa { generic, avx2, avx512 };

/// The best of the three that this processor runs. PARADIGM_ISA=generic|avx2 in the environment
/// lowers it, for tests.
Isa processor_isa();

}  // namespace kernels

/// Defines `name parameters` from the always-inline function `name##_body`, compiled once for each
/// instruction set.
#ifdef PARADIGM_X86
#define PARADIGM_DISPATCH(result, name, parameters, arguments)                             \
  namespace {                                                                              \
  PARADIGM_TARGET_AVX512 result name##_avx512 parameters { return name##_body arguments; } \
  PARADIGM_TARGET_AVX2 result name##_avx2 parameters { return name##_body arguments; }     \
  }                                                                                        \
  result name parameters {                                                                 \
    switch (processor_isa()) {                                                             \
      case Isa::avx512:                                                                    \
        return name##_avx512 arguments;                                                    \
      case Isa::avx2:                                                                      \
        return name##_avx2 arguments;                                                      \
      case Isa::generic:                                                                   \
        break;                                                                             \
    }                                                                                      \
    return name##_body arguments;                                                          \
  }
#else
#define PARADIGM_DISPATCH(result, name, parameters, arguments) \
  result name parameters { return name##_body arguments; }
#endif
