// SPDX-License-Identifier: GPL-3.0-or-later
// The optical transformer as a paradigm: which layer becomes what.
#include "engine/paradigms/optical_transformer/optical_attention.h"
#include "engine/paradigms/optical_transformer/optical_linear.h"
#include "engine/paradigms/optical_transformer/optical_probe.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"
#include "engine/transform/paradigm.h"

#include <memory>
#include <utility>

namespace engine {
namespace {

class OpticalTransformer final : public Paradigm {
 public:
  std::string id() const override { return "optical_transformer"; }

  std::unique_ptr<LinearLayer> replace(std::unique_ptr<LinearLayer> original,
                                       const ParamValues& values,
                                       const ReplaceContext& context) const override {
    const auto options = optical_transformer::optical_options(values);
    if (!options.bypass) {
      optical_transformer::require_kernels(original->weight().device(), original->name());
    }
    return std::make_unique<optical_transformer::OpticalLinear>(std::move(original), options,
                                                                context.run_seed);
  }

  std::unique_ptr<AttentionCore> replace(std::unique_ptr<AttentionCore> original,
                                         const ParamValues& values,
                                         const ReplaceContext& context) const override {
    const auto options = optical_transformer::optical_options(values);
    if (!options.bypass) optical_transformer::require_kernels(context.device, original->name());
    return std::make_unique<optical_transformer::OpticalAttention>(
        std::move(original), options, context.run_seed, context.device);
  }

  std::unique_ptr<ParadigmProbe> probe() const override {
    return std::make_unique<optical_transformer::OpticalProbe>();
  }
};

}  // namespace

std::shared_ptr<Paradigm> make_optical_transformer() {
  return std::make_shared<OpticalTransformer>();
}

}  // namespace engine
