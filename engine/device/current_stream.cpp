// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/current_stream.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace engine {

kernels::Stream current_stream(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return {};
  const c10::impl::VirtualGuardImpl device(tensor.device().type());
  return {device.getStreamNativeHandle(device.getStream(tensor.device()))};
}

}  // namespace engine
