// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/isa_dispatch.h"

#include <cstdlib>
#include <string_view>

namespace kernels {
namespace {

Isa detect() {
  Isa isa = Isa::generic;
#ifdef PARADIGM_X86
  if (__builtin_cpu_supports("avx2")) isa = Isa::avx2;
  if (isa == Isa::avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    isa = Isa::avx512;
  }
#endif
  const char* wish = std::getenv("PARADIGM_ISA");
  if (wish == nullptr) return isa;
  if (std::string_view(wish) == "generic") return Isa::generic;
  if (std::string_view(wish) == "avx2" && isa == Isa::avx512) return Isa::avx2;
  return isa;
}

}  // namespace

Isa processor_isa() {
  static const Isa isa = detect();
  return isa;
}

}  // namespace kernels
