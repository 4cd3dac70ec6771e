// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/random_bitflip/bit_flip_linear.h"
#include "engine/paradigms/random_bitflip/bit_flip_probe.h"
#include "engine/transform/paradigm.h"

#include <memory>
#include <utility>

namespace engine {
namespace {

class RandomBitflip final : public Paradigm {
 public:
  std::string id() const override { return "random_bitflip"; }

  std::unique_ptr<LinearLayer> replace(std::unique_ptr<LinearLayer> original,
                                       const ParamValues& values,
                                       const ReplaceContext& context) const override {
    const auto options = random_bitflip::bit_flip_options(values);
    return std::make_unique<random_bitflip::BitFlipLinear>(std::move(original), options,
                                                           context.run_seed);
  }

  std::unique_ptr<ParadigmProbe> probe() const override {
    return std::make_unique<random_bitflip::BitFlipProbe>();
  }
};

}  // namespace

std::shared_ptr<Paradigm> make_random_bitflip() { return std::make_shared<RandomBitflip>(); }

}  // namespace engine
